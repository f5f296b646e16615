"""The scan through Triton: what surrounds the chunk kernels, and their autograd function."""

import itertools
import math
import os
from functools import lru_cache
from typing import NamedTuple

import torch
import triton
import triton.language as tl

from kernels.mamba3 import fused_kernels as kernels
from kernels.mamba3.forms import heads, merge, rotate_pairs, rows_of
from kernels.mamba3.state import Mamba3State

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
AUTOTUNE = not INTERPRETED
_TYPES = {torch.float32: tl.float32, torch.float16: tl.float16, torch.bfloat16: tl.bfloat16}
# one program holds the state of a head: few warps for small states, more for large ones, and loads one chunk ahead
_CONFIGS = [triton.Config({}, num_warps=warps, num_stages=stages) for warps in (4, 8) for stages in (1, 2)]
_KEY = ["N", "S", "P", "R", "CT", "CAST"]
_tuned: dict = {}


def power_of_two(n: int) -> int:
    """Smallest power of two that is at least n."""
    return 1 << max(n - 1, 0).bit_length()


def operand_type(dtype: torch.dtype):
    """Type of matrix operands; the interpreter multiplies bfloat16 wrongly, so there they are float32."""
    if dtype not in _TYPES:
        raise ValueError(f"x dtype: got {dtype}, expected float32, float16 or bfloat16 for backend triton")
    return tl.float32 if INTERPRETED and dtype == torch.bfloat16 else _TYPES[dtype]


def _launch(kernel, programs: int, *arguments, **constants) -> None:
    if AUTOTUNE:
        if kernel not in _tuned:
            _tuned[kernel] = triton.autotune(_CONFIGS, key=_KEY)(kernel)
        _tuned[kernel][(programs,)](*arguments, **constants)
    else:
        kernel[(programs,)](*arguments, **constants, num_warps=4)


class Layout(NamedTuple):
    """Where sequences and chunks lie; `filled` are the sequences that hold tokens, with their first and last ones."""

    cu: torch.Tensor
    chunks: torch.Tensor
    total: int
    inside: torch.Tensor
    filled: torch.Tensor
    first: torch.Tensor
    last: torch.Tensor


@lru_cache(maxsize=16)
def lay_out(bounds: tuple[tuple[int, int], ...], per_chunk: int, device: torch.device) -> Layout:
    """Layout of sequences, kept from call to call so that a training step copies nothing to the GPU.

    Args:
        bounds: start and end of each sequence, in order and without gaps.
        per_chunk: tokens of a chunk.
        device: of the tensors.
    """

    def integers(values):
        return torch.tensor(values, dtype=torch.int64, device=device)

    counts = [-(-(end - start) // per_chunk) for start, end in bounds]
    filled = [i for i, (start, end) in enumerate(bounds) if end > start]
    inside = torch.ones(bounds[-1][1], 1, dtype=torch.bool, device=device)
    last = integers([bounds[i][1] - 1 for i in filled])
    inside[last] = False
    return Layout(
        integers([bounds[0][0], *(end for _, end in bounds)]), integers([0, *itertools.accumulate(counts)]),
        sum(counts), inside, integers(filled), integers([bounds[i][0] for i in filled]), last,
    )  # fmt: skip


class _Scan(torch.autograd.Function):
    """Rows of outputs, final state and final angle, from un-rotated B and C and token weights."""

    @staticmethod
    def forward(ctx, C, B, x, log_decay, dt, w, g, rate, C_bias, B_bias, mx, S0, angle0, layout, shape):
        given = [v.contiguous() for v in (C, B, x, log_decay, dt, w, g, rate, C_bias, B_bias)]
        given += [x if mx is None else mx.contiguous(), S0.contiguous(), angle0.contiguous(), layout.cu]
        sizes, constants = shape
        H, _, _, N, S, P = sizes
        tokens, R, n = x.shape[0], constants["R"], S0.shape[0]
        out = x.new_empty(tokens, R, H, P)
        S_end = torch.empty(n, H, P, N, dtype=torch.float32, device=x.device)
        angle_end = torch.empty(n, H, S, dtype=torch.float32, device=x.device)
        _launch(kernels.forward_kernel, n * H, *given, out, S_end, angle_end, *sizes, **constants)
        ctx.save_for_backward(*given)
        ctx.layout, ctx.shape, ctx.weighted = layout, shape, mx is not None
        return out, S_end, angle_end

    @staticmethod
    def backward(ctx, dout, dS_end, dangle_end):
        given, chunks = ctx.saved_tensors, ctx.layout.chunks
        C, B, x, log_decay, dt, w, g, rate, C_bias, B_bias, mx, S0, angle0, cu = given
        sizes, constants = ctx.shape
        H, G, A, N, S, P = sizes
        tokens, R, n = x.shape[0], constants["R"], S0.shape[0]

        def buffer(*size):
            return torch.empty(size, dtype=torch.float32, device=x.device)

        dout, dS_end, dangle_end = dout.contiguous(), dS_end.contiguous(), dangle_end.contiguous()
        dC, dB = buffer(tokens, R, H, N), buffer(tokens, R, H, N)
        q_dq, dangle, end_dot = buffer(tokens, R, H), buffer(tokens, H, S), buffer(n, H)
        chunk_angle = buffer(ctx.layout.total, H, S)
        dx, dmx, drate = buffer(tokens, H, P), buffer(n, H, R, P), buffer(tokens, H, S)
        dlog_decay, ddt, dw, dg = (buffer(tokens, H) for _ in range(4))
        dS0, dangle0 = buffer(n, H, P, N), buffer(n, H, S)
        _launch(
            kernels.backward_C_kernel, n * H, *given, chunks, dout, dS_end,
            dC, q_dq, dangle, chunk_angle, end_dot, *sizes, **constants,
        )  # fmt: skip
        _launch(
            kernels.backward_B_kernel, n * H, *given[:11], cu, chunks, dout, dS_end, dangle_end,
            q_dq, dangle, chunk_angle, end_dot,
            dB, dx, dlog_decay, ddt, dw, dg, drate, dmx, dS0, dangle0, *sizes, **constants,
        )  # fmt: skip

        def grouped(gradient):
            return gradient.view(tokens, R, G, H // G, N).sum(3)

        def bias(gradient):
            return gradient.sum(0).transpose(0, 1)

        found = (
            grouped(dC), grouped(dB), dx, dlog_decay, ddt, dw, dg, drate.view(tokens, A, H // A, S).sum(2),
            bias(dC), bias(dB), dmx.sum(0) if ctx.weighted else None, dS0, dangle0,
        )  # fmt: skip
        cast = [
            None if gradient is None else gradient.to(value.dtype)
            for gradient, value in zip(found, (C, B, x, log_decay, dt, w, g, rate, C_bias, B_bias, mx, S0, angle0))
        ]
        return *cast, None, None


def scan_fused(C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo, state, sizes, bounds, chunk_size):
    """`mamba3_scan` by the chunk kernels; arguments as `kernels.mamba3.state.canonical` returns them."""
    b, T, H, P, R, G, N, A, S = (getattr(sizes, name) for name in ("b", "T", "H", "P", "R", "G", "N", "A", "S"))
    bounds = tuple(bounds or [(i * T, (i + 1) * T) for i in range(b)])
    n, device, ranks = len(bounds), x.device, power_of_two(R)
    # on a GPU tl.dot wants at least 16 rows
    per_chunk = max(power_of_two(chunk_size) // ranks, 1, -(-16 // ranks))
    layout = lay_out(bounds, per_chunk, device)
    flat = [value.reshape(b * T, *value.shape[2:]) for value in (C, B, x, log_decay, dt, trap, angles)]
    C_, B_, x_, log_decay_, dt_, trap_, angles_ = flat
    lam = torch.sigmoid(trap_.float())
    steps = dt_.float()
    g, ahead = lam * steps, (1 - lam) * steps
    w = g + torch.where(layout.inside, torch.roll(ahead, -1, 0), 0.0)
    rate = math.pi * torch.tanh(angles_.float())
    if state is None:
        S0 = torch.zeros(n, H, P, N, dtype=torch.float32, device=device)
        angle0 = torch.zeros(n, H, S, dtype=torch.float32, device=device)
    else:
        before = rows_of(state.x[:, None].float(), mimo)[:, :, 0]
        weight = torch.zeros(n, H, dtype=torch.float32, device=device).index_copy(0, layout.filled, ahead[layout.first])
        S0 = state.h.float() + weight[..., None, None] * before.transpose(2, 3) @ state.B.float()
        angle0 = state.angle.float()
    constants = {
        "R": R, "RP": ranks, "CT": per_chunk, "BN": max(16, power_of_two((N + 1) // 2)),
        "BP": max(16, power_of_two(P)), "WEIGHTED": mimo is not None, "CAST": operand_type(x.dtype),
    }  # fmt: skip
    out, S_end, angle_end = _Scan.apply(
        C_, B_, x_, log_decay_.float(), steps, w, g, rate, C_bias.float(), B_bias.float(),
        None if mimo is None else mimo[0], S0, angle0, layout, ((H, G, A, N, S, P), constants),
    )  # fmt: skip
    out = out.view(b, T, R, H, P).permute(0, 3, 1, 2, 4)
    y = merge(out, rows_of(x, mimo), D, z, mimo).to(x.dtype)
    return y, _final_state(B_, B_bias, x_, state, S_end, angle_end, layout, sizes)


def _final_state(B, B_bias, x, state, S_end, angle_end, layout, sizes) -> Mamba3State:
    """State after each sequence; an empty one keeps what it had."""
    angle_end = torch.remainder(angle_end, 2 * math.pi)
    n, H = angle_end.shape[:2]
    where = layout.filled
    B_last = rotate_pairs(heads(B[layout.last].float(), H) + B_bias.float(), angle_end[where][:, :, None])
    x_last = x[layout.last]
    if len(where) == n:
        return Mamba3State(angle_end, S_end, B_last, x_last)
    before_B = B_last.new_zeros(n, H, sizes.R, sizes.N) if state is None else state.B.float()
    before_x = x_last.new_zeros(n, H, sizes.P) if state is None else state.x
    return Mamba3State(
        angle_end,
        S_end,
        before_B.index_copy(0, where, B_last),
        before_x.index_copy(0, where, x_last.to(before_x.dtype)),
    )
