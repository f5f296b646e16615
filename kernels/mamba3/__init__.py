"""Mamba-3: exponential-trapezoidal scan with data-dependent rotation, SISO and MIMO (Lahoti et al. 2026, sec. 3)."""

import itertools

import torch
from torch import Tensor

from kernels.linear_attention import sequence_bounds
from kernels.mamba3 import forms
from kernels.mamba3.forms import exp_trapezoid_coeffs, rotate_pairs
from kernels.mamba3.state import Mamba3State, canonical, zero_state

__all__ = ["Mamba3State", "exp_trapezoid_coeffs", "mamba3_scan", "mamba3_step", "rotate_pairs", "zero_state"]

BACKENDS = ("auto", "recurrent", "quadratic", "torch", "triton")


def _part(value, bounds: slice):
    return None if value is None else value[:, bounds]


def _choose(backend: str, x: Tensor) -> str:
    if backend not in BACKENDS:
        raise ValueError(f"backend: got {backend!r}, expected one of {', '.join(BACKENDS)}")
    return backend if backend != "auto" else "triton" if x.is_cuda else "torch"


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
        backend: `recurrent` (token by token), `quadratic`, `torch` (chunks), `triton`, or `auto`: `triton` on CUDA,
            else `torch`.

    Returns:
        y `[b,T,H,P]` and the final `Mamba3State` or None.

    Raises:
        ValueError: a positive log_decay, dt not above 0, 2 S > N, H not a multiple of G, ranks that do not match, or
            another shape or type that does not fit.
    """
    backend = _choose(backend, x)
    if cu_seqlens is not None and x.shape[0] != 1:
        raise ValueError(f"x: got batch {x.shape[0]} with cu_seqlens, expected packed sequences in a batch of 1")
    bounds = None if cu_seqlens is None else list(itertools.pairwise(sequence_bounds(cu_seqlens, x.shape[1])))
    n = None if bounds is None else len(bounds)
    C, B, angles, C_bias, B_bias, sizes = canonical(
        C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo, initial_state, n
    )
    if chunk_size < 1 or (chunk_size & (chunk_size - 1)):
        raise ValueError(f"chunk_size: got {chunk_size}, expected a power of two")
    given = (C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo, initial_state, sizes)
    with torch.autocast(x.device.type, enabled=False):  # the forms choose their own precision
        if backend == "triton":
            from kernels.mamba3.fused import scan_fused

            y, state = scan_fused(*given, bounds, chunk_size)
        else:
            y, state = _scan_in_torch(*given, bounds, chunk_size, backend)
    return y.to(x.dtype), state if output_final_state else None


def _scan_in_torch(
    C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo, initial_state, sizes, bounds, chunk_size, backend
):
    """The PyTorch forms, sequence by sequence where several are packed; half precision is computed in float32."""
    if x.dtype in (torch.float16, torch.bfloat16):
        C, B, x, log_decay, dt, trap, angles, C_bias, B_bias = (
            value.float() for value in (C, B, x, log_decay, dt, trap, angles, C_bias, B_bias)
        )
        D, z = (None if value is None else value.float() for value in (D, z))
        mimo = None if mimo is None else tuple(weight.float() for weight in mimo)
        if initial_state is not None:
            initial_state = Mamba3State(*(value.float() for value in vars(initial_state).values()))

    def one(span: slice, state: Mamba3State | None, length: int):
        """Scan one sequence, or one batch of sequences of equal length."""
        part = [_part(value, span) for value in (C, B, x, log_decay, dt, trap, angles)]
        size = type(sizes)(**{**vars(sizes), "T": length})
        if length == 0 or backend == "recurrent":
            state = state or zero_state(
                sizes.b, sizes.H, sizes.P, sizes.N, sizes.R, sizes.S, dtype=x.dtype, device=x.device
            )
            return forms.scan_steps(*part, C_bias, B_bias, D, _part(z, span), mimo, state, size)
        form = "quadratic" if backend == "quadratic" else "chunked"
        return forms.scan_parallel(*part, C_bias, B_bias, D, _part(z, span), mimo, state, size, form, chunk_size)

    if bounds is None:
        return one(slice(None), initial_state, sizes.T)
    outputs, states = [], []
    for i, (start, end) in enumerate(bounds):
        given = initial_state
        if given is not None:
            given = Mamba3State(*(value[i : i + 1] for value in vars(given).values()))
        y, state = one(slice(start, end), given, end - start)
        outputs.append(y)
        states.append(state)
    joined = Mamba3State(*(torch.cat([getattr(s, name) for s in states]) for name in ("angle", "h", "B", "x")))
    return torch.cat(outputs, 1), joined


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
        backend: `recurrent` or `torch` (the same plain step), `triton` (one fused kernel, no gradients), or `auto`:
            `triton` on CUDA where no gradient is asked for.

    Returns:
        y `[b,H,P]` and the state after the token.

    Raises:
        ValueError: as `mamba3_scan`.
    """
    given = (*vars(state).values(), C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, *(mimo or ()))
    if backend == "auto" and torch.is_grad_enabled() and any(v is not None and v.requires_grad for v in given):
        backend = "torch"
    backend = _choose(backend, x)

    def token(value):
        return None if value is None else value[:, None]

    C, B, x, log_decay, dt, trap, angles, z = map(token, (C, B, x, log_decay, dt, trap, angles, z))
    C, B, angles, C_bias, B_bias, sizes = canonical(
        C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo, state
    )
    if backend == "triton":
        from kernels.mamba3.decode import step_fused

        return step_fused(C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo, state, sizes)
    y, state = forms.scan_steps(C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo, state, sizes)
    return y[:, 0], state
