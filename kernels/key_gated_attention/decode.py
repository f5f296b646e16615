"""One token of key-gated attention."""

import torch
from torch import Tensor

from kernels.arguments import check_shape, choose_step_backend
from kernels.key_gated_attention.maps import damping_of
from kernels.key_gated_attention.recurrent import step

BACKENDS = ("auto", "recurrent", "triton")


def key_gated_attention_step(
    state: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    form: str = "gla",
    damping: float | None = None,
    scale: float = 1.0,
    backend: str = "auto",
) -> tuple[Tensor, Tensor]:
    """One token: S <- diag(exp(g(k))) S + key(k)^T v, o = scale softmax(q) S.

    Args:
        state: `[B, G, D, E]`.
        q: `[B, H, D]`, G dividing H.
        k: `[B, G, D]`.
        v: `[B, G, E]`.
        form, damping: as in `key_gated_attention`.
        scale: factor of the output.
        backend: `recurrent`, `triton` (one kernel, no gradients), or `auto`: Triton on CUDA where no gradient is asked
            for and the state is not float64.

    Returns:
        The output `[B, H, E]` in the type of `v`, and the new state in the type of `state`.

    Raises:
        ValueError: shapes that do not fit, an unknown form or backend, a damping that is not the form's, or Triton
            where it cannot run.
    """
    check_shape("k", k, (q.shape[0], *k.shape[1:2], *q.shape[2:]))
    check_shape("v", v, (*k.shape[:2], *v.shape[-1:]))
    check_shape("state", state, (*k.shape, v.shape[-1]))
    if q.shape[1] % k.shape[1]:
        raise ValueError(f"k shape: got {k.shape[1]} groups, expected a divisor of the {q.shape[1]} heads of q")
    damping = damping_of(form, damping)
    if choose_step_backend(backend, BACKENDS, state, q, k, v) == "recurrent":
        with torch.autocast(q.device.type, enabled=False):  # arithmetic is in the type of the state
            o, state = step(state, *(x.to(state.dtype) for x in (q, k, v)), form, damping, scale)
        return o.to(v.dtype), state
    from kernels.key_gated_attention.fused_decode import fused_step

    return fused_step(state, q, k, v, form, damping, float(scale))
