"""Triton kernels of gated linear attention; `fused` launches them.

Rows are those of one head of `(batch, tokens, heads, width)`. A sequence is cut into segments, a segment into blocks of
C tokens. States stand in global memory only at segment ends (`segment_updates`, then `carry_states`); inside a segment
a pass keeps its state in registers. With g the log decays, the products of forward and backward are of two kinds:

    `score_pass`    o   : x = q,  y = k, z = v    first to last, state S
                    dv  : x = k,  y = q, z = do   last to first, state dS
    `channel_pass`  dq  : x = do, y = v, z = k    first to last, state S
                    dk  : x = v,  y = do, z = q   last to first, state dS

A score pass weighs rows of z by sum_d x_id y_jd exp(G_id - G_jd), a channel pass rows of z_jd exp(G_id - G_jd) by
x_i . y_j. The exponents are sums of the log decays between two tokens, added up column by column, so that no difference
of large sums is taken and none is positive.
"""

import triton
import triton.language as tl

from kernels.device import block_start, load_tokens, product, state_places


@triton.jit
def _row(base, row, heads, token, stop, first, W: tl.constexpr, BW: tl.constexpr):
    """One token of one head, in float32; 0 at and beyond `stop`."""
    column = first + tl.arange(0, BW)
    where = base + (row + token * heads) * W + column
    return tl.load(where, mask=(column < W) & (token < stop), other=0.0).to(tl.float32)


@triton.jit
def _sums(decay, row, heads, at, stop, first, C: tl.constexpr, M: tl.constexpr, BM: tl.constexpr):
    """Sums of the log decays from the start of a block to each token, from there to its end, and of all of it."""
    g = load_tokens(decay, row, heads, at, stop, first, C, M, BM)
    later = load_tokens(decay, row, heads, at + 1, tl.minimum(stop, at + C), first, C, M, BM)
    return tl.cumsum(g, 0), tl.cumsum(later, 0, reverse=True), tl.sum(g, 0)


@triton.jit
def _column(number, C: tl.constexpr, REVERSE: tl.constexpr):
    """The column that comes as the `number`th: they are walked against time, so that the gaps to them only grow."""
    column = C - 1 - number
    if REVERSE:
        column = number
    return column


@triton.jit
def _wider(gap, decay, row, heads, at, stop, column, first, C: tl.constexpr, M: tl.constexpr, BM: tl.constexpr,
           REVERSE: tl.constexpr):  # fmt: skip
    """Sums `(C, BM)` of the log decays between each row and a column, from those of the column before it."""
    place = tl.arange(0, C)
    if REVERSE:
        beyond = place < column
        step = _row(decay, row, heads, at + column, stop, first, M, BM)
    else:
        beyond = place > column
        step = _row(decay, row, heads, at + column + 1, stop, first, M, BM)
    return tl.where(beyond[:, None], gap + step[None, :], 0.0)


@triton.jit
def segment_updates(
    key, value, decay, update, total, begins, ends, rows, edge, scale, heads, tokens,
    M: tl.constexpr, N: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, C: tl.constexpr,
    REVERSE: tl.constexpr, PRECISION: tl.constexpr, FACTOR: tl.constexpr,
):  # fmt: skip
    """What each segment adds to the state, `update: (segments, heads, M, N)`, and its log decays `total`, `(.., M)`.

    Grid: (segments, ceil(N / BN), heads). Segments at the `edge` of their sequence hand nothing on. Going backward, key
    and value are q and do.
    """
    segment, slice_n, head = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    if tl.load(edge + segment) == 0:
        start, stop = tl.load(begins + segment), tl.load(ends + segment)
        row = tl.load(rows + segment).to(tl.int64) * tokens * heads + head
        first = slice_n * BN
        state = tl.zeros([BM, BN], tl.float32)
        sum_decay = tl.zeros([BM], tl.float32)
        for number in range(0, tl.cdiv(stop - start, C)):
            at = block_start(start, stop, number, C, REVERSE)
            come, go, end = _sums(decay, row, heads, at, stop, 0, C, M, BM)
            yb = load_tokens(key, row, heads, at, stop, 0, C, M, BM)
            zb = load_tokens(value, row, heads, at, stop, first, C, N, BN)
            weight = tl.exp(come) * scale if REVERSE else tl.exp(go)
            added = product(tl.trans((yb * weight).to(FACTOR)), zb.to(FACTOR), PRECISION)
            state = state * tl.exp(end)[:, None] + added
            sum_decay += end
        m, n = tl.arange(0, BM), first + tl.arange(0, BN)
        where = state_places(update, segment, heads, head, m, n, M, N)
        tl.store(where, state, mask=(m[:, None] < M) & (n[None, :] < N))
        if slice_n == 0:
            tl.store(total + (segment * heads + head) * M + m, sum_decay, mask=m < M)


@triton.jit
def carry_states(
    update, total, outer, bounds, heads, M: tl.constexpr, N: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
    REVERSE: tl.constexpr,
):  # fmt: skip
    """Replace what each segment adds by the state that it starts from, in place.

    Grid: (sequences, heads, ceil(N / BN)). `outer: (sequences, heads, M, N)` is the state at the sequence's edge.
    """
    sequence, head = tl.program_id(0), tl.program_id(1)
    first, last = tl.load(bounds + sequence), tl.load(bounds + sequence + 1)
    m, n = tl.arange(0, BM), tl.program_id(2) * BN + tl.arange(0, BN)
    inside = (m[:, None] < M) & (n[None, :] < N)
    state = tl.load(state_places(outer, sequence, heads, head, m, n, M, N), mask=inside, other=0.0)
    for number in range(0, last - first):
        segment = first + number
        if REVERSE:
            segment = last - 1 - number
        where = state_places(update, segment, heads, head, m, n, M, N)
        hands_on = number < last - first - 1  # the edge hands nothing on
        added = tl.load(where, mask=inside & hands_on, other=0.0)
        fade = tl.load(total + (segment * heads + head) * M + m, mask=(m < M) & hands_on, other=0.0)
        tl.store(where, state, mask=inside)
        state = state * tl.exp(fade)[:, None] + added


@triton.jit
def score_pass(
    x, y, z, decay, before, after, out, begins, ends, rows, owners, edge, scale, heads, tokens,
    M: tl.constexpr, N: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, C: tl.constexpr,
    REVERSE: tl.constexpr, PRECISION: tl.constexpr, FACTOR: tl.constexpr,
):  # fmt: skip
    """Outputs, or gradients of the values, block by block through a segment with the state in registers.

    Grid: (segments, ceil(N / BN), heads). `before: (segments, heads, M, N)` is the state that each segment starts from,
    `after: (sequences, heads, M, N)` receives the state at the far end of each sequence.
    """
    segment, slice_n, head = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    start, stop = tl.load(begins + segment), tl.load(ends + segment)
    row = tl.load(rows + segment).to(tl.int64) * tokens * heads + head
    first = slice_n * BN
    m, n = tl.arange(0, BM), first + tl.arange(0, BN)
    inside = (m[:, None] < M) & (n[None, :] < N)
    state = tl.load(state_places(before, segment, heads, head, m, n, M, N), mask=inside, other=0.0)
    place = tl.arange(0, C)
    for number in range(0, tl.cdiv(stop - start, C)):
        at = block_start(start, stop, number, C, REVERSE)
        come, go, end = _sums(decay, row, heads, at, stop, 0, C, M, BM)
        xb = load_tokens(x, row, heads, at, stop, 0, C, M, BM)
        yb = load_tokens(y, row, heads, at, stop, 0, C, M, BM)
        zb = load_tokens(z, row, heads, at, stop, first, C, N, BN)
        gap = tl.zeros([C, BM], tl.float32)
        scores = tl.zeros([C, C], tl.float32)
        for i in range(0, C):
            column = _column(i, C, REVERSE)
            gap = _wider(gap, decay, row, heads, at, stop, column, 0, C, M, BM, REVERSE)
            active = (place <= column) if REVERSE else (place >= column)
            other = _row(y, row, heads, at + column, stop, 0, M, BM)
            weight = tl.sum(xb * other[None, :] * tl.exp(gap), 1)
            scores = tl.where((place[None, :] == column) & active[:, None], weight[:, None], scores)
        reading = tl.exp(go) if REVERSE else tl.exp(come)
        writing = tl.exp(come) if REVERSE else tl.exp(go)
        factor = zb.to(FACTOR)
        inner = product((scores * scale).to(FACTOR), factor, PRECISION)
        outer = product(xb * reading, state, PRECISION)
        if REVERSE:  # the adjoint of the state carries the scale
            result = inner + outer
            writing = writing * scale
        else:
            result = inner + outer * scale
        t = at + place
        valid = (t[:, None] < stop) & (n[None, :] < N)
        target = out + (row + at * heads) * N + place[:, None] * (heads * N) + n[None, :]
        tl.store(target, result.to(out.dtype.element_ty), mask=valid)
        state = state * tl.exp(end)[:, None] + product(tl.trans((yb * writing).to(FACTOR)), factor, PRECISION)
    if tl.load(edge + segment) == 1:
        owner = tl.load(owners + segment)
        tl.store(state_places(after, owner, heads, head, m, n, M, N), state, mask=inside)


@triton.jit
def channel_pass(
    x, y, z, decay, before, out, begins, ends, rows, scale, heads, tokens,
    M: tl.constexpr, N: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, C: tl.constexpr,
    REVERSE: tl.constexpr, PRECISION: tl.constexpr, FACTOR: tl.constexpr,
):  # fmt: skip
    """Gradients of the queries, or of the keys, for a slice of BM channels and the whole of N.

    Grid: (segments, ceil(M / BM), heads). `before` as in `score_pass`.
    """
    segment, slice_m, head = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    start, stop = tl.load(begins + segment), tl.load(ends + segment)
    row = tl.load(rows + segment).to(tl.int64) * tokens * heads + head
    first = slice_m * BM
    m, n = first + tl.arange(0, BM), tl.arange(0, BN)
    inside = (m[:, None] < M) & (n[None, :] < N)
    state = tl.load(state_places(before, segment, heads, head, m, n, M, N), mask=inside, other=0.0)
    place = tl.arange(0, C)
    for number in range(0, tl.cdiv(stop - start, C)):
        at = block_start(start, stop, number, C, REVERSE)
        come, go, end = _sums(decay, row, heads, at, stop, first, C, M, BM)
        xb = load_tokens(x, row, heads, at, stop, 0, C, N, BN)
        yb = load_tokens(y, row, heads, at, stop, 0, C, N, BN)
        zb = load_tokens(z, row, heads, at, stop, first, C, M, BM)
        products = product(xb.to(FACTOR), tl.trans(yb.to(FACTOR)), PRECISION)
        gap = tl.zeros([C, BM], tl.float32)
        inner = tl.zeros([C, BM], tl.float32)
        for i in range(0, C):
            column = _column(i, C, REVERSE)
            gap = _wider(gap, decay, row, heads, at, stop, column, first, C, M, BM, REVERSE)
            active = (place <= column) if REVERSE else (place >= column)
            weight = tl.sum(tl.where((place[None, :] == column) & active[:, None], products, 0.0), 1)
            inner += weight[:, None] * _row(z, row, heads, at + column, stop, first, M, BM)[None, :] * tl.exp(gap)
        outer = product(xb, tl.trans(state), PRECISION)
        if REVERSE:
            result = inner * scale + outer * tl.exp(go)
            writing = tl.exp(come) * scale
        else:
            result = (inner + outer * tl.exp(come)) * scale
            writing = tl.exp(go)
        t = at + place
        valid = (t[:, None] < stop) & (m[None, :] < M)
        target = out + (row + at * heads) * M + place[:, None] * (heads * M) + m[None, :]
        tl.store(target, result.to(out.dtype.element_ty), mask=valid)
        state = state * tl.exp(end)[:, None] + product(tl.trans((zb * writing).to(FACTOR)), yb.to(FACTOR), PRECISION)
