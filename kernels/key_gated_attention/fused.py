"""Key-gated attention on the Triton kernels: segments, launches, and the backward pass.

States and their products are in float32, the weights and values of a block in the type of the inputs. Without a GPU it
runs under Triton's interpreter (`TRITON_INTERPRET=1`) on small shapes.
"""

import itertools
from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch.autograd.function import once_differentiable

from kernels.arguments import INTERPRETED
from kernels.gated_linear_attention.fused_kernels import carry_states
from kernels.key_gated_attention import fused_kernels as kernels
from kernels.packed import Segments, cut_segments, segment_length

BLOCK = 16  # tokens; with four heads a group the 64 rows that tensor cores take at once
HEADS = {torch.bfloat16: 4, torch.float16: 4, torch.float32: 1}  # of a group in one program; a float32 product is three
STAGES = 2  # of a loop over blocks
CUT = 128  # columns of v in one pass; wider values are cut
FACTORS = {torch.bfloat16: tl.bfloat16, torch.float16: tl.float16, torch.float32: tl.float32}


class _Setting(NamedTuple):
    segments: Segments
    parts: int
    units: int  # groups times parts
    slice_width: int
    numbers: tuple  # scale, damping, tokens, heads
    shape: dict
    options: dict


def configuration(widest: int) -> tuple[int, int]:
    """Columns of a program's state, and warps, such that tiles stay in registers.

    Args:
        widest: the wider of D and E.
    """
    return 32, 8 if widest > 32 else 4


def padded(width: int) -> int:
    """Columns of a tile that holds a whole row."""
    return max(16, triton.next_power_of_2(width))


def heads_together(dtype: torch.dtype, heads: int) -> int:
    """Of the query heads of a group, those in one program, a power of two."""
    return min(HEADS[dtype], triton.next_power_of_2(heads))


def _setting(q, k, v, form, damping, scale, bounds) -> _Setting:
    (batch, tokens, heads, width), groups = q.shape, k.shape[2]
    processors = torch.cuda.get_device_properties(q.device).multi_processor_count if q.is_cuda else 1
    longest = tokens if bounds is None else max(b - a for a, b in itertools.pairwise(bounds))
    slice_width, warps = configuration(max(width, v.shape[3]))
    together = heads_together(q.dtype, heads // groups)
    parts = triton.cdiv(heads // groups, together)
    programs = batch * groups * parts * triton.cdiv(min(width, v.shape[3]), slice_width)
    length = segment_length(longest, programs, processors, BLOCK)
    factor = tl.float32 if INTERPRETED else FACTORS[q.dtype]  # the interpreter multiplies no bfloat16
    # three TF32 products give float32 accuracy on tensor cores, unless PyTorch's own switch allows a single one
    exact = q.dtype == torch.float32 and not torch.backends.cuda.matmul.allow_tf32
    shape = {"D": width, "E": v.shape[3], "C": BLOCK, "R": heads // groups, "RP": together, "PARTS": parts}
    options = {"HGRN2": form == "hgrn2", "PRECISION": "tf32x3" if exact else "tf32", "FACTOR": factor}
    if not INTERPRETED:
        options |= {"num_warps": warps, "num_stages": STAGES}
    segments = cut_segments(batch, tokens, bounds, length, q.device)
    numbers = scale, damping, tokens, heads
    return _Setting(segments, parts, groups * parts, slice_width, numbers, shape, options)


def _tiles(setting: _Setting, whole: str, cut: str, names: tuple[str, str]) -> tuple[dict, int]:
    """Widths of a state's tile, one axis whole and the other cut, and the number of cuts."""
    width, columns = setting.shape[whole], setting.shape[cut]
    slice_width = min(setting.slice_width, padded(columns))
    return {names[0]: padded(width), names[1]: slice_width}, triton.cdiv(columns, slice_width)


def _starts(q, k, v, outer, setting: _Setting, *, reverse: bool) -> torch.Tensor:
    """The state that each segment starts from, `(segments, units, D, E)`; going backward its adjoint, v being do."""
    segments, units = setting.segments, setting.units
    count, sequences = len(segments.begins), len(segments.bounds) - 1
    if not segments.several:
        return outer if count == sequences else outer.index_select(0, segments.owners.long())
    tiles, cuts = _tiles(setting, "D", "E", ("BD", "BN"))
    update = outer.new_empty(count, *outer.shape[1:])
    total = outer.new_empty(count, *outer.shape[1:3])
    kernels.segment_updates[(count, cuts, units)](
        q, k, v, update, total, segments.begins, segments.ends, segments.rows,
        segments.first if reverse else segments.last, *setting.numbers,
        **tiles, **setting.shape, REVERSE=reverse, **setting.options,
    )  # fmt: skip
    widths = {"M": outer.shape[2], "N": outer.shape[3], "BM": tiles["BD"], "BN": tiles["BN"]}
    carry_states[(sequences, units, cuts)](update, total, outer, segments.bounds, units, **widths, REVERSE=reverse)
    return update


def _forward(q, k, v, state, setting: _Setting):
    """Outputs, states at segment starts and sequence ends, and the numbers of both softmaxes."""
    before = _starts(q, k, v, state, setting, reverse=False)
    out, after = v.new_empty(*q.shape[:3], v.shape[3]), state.clone()
    q_norms, k_norms = (torch.empty(*x.shape[:3], 2, dtype=torch.float32, device=x.device) for x in (q, k))
    segments = setting.segments
    tiles, cuts = _tiles(setting, "D", "E", ("BD", "BN"))
    kernels.forward_pass[(len(segments.begins), cuts, setting.units)](
        q, k, v, before, after, out, q_norms, k_norms, segments.begins, segments.ends, segments.rows, segments.owners,
        segments.last, *setting.numbers, **tiles, **setting.shape, **setting.options,
    )  # fmt: skip
    return out, before, after, q_norms, k_norms


def _backward(q, k, v, out, before, final, norms, d_out, d_final, setting: _Setting):
    """Gradients of q, of k and v for each unit, and of the states before the sequences."""
    segments, kind = setting.segments, v.dtype if setting.parts == 1 else torch.float32
    cut = segments.begins, segments.ends, segments.rows
    grid = len(segments.begins)
    dq = torch.empty_like(q)
    dk, dv = (torch.empty(*x.shape[:2], setting.units, x.shape[3], dtype=kind, device=x.device) for x in (k, v))
    reads = torch.empty(dk.shape, dtype=torch.float32, device=k.device)
    narrow, cuts = _tiles(setting, "E", "D", ("BE", "BM"))
    kernels.query_pass[(grid, cuts, setting.units)](
        q, k, v, out, d_out, *norms, before, dq, reads, *cut, *setting.numbers,
        **narrow, **setting.shape, **setting.options,
    )  # fmt: skip
    ahead, d_state = _starts(q, k, d_out, d_final, setting, reverse=True), d_final.clone()
    tall, columns = _tiles(setting, "D", "E", ("BD", "BN"))
    kernels.value_pass[(grid, columns, setting.units)](
        q, k, d_out, ahead, d_state, dv, *cut, segments.owners, segments.first, *setting.numbers,
        **tall, **setting.shape, **setting.options,
    )  # fmt: skip
    kernels.key_pass[(grid, cuts, setting.units)](
        q, k, v, d_out, *norms, before, final, ahead, reads, dv, dk, *cut, segments.owners, segments.last,
        *setting.numbers, **narrow, **setting.shape, **setting.options,
    )  # fmt: skip
    return dq, dk, dv, d_state


class _Fused(torch.autograd.Function):
    """Keeps its inputs, the output, states at the starts of segments and two numbers for each row of q and of k."""

    @staticmethod
    def forward(ctx, q, k, v, state, form, damping, scale, bounds):
        q, k, v = (part.contiguous() for part in (q, k, v))
        setting = _setting(q, k, v, form, damping, scale, bounds)
        start = state.float().repeat_interleave(setting.parts, 1).contiguous()
        with torch.cuda.device_of(q):
            out, before, final, *norms = _forward(q, k, v, start, setting)
        ctx.save_for_backward(q, k, v, out, before, final, *norms)
        ctx.options = form, damping, scale, bounds, state.dtype
        ctx.set_materialize_grads(False)
        return out, final[:, :: setting.parts].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out, d_final):
        q, k, v, out, before, final, *norms = ctx.saved_tensors
        form, damping, scale, bounds, kind = ctx.options
        setting = _setting(q, k, v, form, damping, scale, bounds)
        d_out = torch.zeros_like(out) if d_out is None else d_out.to(out.dtype).contiguous()
        ends = torch.zeros_like(final)
        if d_final is not None:  # the gradient of the final state enters once
            ends[:, :: setting.parts] = d_final
        with torch.cuda.device_of(q):
            dq, *others = _backward(q, k, v, out, before, final, norms, d_out, ends, setting)
        axes = (2, 2, 1)
        if setting.parts > 1:
            others = [x.unflatten(axis, (-1, setting.parts)).sum(axis + 1) for x, axis in zip(others, axes)]
        dk, dv, d_state = others
        return dq, dk.to(k.dtype), dv.to(v.dtype), d_state.to(kind), None, None, None, None


def fused_key_gated_attention(q, k, v, state, form, damping, scale, bounds):
    """The Triton form; arguments as `key_gated_attention` has checked them, with a token.

    Values that are too wide for one pass are cut, which changes nothing: their columns stand side by side.
    """
    cuts = [slice(start, start + CUT) for start in range(0, v.shape[3], CUT)]
    columns = [_Fused.apply(q, k, v[..., c], state[..., c], form, damping, scale, bounds) for c in cuts]
    outputs, finals = zip(*columns)
    if len(columns) == 1:
        return outputs[0], finals[0]
    return torch.cat(outputs, -1), torch.cat(finals, -1)
