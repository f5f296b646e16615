"""Triton kernels of key-gated attention; `fused` launches them.

A program works for a group of keys and values and for up to RP of its R query heads; groups with more heads have PARTS
programs, whose number is the `unit`. A block is C tokens; its queries are C * RP rows, the heads of a token beside each
other, and its keys, decays and states serve all of them. Maps are computed from the tiles of q and k that a pass loads:
in memory stand q, k, v, two numbers for each row of q and of k (its largest value and the sum that softmax divides by,
which the passes need that see some channels only), and states at the ends of segments (`segment_updates`, then
`carry_states` of gated linear attention).

    forward_pass    o          all channels of q and k, a slice of those of v    first to last, state S
    query_pass      dq         a slice of the channels of q and k, all of v      first to last, state S
    value_pass      dv         as forward_pass                                   last to first, adjoint of S
    key_pass        dk         as query_pass                                     last to first, adjoint of S

The gradient of a softmax takes the sum of feature times gradient over all channels, which a pass over some of them has
not: for the queries it is o . do, for the keys v . dv.

What the state takes part in comes before what happens inside a block: in this order the tiles stay in registers.

Inside a block a weight is sum_d x_id y_jd exp(G_id - G_jd), G the running sum of the log decays. Where all of a block's
decays together are mild, it is a product of matrices, exp(G_i - M) on one side and exp(M - G_j) on the other, M in the
middle. Where they are not, there is one product for each token i, of the keys times exp(G_i - G_j), with sums added up
from token to token, so that no exponent is positive.
"""

import triton
import triton.language as tl

from kernels.device import load_tokens, product, state_tile, store_tokens

MILD = tl.constexpr(-30.0)  # sum of a block's log decays in a channel, above which both factors keep their digits
FORGOTTEN = tl.constexpr(-110.0)  # a log decay whose exp is 0 in float32


@triton.jit
def _unit(rows, segment, unit, tokens, heads, R: tl.constexpr, RP: tl.constexpr, PARTS: tl.constexpr):
    """Groups, the place of the group in the first token of its line, that of the first head, and how many heads."""
    groups = heads // R
    group, part = unit // PARTS, unit % PARTS
    line = tl.load(rows + segment).to(tl.int64) * tokens
    return groups, line * groups + group, line * heads + group * R + part * RP, tl.minimum(RP, R - part * RP)


@triton.jit
def _query_places(base, head, some, heads, at, stop, first, C: tl.constexpr, RP: tl.constexpr, W: tl.constexpr,
                  BW: tl.constexpr):  # fmt: skip
    """Where columns `first..first+BW` of the rows of a block lie, and which of them exist."""
    row, column = tl.arange(0, C * RP), first + tl.arange(0, BW)
    token, r = at + row // RP, row % RP
    where = base + (head + token * heads + r)[:, None] * W + column[None, :]
    return where, ((token < stop) & (r < some))[:, None] & (column < W)[None, :]


@triton.jit
def _load_queries(base, head, some, heads, at, stop, first, C: tl.constexpr, RP: tl.constexpr, W: tl.constexpr,
                  BW: tl.constexpr):  # fmt: skip
    """Those columns in float32; 0 where there are none."""
    where, inside = _query_places(base, head, some, heads, at, stop, first, C, RP, W, BW)
    return tl.load(where, mask=inside, other=0.0).to(tl.float32)


@triton.jit
def _store_queries(base, value, head, some, heads, at, stop, first, C: tl.constexpr, RP: tl.constexpr, W: tl.constexpr,
                   BW: tl.constexpr):  # fmt: skip
    """Store what `_load_queries` reads."""
    where, inside = _query_places(base, head, some, heads, at, stop, first, C, RP, W, BW)
    tl.store(where, value.to(base.dtype.element_ty), mask=inside)


@triton.jit
def softmax_rows(x, W: tl.constexpr, BW: tl.constexpr):
    """Softmax of rows over their first W columns, 0 in the others, their largest values and what it divides by."""
    x = tl.where((tl.arange(0, BW) < W)[None, :], x, float("-inf"))
    top = tl.max(x, 1)
    share = tl.exp(x - top[:, None])
    total = tl.sum(share, 1)
    return share / total[:, None], top, total


@triton.jit
def _part_of_softmax(x, norms, place, there, inside):
    """Softmax of rows of which a tile holds some columns, from the numbers of the rows."""
    top = tl.load(norms + 2 * place, mask=there, other=0.0)
    total = tl.load(norms + 2 * place + 1, mask=there, other=1.0)
    return tl.exp(tl.where(inside, x - top[:, None], float("-inf"))) / total[:, None]


@triton.jit
def _store_norms(norms, top, total, place, there):
    """Store what `_part_of_softmax` reads."""
    tl.store(norms + 2 * place, top, mask=there)
    tl.store(norms + 2 * place + 1, total, mask=there)


@triton.jit
def gates(x, damping):
    """Log decays and sigmoid(-x)."""
    small = tl.exp(-tl.abs(x))
    gate = tl.maximum((tl.minimum(x, 0.0) - tl.log(1.0 + small)) / damping, FORGOTTEN)
    return gate, tl.where(x > 0, small, 1.0) / (1.0 + small)


@triton.jit
def _whole_keys(k, row, groups, at, stop, damping, C: tl.constexpr, W: tl.constexpr, BW: tl.constexpr,
                HGRN2: tl.constexpr):  # fmt: skip
    """Features and log decays of a block, 0 where there is none, and the two numbers of each row."""
    x = load_tokens(k, row, groups, at, stop, 0, C, W, BW)
    inside = (at + tl.arange(0, C) < stop)[:, None] & (tl.arange(0, BW) < W)[None, :]
    gate, fade = gates(x, damping)
    key, top, total = fade, tl.zeros([C], tl.float32), tl.zeros([C], tl.float32)
    if not HGRN2:
        key, top, total = softmax_rows(x, W, BW)
    return tl.where(inside, key, 0.0), tl.where(inside, gate, 0.0), top, total


@triton.jit
def _key_slice(k, k_norms, row, groups, at, stop, first, damping, C: tl.constexpr, W: tl.constexpr, BW: tl.constexpr,
               HGRN2: tl.constexpr):  # fmt: skip
    """Features and log decays of some channels, and sigmoid(-k)."""
    x = load_tokens(k, row, groups, at, stop, first, C, W, BW)
    token = at + tl.arange(0, C)
    inside = (token < stop)[:, None] & (first + tl.arange(0, BW) < W)[None, :]
    gate, fade = gates(x, damping)
    key = fade
    if not HGRN2:
        key = _part_of_softmax(x, k_norms, row + token * groups, token < stop, inside)
    return tl.where(inside, key, 0.0), tl.where(inside, gate, 0.0), fade


@triton.jit
def _row_places(head, some, heads, at, stop, C: tl.constexpr, RP: tl.constexpr):
    """Where one number for each row of a block lies, and which rows exist."""
    row = tl.arange(0, C * RP)
    token, r = at + row // RP, row % RP
    return head + token * heads + r, (token < stop) & (r < some)


@triton.jit
def _query_slice(q, q_norms, head, some, heads, at, stop, first, C: tl.constexpr, RP: tl.constexpr, W: tl.constexpr,
                 BW: tl.constexpr):  # fmt: skip
    """Features of some channels, 0 where there is none."""
    where, inside = _query_places(q, head, some, heads, at, stop, first, C, RP, W, BW)
    x = tl.load(where, mask=inside, other=0.0).to(tl.float32)
    place, there = _row_places(head, some, heads, at, stop, C, RP)
    return _part_of_softmax(x, q_norms, place, there, inside)


@triton.jit
def _sums(gate, C: tl.constexpr):
    """Sums of the log decays from the start of a block to each token, from there to its end, and of all of it."""
    place = tl.arange(0, C)
    later = (place[None, :] > place[:, None]).to(tl.float32)
    return tl.cumsum(gate, 0), product(later, gate, "tf32x3"), tl.sum(gate, 0)


@triton.jit
def _spread(x, C: tl.constexpr, RP: tl.constexpr, BW: tl.constexpr):
    """Rows of tokens `(C, BW)` for each of their heads, `(C * RP, BW)`."""
    return tl.reshape(tl.broadcast_to(x[:, None, :], [C, RP, BW]), [C * RP, BW])


@triton.jit
def _gap(gap, gate, number, C: tl.constexpr):
    """Sums `(C, BW)` of the log decays between each token and that of a number, from those of the token before it."""
    place = tl.arange(0, C)
    now = tl.sum(tl.where((place == number)[:, None], gate, 0.0), 0)
    return tl.where((place < number)[:, None], gap + now[None, :], 0.0)


@triton.jit
def _scores(query, key, gate, come, spread, end, C: tl.constexpr, RP: tl.constexpr, BW: tl.constexpr,
            PRECISION: tl.constexpr):  # fmt: skip
    """Weights `(C * RP, C)` of the values of a block for its queries."""
    place, token = tl.arange(0, C), tl.arange(0, C * RP) // RP
    if tl.min(end) > MILD:
        middle = (0.5 * end)[None, :]
        scores = product(query * tl.exp(spread - middle), tl.trans(key * tl.exp(middle - come)), PRECISION)
    else:
        scores = tl.zeros([C * RP, C], tl.float32)
        gap = tl.zeros([C, BW], tl.float32)
        for number in range(0, C):
            gap = _gap(gap, gate, number, C)
            row = product(query, tl.trans(key * tl.exp(gap)), PRECISION)
            scores = tl.where((token == number)[:, None], row, scores)
    return tl.where(token[:, None] >= place[None, :], scores, 0.0)


@triton.jit
def _weighted_keys(products, key, gate, come, spread, end, C: tl.constexpr, RP: tl.constexpr, BW: tl.constexpr,
                   PRECISION: tl.constexpr):  # fmt: skip
    """Sums `(C * RP, BW)` of the keys of a block, weighted by products `(C * RP, C)` and decays."""
    token = tl.arange(0, C * RP) // RP
    if tl.min(end) > MILD:
        middle = (0.5 * end)[None, :]
        read = tl.exp(spread - middle) * product(products, key * tl.exp(middle - come), PRECISION)
    else:
        read = tl.zeros([C * RP, BW], tl.float32)
        gap = tl.zeros([C, BW], tl.float32)
        for number in range(0, C):
            gap = _gap(gap, gate, number, C)
            read = tl.where((token == number)[:, None], product(products, key * tl.exp(gap), PRECISION), read)
    return read


@triton.jit
def _weighted_queries(products, query, gate, come, spread, end, C: tl.constexpr, RP: tl.constexpr, BW: tl.constexpr,
                      PRECISION: tl.constexpr):  # fmt: skip
    """Sums `(C, BW)` of the queries of a block, weighted by products `(C * RP, C)` and decays."""
    token = tl.arange(0, C * RP) // RP
    if tl.min(end) > MILD:
        middle = (0.5 * end)[None, :]
        weighted = product(tl.trans(products), query * tl.exp(spread - middle), PRECISION)
        written = tl.exp(middle - come) * weighted
    else:
        written = tl.zeros([C, BW], tl.float32)
        gap = tl.zeros([C, BW], tl.float32)
        for number in range(0, C):
            gap = _gap(gap, gate, number, C)
            now = tl.where((token == number)[:, None], products, 0.0)
            written += product(tl.trans(now), query, PRECISION) * tl.exp(gap)
    return written


@triton.jit
def _products(dx, value, C: tl.constexpr, RP: tl.constexpr, PRECISION: tl.constexpr, FACTOR: tl.constexpr):
    """do_i . v_j of a block, 0 where j is later than i."""
    place, token = tl.arange(0, C), tl.arange(0, C * RP) // RP
    products = product(dx.to(FACTOR), tl.trans(value.to(FACTOR)), PRECISION)
    return tl.where(token[:, None] >= place[None, :], products, 0.0)


@triton.jit
def segment_updates(
    q, k, v, update, total, begins, ends, rows, edge, scale, damping, tokens, heads,
    D: tl.constexpr, E: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr, C: tl.constexpr,
    R: tl.constexpr, RP: tl.constexpr, PARTS: tl.constexpr,
    HGRN2: tl.constexpr, REVERSE: tl.constexpr, PRECISION: tl.constexpr, FACTOR: tl.constexpr,
):  # fmt: skip
    """What each segment adds to the state, `update: (segments, units, D, E)`, and its log decays `total`, `(.., D)`.

    Grid: (segments, ceil(E / BN), units). Segments at the `edge` of their sequence hand nothing on. Going backward, in
    time, it is what they add to the adjoint, and v is do.
    """
    segment, slice_n, unit = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    if tl.load(edge + segment) == 0:
        start, stop = tl.load(begins + segment), tl.load(ends + segment)
        groups, row, head, some = _unit(rows, segment, unit, tokens, heads, R, RP, PARTS)
        units, first = groups * PARTS, slice_n * BN
        state = tl.zeros([BD, BN], tl.float32)
        sum_gate = tl.zeros([BD], tl.float32)
        blocks = tl.cdiv(stop - start, C)
        for number in range(0, blocks):
            at = start + number * C
            if REVERSE:
                at = start + (blocks - 1 - number) * C
            key, gate, _, _ = _whole_keys(k, row, groups, at, stop, damping, C, D, BD, HGRN2)
            come, go, end = _sums(gate, C)
            if REVERSE:
                query, _, _ = softmax_rows(_load_queries(q, head, some, heads, at, stop, 0, C, RP, D, BD), D, BD)
                written = query * tl.exp(_spread(come, C, RP, BD)) * scale
                value = _load_queries(v, head, some, heads, at, stop, first, C, RP, E, BN)
            else:
                written = key * tl.exp(go)
                value = load_tokens(v, row, groups, at, stop, first, C, E, BN)
            added = product(tl.trans(written.to(FACTOR)), value.to(FACTOR), PRECISION)
            state = state * tl.exp(end)[:, None] + added
            sum_gate += end
        where, inside = state_tile(update, segment, units, unit, 0, first, D, E, BD, BN)
        tl.store(where, state, mask=inside)
        if slice_n == 0:
            d = tl.arange(0, BD)
            tl.store(total + (segment * units + unit) * D + d, sum_gate, mask=d < D)


@triton.jit
def forward_pass(
    q, k, v, before, after, out, q_norms, k_norms, begins, ends, rows, owners, edge, scale, damping, tokens, heads,
    D: tl.constexpr, E: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr, C: tl.constexpr,
    R: tl.constexpr, RP: tl.constexpr, PARTS: tl.constexpr,
    HGRN2: tl.constexpr, PRECISION: tl.constexpr, FACTOR: tl.constexpr,
):  # fmt: skip
    """Outputs, and the numbers of both softmaxes, `(B, T, heads or groups, 2)`, with the state in registers.

    Grid: (segments, ceil(E / BN), units). `before: (segments, units, D, E)` is the state that each segment starts from,
    `after: (sequences, units, D, E)` receives the state at the end of each sequence.
    """
    segment, slice_n, unit = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    start, stop = tl.load(begins + segment), tl.load(ends + segment)
    groups, row, head, some = _unit(rows, segment, unit, tokens, heads, R, RP, PARTS)
    units, first = groups * PARTS, slice_n * BN
    where, inside = state_tile(before, segment, units, unit, 0, first, D, E, BD, BN)
    state = tl.load(where, mask=inside, other=0.0)
    for number in range(0, tl.cdiv(stop - start, C)):
        at = start + number * C
        key, gate, k_top, k_total = _whole_keys(k, row, groups, at, stop, damping, C, D, BD, HGRN2)
        come, go, end = _sums(gate, C)
        query, q_top, q_total = softmax_rows(_load_queries(q, head, some, heads, at, stop, 0, C, RP, D, BD), D, BD)
        spread = _spread(come, C, RP, BD)
        outer = product(query * tl.exp(spread), state, PRECISION)
        scores = _scores(query, key, gate, come, spread, end, C, RP, BD, PRECISION)
        value = load_tokens(v, row, groups, at, stop, first, C, E, BN).to(FACTOR)
        result = product(scores.to(FACTOR), value, PRECISION) + outer
        _store_queries(out, result * scale, head, some, heads, at, stop, first, C, RP, E, BN)
        state = state * tl.exp(end)[:, None] + product(tl.trans((key * tl.exp(go)).to(FACTOR)), value, PRECISION)
        if slice_n == 0:
            place, there = _row_places(head, some, heads, at, stop, C, RP)
            _store_norms(q_norms, q_top, q_total, place, there)
            if unit % PARTS == 0:
                token = at + tl.arange(0, C)
                _store_norms(k_norms, k_top, k_total, row + token * groups, token < stop)
    if tl.load(edge + segment) == 1:
        where, inside = state_tile(after, tl.load(owners + segment), units, unit, 0, first, D, E, BD, BN)
        tl.store(where, state, mask=inside)


@triton.jit
def query_pass(
    q, k, v, out, d_out, q_norms, k_norms, before, dq, reads, begins, ends, rows, scale, damping, tokens, heads,
    D: tl.constexpr, E: tl.constexpr, BM: tl.constexpr, BE: tl.constexpr, C: tl.constexpr,
    R: tl.constexpr, RP: tl.constexpr, PARTS: tl.constexpr,
    HGRN2: tl.constexpr, PRECISION: tl.constexpr, FACTOR: tl.constexpr,
):  # fmt: skip
    """Gradients of q, and `reads: (B, T, units, D)`, feature times gradient summed over the heads of a program.

    Grid: (segments, ceil(D / BM), units).
    """
    segment, slice_m, unit = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    start, stop = tl.load(begins + segment), tl.load(ends + segment)
    groups, row, head, some = _unit(rows, segment, unit, tokens, heads, R, RP, PARTS)
    units, first = groups * PARTS, slice_m * BM
    own = tl.load(rows + segment).to(tl.int64) * tokens * units + unit
    where, inside = state_tile(before, segment, units, unit, first, 0, D, E, BM, BE)
    state = tl.load(where, mask=inside, other=0.0)
    for number in range(0, tl.cdiv(stop - start, C)):
        at = start + number * C
        key, gate, _ = _key_slice(k, k_norms, row, groups, at, stop, first, damping, C, D, BM, HGRN2)
        come, go, end = _sums(gate, C)
        spread = _spread(come, C, RP, BM)
        dx = _load_queries(d_out, head, some, heads, at, stop, 0, C, RP, E, BE)
        along = tl.sum(dx * _load_queries(out, head, some, heads, at, stop, 0, C, RP, E, BE), 1)
        value = load_tokens(v, row, groups, at, stop, 0, C, E, BE)
        products = _products(dx, value, C, RP, PRECISION, FACTOR)
        d_query = _weighted_keys(products, key, gate, come, spread, end, C, RP, BM, PRECISION)
        d_query += product(dx, tl.trans(state), PRECISION) * tl.exp(spread)
        query = _query_slice(q, q_norms, head, some, heads, at, stop, first, C, RP, D, BM)
        read = query * d_query * scale
        _store_queries(dq, read - query * along[:, None], head, some, heads, at, stop, first, C, RP, D, BM)
        together = tl.sum(tl.reshape(read, [C, RP, BM]), 1)
        store_tokens(reads, together, own, units, at, stop, first, C, D, BM)
        written = tl.trans((key * tl.exp(go)).to(FACTOR))
        state = state * tl.exp(end)[:, None] + product(written, value.to(FACTOR), PRECISION)


@triton.jit
def value_pass(
    q, k, d_out, ahead, after, dv, begins, ends, rows, owners, edge, scale, damping, tokens, heads,
    D: tl.constexpr, E: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr, C: tl.constexpr,
    R: tl.constexpr, RP: tl.constexpr, PARTS: tl.constexpr,
    HGRN2: tl.constexpr, PRECISION: tl.constexpr, FACTOR: tl.constexpr,
):  # fmt: skip
    """Gradients of v, `(B, T, units, E)`, and of the initial states.

    Grid: (segments, ceil(E / BN), units). `ahead: (segments, units, D, E)` is the adjoint of the state that each
    segment ends with, `after: (sequences, units, D, E)` receives that of the initial state.
    """
    segment, slice_n, unit = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    start, stop = tl.load(begins + segment), tl.load(ends + segment)
    groups, row, head, some = _unit(rows, segment, unit, tokens, heads, R, RP, PARTS)
    units, first = groups * PARTS, slice_n * BN
    own = tl.load(rows + segment).to(tl.int64) * tokens * units + unit
    where, inside = state_tile(ahead, segment, units, unit, 0, first, D, E, BD, BN)
    adjoint = tl.load(where, mask=inside, other=0.0)
    blocks = tl.cdiv(stop - start, C)
    for number in range(0, blocks):
        at = start + (blocks - 1 - number) * C
        key, gate, _, _ = _whole_keys(k, row, groups, at, stop, damping, C, D, BD, HGRN2)
        come, go, end = _sums(gate, C)
        query, _, _ = softmax_rows(_load_queries(q, head, some, heads, at, stop, 0, C, RP, D, BD), D, BD)
        spread = _spread(come, C, RP, BD)
        dx = _load_queries(d_out, head, some, heads, at, stop, first, C, RP, E, BN).to(FACTOR)
        outer = product(key * tl.exp(go), adjoint, PRECISION)
        written = tl.trans((query * tl.exp(spread) * scale).to(FACTOR))
        adjoint = adjoint * tl.exp(end)[:, None] + product(written, dx, PRECISION)
        scores = _scores(query * scale, key, gate, come, spread, end, C, RP, BD, PRECISION)
        result = product(tl.trans(scores).to(FACTOR), dx, PRECISION) + outer
        store_tokens(dv, result, own, units, at, stop, first, C, E, BN)
    if tl.load(edge + segment) == 1:
        where, inside = state_tile(after, tl.load(owners + segment), units, unit, 0, first, D, E, BD, BN)
        tl.store(where, adjoint, mask=inside)


@triton.jit
def key_pass(
    q, k, v, d_out, q_norms, k_norms, before, final, ahead, reads, dv, dk, begins, ends, rows, owners, edge,
    scale, damping, tokens, heads,
    D: tl.constexpr, E: tl.constexpr, BM: tl.constexpr, BE: tl.constexpr, C: tl.constexpr,
    R: tl.constexpr, RP: tl.constexpr, PARTS: tl.constexpr,
    HGRN2: tl.constexpr, PRECISION: tl.constexpr, FACTOR: tl.constexpr,
):  # fmt: skip
    """Gradients of k, `(B, T, units, D)`: through its feature, and through the log decays.

    Grid: (segments, ceil(D / BM), units). The gradient of a log decay is the sum of `reads` less feature times gradient
    of the keys over this and all later tokens of the segment, and of state times adjoint at its end.
    """
    segment, slice_m, unit = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    start, stop = tl.load(begins + segment), tl.load(ends + segment)
    groups, row, head, some = _unit(rows, segment, unit, tokens, heads, R, RP, PARTS)
    units, first = groups * PARTS, slice_m * BM
    own = tl.load(rows + segment).to(tl.int64) * tokens * units + unit
    where, inside = state_tile(ahead, segment, units, unit, first, 0, D, E, BM, BE)
    adjoint = tl.load(where, mask=inside, other=0.0)
    if tl.load(edge + segment) == 1:  # a segment ends with the state that the next one starts from, the last with final
        where, inside = state_tile(final, tl.load(owners + segment), units, unit, first, 0, D, E, BM, BE)
        later = tl.sum(adjoint * tl.load(where, mask=inside, other=0.0), 1)
    else:
        where, inside = state_tile(before, segment + 1, units, unit, first, 0, D, E, BM, BE)
        later = tl.sum(adjoint * tl.load(where, mask=inside, other=0.0), 1)
    blocks = tl.cdiv(stop - start, C)
    for number in range(0, blocks):
        at = start + (blocks - 1 - number) * C
        key, gate, fade = _key_slice(k, k_norms, row, groups, at, stop, first, damping, C, D, BM, HGRN2)
        come, go, end = _sums(gate, C)
        spread = _spread(come, C, RP, BM)
        dx = _load_queries(d_out, head, some, heads, at, stop, 0, C, RP, E, BE)
        value = load_tokens(v, row, groups, at, stop, 0, C, E, BE)
        query = _query_slice(q, q_norms, head, some, heads, at, stop, first, C, RP, D, BM) * scale
        outer = product(value, tl.trans(adjoint), PRECISION) * tl.exp(go)
        products = _products(dx, value, C, RP, PRECISION, FACTOR)
        d_key = outer + _weighted_queries(products, query, gate, come, spread, end, C, RP, BM, PRECISION)
        change = load_tokens(reads, own, units, at, stop, first, C, D, BM) - key * d_key
        d_gate = tl.cumsum(change, 0, reverse=True) + later[None, :]
        later += tl.sum(change, 0)
        if HGRN2:
            through = -d_key * fade * (1.0 - fade)
        else:
            along = tl.sum(value * load_tokens(dv, own, units, at, stop, 0, C, E, BE), 1)
            through = key * (d_key - along[:, None])
        store_tokens(dk, through + d_gate * fade / damping, own, units, at, stop, first, C, D, BM)
        written = tl.trans((query * tl.exp(spread)).to(FACTOR))
        adjoint = adjoint * tl.exp(end)[:, None] + product(written, dx.to(FACTOR), PRECISION)
