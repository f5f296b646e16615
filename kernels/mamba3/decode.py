"""One token of Mamba-3."""

import torch
from torch import Tensor

from kernels.arguments import choose_step_backend, state_type
from kernels.mamba3.inputs import Inputs, check_inputs, check_state
from kernels.mamba3.recurrent import merged, token
from kernels.mamba3.state import Mamba3State

BACKENDS = ("auto", "recurrent", "triton")


def mamba3_step(
    state: Mamba3State,
    C: Tensor,
    B: Tensor,
    x: Tensor,
    log_decay: Tensor,
    dt: Tensor,
    trap: Tensor,
    angles: Tensor | None = None,
    *,
    C_bias: Tensor | None = None,
    B_bias: Tensor | None = None,
    D: Tensor | None = None,
    z: Tensor | None = None,
    mimo: tuple[Tensor, Tensor, Tensor] | None = None,
    backend: str = "auto",
) -> tuple[Tensor, Mamba3State]:
    """One token of `mamba3_scan`, for decoding.

    Args:
        state: state before the token.
        C, B: `[b,G,N]` or `[b,R,G,N]`.
        x, z: `[b,H,P]`.
        log_decay, dt, trap: `[b,H]`.
        angles: `[b,S]` or `[b,A,S]`.
        C_bias, B_bias, D, mimo: as in `mamba3_scan`.
        backend: `recurrent`, `triton` (one kernel, no gradients), or `auto`: Triton on CUDA where no gradient is asked
            for and the state is not float64.

    Returns:
        y `[b,H,P]` and the state after the token.

    Raises:
        ValueError: as `mamba3_scan`.
    """
    tensors = (*state, C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, *(mimo or ()))
    backend = choose_step_backend(backend, BACKENDS, *tensors)

    def with_time(value: Tensor | None) -> Tensor | None:
        return None if value is None else value[:, None]

    inputs = check_inputs(
        *(with_time(value) for value in (C, B, x, log_decay, dt, trap, angles)), C_bias, B_bias, D, with_time(z), mimo
    )
    check_state(state, inputs.sizes, len(x))
    if backend == "triton":
        from kernels.mamba3.fused_decode import fused_step

        return fused_step(inputs, state)
    kind = state_type(x.dtype)
    with torch.autocast(x.device.type, enabled=False):  # halves are computed in float32
        y, new = _one_token(inputs.to(kind), state.to(kind))
    return y[:, 0].to(x.dtype), Mamba3State(*(part.to(old.dtype) for part, old in zip(new, state)))


def _one_token(inputs: Inputs, state: Mamba3State) -> tuple[Tensor, Mamba3State]:
    """`recurrent_scan` of one token, with both additions to the state in one product."""
    now = token(inputs, state, 0)
    weights = torch.cat((now.beta * now.rows_before, now.gamma * now.rows), 2).flatten(0, 1)
    vectors = torch.cat((state.B, now.B), 2).flatten(0, 1)
    h = torch.baddbmm((now.alpha * state.h).flatten(0, 1), weights.mT, vectors).view_as(state.h)
    return merged(inputs, now, h, 0), Mamba3State(now.angle, h, now.B, inputs.x[:, 0].clone())
