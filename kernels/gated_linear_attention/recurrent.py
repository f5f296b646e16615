"""The recurrence that defines gated linear attention: S_t = diag(exp(g_t)) S_{t-1} + k_t^T v_t."""

import torch
from torch import Tensor


def step(S: Tensor, q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """One token; arguments as `gated_linear_attention_step` takes them."""
    S = torch.exp(log_decay)[..., None] * S + k[..., :, None] * v[..., None, :]
    return scale * (q[..., None, :] @ S)[..., 0, :], S


def recurrent_gated_linear_attention(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, S: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    """Outputs `[B,T,H,E]` and the state after the last token, token by token in the type of the inputs; T >= 1."""
    outputs = []
    for t in range(q.shape[1]):
        o, S = step(S, q[:, t], k[:, t], v[:, t], log_decay[:, t], scale)
        outputs.append(o)
    return torch.stack(outputs, 1), S
