"""One token of Mamba-3."""

import torch
from torch import Tensor

from kernels.arguments import choose_step_backend, state_type
from kernels.mamba3.inputs import check_inputs, check_state
from kernels.mamba3.recurrent import recurrent_scan
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

    def token(value: Tensor | None) -> Tensor | None:
        return None if value is None else value[:, None]

    inputs = check_inputs(
        *(token(value) for value in (C, B, x, log_decay, dt, trap, angles)), C_bias, B_bias, D, token(z), mimo
    )
    check_state(state, inputs.sizes, len(x))
    if backend == "triton":
        from kernels.mamba3.fused_decode import fused_step

        return fused_step(inputs, state)
    kind = state_type(x.dtype)
    with torch.autocast(x.device.type, enabled=False):  # halves are computed in float32
        y, new = recurrent_scan(inputs.to(kind), state.to(kind))
    return y[:, 0].to(x.dtype), Mamba3State(*(part.to(old.dtype) for part, old in zip(new, state)))
