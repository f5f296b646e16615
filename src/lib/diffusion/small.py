"""Small diffusion models of diffusers' own classes, their prompts, and their weights as arrays.

A prompt is one token, the one-hot vector of a label: with a single token, cross-attention returns its value
projection, so each layer learns an embedding of the label.
"""

import json
from collections.abc import Callable
from math import isqrt

import numpy as np
import torch
import xarray as xr

from lib.diffusion.training import alphas_cumprod

PATCH = 2


def transformer_relighter(size: int, labels: int, layers: int, heads: int, head_dim: int):
    """A diffusion transformer that takes the noisy image and the frame to relight, six channels, patches of 2.

    Self-attention is its only path between patches. Label `labels` is the empty prompt. Feed-forward layers use SiLU:
    diffusers' usual GELU by tanh takes a CPU four times as long, longer than the matrix product before it.

    Args:
        size: pixels along each side.
        labels: number of labels, without the empty one.
        layers, heads, head_dim: of the transformer.

    Returns:
        A `DiTTransformer2DModel`.
    """
    from diffusers import DiTTransformer2DModel

    return DiTTransformer2DModel(
        sample_size=size,
        patch_size=PATCH,
        in_channels=6,
        out_channels=3,
        num_layers=layers,
        norm_num_groups=1,
        num_attention_heads=heads,
        attention_head_dim=head_dim,
        num_embeds_ada_norm=labels,
        activation_fn="linear-silu",
    )


def image_unet(
    size: int, labels: int, channels: list[int], heads: int, patch: int = PATCH, attention_everywhere: bool = True
):
    """A U-Net on the channels of square patches.

    Args:
        size: pixels along each side.
        labels: length of the one-hot prompt.
        channels: width of each resolution, multiples of 8.
        heads: attention heads.
        patch: pixels along each side of a patch.
        attention_everywhere: self- and cross-attention in every block, or in the middle one alone.

    Returns:
        A `UNet2DConditionModel` for samples of (3 patch^2, size / patch, size / patch).
    """
    from diffusers import UNet2DConditionModel

    latent = 3 * patch**2
    kind = "CrossAttn" if attention_everywhere else ""
    return UNet2DConditionModel(
        sample_size=size // patch,
        in_channels=latent,
        out_channels=latent,
        block_out_channels=tuple(channels),
        down_block_types=(f"{kind}DownBlock2D",) * len(channels),
        up_block_types=(f"{kind}UpBlock2D",) * len(channels),
        layers_per_block=1,
        norm_num_groups=8,
        cross_attention_dim=labels,
        attention_head_dim=heads,
    )


def motion_unet(base, frames: int, heads: int):
    """A video U-Net: the image U-Net `base` and a fresh motion adapter (temporal attention at every level).

    Args:
        base: a `UNet2DConditionModel`.
        frames: longest clip.
        heads: heads of the temporal attention.

    Returns:
        A `UNetMotionModel` for samples of (B, C, F, h, w).
    """
    from diffusers import MotionAdapter, UNetMotionModel

    adapter = MotionAdapter(
        block_out_channels=base.config.block_out_channels,
        motion_layers_per_block=base.config.layers_per_block,
        motion_num_attention_heads=heads,
        motion_norm_num_groups=base.config.norm_num_groups,
        motion_max_seq_length=frames,
    )
    return UNetMotionModel.from_unet2d(base, adapter)


def widen_input(unet, channels: int):
    """Give the first convolution of a U-Net more input channels, with weights zero, in place (IC-Light).

    Args:
        unet: a model with `conv_in`.
        channels: new number of input channels.

    Returns:
        The same model.

    Raises:
        ValueError: fewer channels than the model has.
    """
    old = unet.conv_in
    if channels < old.in_channels:
        raise ValueError(f"channels: got {channels}, expected at least {old.in_channels}")
    new = torch.nn.Conv2d(channels, old.out_channels, old.kernel_size, old.stride, old.padding)
    with torch.no_grad():
        new.weight.zero_()
        new.weight[:, : old.in_channels] = old.weight
        new.bias.copy_(old.bias)
    unet.conv_in = new.to(old.weight.dtype).to(old.weight.device)
    unet.register_to_config(in_channels=channels)
    return unet


def to_arrays(model) -> xr.Dataset:
    """A diffusers model as a Dataset: one variable for each parameter or buffer, configuration in the attributes."""
    config = {key: value for key, value in dict(model.config).items() if key != "_use_default_values"}
    state = model.state_dict()
    return xr.Dataset(
        {
            name: (tuple(f"axis{i}_{n}" for i, n in enumerate(value.shape)), value.detach().cpu().numpy())
            for name, value in state.items()
        },
        attrs={"model_class": type(model).__name__, "model_config": json.dumps(config, sort_keys=True)},
    )


def from_arrays(dataset: xr.Dataset, device: str = "cpu"):
    """The diffusers model of a Dataset that `to_arrays` made, in evaluation mode; other variables must be dropped.

    Raises:
        ValueError: another Dataset, or arrays that do not fit the model.
    """
    import diffusers

    if "model_class" not in dataset.attrs:
        raise ValueError("dataset: got no attribute model_class, expected a dataset that to_arrays made")
    cls = getattr(diffusers, dataset.attrs["model_class"])
    model = cls.from_config(json.loads(dataset.attrs["model_config"]))
    state = {str(name): torch.from_numpy(np.array(dataset[name].values)) for name in dataset.data_vars}
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"dataset: {' '.join(str(error).split())}") from None
    return model.eval().to(device)


def one_hot_prompt(label: torch.Tensor, labels: int) -> torch.Tensor:
    """Prompts (B, 1, labels) of labels (B,)."""
    return torch.nn.functional.one_hot(label, labels).float()[:, None]


def patches(images: torch.Tensor, patch: int = PATCH) -> torch.Tensor:
    """Square patches as channels: (..., C, H, W) to (..., p^2 C, H / p, W / p). Its inverse is `unpatches`."""
    return torch.nn.functional.pixel_unshuffle(images, patch)


def unpatches(latents: torch.Tensor, patch: int = PATCH) -> torch.Tensor:
    """Images (..., C, H, W) from their patches as channels; the inverse of `patches`."""
    return torch.nn.functional.pixel_shuffle(latents, patch)


def video_patches(video: torch.Tensor, patch: int = PATCH) -> torch.Tensor:
    """Videos (B, F, 3, H, W) as samples of a `motion_unet`, (B, 3 p^2, F, H / p, W / p)."""
    return patches(video, patch).transpose(1, 2)


def video_unpatches(latents: torch.Tensor, patch: int = PATCH) -> torch.Tensor:
    """Videos (B, F, 3, H, W) from samples of a `motion_unet`; the inverse of `video_patches`."""
    return unpatches(latents.transpose(1, 2), patch)


def patch_of(model) -> int:
    """Pixels along each side of the patches that a U-Net returns."""
    return isqrt(model.config.out_channels // 3)


def empty_prompt(model) -> int:
    """Label of the empty prompt: the last one."""
    if type(model).__name__ == "DiTTransformer2DModel":
        return model.config.num_embeds_ada_norm
    return model.config.cross_attention_dim - 1


def label_model(model) -> Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]:
    """A model's v as a function of samples (B, ...), levels (B,) or scalar, and labels (B,).

    Image models return v. A video model returns the clean clip z, so that it need not carry the noise, and
    v = (a x - z) / s with a^2 = abar_t, s^2 = 1 - abar_t.
    """
    if type(model).__name__ == "DiTTransformer2DModel":

        def call(x, t, label):
            return model(x, timestep=t.expand(len(x)), class_labels=label, return_dict=False)[0]

    else:
        labels = model.config.cross_attention_dim
        video = type(model).__name__ == "UNetMotionModel"
        abar = alphas_cumprod()

        def call(x, t, label):
            prompt = one_hot_prompt(label, labels)
            if not video:
                return model(x, t, encoder_hidden_states=prompt, return_dict=False)[0]
            prompt = prompt.repeat_interleave(x.shape[2], dim=0)
            clean = model(x, t, encoder_hidden_states=prompt, return_dict=False)[0]
            level = abar[t.long().cpu()].to(x).view(-1, 1, 1, 1, 1)
            return (level.sqrt() * x - clean) / (1 - level).sqrt()

    return call


def guided(
    call: Callable, label: torch.Tensor, empty: int, guidance: float
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Classifier-free guidance u + guidance (c - u), the empty prompt's half first; guidance 1 runs c alone.

    Args:
        call: see `label_model`.
        label: (B,).
        empty: label of the empty prompt.
        guidance: scale.
    """
    if guidance == 1:
        return lambda x, t: call(x, t, label)
    both = torch.cat([torch.full_like(label, empty), label])

    def denoise(x, t):
        without, with_label = call(torch.cat([x, x]), t, both).chunk(2)
        return without + guidance * (with_label - without)

    return denoise
