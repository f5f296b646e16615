"""Triton kernels of linear attention with a scalar decay; `fused` launches them.

Rows are those of one head of `(batch, tokens, heads, width)`. All four products of forward and backward are one causal
pass over rows (x, y, z) with x_i . y_j as scores:

    o  : x = q,  y = k,  z = v   first to last, state S
    dq : x = do, y = v,  z = k   first to last, state S^T
    dk : x = v,  y = do, z = q   last to first, state dS^T
    dv : x = k,  y = q,  z = do  last to first, state dS

A sequence is cut into segments, a segment into blocks. States stand in global memory only at segment ends
(`segment_updates`, then `carry_states`); inside a segment `causal_pass` keeps its state in registers. The decay
weights are exp(a_i) (out of the state, times the scale), exp(a_end - a_j) (into the state) and exp(a_i - a_j), with a
the running sum of the log decay in a block; going backward in time the first two change places.
"""

import triton
import triton.language as tl

from kernels.device import block_start, state_places

NO_DECAY, HEAD_DECAY, TOKEN_DECAY = tl.constexpr(0), tl.constexpr(1), tl.constexpr(2)


@triton.jit
def _product(a, b, PRECISION: tl.constexpr, WIDEN: tl.constexpr):
    """Matrix product with float32 sums; WIDEN casts the factors, which the interpreter needs for bfloat16."""
    if WIDEN:
        a = a.to(tl.float32)
        b = b.to(tl.float32)
    return tl.dot(a, b, input_precision=PRECISION)


@triton.jit
def _log_decays(decay, row, head, heads, start, stop, C: tl.constexpr, MODE: tl.constexpr):
    """Running sum of the log decay in a block, `(C,)`, and its total; tokens beyond the end add nothing."""
    place = tl.arange(0, C)
    valid = start + place < stop
    if MODE == TOKEN_DECAY:
        step = tl.load(decay + row + (start + place) * heads, mask=valid, other=0.0).to(tl.float32)
        a = tl.cumsum(step, 0)
        end = tl.sum(step, 0)
    elif MODE == HEAD_DECAY:
        rate = tl.load(decay + head).to(tl.float32)
        count = tl.minimum(stop - start, C)
        a = rate * tl.minimum(place + 1, count).to(tl.float32)
        end = rate * count.to(tl.float32)
    else:
        a = tl.zeros([C], tl.float32)
        end = tl.sum(a, 0)
    return a, end


@triton.jit
def _rows(base, row, heads, start, stop, first, C: tl.constexpr, W: tl.constexpr, BW: tl.constexpr):
    """Tokens `start..start+C` of one head of `(tokens, heads, W)`, columns `first..first+BW`; 0 beyond its ends."""
    place = tl.arange(0, C)
    column = first + tl.arange(0, BW)
    where = base + (row + start * heads) * W + place[:, None] * (heads * W) + column[None, :]
    return tl.load(where, mask=(start + place[:, None] < stop) & (column[None, :] < W), other=0.0)


@triton.jit
def segment_updates(
    y, z, decay, update, total, begins, ends, rows, edge,
    scale, heads, tokens,
    M: tl.constexpr, N: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, C: tl.constexpr,
    MODE: tl.constexpr, REVERSE: tl.constexpr, PRECISION: tl.constexpr, WIDEN: tl.constexpr,
):  # fmt: skip
    """What each segment adds to the state, `update: (segments, heads, M, N)`, and its log decay `total`.

    Grid: (segments, ceil(N / BN), heads). Segments at the `edge` of their sequence hand nothing on.
    """
    segment, slice_n, head = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    if tl.load(edge + segment) == 0:
        start, stop = tl.load(begins + segment), tl.load(ends + segment)
        row = tl.load(rows + segment).to(tl.int64) * tokens * heads + head
        first = slice_n * BN
        state = tl.zeros([BM, BN], tl.float32)
        sum_decay = 0.0
        for number in range(0, tl.cdiv(stop - start, C)):
            at = block_start(start, stop, number, C, REVERSE)
            a, end = _log_decays(decay, row, head, heads, at, stop, C, MODE)
            yb = _rows(y, row, heads, at, stop, 0, C, M, BM)
            zb = _rows(z, row, heads, at, stop, first, C, N, BN)
            weight = tl.exp(a) * scale if REVERSE else tl.exp(end - a)
            yw = (yb.to(tl.float32) * weight[:, None]).to(yb.dtype)
            state = state * tl.exp(end) + _product(tl.trans(yw), zb, PRECISION, WIDEN)
            sum_decay += end
        m, n = tl.arange(0, BM), first + tl.arange(0, BN)
        where = state_places(update, segment, heads, head, m, n, M, N)
        tl.store(where, state, mask=(m[:, None] < M) & (n[None, :] < N))
        if slice_n == 0:
            tl.store(total + segment * heads + head, sum_decay)


@triton.jit
def carry_states(
    update, total, outer, bounds, heads, SIZE: tl.constexpr, BLOCK: tl.constexpr, REVERSE: tl.constexpr,
    HAS_OUTER: tl.constexpr,
):  # fmt: skip
    """Replace what each segment adds by the state that it starts from, in place.

    Grid: (sequences, heads, ceil(SIZE / BLOCK)). `outer: (sequences, heads, SIZE)` is the state at the sequence's edge.
    """
    sequence, head, piece = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    first, last = tl.load(bounds + sequence), tl.load(bounds + sequence + 1)
    offset = piece * BLOCK + tl.arange(0, BLOCK)
    valid = offset < SIZE
    state = tl.zeros([BLOCK], tl.float32)
    if HAS_OUTER:
        state += tl.load(outer + (sequence * heads + head).to(tl.int64) * SIZE + offset, mask=valid, other=0.0)
    for number in range(0, last - first):
        segment = first + number
        if REVERSE:
            segment = last - 1 - number
        where = update + (segment * heads + head).to(tl.int64) * SIZE + offset
        added = tl.load(where, mask=valid & (number < last - first - 1), other=0.0)  # the edge hands nothing on
        tl.store(where, state, mask=valid)
        state = state * tl.exp(tl.load(total + segment * heads + head)) + added


@triton.jit
def causal_pass(
    x, y, z, decay, before, after, out, partner, dots, begins, ends, rows, owners, edge,
    scale, heads, tokens, batch, rows_bucket, tokens_bucket,
    M: tl.constexpr, N: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, C: tl.constexpr,
    MODE: tl.constexpr, REVERSE: tl.constexpr, HAS_BEFORE: tl.constexpr, STORE_AFTER: tl.constexpr,
    DOTS: tl.constexpr, PRECISION: tl.constexpr, WIDE_STATE: tl.constexpr, WIDEN: tl.constexpr,
):  # fmt: skip
    """One causal product, block by block through a segment with the state in registers.

    Grid: (segments, ceil(N / BN), heads). `before: (segments, heads, M, N)` is the state that each segment starts from,
    `after: (sequences, heads, M, N)` receives the state at the far end of each sequence. With DOTS the products of the
    float32 rows of the result with those of `partner` are stored as `dots: (slices, batch, tokens, heads)`. The buckets
    are keys of the tuner and nothing else.
    """
    segment, slice_n, head = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    start, stop = tl.load(begins + segment), tl.load(ends + segment)
    line = tl.load(rows + segment)
    row = line.to(tl.int64) * tokens * heads + head
    first = slice_n * BN
    m, n = tl.arange(0, BM), first + tl.arange(0, BN)
    inside = (m[:, None] < M) & (n[None, :] < N)
    state = tl.zeros([BM, BN], tl.float32)
    if HAS_BEFORE:
        where = state_places(before, segment, heads, head, m, n, M, N)
        state += tl.load(where, mask=inside, other=0.0)
    place = tl.arange(0, C)
    for number in range(0, tl.cdiv(stop - start, C)):
        at = block_start(start, stop, number, C, REVERSE)
        a, end = _log_decays(decay, row, head, heads, at, stop, C, MODE)
        xb = _rows(x, row, heads, at, stop, 0, C, M, BM)
        yb = _rows(y, row, heads, at, stop, 0, C, M, BM)
        zb = _rows(z, row, heads, at, stop, first, C, N, BN)
        if REVERSE:
            gap = tl.where(place[:, None] <= place[None, :], a[None, :] - a[:, None], float("-inf"))
            w_out, w_in = tl.exp(end - a), tl.exp(a) * scale
        else:
            gap = tl.where(place[:, None] >= place[None, :], a[:, None] - a[None, :], float("-inf"))
            w_out, w_in = tl.exp(a) * scale, tl.exp(end - a)
        scores = _product(xb, tl.trans(yb), PRECISION, WIDEN) * tl.exp(gap) * scale
        result = _product(scores.to(zb.dtype), zb, PRECISION, WIDEN)
        if WIDE_STATE:
            result += _product(xb.to(tl.float32), state, PRECISION, WIDEN) * w_out[:, None]
        else:
            result += _product(xb, state.to(xb.dtype), PRECISION, WIDEN) * w_out[:, None]
        t = at + place
        valid = (t[:, None] < stop) & (n[None, :] < N)
        target = out + (row + at * heads) * N + place[:, None] * (heads * N) + n[None, :]
        tl.store(target, result.to(out.dtype.element_ty), mask=valid)
        if DOTS:
            other = _rows(partner, row, heads, at, stop, first, C, N, BN).to(tl.float32)
            dot_row = dots + slice_n.to(tl.int64) * batch * heads * tokens + row + t * heads
            tl.store(dot_row, tl.sum(result * other, 1), mask=t < stop)
        yw = (yb.to(tl.float32) * w_in[:, None]).to(yb.dtype)
        state = state * tl.exp(end) + _product(tl.trans(yw), zb, PRECISION, WIDEN)
    if STORE_AFTER:  # noqa: SIM102 (the outer condition is the compiler's, the inner one the GPU's)
        if tl.load(edge + segment) == 1:
            owner = tl.load(owners + segment)
            where = state_places(after, owner, heads, head, m, n, M, N)
            tl.store(where, state, mask=inside)
