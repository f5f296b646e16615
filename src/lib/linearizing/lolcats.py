"""The two-stage baseline: feature maps that learn to imitate softmax attention, then low-rank adapters.

    o_t = phi(q_t) sum_u phi(k_u)^T v_u / (phi(q_t) . sum_u phi(k_u)),   phi(x) = [softmax(x M), softmax(-x M)]

of rotated queries and keys (Zhang et al. 2025, LoLCATs). In stage one the maps M alone learn, `transfer_loss` is their
loss; in stage two they are frozen, and `add_adapters(model, train_new=False)` trains as for Liger.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from lib.linearizing.attention import LigerAttention, rotate
from lib.linearizing.convert import linearize, new_parameters
from lib.linearizing.window import window_attention

# normalised linear attention of rotated queries and keys with learned maps, as settings of `linearize`
LOLCATS = {"form": "normalised", "feature_map": "learned", "rotary_features": True}


def linearize_lolcats(model: nn.Module, *, window: int | None = None, seed: int = 0) -> nn.Module:
    """Replace attention by normalised linear attention with learned feature maps, in place; the maps alone can train.

    Args:
        model: as of `linearize`.
        window: tokens of a softmax window beside it, both halves with weight 1/2; None: no window.
        seed: of the maps.
    """
    halves = {"mix": (1.0, 0.0)} if window is None else {"mix": (0.5, 0.5), "window": window}
    linearize(model, seed=seed, **LOLCATS, **halves)
    return train_new_alone(model)


def train_new_alone(model: nn.Module) -> nn.Module:
    """Freeze a linearized model except for the parameters that the softmax model does not have."""
    model.requires_grad_(False)
    for parameter in new_parameters(model):
        parameter.requires_grad_(True)
    return model


def transfer_loss(model: nn.Module, tokens: Tensor) -> Tensor:
    """Mean squared error between linearized attention and the softmax attention that it replaced, mean over layers.

    Every layer is given the hidden states of the softmax model, and outputs are compared before the output map.

    Args:
        model: linearized, all layers of it.
        tokens: `(B, T)`, without padding.

    Raises:
        ValueError: layers that were left as they are.
    """
    decoder = model.get_decoder()
    if not all(isinstance(layer.self_attn, LigerAttention) for layer in decoder.layers):
        raise ValueError("model: got layers of softmax attention, expected all layers linearized")
    with torch.no_grad():
        hidden = decoder.embed_tokens(tokens)
        places = decoder.rotary_emb(hidden, torch.arange(tokens.shape[1], device=tokens.device)[None])
    losses = []
    for layer in decoder.layers:
        attention = layer.self_attn
        with torch.no_grad():
            inputs = layer.input_layernorm(hidden)
            q, k, v = attention.project(inputs)
            target = softmax_heads(q, k, v, places, attention.scaling)
            hidden = hidden + attention.o_proj(target.flatten(2))
            hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
        o = attention.attend(q, k, v, places, attention.gate_logits(inputs, q, v))
        losses.append(functional.mse_loss(o.float(), target.float()))
    return torch.stack(losses).mean()


def softmax_heads(q: Tensor, k: Tensor, v: Tensor, places: tuple[Tensor, Tensor], scale: float) -> Tensor:
    """Causal softmax attention over all keys: `(B, T, H, D)` of queries and keys without rotary positions."""
    q, k = (rotate(x, *places) for x in (q, k))
    return window_attention(q, k, v, q.shape[1], scale=scale)
