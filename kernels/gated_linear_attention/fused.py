"""Gated linear attention on the Triton kernels: segments, launches, and the backward pass.

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
from kernels.gated_linear_attention import fused_kernels as kernels
from kernels.linear_attention.gradient import channel_gradient
from kernels.packed import Segments, cut_segments, segment_length

BLOCK = 16  # the least that tensor cores take; inside a block the weights are formed one by one
WIDEST = {torch.float32: 128, torch.bfloat16: 256, torch.float16: 256}  # of a head in one pass; wider ones are cut
FACTORS = {torch.bfloat16: tl.bfloat16, torch.float16: tl.float16, torch.float32: tl.float32}


class _Setting(NamedTuple):
    segments: Segments
    decay: torch.Tensor
    scale: float
    slice_width: int
    options: dict


def configuration(dtype: torch.dtype, widest: int) -> tuple[int, int]:
    """Columns of a program's state, and warps, such that tiles stay in registers.

    Args:
        dtype: of the inputs; a product of float32 factors is three.
        widest: the wider of D and E.
    """
    return 32, 8 if widest > (64 if dtype == torch.float32 else 128) else 4


def _setting(q, v, log_decay, scale, bounds) -> _Setting:
    batch, tokens, heads, width = q.shape
    processors = torch.cuda.get_device_properties(q.device).multi_processor_count if q.is_cuda else 1
    longest = tokens if bounds is None else max(b - a for a, b in itertools.pairwise(bounds))
    slice_width, warps = configuration(q.dtype, max(width, v.shape[3]))
    programs = batch * heads * triton.cdiv(min(width, v.shape[3]), slice_width)
    length = segment_length(longest, programs, processors, BLOCK)
    factor = tl.float32 if INTERPRETED else FACTORS[q.dtype]  # the interpreter multiplies no bfloat16
    # three TF32 products give float32 accuracy on tensor cores, unless PyTorch's own switch allows a single one
    exact = q.dtype == torch.float32 and not torch.backends.cuda.matmul.allow_tf32
    options = {"C": BLOCK, "PRECISION": "tf32x3" if exact else "tf32", "FACTOR": factor}
    if not INTERPRETED:
        options |= {"num_warps": warps}
    segments = cut_segments(batch, tokens, bounds, length, q.device)
    return _Setting(segments, log_decay.contiguous(), scale, slice_width, options)


def _padded(width: int) -> int:
    return max(16, triton.next_power_of_2(width))


def _starts(key, value, outer, setting: _Setting, *, reverse: bool) -> torch.Tensor:
    """The state that each segment starts from, `(segments, heads, D, E)`; going backward its adjoint."""
    (_, tokens, heads, m), n = key.shape, value.shape[3]
    segments, outer = setting.segments, outer.float().contiguous()
    count, sequences = len(segments.begins), len(segments.bounds) - 1
    if not segments.several:
        return outer if count == sequences else outer.index_select(0, segments.owners.long())
    slice_width = min(setting.slice_width, _padded(n))
    shapes = {"M": m, "N": n, "BM": _padded(m), "BN": slice_width, "REVERSE": reverse}
    update = torch.empty(count, heads, m, n, dtype=torch.float32, device=key.device)
    total = torch.empty(count, heads, m, dtype=torch.float32, device=key.device)
    kernels.segment_updates[(count, triton.cdiv(n, slice_width), heads)](
        key, value, setting.decay, update, total, segments.begins, segments.ends, segments.rows,
        segments.first if reverse else segments.last, setting.scale, heads, tokens, **shapes, **setting.options,
    )  # fmt: skip
    kernels.carry_states[(sequences, heads, triton.cdiv(n, slice_width))](
        update, total, outer, segments.bounds, heads, **shapes
    )
    return update


def _score(x, y, z, before, outer, setting: _Setting, *, reverse: bool):
    """One score pass: a result like `z`, and the states at the far ends; a sequence without tokens keeps its own."""
    (_, tokens, heads, m), n = x.shape, z.shape[3]
    segments, slice_width = setting.segments, min(setting.slice_width, _padded(n))
    out, after = torch.empty_like(z), outer.float().clone(memory_format=torch.contiguous_format)
    kernels.score_pass[(len(segments.begins), triton.cdiv(n, slice_width), heads)](
        x, y, z, setting.decay, before, after, out, segments.begins, segments.ends, segments.rows, segments.owners,
        segments.first if reverse else segments.last, setting.scale, heads, tokens,
        M=m, N=n, BM=_padded(m), BN=slice_width, REVERSE=reverse, **setting.options,
    )  # fmt: skip
    return out, after


def _channel(x, y, z, before, setting: _Setting, *, reverse: bool) -> torch.Tensor:
    """One channel pass: a result like `z`, in float32."""
    (_, tokens, heads, n), m = x.shape, z.shape[3]
    segments, slice_width = setting.segments, min(setting.slice_width, _padded(m))
    out = torch.empty(z.shape, dtype=torch.float32, device=z.device)
    kernels.channel_pass[(len(segments.begins), triton.cdiv(m, slice_width), heads)](
        x, y, z, setting.decay, before, out, segments.begins, segments.ends, segments.rows,
        setting.scale, heads, tokens, M=m, N=n, BM=slice_width, BN=_padded(n), REVERSE=reverse, **setting.options,
    )  # fmt: skip
    return out


class _Fused(torch.autograd.Function):
    """Keeps its inputs and the states at both ends of the sequences; the states between are computed again."""

    @staticmethod
    def forward(ctx, q, k, v, log_decay, state, scale, bounds):
        q, k, v = (part.contiguous() for part in (q, k, v))
        setting = _setting(q, v, log_decay, scale, bounds)
        with torch.cuda.device_of(q):
            before = _starts(k, v, state, setting, reverse=False)
            o, final = _score(q, k, v, before, state, setting, reverse=False)
        ctx.save_for_backward(q, k, v, log_decay, state, final)
        ctx.options = scale, bounds
        ctx.set_materialize_grads(False)
        return o, final

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out, d_final):
        q, k, v, log_decay, state, final = ctx.saved_tensors
        scale, bounds = ctx.options
        setting = _setting(q, v, log_decay, scale, bounds)
        d_out = torch.zeros_like(v) if d_out is None else d_out.to(v.dtype).contiguous()
        d_final = torch.zeros_like(final) if d_final is None else d_final.float()
        with torch.cuda.device_of(q):
            dq = _channel(d_out, v, k, _starts(k, v, state, setting, reverse=False), setting, reverse=False)
            after = _starts(q, d_out, d_final, setting, reverse=True)
            dk = _channel(v, d_out, q, after, setting, reverse=True)
            dv, d_state = _score(k, q, d_out, after, d_final, setting, reverse=True)
        d_decay = channel_gradient(q.float() * dq - k.float() * dk, final, d_final, log_decay, bounds)
        return dq.to(q.dtype), dk.to(k.dtype), dv, d_decay, d_state.to(state.dtype), None, None


def fused_gated_linear_attention(q, k, v, log_decay, state, scale, bounds):
    """The Triton form; arguments as `gated_linear_attention` has checked them, with a token.

    Heads that are too wide for one pass are cut, which changes nothing: channels of keys add up, those of values stand
    side by side.
    """

    def cuts(width: int) -> list[slice]:
        return [slice(start, start + WIDEST[q.dtype]) for start in range(0, width, WIDEST[q.dtype])]

    rows = []
    for p in cuts(q.shape[3]):
        x, y, decay = (part[..., p] for part in (q, k, log_decay))
        columns = [_Fused.apply(x, y, v[..., c], decay, state[:, :, p, c], scale, bounds) for c in cuts(v.shape[3])]
        rows.append([torch.cat(part, -1) if len(part) > 1 else part[0] for part in zip(*columns)])
    outputs, finals = zip(*rows)
    if len(rows) == 1:
        return outputs[0], finals[0]
    return torch.stack([o.float() for o in outputs]).sum(0).to(v.dtype), torch.cat(finals, 2)
