"""Triton kernels of the gated delta rule; `fused` launches them.

Sequences are cut into chunks of at most C tokens. With G the running sum of the log decays of a chunk, gap_ij the sum
between two of its tokens, S the memory before it and b the strengths,

    A_ij = b_i (k_i . k_j) exp(gap_ij) for j < i,   T = (1 + A)^-1,   W = T (b exp(G) k),   U = T (b v),
    N = U - W S,   o = scale (exp(G) q S + (q k^T exp(gap)) N),   S <- exp(G_end) S + (exp(G_end - G) k)^T N

(Yang et al. 2025). `solve_chunks` makes T, W and U of all chunks side by side, `pass_states` walks through the chunks
of a sequence, `read_chunks` makes the outputs side by side; backward `pass_adjoints` walks back, and `chunk_weights`,
`channel_gradients` and `decay_gradients` do the rest side by side. Sums of log decays are added up between tokens, so
that no difference of large sums is taken.
"""

import triton
import triton.language as tl

from kernels.device import load_tokens, product, state_tile, store_tokens


@triton.jit
def _numbers(base, row, heads, start, stop, C: tl.constexpr):
    """One number a token, in float32; 0 beyond `stop`."""
    place = tl.arange(0, C)
    where = base + row + (start + place) * heads
    return tl.load(where, mask=start + place < stop, other=0.0).to(tl.float32)


@triton.jit
def _sums(g, C: tl.constexpr):
    """Sums of log decays: from the start to each token, from each to the end, and `gap`, -inf for later tokens."""
    place = tl.arange(0, C)
    after = tl.where(place[:, None] > place[None, :], g[:, None], 0.0)  # g_r for r > j
    gap = tl.where(place[:, None] >= place[None, :], tl.cumsum(after, 0), float("-inf"))
    return tl.cumsum(g, 0), tl.sum(after, 0), gap


@triton.jit
def solve_chunks(
    k, v, beta, decay, T, W, U, begins, ends, rows, heads, tokens,
    D: tl.constexpr, E: tl.constexpr, BD: tl.constexpr, BE: tl.constexpr, C: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """T `(chunks, heads, C, C)`, W and U of every chunk. Grid: (chunks, heads)."""
    chunk, head = tl.program_id(0), tl.program_id(1)
    start, stop = tl.load(begins + chunk), tl.load(ends + chunk)
    row = tl.load(rows + chunk).to(tl.int64) * tokens * heads + head
    place = tl.arange(0, C)
    g, b = _numbers(decay, row, heads, start, stop, C), _numbers(beta, row, heads, start, stop, C)
    come, _, gap = _sums(g, C)
    kb = load_tokens(k, row, heads, start, stop, 0, C, D, BD)
    products = product(kb, tl.trans(kb), PRECISION)
    A = tl.where(place[:, None] > place[None, :], b[:, None] * products * tl.exp(gap), 0.0)
    inverse = tl.where(place[:, None] == place[None, :], 1.0, 0.0)
    for i in range(1, C):
        along = tl.sum(tl.where(place[:, None] == i, A, 0.0), 0)
        less = tl.sum(along[:, None] * inverse, 0)
        inverse = tl.where(place[:, None] == i, inverse - less[None, :], inverse)
    where = T + ((chunk * heads + head) * C + place[:, None]) * C + place[None, :]
    tl.store(where, inverse)
    strength = (b * tl.exp(come))[:, None]
    store_tokens(W, product(inverse, strength * kb, PRECISION), row, heads, start, stop, 0, C, D, BD)
    vb = load_tokens(v, row, heads, start, stop, 0, C, E, BE)
    store_tokens(U, product(inverse, b[:, None] * vb, PRECISION), row, heads, start, stop, 0, C, E, BE)


@triton.jit
def pass_states(
    k, decay, W, U, news, states, outer, after, begins, ends, rows, bounds, heads, tokens,
    D: tl.constexpr, E: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr, C: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Writes N and the memories before each chunk `(chunks, heads, D, E)`. Grid: (sequences, ceil(E / BN), heads)."""
    sequence, slice_n, head = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    first = slice_n * BN
    where, inside = state_tile(outer, sequence, heads, head, 0, first, D, E, BD, BN)
    S = tl.load(where, mask=inside, other=0.0)
    for chunk in range(tl.load(bounds + sequence), tl.load(bounds + sequence + 1)):
        start, stop = tl.load(begins + chunk), tl.load(ends + chunk)
        row = tl.load(rows + chunk).to(tl.int64) * tokens * heads + head
        place_of, there = state_tile(states, chunk, heads, head, 0, first, D, E, BD, BN)
        tl.store(place_of, S, mask=there)
        g = _numbers(decay, row, heads, start, stop, C)
        _, go, _ = _sums(g, C)
        wb = load_tokens(W, row, heads, start, stop, 0, C, D, BD)
        new = load_tokens(U, row, heads, start, stop, first, C, E, BN) - product(wb, S, PRECISION)
        store_tokens(news, new, row, heads, start, stop, first, C, E, BN)
        kb = load_tokens(k, row, heads, start, stop, 0, C, D, BD) * tl.exp(go)[:, None]
        S = tl.exp(tl.sum(g, 0)) * S + product(tl.trans(kb), new, PRECISION)
    where, inside = state_tile(after, sequence, heads, head, 0, first, D, E, BD, BN)
    tl.store(where, S, mask=inside)


@triton.jit
def read_chunks(
    q, k, decay, news, states, out, begins, ends, rows, scale, heads, tokens,
    D: tl.constexpr, E: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr, C: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Outputs. Grid: (chunks, ceil(E / BN), heads)."""
    chunk, slice_n, head = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    start, stop = tl.load(begins + chunk), tl.load(ends + chunk)
    row = tl.load(rows + chunk).to(tl.int64) * tokens * heads + head
    first = slice_n * BN
    come, _, gap = _sums(_numbers(decay, row, heads, start, stop, C), C)
    qb, kb = load_tokens(q, row, heads, start, stop, 0, C, D, BD), load_tokens(k, row, heads, start, stop, 0, C, D, BD)
    where, inside = state_tile(states, chunk, heads, head, 0, first, D, E, BD, BN)
    S = tl.load(where, mask=inside, other=0.0)
    scores = product(qb, tl.trans(kb), PRECISION) * tl.exp(gap)
    new = load_tokens(news, row, heads, start, stop, first, C, E, BN)
    o = product(qb * tl.exp(come)[:, None], S, PRECISION) + product(scores, new, PRECISION)
    store_tokens(out, scale * o, row, heads, start, stop, first, C, E, BN)


@triton.jit
def pass_adjoints(
    q, k, decay, W, d_out, d_news, adjoints, outer, before, begins, ends, rows, bounds, scale, heads, tokens,
    D: tl.constexpr, E: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr, C: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Gradients of N, of the memories after each chunk and before the first. Grid: (sequences, ceil(E / BN), heads)."""
    sequence, slice_n, head = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    first = slice_n * BN
    where, inside = state_tile(outer, sequence, heads, head, 0, first, D, E, BD, BN)
    dS = tl.load(where, mask=inside, other=0.0)
    lowest, highest = tl.load(bounds + sequence), tl.load(bounds + sequence + 1)
    for number in range(0, highest - lowest):
        chunk = highest - 1 - number
        start, stop = tl.load(begins + chunk), tl.load(ends + chunk)
        row = tl.load(rows + chunk).to(tl.int64) * tokens * heads + head
        place_of, there = state_tile(adjoints, chunk, heads, head, 0, first, D, E, BD, BN)
        tl.store(place_of, dS, mask=there)
        g = _numbers(decay, row, heads, start, stop, C)
        come, go, gap = _sums(g, C)
        qb = load_tokens(q, row, heads, start, stop, 0, C, D, BD) * scale
        kb = load_tokens(k, row, heads, start, stop, 0, C, D, BD)
        do = load_tokens(d_out, row, heads, start, stop, first, C, E, BN)
        scores = product(qb, tl.trans(kb), PRECISION) * tl.exp(gap)
        d_new = product(tl.trans(scores), do, PRECISION) + product(kb * tl.exp(go)[:, None], dS, PRECISION)
        store_tokens(d_news, d_new, row, heads, start, stop, first, C, E, BN)
        wb = load_tokens(W, row, heads, start, stop, 0, C, D, BD)
        dS = tl.exp(tl.sum(g, 0)) * dS + product(tl.trans(qb * tl.exp(come)[:, None]), do, PRECISION)
        dS -= product(tl.trans(wb), d_new, PRECISION)
    where, inside = state_tile(before, sequence, heads, head, 0, first, D, E, BD, BN)
    tl.store(where, dS, mask=inside)


@triton.jit
def chunk_weights(
    q, k, v, beta, decay, T, W, U, news, states, d_out, d_news, right, dP, dA, dv, d_beta, later,
    begins, ends, rows, scale, heads, tokens,
    D: tl.constexpr, E: tl.constexpr, BN: tl.constexpr, C: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Gradients of the two matrices of a chunk, of T's right side `right`, of v and of the strengths.

    Grid: (chunks, heads). `later` is that of the sums of log decays as far as it is known here.
    """
    chunk, head = tl.program_id(0), tl.program_id(1)
    start, stop = tl.load(begins + chunk), tl.load(ends + chunk)
    row = tl.load(rows + chunk).to(tl.int64) * tokens * heads + head
    place = tl.arange(0, C)
    g, b = _numbers(decay, row, heads, start, stop, C), _numbers(beta, row, heads, start, stop, C)
    come, _, gap = _sums(g, C)
    fade, ratio = tl.exp(come)[:, None], tl.exp(gap)
    square = ((chunk * heads + head) * C + place[:, None]) * C + place[None, :]
    inverse_T = tl.trans(tl.load(T + square))
    scores = tl.zeros([C, C], tl.float32)
    system = tl.zeros([C, C], tl.float32)
    queries = tl.zeros([C, C], tl.float32)
    keys = tl.zeros([C, C], tl.float32)
    db = tl.zeros([C], tl.float32)
    along = tl.zeros([C], tl.float32)
    for number in range(0, tl.cdiv(E, BN)):
        first = number * BN
        d_new = load_tokens(d_news, row, heads, start, stop, first, C, E, BN)
        do = load_tokens(d_out, row, heads, start, stop, first, C, E, BN)
        scores += product(do, tl.trans(load_tokens(news, row, heads, start, stop, first, C, E, BN)), PRECISION)
        side = product(inverse_T, d_new, PRECISION)
        db += tl.sum(side * load_tokens(v, row, heads, start, stop, first, C, E, BN), 1)
        store_tokens(dv, b[:, None] * side, row, heads, start, stop, first, C, E, BN)
        system -= product(side, tl.trans(load_tokens(U, row, heads, start, stop, first, C, E, BN)), PRECISION)
    for part in range(0, tl.cdiv(D, BN)):
        low = part * BN
        dW = tl.zeros([C, BN], tl.float32)
        for number in range(0, tl.cdiv(E, BN)):
            first = number * BN
            where, inside = state_tile(states, chunk, heads, head, low, first, D, E, BN, BN)
            S = tl.load(where, mask=inside, other=0.0)
            d_new = load_tokens(d_news, row, heads, start, stop, first, C, E, BN)
            dW -= product(d_new, tl.trans(S), PRECISION)
        side = product(inverse_T, dW, PRECISION)
        store_tokens(right, side, row, heads, start, stop, low, C, D, BN)
        system -= product(side, tl.trans(load_tokens(W, row, heads, start, stop, low, C, D, BN)), PRECISION)
        kb = load_tokens(k, row, heads, start, stop, low, C, D, BN)
        along += tl.sum(side * fade * kb, 1)
        queries += product(load_tokens(q, row, heads, start, stop, low, C, D, BN), tl.trans(kb), PRECISION)
        keys += product(kb, tl.trans(kb), PRECISION)
    scores = scores * ratio * scale
    system = tl.where(place[:, None] > place[None, :], system * ratio, 0.0)
    db += along + tl.sum(system * keys, 1)
    system = system * b[:, None]
    tl.store(dP + square, scores)
    tl.store(dA + square, system)
    between = scores * queries + system * keys
    total = b * along + tl.sum(between, 1) - tl.sum(between, 0)
    valid = start + place < stop
    tl.store(d_beta + row + (start + place) * heads, db, mask=valid)
    tl.store(later + row + (start + place) * heads, total, mask=valid)


@triton.jit
def channel_gradients(
    q, k, beta, decay, news, states, adjoints, d_out, right, dP, dA, dq, dk, come_part, go_part, through,
    begins, ends, rows, scale, heads, tokens, batch, chunks,
    D: tl.constexpr, E: tl.constexpr, BN: tl.constexpr, C: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Gradients of queries and keys for a slice of channels. Grid: (chunks, ceil(D / BN), heads).

    `come_part`, `go_part` `(slices, batch, tokens, heads)` and `through` `(slices, chunks, heads)` are the parts of the
    slice in the gradients of the sums of log decays from the start, to the end, and of the whole chunk.
    """
    chunk, part, head = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    start, stop = tl.load(begins + chunk), tl.load(ends + chunk)
    row = tl.load(rows + chunk).to(tl.int64) * tokens * heads + head
    low = part * BN
    place = tl.arange(0, C)
    g, b = _numbers(decay, row, heads, start, stop, C), _numbers(beta, row, heads, start, stop, C)
    come, go, _ = _sums(g, C)
    read = tl.zeros([C, BN], tl.float32)
    write = tl.zeros([C, BN], tl.float32)
    total = 0.0
    for number in range(0, tl.cdiv(E, BN)):
        first = number * BN
        where, inside = state_tile(states, chunk, heads, head, low, first, D, E, BN, BN)
        S = tl.load(where, mask=inside, other=0.0)
        where, inside = state_tile(adjoints, chunk, heads, head, low, first, D, E, BN, BN)
        dS = tl.load(where, mask=inside, other=0.0)
        total += tl.sum(S * dS)
        read += product(load_tokens(d_out, row, heads, start, stop, first, C, E, BN), tl.trans(S), PRECISION)
        write += product(load_tokens(news, row, heads, start, stop, first, C, E, BN), tl.trans(dS), PRECISION)
    qb, kb = (
        load_tokens(q, row, heads, start, stop, low, C, D, BN),
        load_tokens(k, row, heads, start, stop, low, C, D, BN),
    )
    square = ((chunk * heads + head) * C + place[:, None]) * C + place[None, :]
    scores, system = tl.load(dP + square), tl.load(dA + square)
    read = read * tl.exp(come)[:, None] * scale
    write = write * tl.exp(go)[:, None]
    store_tokens(dq, read + product(scores, kb, PRECISION), row, heads, start, stop, low, C, D, BN)
    side = load_tokens(right, row, heads, start, stop, low, C, D, BN)
    d_key = write + (b * tl.exp(come))[:, None] * side + product(tl.trans(scores), qb, PRECISION)
    d_key += product(system + tl.trans(system), kb, PRECISION)
    store_tokens(dk, d_key, row, heads, start, stop, low, C, D, BN)
    valid = start + place < stop
    where = part.to(tl.int64) * batch * tokens * heads + row + (start + place) * heads
    tl.store(come_part + where, tl.sum(read * qb, 1), mask=valid)
    tl.store(go_part + where, tl.sum(write * kb, 1), mask=valid)
    tl.store(through + (part * chunks + chunk) * heads + head, total)


@triton.jit
def decay_gradients(
    decay, later, come_part, go_part, through, d_decay, begins, ends, rows, heads, tokens, batch, chunks,
    SLICES: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    """Gradients of the log decays from those of their sums. Grid: (chunks, heads)."""
    chunk, head = tl.program_id(0), tl.program_id(1)
    start, stop = tl.load(begins + chunk), tl.load(ends + chunk)
    row = tl.load(rows + chunk).to(tl.int64) * tokens * heads + head
    size = batch.to(tl.int64) * tokens * heads
    from_start = _numbers(later, row, heads, start, stop, C)
    to_end = tl.zeros([C], tl.float32)
    whole = 0.0
    for part in range(0, SLICES):
        from_start += _numbers(come_part + part * size, row, heads, start, stop, C)
        to_end += _numbers(go_part + part * size, row, heads, start, stop, C)
        whole += tl.load(through + (part * chunks + chunk) * heads + head)
    g = _numbers(decay, row, heads, start, stop, C)
    total = tl.cumsum(from_start, 0, reverse=True) + tl.cumsum(to_end, 0) - to_end + whole * tl.exp(tl.sum(g, 0))
    place = tl.arange(0, C)
    tl.store(d_decay + row + (start + place) * heads, total, mask=start + place < stop)
