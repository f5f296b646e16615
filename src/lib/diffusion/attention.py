"""Consistent light attention: self-attention with a second stream of keys and values averaged over frames.

For one layer, guidance half g, frame f and averages kbar, vbar over the frames of g (Zhou et al. 2025, authors' code)

    o = (1 - gamma) Attn(q, k, v) + gamma Attn(q, kbar, vbar).

All frames of a group share kbar and vbar, so their queries are folded into one long sequence: one call of the
attention kernel, and nothing is copied for each frame.
"""

import re
import warnings
from collections.abc import Callable

import torch
from torch.nn.functional import scaled_dot_product_attention


def consistent_light_attention(q, k, v, gamma: float, groups: int) -> torch.Tensor:
    """Attention mixed with attention to keys and values averaged over frames.

    Args:
        q, k, v: (groups * frames, heads, N, d), the frames of a group next to each other.
        gamma: weight of the averaged stream, in [0, 1].
        groups: sets of frames that are averaged, guidance halves times clips.

    Returns:
        (groups * frames, heads, N, d).

    Raises:
        ValueError: a batch that is not divisible by `groups`.
    """
    batch, heads, n, d = q.shape
    if batch % groups:
        raise ValueError(f"groups: got {groups} for a batch of {batch}, expected a divisor")
    frames = batch // groups
    if gamma == 0:
        return scaled_dot_product_attention(q, k, v)
    mean_k, mean_v = (x.view(groups, frames, heads, n, d).mean(1) for x in (k, v))
    folded = q.view(groups, frames, heads, n, d).transpose(1, 2).reshape(groups, heads, frames * n, d)
    shared = scaled_dot_product_attention(folded, mean_k, mean_v)
    shared = shared.view(groups, heads, frames, n, d).transpose(1, 2).reshape(batch, heads, n, d)
    if gamma == 1:
        return shared
    return torch.lerp(scaled_dot_product_attention(q, k, v), shared, gamma)


class ConsistentLightAttnProcessor:
    """Attention processor of diffusers for consistent light attention in a self-attention layer.

    Args:
        gamma: weight of the averaged stream, in [0, 1].
        groups: guidance halves times clips in the batch; the frames of a group are next to each other.

    Raises:
        ValueError: gamma outside [0, 1] or no group.
    """

    def __init__(self, gamma: float, groups: int = 2):
        if not 0 <= gamma <= 1:
            raise ValueError(f"gamma: got {gamma}, expected a number in [0, 1]")
        if groups < 1:
            raise ValueError(f"groups: got {groups}, expected at least 1")
        self.gamma = gamma
        self.groups = groups

    def __call__(
        self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None, *args, **kwargs
    ) -> torch.Tensor:
        """Attend; shapes and the order of norms, projections and residual are those of `AttnProcessor2_0`."""
        if encoder_hidden_states is not None:
            raise ValueError("encoder_hidden_states: got a tensor, expected None (self-attention)")
        if attention_mask is not None:
            raise ValueError("attention_mask: got a mask, expected None")
        if hidden_states.shape[0] == self.groups:
            warnings.warn("one frame in each group: consistent light attention changes nothing", stacklevel=2)
        residual = hidden_states
        if attn.spatial_norm is not None:
            hidden_states = attn.spatial_norm(hidden_states, temb)
        shape = hidden_states.shape
        if len(shape) == 4:
            hidden_states = hidden_states.flatten(2).transpose(1, 2)
        if attn.group_norm is not None:
            hidden_states = attn.group_norm(hidden_states.transpose(1, 2)).transpose(1, 2)
        q, k, v = (
            projection(hidden_states).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for projection in (attn.to_q, attn.to_k, attn.to_v)
        )
        if attn.norm_q is not None:
            q = attn.norm_q(q)
        if attn.norm_k is not None:
            k = attn.norm_k(k)
        out = consistent_light_attention(q, k, v, self.gamma, self.groups)
        out = out.transpose(1, 2).flatten(2).to(q.dtype)
        for layer in attn.to_out:
            out = layer(out)
        if len(shape) == 4:
            out = out.transpose(1, 2).reshape(shape)
        if attn.residual_connection:
            out = out + residual
        return out / attn.rescale_output_factor


def paper_layers(model) -> Callable[[str], bool]:
    """The layers that the paper makes consistent, as a predicate on module names.

    In U-Nets the self-attentions of the first three up blocks, so none at Stable Diffusion's highest resolution. In
    transformers all self-attentions.
    """
    pattern = r"up_blocks\.[012]\..*attn1" if hasattr(model, "up_blocks") else r".*attn1"
    return re.compile(pattern).fullmatch


def install_cla(model, gamma: float, groups: int = 2, select: Callable[[str], bool] | None = None) -> dict:
    """Put consistent light attention into the selected self-attention layers of a diffusers model.

    Args:
        model: a U-Net or transformer made of diffusers' `Attention` layers.
        gamma: weight of the averaged stream.
        groups: guidance halves times clips in a batch.
        select: predicate on module names; by default `paper_layers(model)`.

    Returns:
        The former processors by module name, for `restore_processors`.

    Raises:
        ValueError: no layer is selected.
    """
    from diffusers.models.attention_processor import Attention

    select = select or paper_layers(model)
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, Attention) and select(name)}
    if not layers:
        raise ValueError("select: got a predicate that no attention layer of the model fulfils, expected one at least")
    former = {name: layer.processor for name, layer in layers.items()}
    processor = ConsistentLightAttnProcessor(gamma, groups)
    for layer in layers.values():
        layer.set_processor(processor)
    return former


def restore_processors(model, former: dict) -> None:
    """Undo `install_cla`."""
    for name, processor in former.items():
        model.get_submodule(name).set_processor(processor)
