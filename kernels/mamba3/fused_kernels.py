"""Triton kernels of the Mamba-3 scan: bias, rotation, token weights, ranks, skip and gate inside one chunk kernel.

A sequence is cut into segments, a segment into chunks; a program walks the chunks of one segment of one head with its
state `[N,P]` in registers. The angle at the start of each chunk comes from a table (`chunk_turns` sums each chunk's
increments), so that segments do not wait for each other; inside a chunk angles and log decays are cumulated in float32.
States stand in global memory at segment ends only (`segment_updates`; `carry_states` of linear attention then hands
them on). Gradients of log decays and angle increments are suffix sums: chunks leave their totals, and
`finish_gradients` adds what later chunks hold.
"""

import triton
import triton.language as tl

from kernels.mamba3.tiles import (
    angle_increments,
    carry,
    chunk_rows,
    decays,
    dot,
    dots,
    input_rows,
    load_state,
    output_gradient,
    per_token,
    program,
    rank_weights,
    reduce_turn,
    rotation,
    row_places,
    store_gradient,
    store_ranks,
    store_state,
    store_tokens,
    sum_tokens,
    table_row,
    token_rows,
    turned_rows,
    vectors_per_token,
    weighted_rows,
)


@triton.jit
def chunk_turns(
    dt, rate, begins, ends, turns, H, A, S: tl.constexpr, CT: tl.constexpr, BH: tl.constexpr
):  # fmt: skip
    """How far each chunk turns, `[chunks,H,S]`, modulo 2 pi. Grid: chunks * H."""
    pid = tl.program_id(0)
    chunk, head = pid // H, pid % H
    start, stop = tl.load(begins + chunk).to(tl.int64), tl.load(ends + chunk).to(tl.int64)
    tok, _rank, _ok, first = chunk_rows(start, stop, 1, 1, CT)
    turn = tl.sum(angle_increments(dt, rate, start, tok, first, head, head // (H // A), H, A, S, BH), 0)
    s = tl.arange(0, BH)
    tl.store(turns + pid.to(tl.int64) * S + s, reduce_turn(turn), mask=s < S)


@triton.jit
def segment_updates(
    vectors, bias, values, mx, log_decay, dt, w_ptr, rate, angles, begins, ends, chunk0, edge, update, total,
    H, G, A, N: tl.constexpr, S: tl.constexpr, P: tl.constexpr,
    R: tl.constexpr, RP: tl.constexpr, CT: tl.constexpr, BH: tl.constexpr, BP: tl.constexpr,
    WEIGHTED: tl.constexpr, CAST: tl.constexpr, FAST: tl.constexpr, REVERSE: tl.constexpr,
):  # fmt: skip
    """What each segment adds to the state, `[segments,H,P,N]`, and its log decay; those at the `edge` hand nothing on.

    Forward `vectors` is B and `values` x; in REVERSE C and the output's gradient. Grid: segments * H.
    """
    segment, head, start, stop, chunk, group, turn_group = program(begins, ends, chunk0, H, G, A)
    if tl.load(edge + segment) == 0:
        even = tl.zeros([BH, BP], tl.float32)
        odd = tl.zeros([BH, BP], tl.float32)
        sum_decay = 0.0
        n = ((stop - start + CT - 1) // CT).to(tl.int32)
        for number in range(0, n):
            c = n - 1 - number if REVERSE else number
            at = start + c * CT
            tok, rank, ok, first = chunk_rows(at, stop, R, RP, CT)
            la, la_end = decays(log_decay, at, tok, first, head, H)
            cos, sin = rotation(dt, rate, angles, chunk + c, at, tok, first, head, turn_group, H, A, S, BH, FAST)
            ke, ko = turned_rows(vectors, bias, cos, sin, at, tok, rank, ok, group, head, R, G, N, BH, CAST)
            if REVERSE:
                v = output_gradient(values, at, tok, rank, ok, head, R, H, P, BP) * tl.exp(la)[:, None]
            else:
                value, m = input_rows(values, mx, at, tok, rank, ok, head, R, H, P, BP, WEIGHTED)
                w = tl.load(w_ptr + at * H + tok * H + head, mask=ok, other=0.0)
                v = value * m * (w * tl.exp(la_end - la))[:, None]
            even, odd = carry(even, odd, la_end, ke, ko, v, CAST)
            sum_decay += la_end
        store_state(update, even, odd, segment, head, H, N, P, BH, BP)
        tl.store(total + segment * H + head, sum_decay)


@triton.jit
def forward_kernel(
    C, B, x, log_decay, dt, w_ptr, g_ptr, rate, C_bias, B_bias, mx, angles, begins, ends, chunk0, owners, edge, before,
    D, z, mz, mo, y, rows, S_end,
    H, G, A, N: tl.constexpr, S: tl.constexpr, P: tl.constexpr,
    R: tl.constexpr, RP: tl.constexpr, CT: tl.constexpr, BH: tl.constexpr, BP: tl.constexpr,
    WEIGHTED: tl.constexpr, CAST: tl.constexpr, FAST: tl.constexpr,
    HAS_D: tl.constexpr, GATED: tl.constexpr, KEEP_ROWS: tl.constexpr,
):  # fmt: skip
    """Outputs `[T,H,P]` and final states, from the states before each segment. Grid: segments * H.

    KEEP_ROWS also stores the rows `[T,R,H,P]` before the gate and the sum over ranks, which the gate's gradient needs.
    """
    segment, head, start, stop, chunk, group, turn_group = program(begins, ends, chunk0, H, G, A)
    even, odd = load_state(before, segment, head, H, N, P, BH, BP)
    for c in range(0, ((stop - start + CT - 1) // CT).to(tl.int32)):
        at = start + c * CT
        tok, rank, ok, first = chunk_rows(at, stop, R, RP, CT)
        cos, sin = rotation(dt, rate, angles, chunk + c, at, tok, first, head, turn_group, H, A, S, BH, FAST)
        qe, qo = turned_rows(C, C_bias, cos, sin, at, tok, rank, ok, group, head, R, G, N, BH, CAST)
        ke, ko = turned_rows(B, B_bias, cos, sin, at, tok, rank, ok, group, head, R, G, N, BH, CAST)
        _value, _m, v, la, la_end, w, pairs, _decay, _same = weighted_rows(
            x, mx, log_decay, w_ptr, g_ptr, at, tok, rank, ok, first, head, R, RP, CT, H, P, BP, WEIGHTED
        )
        scores = dots(qe, qo, tl.trans(ke), tl.trans(ko), CAST) * pairs
        o = dot(scores, v, CAST) + tl.exp(la)[:, None] * dots(qe, qo, even, odd, CAST)
        if HAS_D:
            o += tl.load(D + head) * v
        if KEEP_ROWS:
            keep = ok[:, None] & (tl.arange(0, BP) < P)[None, :]
            tl.store(row_places(rows, at, tok, rank, head, R, H, P, BP), o.to(rows.dtype.element_ty), mask=keep)
        if GATED:
            gate = token_rows(z, at, tok, ok, head, H, P, BP) * rank_weights(mz, rank, ok, head, R, P, BP, WEIGHTED)
            o *= gate * tl.sigmoid(gate)
        if WEIGHTED:
            o *= rank_weights(mo, rank, ok, head, R, P, BP, WEIGHTED)
        tok_t, _rank, ok_t, _first = chunk_rows(at, stop, 1, 1, CT)
        store_tokens(y, vectors_per_token(o, CT, RP, BP), at, tok_t, ok_t, head, H, P, BP)
        weight = (w * tl.exp(la_end - la))[:, None]
        even, odd = carry(even, odd, la_end, ke, ko, v * weight, CAST)
    if tl.load(edge + segment) == 1:
        owner = tl.load(owners + segment).to(tl.int64)
        store_state(S_end, even, odd, owner, head, H, N, P, BH, BP)


@triton.jit
def gate_gradients(
    dy, rows, z, mz, mo, drows, dz, dmz, dmo, tokens, H, P: tl.constexpr,
    R: tl.constexpr, RP: tl.constexpr, CT: tl.constexpr, BP: tl.constexpr,
    WEIGHTED: tl.constexpr, GATED: tl.constexpr,
):  # fmt: skip
    """Gradients of the rows before the gate, of the gate, and, summed over CT tokens, of the rank weights.

    Grid: (ceil(tokens / CT), H); `dmz, dmo: [ceil(tokens / CT),H,R,P]`.
    """
    at, head = tl.program_id(0).to(tl.int64) * CT, tl.program_id(1)
    tok, rank, ok, _first = chunk_rows(at, tokens, R, RP, CT)
    tok_t, _rank, ok_t, _first_t = chunk_rows(at, tokens, 1, 1, CT)
    keep = ok[:, None] & (tl.arange(0, BP) < P)[None, :]
    owner = tl.program_id(0).to(tl.int64) * H + head
    d = token_rows(dy, at, tok, ok, head, H, P, BP)
    o = tl.load(row_places(rows, at, tok, rank, head, R, H, P, BP), mask=keep, other=0.0).to(tl.float32)
    weighted = d * rank_weights(mo, rank, ok, head, R, P, BP, WEIGHTED)
    drow, passed = weighted, o
    if GATED:
        value, m = input_rows(z, mz, at, tok, rank, ok, head, R, H, P, BP, WEIGHTED)
        gate = value * m
        part = tl.sigmoid(gate)
        drow, passed = weighted * gate * part, o * gate * part
        dgate = weighted * o * part * (1 + gate * (1 - part))
        store_tokens(dz, vectors_per_token(dgate * m, CT, RP, BP), at, tok_t, ok_t, head, H, P, BP)
        if WEIGHTED:
            store_ranks(dmz, sum_tokens(dgate * value, CT, RP, BP), owner, R, RP, P, BP)
    if WEIGHTED:
        store_ranks(dmo, sum_tokens(d * passed, CT, RP, BP), owner, R, RP, P, BP)
    where = row_places(drows, at, tok, rank, head, R, H, P, BP)
    tl.store(where, drow.to(drows.dtype.element_ty), mask=keep)


@triton.jit
def backward_C_kernel(
    C, B, x, log_decay, dt, w_ptr, g_ptr, rate, C_bias, B_bias, mx, angles, begins, ends, chunk0, before, dout,
    dC, row, turn,
    H, G, A, N: tl.constexpr, S: tl.constexpr, P: tl.constexpr,
    R: tl.constexpr, RP: tl.constexpr, CT: tl.constexpr, BH: tl.constexpr, BP: tl.constexpr,
    WEIGHTED: tl.constexpr, CAST: tl.constexpr, FAST: tl.constexpr,
):  # fmt: skip
    """Chunks in order: gradient of C for each head `[T,R,H,N]`, C . dC and the angle's gradient for each token."""
    segment, head, start, stop, chunk, group, turn_group = program(begins, ends, chunk0, H, G, A)
    s = tl.arange(0, BH)
    even, odd = load_state(before, segment, head, H, N, P, BH, BP)
    for c in range(0, ((stop - start + CT - 1) // CT).to(tl.int32)):
        at = start + c * CT
        tok, rank, ok, first = chunk_rows(at, stop, R, RP, CT)
        cos, sin = rotation(dt, rate, angles, chunk + c, at, tok, first, head, turn_group, H, A, S, BH, FAST)
        ke, ko = turned_rows(B, B_bias, cos, sin, at, tok, rank, ok, group, head, R, G, N, BH, CAST)
        _value, _m, v, la, la_end, w, pairs, _decay, _same = weighted_rows(
            x, mx, log_decay, w_ptr, g_ptr, at, tok, rank, ok, first, head, R, RP, CT, H, P, BP, WEIGHTED
        )
        do = output_gradient(dout, at, tok, rank, ok, head, R, H, P, BP)
        ds = dot(do, tl.trans(v.to(CAST)), CAST) * pairs
        faded = tl.exp(la)[:, None]
        d_even = dot(ds, ke, CAST) + faded * dot(do, tl.trans(even.to(CAST)), CAST)
        d_odd = dot(ds, ko, CAST) + faded * dot(do, tl.trans(odd.to(CAST)), CAST)
        weight = (w * tl.exp(la_end - la))[:, None]
        even, odd = carry(even, odd, la_end, ke, ko, v * weight, CAST)
        product, turn_rows = store_gradient(
            dC, d_even, d_odd, cos, sin, C, C_bias, at, tok, rank, ok, group, head, R, H, G, N, BH
        )
        tok_t, _rank, ok_t, _first = chunk_rows(at, stop, 1, 1, CT)
        tl.store(row + at * H + tok_t * H + head, per_token(product, CT, RP), mask=ok_t)
        where = turn + (at * H + head) * S + (tok_t * H)[:, None] * S + s[None, :]
        tl.store(where, vectors_per_token(turn_rows, CT, RP, BH), mask=ok_t[:, None] & (s < S)[None, :])


@triton.jit
def backward_B_kernel(
    C, B, x, log_decay, dt, w_ptr, g_ptr, rate, C_bias, B_bias, mx, angles, begins, ends, chunk0, owners, edge, after,
    dout, row, turn, D,
    dB, dx, dw, dg, dmx, dD, dS0, row_total, turn_total,
    H, G, A, N: tl.constexpr, S: tl.constexpr, P: tl.constexpr,
    R: tl.constexpr, RP: tl.constexpr, CT: tl.constexpr, BH: tl.constexpr, BP: tl.constexpr,
    WEIGHTED: tl.constexpr, CAST: tl.constexpr, FAST: tl.constexpr, HAS_D: tl.constexpr,
):  # fmt: skip
    """Chunks in reverse: all gradients that a chunk decides, and B's part of `row` and `turn` with their totals."""
    segment, head, start, stop, chunk, group, turn_group = program(begins, ends, chunk0, H, G, A)
    s = tl.arange(0, BH)
    even, odd = load_state(after, segment, head, H, N, P, BH, BP)
    sum_mx = tl.zeros([RP, BP], dtype=tl.float32)
    sum_skip = 0.0
    n = ((stop - start + CT - 1) // CT).to(tl.int32)
    for number in range(0, n):
        c = n - 1 - number
        at = start + c * CT
        tok, rank, ok, first = chunk_rows(at, stop, R, RP, CT)
        tok_t, _rank, ok_t, _first = chunk_rows(at, stop, 1, 1, CT)
        cos, sin = rotation(dt, rate, angles, chunk + c, at, tok, first, head, turn_group, H, A, S, BH, FAST)
        qe, qo = turned_rows(C, C_bias, cos, sin, at, tok, rank, ok, group, head, R, G, N, BH, CAST)
        ke, ko = turned_rows(B, B_bias, cos, sin, at, tok, rank, ok, group, head, R, G, N, BH, CAST)
        value, m, v, la, la_end, w, pairs, decay, same = weighted_rows(
            x, mx, log_decay, w_ptr, g_ptr, at, tok, rank, ok, first, head, R, RP, CT, H, P, BP, WEIGHTED
        )
        do = output_gradient(dout, at, tok, rank, ok, head, R, H, P, BP)
        scores = dots(qe, qo, tl.trans(ke), tl.trans(ko), CAST)
        ds = dot(do, tl.trans(v.to(CAST)), CAST)
        tail = tl.exp(la_end - la)
        # token weights
        from_state = dots(ke, ko, even, odd, CAST)
        both = scores * ds
        dw_row = tl.sum(both * decay, 0) + tail * tl.sum(v * from_state, 1)
        dg_row = tl.sum(tl.where(same, both, 0.0), 0)
        tl.store(dw + at * H + tok_t * H + head, per_token(tl.where(ok, dw_row, 0.0), CT, RP), mask=ok_t)
        tl.store(dg + at * H + tok_t * H + head, per_token(tl.where(ok, dg_row, 0.0), CT, RP), mask=ok_t)
        # x
        dv = dot(tl.trans((scores * pairs).to(CAST)), do, CAST) + (w * tail)[:, None] * from_state
        if HAS_D:
            dv += tl.load(D + head) * do
            sum_skip += tl.sum(v * do)
        store_tokens(dx, vectors_per_token(dv * m, CT, RP, BP), at, tok_t, ok_t, head, H, P, BP)
        if WEIGHTED:
            sum_mx += sum_tokens(dv * value, CT, RP, BP)
        # B
        back = tl.trans((ds * pairs).to(CAST))
        weight = (w * tail)[:, None]
        d_even = dot(back, qe, CAST) + weight * dot(v, tl.trans(even.to(CAST)), CAST)
        d_odd = dot(back, qo, CAST) + weight * dot(v, tl.trans(odd.to(CAST)), CAST)
        even, odd = carry(even, odd, la_end, qe, qo, do * tl.exp(la)[:, None], CAST)
        product, turn_rows = store_gradient(
            dB, d_even, d_odd, cos, sin, B, B_bias, at, tok, rank, ok, group, head, R, H, G, N, BH
        )
        # decay and angle
        where = row + at * H + tok_t * H + head
        row_t = tl.load(where, mask=ok_t, other=0.0) - per_token(product, CT, RP)
        tl.store(where, row_t, mask=ok_t)
        turning = ok_t[:, None] & (s < S)[None, :]
        where = turn + (at * H + head) * S + (tok_t * H)[:, None] * S + s[None, :]
        turn_t = tl.load(where, mask=turning, other=0.0) + vectors_per_token(turn_rows, CT, RP, BH)
        tl.store(where, turn_t, mask=turning)
        owner = (chunk + c).to(tl.int64) * H + head
        tl.store(row_total + owner, tl.sum(row_t, 0))
        tl.store(turn_total + owner * S + s, tl.sum(turn_t, 0), mask=s < S)
    if tl.load(edge + segment) == 1:
        owner = tl.load(owners + segment).to(tl.int64)
        store_state(dS0, even, odd, owner, head, H, N, P, BH, BP)
    if WEIGHTED:
        store_ranks(dmx, sum_mx, segment * H + head, R, RP, P, BP)
    if HAS_D:
        tl.store(dD + segment * H + head, sum_skip)


@triton.jit
def finish_gradients(
    row, turn, later_row, later_turn, dt, rate, begins, ends, dlog_decay, ddt, drate, H, A, S: tl.constexpr,
    CT: tl.constexpr, BH: tl.constexpr,
):  # fmt: skip
    """Suffix sums over each chunk and what later chunks hold: gradients of log decay, dt and, over heads, of the rates.

    Grid: chunks * A; `later_row: [chunks,H]` and `later_turn: [chunks,H,S]` are the sums over all later chunks.
    """
    pid = tl.program_id(0)
    chunk, group = pid // A, pid % A
    start, stop = tl.load(begins + chunk).to(tl.int64), tl.load(ends + chunk).to(tl.int64)
    tok, _rank, ok, _first = chunk_rows(start, stop, 1, 1, CT)
    s = tl.arange(0, BH)
    there = ok[:, None] & (s < S)[None, :]
    at_rate = (start * A + group) * S + (tok * A)[:, None] * S + s[None, :]
    rates = tl.load(rate + at_rate, mask=there, other=0.0)
    sum_rate = tl.zeros([CT, BH], tl.float32)
    for j in range(0, H // A):
        head = group * (H // A) + j
        value = tl.load(row + start * H + tok * H + head, mask=ok, other=0.0)
        after = tl.load(later_row + chunk.to(tl.int64) * H + head) + tl.cumsum(value, 0, reverse=True)
        tl.store(dlog_decay + start * H + tok * H + head, after, mask=ok)
        value = tl.load(turn + (start * H + head) * S + (tok * H)[:, None] * S + s[None, :], mask=there, other=0.0)
        later = table_row(later_turn, chunk, head, H, S, BH)
        after = later[None, :] + tl.cumsum(value, 0, reverse=True)
        step = tl.load(dt + start * H + tok * H + head, mask=ok, other=0.0)
        tl.store(ddt + start * H + tok * H + head, tl.sum(after * rates, 1), mask=ok)
        sum_rate += after * step[:, None]
    tl.store(drate + at_rate, sum_rate, mask=there)


@triton.jit
def sum_heads(
    gradient, summed, bias, tokens, H, G, N: tl.constexpr, R: tl.constexpr, CT: tl.constexpr, BN: tl.constexpr
):  # fmt: skip
    """Gradient of B or C from that of each head, `[T,R,H,N]`: over the heads of a group; for biases, over CT tokens.

    Grid: (ceil(tokens / CT), R * G); `summed: [T,R,G,N]`, `bias: [ceil(tokens / CT),H,R,N]`.
    """
    block, rank, group = tl.program_id(0).to(tl.int64), tl.program_id(1) // G, tl.program_id(1) % G
    tok, n = tl.arange(0, CT), tl.arange(0, BN)
    mask = (tok < (tokens - block * CT).to(tl.int32))[:, None] & (n < N)[None, :]
    first = (block * CT * R + rank).to(tl.int64)
    total = tl.zeros([CT, BN], tl.float32)
    for j in range(0, H // G):
        head = group * (H // G) + j
        where = gradient + (first * H + head) * N + (tok * R * H)[:, None] * N + n[None, :]
        value = tl.load(where, mask=mask, other=0.0).to(tl.float32)
        total += value
        tl.store(bias + ((block * H + head) * R + rank) * N + n, tl.sum(value, 0), mask=n < N)
    where = summed + (first * G + group) * N + (tok * R * G)[:, None] * N + n[None, :]
    tl.store(where, total.to(summed.dtype.element_ty), mask=mask)
