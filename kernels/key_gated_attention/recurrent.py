"""The recurrence that defines key-gated attention, one state for the query heads of a group."""

import torch
from torch import Tensor

from kernels.key_gated_attention.maps import key_maps


def step(S: Tensor, q: Tensor, k: Tensor, v: Tensor, form: str, damping: float, scale: float) -> tuple[Tensor, Tensor]:
    """One token; arguments as `key_gated_attention_step` takes them."""
    key, log_decay = key_maps(k, form, damping)
    S = torch.exp(log_decay)[..., None] * S + key[..., :, None] * v[..., None, :]
    query = torch.softmax(q, -1).unflatten(-2, (k.shape[-2], -1))
    return scale * (query @ S).flatten(-3, -2), S


def recurrent_key_gated_attention(
    q: Tensor, k: Tensor, v: Tensor, S: Tensor, form: str, damping: float, scale: float
) -> tuple[Tensor, Tensor]:
    """Outputs `[B,T,H,E]` and the state after the last token, token by token in the type of the inputs; T >= 1."""
    outputs = []
    for t in range(q.shape[1]):
        o, S = step(S, q[:, t], k[:, t], v[:, t], form, damping, scale)
        outputs.append(o)
    return torch.stack(outputs, 1), S
