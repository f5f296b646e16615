"""The recurrence that defines the gated delta rule."""

import torch
from torch import Tensor


def step(
    S: Tensor, q: Tensor, k: Tensor, v: Tensor, beta: Tensor, log_decay: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    """One token; arguments as `gated_delta_step` takes them."""
    S = torch.exp(log_decay)[..., None, None] * S
    write = beta[..., None] * (v - (k[..., None, :] @ S)[..., 0, :])
    S = S + k[..., :, None] * write[..., None, :]
    return scale * (q[..., None, :] @ S)[..., 0, :], S


def recurrent_gated_delta_rule(
    q: Tensor, k: Tensor, v: Tensor, beta: Tensor, log_decay: Tensor, S: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    """Outputs `[B,T,H,E]` and the memory after the last token, token by token in the type of the inputs; T >= 1."""
    outputs = []
    for t in range(q.shape[1]):
        o, S = step(S, q[:, t], k[:, t], v[:, t], beta[:, t], log_decay[:, t], scale)
        outputs.append(o)
    return torch.stack(outputs, 1), S
