"""One token of the gated delta rule."""

import torch
from torch import Tensor

from kernels.arguments import check_shape, choose_step_backend
from kernels.gated_delta.recurrent import step

BACKENDS = ("auto", "recurrent")


def gated_delta_step(
    state: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    beta: Tensor,
    log_decay: Tensor,
    *,
    scale: float = 1.0,
    backend: str = "auto",
) -> tuple[Tensor, Tensor]:
    """One token of the gated delta rule.

    Args:
        state: memory `[B,H,D,E]`.
        q, k: `[B,H,D]`.
        v: `[B,H,E]`.
        beta, log_decay: `[B,H]`.
        scale: factor of the output.
        backend: `recurrent` or `auto`, which are the same.

    Returns:
        The output `[B,H,E]` and the memory after the token.

    Raises:
        ValueError: shapes that do not fit, or an unknown backend.
    """
    check_shape("k", k, tuple(q.shape))
    check_shape("v", v, (*q.shape[:-1], *v.shape[-1:]))
    check_shape("state", state, (*q.shape, v.shape[-1]))
    for name, value in (("beta", beta), ("log_decay", log_decay)):
        check_shape(name, value, tuple(q.shape[:2]))
    choose_step_backend(backend, BACKENDS, state)
    kind = state.dtype
    with torch.autocast(q.device.type, enabled=False):  # arithmetic is in the type of the state
        o, state = step(state, *(x.to(kind) for x in (q, k, v, beta, log_decay)), scale)
    return o.to(v.dtype), state
