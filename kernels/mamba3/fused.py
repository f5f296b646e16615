"""The scan through Triton: what surrounds the chunk kernels, and their autograd function."""

import itertools
import math

import torch
import triton
import triton.language as tl
from torch.autograd.function import once_differentiable

from kernels.arguments import INTERPRETED
from kernels.linear_attention.fused_kernels import carry_states
from kernels.mamba3 import fused_kernels as kernels
from kernels.mamba3.inputs import Inputs
from kernels.mamba3.layout import halved, interleaved, lay_out
from kernels.mamba3.parts import repeat_heads, rotate_pairs, rows_of
from kernels.mamba3.state import Mamba3State
from kernels.packed import segment_length

TUNE = False  # measure warps and stages instead of taking the first that fits; sums then differ between runs
_TYPES = {torch.float32: tl.float32, torch.float16: tl.float16, torch.bfloat16: tl.bfloat16}
_CONFIGS = [triton.Config({}, num_warps=warps, num_stages=stages) for warps in (4, 8) for stages in (1, 2, 3)]
_KEY = ["N", "S", "P", "R", "CT", "CAST"]
_tuned: dict = {}


def power_of_two(n: int) -> int:
    """Smallest power of two that is at least n."""
    return 1 << max(n - 1, 0).bit_length()


def operand_type(dtype: torch.dtype):
    """Type of matrix operands; the interpreter multiplies bfloat16 wrongly, so there they are float32."""
    return tl.float32 if INTERPRETED and dtype == torch.bfloat16 else _TYPES[dtype]


def configuration(dtype: torch.dtype, entries: int, size: int) -> tuple[int, int, int]:
    """Rows of a chunk, warps and stages of a launch, such that state, factors and scores stay in registers.

    Args:
        dtype: of the inputs.
        entries: of a state, N P, each rounded up to a power of two.
        size: rows that the caller asks for; tl.dot wants at least 16.
    """
    wide = dtype == torch.float32  # factors take twice the room, and each product is three
    rows = max(16, min(power_of_two(size), 16 if wide and entries >= 4096 else 32))
    return rows, 8 if entries > 4096 or (wide and entries == 4096) else 4, 1 if wide else 2


def _launch(kernel, programs: int, *arguments, warps: int, stages: int, **constants) -> None:
    if TUNE and not INTERPRETED:
        if kernel not in _tuned:
            added_to = [name for name in ("row", "turn") if kernel is kernels.backward_B_kernel]
            _tuned[kernel] = triton.autotune(_CONFIGS, key=_KEY, restore_value=added_to)(kernel)
        _tuned[kernel][(programs,)](*arguments, **constants)
    else:
        kernel[(programs,)](*arguments, **constants, num_warps=warps, num_stages=stages)


class _Call:
    """Inputs, layout and constants of a scan, and the launches of its kernels; what is None is never read."""

    def __init__(self, tensors, outer, sizes, options, layout):
        self.C, self.B, self.x, self.log_decay, self.dt, self.w, self.g, self.rate, self.C_bias, self.B_bias = tensors
        self.mx, self.D, self.z, self.mz, self.mo = (self.x if value is None else value for value in outer)
        self.weighted, self.gated = outer[0] is not None, outer[2] is not None
        self.H, self.G, self.A, self.N, self.S, self.P = self.sizes = sizes
        self.constants, self.options = options
        self.R, self.layout = self.constants["R"], layout

    def buffer(self, *size, dtype=torch.float32):
        return torch.empty(size, dtype=dtype, device=self.x.device)

    def launch(self, kernel, *arguments, **constants):
        programs = len(self.layout.segments.begins) * self.H
        _launch(kernel, programs, *arguments, *self.sizes, **self.constants, **constants, **self.options)

    def inputs(self, angles):
        """First arguments of the chunk kernels."""
        tensors = (self.C, self.B, self.x, self.log_decay, self.dt, self.w, self.g, self.rate, self.C_bias, self.B_bias)
        segments = self.layout.segments
        return *tensors, self.mx, angles, segments.begins, segments.ends, self.layout.chunk0

    def through_gate(self, dy, rows):
        """Gradients of the rows `[T,R,H,P]`, of z, m_z and m_o, from that of the output."""
        if not (self.gated or self.weighted):
            return dy, None, None, None
        tokens, ranks = len(dy), self.constants["RP"]
        per_block = max(64 // ranks, 1)
        blocks = triton.cdiv(tokens, per_block)
        dmz, dmo = (self.buffer(blocks, self.H, self.R, self.P) for _ in range(2))
        drows, dz = torch.empty_like(rows), torch.empty_like(dy)
        kernels.gate_gradients[(blocks, self.H)](
            dy, rows, self.z, self.mz, self.mo, drows, dz, dmz, dmo, tokens, self.H, self.P,
            R=self.R, RP=ranks, CT=per_block, BP=self.constants["BP"], WEIGHTED=self.weighted, GATED=self.gated,
        )  # fmt: skip
        if not self.weighted:
            return drows, dz, None, None
        return drows, dz, dmz.sum(0) if self.gated else None, dmo.sum(0)

    def chunk_angles(self, angle0):
        """Angles at the start of each chunk `[chunks,H,S]`, and after each sequence."""
        chunks, owner = self.layout.chunks, self.layout.owner
        turns = self.buffer(len(owner), self.H, self.S)
        kernels.chunk_turns[(len(owner) * self.H,)](
            self.dt, self.rate, chunks.begins, chunks.ends, turns, self.H, self.A, self.S,
            CT=self.constants["CT"], BH=self.constants["BH"],
        )  # fmt: skip
        total = turns.double().cumsum(0)  # in float64: it grows with the sequence
        before = total - turns
        start = before - before[self.layout.first] + angle0.double()[owner]
        end = angle0.double().index_copy(0, self.layout.filled, (start + turns)[self.layout.final])
        return tuple(torch.remainder(angle, 2 * math.pi).float() for angle in (start, end))

    def carried(self, outer, angles, reverse: bool, vectors, bias, values):
        """States before each segment, or after it going backward, `[segments,H,P,N]`.

        `outer` holds those at the sequences' ends, `[n,H,P,N]`.
        """
        segments = self.layout.segments
        if not segments.several:
            return outer if len(self.layout.filled) == len(outer) else outer[self.layout.filled]
        count = len(segments.begins)
        update = self.buffer(count, self.H, self.P, self.N)
        total = torch.zeros(count, self.H, device=self.x.device)
        self.launch(
            kernels.segment_updates, vectors, bias, values, self.mx, self.log_decay, self.dt, self.w, self.rate, angles,
            segments.begins, segments.ends, self.layout.chunk0, segments.first if reverse else segments.last,
            update, total, REVERSE=reverse,
        )  # fmt: skip
        size = self.P * self.N
        carry_states[(len(outer), self.H, triton.cdiv(size, 1024))](
            update, total, outer, segments.bounds, self.H, SIZE=size, BLOCK=1024, REVERSE=reverse, HAS_OUTER=True
        )
        return update

    def over_heads(self, gradient):
        """Gradients of B or C, and of its bias, from `[T,R,H,N]` for each head."""
        tokens, per_block = len(gradient), 64
        blocks = triton.cdiv(tokens, per_block)
        summed = gradient.new_empty(tokens, self.R, self.G, self.N)
        bias = self.buffer(blocks, self.H, self.R, self.N)
        kernels.sum_heads[(blocks, self.R * self.G)](
            gradient, summed, bias, tokens, self.H, self.G, self.N, R=self.R, CT=per_block, BN=2 * self.constants["BH"]
        )
        return summed, bias.sum(0)

    def later(self, per_chunk, edge):
        """Sum over all later chunks of the sequence, plus what its end holds, `edge: [n,...]`."""
        total = per_chunk.double().cumsum(0)
        return (total[self.layout.last] - total + edge.double()[self.layout.owner]).float()


class _Scan(torch.autograd.Function):
    """Outputs, final state and final angle, from un-rotated B and C and token weights."""

    @staticmethod
    def forward(
        ctx, C, B, x, log_decay, dt, w, g, rate, C_bias, B_bias, mx, D, z, mz, mo, S0, angle0, layout, sizes, options,
        training,
    ):  # fmt: skip
        tensors = [v.contiguous() for v in (C, B, x, log_decay, dt, w, g, rate, C_bias, B_bias)]
        outer = [None if v is None else v.contiguous() for v in (mx, D, z, mz, mo)]
        S0 = S0.contiguous()
        call = _Call(tensors, outer, sizes, options, layout)
        y = torch.empty_like(x)
        apart = call.gated or call.weighted  # the rows differ from the output, and the backward pass needs them
        rows = x.new_empty(x.shape[0], call.R, call.H, call.P) if apart and training else None
        angles, angle_end = call.chunk_angles(angle0)
        before = call.carried(S0, angles, False, call.B, call.B_bias, call.x)
        S_end = S0.clone()
        segments = layout.segments
        call.launch(
            kernels.forward_kernel, *call.inputs(angles), segments.owners, segments.last, before,
            call.D, call.z, call.mz, call.mo, y, y if rows is None else rows, S_end,
            HAS_D=D is not None, GATED=call.gated, KEEP_ROWS=rows is not None,
        )  # fmt: skip
        ctx.save_for_backward(*tensors, *outer, angles, before, S_end, rows)
        ctx.shape = layout, sizes, options
        return y, S_end, angle_end

    @staticmethod
    @once_differentiable
    def backward(ctx, dy, dS_end, dangle_end):
        *tensors, angles, before, S_end, rows = ctx.saved_tensors
        layout, sizes, options = ctx.shape
        tensors, outer = tensors[:10], tensors[10:]
        call = _Call(tensors, outer, sizes, options, layout)
        x, dt, rate, D = tensors[2], tensors[4], tensors[7], outer[1]
        tokens, R, H, N, S, A = x.shape[0], call.R, call.H, call.N, call.S, call.A
        dy, dS_end, dangle_end = dy.contiguous(), dS_end.contiguous(), dangle_end.contiguous()
        dout, dz, dmz, dmo = call.through_gate(dy, rows)
        dC, dB = (call.buffer(tokens, R, H, N, dtype=x.dtype) for _ in range(2))
        row, turn = call.buffer(tokens, H), call.buffer(tokens, H, S)
        call.launch(kernels.backward_C_kernel, *call.inputs(angles), before, dout, dC, row, turn)
        after = call.carried(dS_end, angles, True, call.C, call.C_bias, dout)
        dx = torch.empty_like(x)
        dw, dg, dlog_decay, ddt = (call.buffer(tokens, H) for _ in range(4))
        count, segments = len(layout.owner), layout.segments
        dmx, dD = call.buffer(len(segments.begins), H, R, call.P), call.buffer(len(segments.begins), H)
        dS0 = dS_end.clone()
        row_total, turn_total = call.buffer(count, H), call.buffer(count, H, S)
        call.launch(
            kernels.backward_B_kernel, *call.inputs(angles), segments.owners, segments.first, after, dout, row, turn,
            call.D, dB, dx, dw, dg, dmx, dD, dS0, row_total, turn_total, HAS_D=D is not None,
        )  # fmt: skip
        end_dot = (S_end * dS_end).sum((2, 3))
        drate = torch.empty_like(rate)
        later_turn = call.later(turn_total, dangle_end)
        kernels.finish_gradients[(count * A,)](
            row, turn, call.later(row_total, end_dot), later_turn, dt, rate,
            layout.chunks.begins, layout.chunks.ends, dlog_decay, ddt, drate, H, A, S,
            CT=call.constants["CT"], BH=call.constants["BH"],
        )  # fmt: skip
        of_all = (later_turn + turn_total)[layout.first[layout.final]]  # all that a sequence turns after its start
        dangle0 = dangle_end.index_copy(0, layout.filled, of_all)
        (dC, dC_bias), (dB, dB_bias) = call.over_heads(dC), call.over_heads(dB)
        gradients = (
            dC, dB, dx, dlog_decay, ddt, dw, dg, drate, dC_bias, dB_bias,
            dmx.sum(0) if call.weighted else None, None if D is None else dD.sum(0), dz, dmz, dmo, dS0, dangle0,
        )  # fmt: skip
        pairs = zip(gradients, (*tensors, *outer, before, angles))
        cast = (None if value is None or like is None else value.to(like.dtype) for value, like in pairs)
        return *cast, None, None, None, None


def fused_scan(
    inputs: Inputs, state: Mamba3State | None, bounds: tuple[int, ...] | None, chunk_size: int
) -> tuple[torch.Tensor, Mamba3State]:
    """`mamba3_scan` by the chunk kernels, for at least one token."""
    C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo = inputs
    b, T, H, P, R, G, N, A, S = inputs.sizes
    bounds = tuple(range(0, b * T + 1, T)) if bounds is None else bounds
    n, device, ranks = len(bounds) - 1, x.device, power_of_two(R)
    constants = {"BH": max(16, power_of_two((N + 1) // 2)), "BP": max(16, power_of_two(P))}
    rows, warps, stages = configuration(x.dtype, 2 * constants["BH"] * constants["BP"], chunk_size)
    per_chunk = max(rows // ranks, 1)
    processors = torch.cuda.get_device_properties(device).multi_processor_count if x.is_cuda else 1
    longest = max(stop - start for start, stop in itertools.pairwise(bounds))
    length = segment_length(longest, n * H, processors, per_chunk)
    layout = lay_out(bounds, per_chunk, length, device)
    flat = [value.reshape(b * T, *value.shape[2:]) for value in (C, B, x, log_decay, dt, trap, angles)]
    C_, B_, x_, log_decay_, dt_, trap_, angles_ = flat
    lam = torch.sigmoid(trap_.float())
    steps = dt_.float()
    g, ahead = lam * steps, (1 - lam) * steps
    w = g + torch.where(layout.inside, torch.roll(ahead, -1, 0), 0.0)
    rate = math.pi * torch.tanh(angles_.float())
    if state is None:
        S0 = torch.zeros(n, H, P, N + N % 2, dtype=torch.float32, device=device)
        angle0 = torch.zeros(n, H, S, dtype=torch.float32, device=device)
    else:
        before = rows_of(state.x[:, None].float(), mimo)[:, :, 0]
        weight = torch.zeros(n, H, dtype=torch.float32, device=device).index_copy(0, layout.filled, ahead[layout.start])
        S0 = halved(state.h.float() + weight[..., None, None] * before.transpose(2, 3) @ state.B.float())
        angle0 = state.angle.float()
    constants |= {
        "R": R, "RP": ranks, "CT": per_chunk, "WEIGHTED": mimo is not None, "CAST": operand_type(x.dtype),
        "FAST": not INTERPRETED,
    }  # fmt: skip
    mx, mz, mo = (None, None, None) if mimo is None else (weight.float() for weight in mimo)
    z_, D_ = None if z is None else z.reshape(b * T, H, P), None if D is None else D.float()
    with torch.cuda.device_of(x):
        y, S_end, angle_end = _Scan.apply(
            halved(C_), halved(B_), x_, log_decay_.float(), steps, w, g, rate, halved(C_bias.float()),
            halved(B_bias.float()), mx, D_, z_, mz, mo, S0, angle0, layout, (H, G, A, N + N % 2, S, P),
            (constants, {"warps": warps, "stages": stages}), torch.is_grad_enabled(),
        )  # fmt: skip
    y, S_end = y.view(b, T, H, P), interleaved(S_end, N)
    return y, _final_state(B_, B_bias, x_, state, S_end, angle_end, layout)


def _final_state(B, B_bias, x, state, S_end, angle_end, layout) -> Mamba3State:
    """State after each sequence; an empty one keeps what it had."""
    angle_end = torch.remainder(angle_end, 2 * math.pi)
    n, H = angle_end.shape[:2]
    where = layout.filled
    B_last = rotate_pairs(repeat_heads(B[layout.end].float(), H) + B_bias.float(), angle_end[where][:, :, None])
    x_last = x[layout.end]
    if len(where) == n:
        return Mamba3State(angle_end, S_end, B_last, x_last)
    before_B = B_last.new_zeros(n, *B_last.shape[1:]) if state is None else state.B.float()
    before_x = x_last.new_zeros(n, *x_last.shape[1:]) if state is None else state.x
    return Mamba3State(
        angle_end,
        S_end,
        before_B.index_copy(0, where, B_last),
        before_x.index_copy(0, where, x_last.to(before_x.dtype)),
    )
