"""Linear attention with a scalar decay on the Triton kernels: segments, launches, and the backward pass.

Written for NVIDIA tensor cores: 16-bit factors with float32 sums, states in float32. Without a GPU it runs under
Triton's interpreter (`TRITON_INTERPRET=1`) on small shapes.
"""

import itertools
from typing import NamedTuple

import torch
import triton
from torch.autograd.function import once_differentiable

from kernels.arguments import INTERPRETED
from kernels.linear_attention import fused_kernels as kernels
from kernels.linear_attention.gradient import decay_gradient
from kernels.packed import Segments, cut_segments, segment_length

WIDEST = 256  # of a head in one pass; wider heads are cut, which is exact because the operator is linear in each part
NARROWEST_SLICE = 32
TUNE = False  # measure the configurations below instead of taking the first that fits; sums then differ between runs

# columns of a program's state slice, block length, warps, stages: narrow slices make more programs, wide ones read x
# and y less often; long blocks feed the tensor cores better and waste more of the masked triangle
CONFIGURATIONS = ((64, 64, 4, 2), (32, 64, 4, 3), (64, 64, 8, 2), (64, 128, 8, 2), (128, 64, 8, 2))


class _Setting(NamedTuple):
    segments: Segments
    decay: torch.Tensor
    mode: int
    scale: float
    precision: str
    wide_state: bool
    configuration: tuple


def configuration(dtype: torch.dtype, widest: int, size: int) -> tuple[int, int, int, int]:
    """Slice, block, warps and stages of a launch, such that the state's tile and the scores stay in registers.

    Args:
        dtype: of the inputs.
        widest: the wider of D and E.
        size: block length that the caller asks for.
    """
    block = 1 << (max(16, min(size, 128)) - 1).bit_length()
    if dtype == torch.float32:  # each factor counts twice, and a product is three
        return (32, min(block, 32), 4, 2) if widest <= 64 else (32, 16, 8, 2)
    if widest > 128:
        return 32, min(block, 32), 8, 2
    if dtype == torch.float16 and widest > 64:  # its states are read in float32
        return 32, min(block, 64), 4, 2
    return (64, block, 8, 2) if block > 64 else (64, block, 4, 2)


def _setting(q, v, log_decay, scale, size, bounds) -> _Setting:
    batch, tokens, heads, width = q.shape
    slice_width, block, warps, stages = configuration(q.dtype, max(width, v.shape[3]), size)
    programs = batch * heads * triton.cdiv(min(width, v.shape[3]), slice_width)
    processors = 1
    if q.is_cuda:
        processors = torch.cuda.get_device_properties(q.device).multi_processor_count
    longest = tokens if bounds is None else max(b - a for a, b in itertools.pairwise(bounds))
    length = segment_length(longest, programs, processors, block)
    mode = kernels.NO_DECAY
    if log_decay is not None:
        mode = kernels.HEAD_DECAY if log_decay.ndim == 1 else kernels.TOKEN_DECAY
    # three TF32 products give float32 accuracy on tensor cores, unless PyTorch's own switch allows a single one
    exact = q.dtype == torch.float32 and not torch.backends.cuda.matmul.allow_tf32
    precision = "tf32x3" if exact else "tf32"
    return _Setting(
        cut_segments(batch, tokens, bounds, length, q.device),
        q if log_decay is None else log_decay.contiguous(),
        mode.value,
        scale,
        precision,
        q.dtype == torch.float16,  # a state may exceed the range of float16
        (slice_width, block, warps, stages),
    )


def _padded(width: int) -> int:
    return max(16, triton.next_power_of_2(width))


if not INTERPRETED:
    _tuned_pass = triton.autotune(
        configs=[triton.Config({"BN": n, "C": c}, num_warps=w, num_stages=s) for n, c, w, s in CONFIGURATIONS],
        key=["M", "N", "rows_bucket", "tokens_bucket"],
    )(kernels.causal_pass)


def _causal(x, y, z, setting: _Setting, outer, *, reverse: bool, want_after: bool, partner=None):
    """One causal pass: result like `z`, states at the far ends `(sequences, heads, M, N)`, row products; or None."""
    batch, tokens, heads, m = x.shape
    n = z.shape[3]
    segments = setting.segments
    slice_width, block, warps, stages = setting.configuration
    slice_width = min(slice_width, _padded(n))
    count, sequences = len(segments.begins), len(segments.bounds) - 1
    shapes = {"M": m, "N": n, "BM": _padded(m)}
    common = {"MODE": setting.mode, "REVERSE": reverse, "PRECISION": setting.precision, "WIDEN": INTERPRETED}
    launch = {} if INTERPRETED else {"num_warps": warps, "num_stages": stages}
    far = segments.first if reverse else segments.last
    before = None if outer is None else outer.float().contiguous()
    if segments.several:
        update = torch.empty(count, heads, m, n, dtype=torch.float32, device=x.device)
        total = torch.zeros(count, heads, dtype=torch.float32, device=x.device)
        kernels.segment_updates[(count, triton.cdiv(n, slice_width), heads)](
            y, z, setting.decay, update, total, segments.begins, segments.ends, segments.rows, far,
            setting.scale, heads, tokens, **shapes, BN=slice_width, C=block, **common, **launch,
        )  # fmt: skip
        kernels.carry_states[(sequences, heads, triton.cdiv(m * n, 1024))](
            update, total, update if before is None else before, segments.bounds, heads,
            SIZE=m * n, BLOCK=1024, REVERSE=reverse, HAS_OUTER=before is not None,
        )  # fmt: skip
        start = update
    elif before is not None:
        start = before if count == sequences else before.index_select(0, segments.owners.long())
    else:
        start = None
    out = torch.empty_like(z)
    after = None
    if want_after:  # a sequence without tokens keeps the state it came with
        after = torch.zeros(sequences, heads, m, n, device=x.device) if before is None else before.clone()
    dots = None
    if partner is not None:
        dots = torch.zeros(triton.cdiv(n, NARROWEST_SLICE), batch, tokens, heads, dtype=torch.float32, device=x.device)
    arguments = (
        x, y, z, setting.decay, z if start is None else start, out if after is None else after, out,
        out if partner is None else partner, out if dots is None else dots, segments.begins, segments.ends,
        segments.rows, segments.owners, far, setting.scale, heads, tokens, batch,
        (batch * heads).bit_length(), tokens.bit_length(),
    )  # fmt: skip
    options = {
        **shapes, **common, "HAS_BEFORE": start is not None, "STORE_AFTER": want_after, "DOTS": dots is not None,
        "WIDE_STATE": setting.wide_state,
    }  # fmt: skip
    if TUNE and not INTERPRETED:
        _tuned_pass[lambda meta: (count, triton.cdiv(n, meta["BN"]), heads)](*arguments, **options)
    else:
        grid = (count, triton.cdiv(n, slice_width), heads)
        kernels.causal_pass[grid](*arguments, **options, BN=slice_width, C=block, **launch)
    return out, after, None if dots is None else dots.sum(0)


class _Fused(torch.autograd.Function):
    """Keeps q, k, v, the log decay and the states at both ends; the states between are computed again."""

    @staticmethod
    def forward(ctx, q, k, v, log_decay, initial_state, want_final, scale, size, bounds):
        q, k, v = (part.contiguous() for part in (q, k, v))
        setting = _setting(q, v, log_decay, scale, size, bounds)
        learned = log_decay is not None and log_decay.requires_grad
        with torch.cuda.device_of(q):
            o, final, _ = _causal(q, k, v, setting, initial_state, reverse=False, want_after=want_final or learned)
        ctx.save_for_backward(q, k, v, log_decay, initial_state, final if learned else None)
        ctx.options = scale, size, bounds, learned
        ctx.set_materialize_grads(False)
        return o, final if want_final else None

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out, d_final):
        q, k, v, log_decay, initial_state, final = ctx.saved_tensors
        scale, size, bounds, learned = ctx.options
        setting = _setting(q, v, log_decay, scale, size, bounds)
        d_out = torch.zeros_like(v) if d_out is None else d_out.to(v.dtype).contiguous()
        initial_T = None if initial_state is None else initial_state.mT
        d_final_T = None if d_final is None else d_final.mT
        with torch.cuda.device_of(q):
            dq, _, with_q = _causal(
                d_out, v, k, setting, initial_T, reverse=False, want_after=False, partner=q if learned else None
            )
            dk, _, with_k = _causal(
                v, d_out, q, setting, d_final_T, reverse=True, want_after=False, partner=k if learned else None
            )
            dv, d_initial, _ = _causal(
                k, q, d_out, setting, d_final, reverse=True, want_after=initial_state is not None
            )
        d_decay = None
        if learned:
            d_final = torch.zeros_like(final) if d_final is None else d_final
            d_decay = decay_gradient((with_q - with_k).transpose(1, 2), final, d_final, log_decay, bounds)
        if d_initial is not None:
            d_initial = d_initial.to(initial_state.dtype)
        return dq, dk, dv, d_decay, d_initial, None, None, None, None


def fused_linear_attention(q, k, v, log_decay, initial_state, output_final_state, scale, size, bounds):
    """The Triton form; arguments as `linear_attention` has checked them, with a token."""
    if max(q.shape[3], v.shape[3]) > WIDEST:
        return _by_parts(q, k, v, log_decay, initial_state, output_final_state, scale, size, bounds)
    return _Fused.apply(q, k, v, log_decay, initial_state, output_final_state, scale, size, bounds)


def _by_parts(q, k, v, log_decay, initial_state, output_final_state, scale, size, bounds):
    """Heads wider than one pass: outputs of parts of D are summed, those of parts of E stand side by side."""
    axis, whole = (3, q.shape[3]) if q.shape[3] > WIDEST else (4, v.shape[3])
    outputs, finals = [], []
    for start in range(0, whole, WIDEST):
        part = slice(start, start + WIDEST)
        x, y, z = (q[..., part], k[..., part], v) if axis == 3 else (q, k, v[..., part])
        state = initial_state
        if state is not None:
            state = state[:, :, part] if axis == 3 else state[..., part]
        o, final = fused_linear_attention(x, y, z, log_decay, state, output_final_state, scale, size, bounds)
        outputs.append(o)
        finals.append(final)
    o = torch.cat(outputs, -1) if axis == 4 else torch.stack([o.float() for o in outputs]).sum(0).to(v.dtype)
    return o, torch.cat(finals, axis - 1) if output_final_state else None
