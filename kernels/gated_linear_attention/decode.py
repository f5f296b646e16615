"""One token of gated linear attention."""

import torch
from torch import Tensor

from kernels.arguments import check_shape, choose_step_backend
from kernels.gated_linear_attention.recurrent import step

BACKENDS = ("auto", "recurrent", "triton")


def gated_linear_attention_step(
    state: Tensor, q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, *, scale: float = 1.0, backend: str = "auto"
) -> tuple[Tensor, Tensor]:
    """One token: S <- diag(exp(log_decay)) S + k^T v, o = scale q S.

    Args:
        state: `[B, H, D, E]`.
        q, k, log_decay: `[B, H, D]`.
        v: `[B, H, E]`.
        scale: factor of the output.
        backend: `recurrent`, `triton` (one kernel, no gradients), or `auto`: Triton on CUDA where no gradient is asked
            for and the state is not float64.

    Returns:
        The output `[B, H, E]` in the type of `v`, and the new state in the type of `state`.

    Raises:
        ValueError: shapes that do not fit, an unknown backend, or Triton where it cannot run.
    """
    check_shape("k", k, tuple(q.shape))
    check_shape("v", v, (*q.shape[:-1], *v.shape[-1:]))
    check_shape("log_decay", log_decay, tuple(q.shape))
    check_shape("state", state, (*q.shape, v.shape[-1]))
    if choose_step_backend(backend, BACKENDS, state, q, k, v, log_decay) == "recurrent":
        with torch.autocast(q.device.type, enabled=False):  # arithmetic is in the type of the state
            o, state = step(state, *(x.to(state.dtype) for x in (q, k, v, log_decay)), scale)
        return o.to(v.dtype), state
    from kernels.gated_linear_attention.fused_decode import fused_step

    return fused_step(state, q, k, v, log_decay, float(scale))
