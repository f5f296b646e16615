"""The recurrence that defines causal linear attention with a scalar decay: S_t = exp(a_t) S_{t-1} + k_t^T v_t."""

import torch
from torch import Tensor

from kernels.packed import scan_each


def step(state: Tensor, q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor | None) -> tuple[Tensor, Tensor]:
    """One token; arguments as `linear_attention_step` takes them, arithmetic in the type of the state."""
    kv = k.to(state.dtype).unsqueeze(-1) * v.to(state.dtype).unsqueeze(-2)
    state = state + kv if log_decay is None else torch.exp(log_decay.to(state.dtype))[..., None, None] * state + kv
    return (q.to(state.dtype).unsqueeze(-2) @ state).squeeze(-2).to(v.dtype), state


def recurrent_linear_attention(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor | None, state: Tensor, scale: float, bounds
) -> tuple[Tensor, Tensor]:
    """Linear attention token by token, in float64: the definition that every other form is checked against.

    Args:
        q, k, v, log_decay, scale: as `linear_attention` takes them, with at least one token.
        state: before the first token, one row for each sequence.
        bounds: of packed sequences, or None.

    Returns:
        Outputs and the state after the last token, in float64.
    """
    q, k, v, state = (x.double() for x in (q, k, v, state))
    log_decay = None if log_decay is None else log_decay.double()

    def scan(tokens: slice, state: Tensor) -> tuple[Tensor, Tensor]:
        outputs = []
        for t in range(*tokens.indices(q.shape[1])):
            decay = log_decay if log_decay is None or log_decay.ndim == 1 else log_decay[:, t]
            o, state = step(state, q[:, t], k[:, t], v[:, t], decay)
            outputs.append(scale * o)
        return torch.stack(outputs, 1), state

    return scan(slice(None), state) if bounds is None else scan_each(scan, bounds, state)
