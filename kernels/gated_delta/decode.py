"""One token of the gated delta rule."""

import torch
from torch import Tensor

from kernels.arguments import check_shape, choose_step_backend
from kernels.gated_delta.recurrent import step

BACKENDS = ("auto", "recurrent", "triton")


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
        backend: `recurrent`, `triton` (one kernel, no gradients), or `auto`: Triton on CUDA where no gradient is asked
            for and the memory is not float64.

    Returns:
        The output `[B,H,E]` and the memory after the token.

    Raises:
        ValueError: shapes that do not fit, an unknown backend, or Triton where it cannot run.
    """
    check_shape("k", k, tuple(q.shape))
    check_shape("v", v, (*q.shape[:-1], *v.shape[-1:]))
    check_shape("state", state, (*q.shape, v.shape[-1]))
    for name, value in (("beta", beta), ("log_decay", log_decay)):
        check_shape(name, value, tuple(q.shape[:2]))
    if choose_step_backend(backend, BACKENDS, state, q, k, v, beta, log_decay) == "triton":
        from kernels.gated_delta.fused_decode import fused_step

        return fused_step(state, q, k, v, beta, log_decay, float(scale))
    kind = state.dtype
    with torch.autocast(q.device.type, enabled=False):  # arithmetic is in the type of the state
        o, state = step(state, *(x.to(kind) for x in (q, k, v, beta, log_decay)), scale)
    return o.to(v.dtype), state
