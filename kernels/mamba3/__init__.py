"""Mamba-3: exponential-trapezoidal scan with data-dependent rotation, SISO and MIMO (Lahoti et al. 2026, sec. 3).

`recurrent` has the formulas. Tensors are `[b,T,H,P]` and so on, in the letters of the paper.
"""

import torch
from torch import Tensor

from kernels.arguments import bounded_log_decay, check_chunk_size, choose_backend, state_type
from kernels.mamba3.chunked import parallel_scan
from kernels.mamba3.decode import mamba3_step
from kernels.mamba3.inputs import Inputs, check_inputs, check_state
from kernels.mamba3.parts import exp_trapezoid_coeffs, rotate_pairs
from kernels.mamba3.recurrent import recurrent_scan
from kernels.mamba3.state import Mamba3State, zero_state
from kernels.packed import scan_each, sequence_bounds, sequence_count

__all__ = ["Mamba3State", "exp_trapezoid_coeffs", "mamba3_scan", "mamba3_step", "rotate_pairs", "zero_state"]

BACKENDS = ("auto", "recurrent", "quadratic", "chunked", "compiled", "triton")
SHORT = 32  # rows (tokens times R) up to which one masked product trains faster on a CPU than the compiled scan


def mamba3_scan(
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
    initial_state: Mamba3State | None = None,
    output_final_state: bool = False,
    chunk_size: int = 64,
    cu_seqlens: Tensor | None = None,
    backend: str = "auto",
) -> tuple[Tensor, Mamba3State | None]:
    """Scan of a sequence by Mamba-3's recurrence.

    Args:
        C, B: `[b,T,G,N]`, or `[b,T,R,G,N]` for rank R; a group serves H / G heads.
        x: `[b,T,H,P]`.
        log_decay: dt A <= 0, `[b,T,H]`.
        dt: step sizes > 0, `[b,T,H]`.
        trap: logit of lambda, the weight of the right end of a step, `[b,T,H]`.
        angles: raw rotations `[b,T,S]`, or `[b,T,A,S]` where each of A groups serves H / A heads; 2 S <= N. A head
            turns by dt pi tanh(angle). None: no rotation.
        C_bias, B_bias: added before the rotation, `[H,N]` or `[H,R,N]`.
        D: skip, `[H]`.
        z: gate, `[b,T,H,P]`; the output is multiplied by silu(z).
        mimo: weights (m_x, m_z, m_o) of the ranks, `[H,R,P]` each; needed for R > 1.
        initial_state: state before the first token, one row for each sequence.
        output_final_state: whether to return the state after the last token.
        chunk_size: rows (tokens times R) of a chunk, for the chunked forms; Triton takes 16 to 32, which fit registers.
        cu_seqlens: offsets `[n+1]` of n sequences packed into one row (b = 1); the look-ahead of a token's weight stops
            at the end of its sequence.
        backend: `recurrent` (the definition, token by token in float64), `quadratic` (one masked product), `chunked`
            (PyTorch), `compiled` (Numba, on a CPU), `triton`, or `auto`: Triton on CUDA (float64: `chunked`),
            `compiled` on a CPU, or `quadratic` there for a few tokens with gradients.

    Returns:
        y `[b,T,H,P]` and the final `Mamba3State` or None.

    Raises:
        ValueError: a positive log_decay, dt not above 0, 2 S > N, H not a multiple of G, ranks that do not match,
            another shape, type or bounds that do not fit, or a backend that cannot run.
    """
    inputs = check_inputs(C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo)
    automatic, backend = backend == "auto", choose_backend(backend, BACKENDS, x)
    check_chunk_size(chunk_size)
    sizes = inputs.sizes
    if automatic and backend == "compiled" and torch.is_grad_enabled() and sizes.T * sizes.R <= SHORT:
        backend = "quadratic"
    bounds = sequence_bounds(cu_seqlens, sizes.b, sizes.T)
    if initial_state is not None:
        check_state(initial_state, sizes, sequence_count(bounds, sizes.b))
    if x.numel() == 0:  # nothing to add to the states
        state = initial_state or _zeros(inputs, bounds)
        return x, state.copy(state_type(x.dtype)) if output_final_state else None
    inputs = inputs._replace(log_decay=bounded_log_decay(inputs.log_decay, state_type(x.dtype)))
    with torch.autocast(x.device.type, enabled=False):  # the forms choose their own precision
        if backend == "triton":
            from kernels.mamba3.fused import fused_scan

            y, state = fused_scan(inputs, initial_state, bounds, chunk_size)
        else:
            y, state = _scan_in_torch(inputs, initial_state, bounds, chunk_size, backend)
    return y.to(x.dtype), state if output_final_state else None


def _zeros(inputs: Inputs, bounds) -> Mamba3State:
    b, _, H, P, R, _, N, _, S = inputs.sizes
    return zero_state(sequence_count(bounds, b), H, P, N, R, S, dtype=inputs.x.dtype, device=inputs.x.device)


def _scan_in_torch(inputs: Inputs, state: Mamba3State | None, bounds, chunk_size: int, backend: str):
    """The PyTorch forms, sequence by sequence where several are packed; half precision is computed in float32."""
    kind = state_type(inputs.x.dtype)
    if backend == "recurrent":
        inputs, state = inputs.to(torch.float64), (state or _zeros(inputs, bounds)).to(torch.float64)
    elif inputs.x.dtype != kind:
        inputs, state = inputs.to(kind), None if state is None else state.to(kind)

    def scan(span: slice, state: Mamba3State | None) -> tuple[Tensor, Mamba3State]:
        part = inputs if bounds is None else inputs.tokens(span)
        if backend == "recurrent":
            return recurrent_scan(part, state)
        return parallel_scan(part, state, backend, chunk_size)

    if bounds is None:
        y, state = scan(slice(None), state)
    else:
        y, state = scan_each(scan, bounds, state or _zeros(inputs, bounds))
    return y, state.to(kind) if backend == "recurrent" else state
