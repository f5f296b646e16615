"""Triton kernels of the Mamba-3 scan: bias, rotation, token weights and ranks inside one chunk kernel.

A sequence is cut into segments, a segment into chunks; a program walks the chunks of one segment of one head with its
state `[N,P]` in registers. Vectors of N come with their even components first: the kernels rotate (i, i + N/2), each
half is one contiguous load, and q . k is the sum of two products. A chunk has ROWS = CT * RP rows; row i belongs to token i // RP and rank i % RP. The angle
at the start of each chunk comes from a table (`chunk_turns` sums each chunk's increments), so that segments do not wait
for each other; inside a chunk angles and log decays are cumulated in float32. States stand in global memory at segment
ends only (`segment_updates`; `carry_states` of linear attention then hands them on). Gradients of log decays and angle
increments are suffix sums; chunks leave their totals, and `finish_gradients` adds what later chunks hold.
CAST is the type of matrix operands; sums are float32. FAST takes the GPU's sine and cosine, good to 1e-6 in [-pi, pi].
"""

import triton
import triton.language as tl
from triton.language.extra import libdevice

TURN = tl.constexpr(6.283185307179586)


@triton.jit
def _dot(a, b, CAST: tl.constexpr):
    return tl.dot(a.to(CAST), b.to(CAST), input_precision="tf32x3")


@triton.jit
def reduce_turn(angle):
    """An angle modulo 2 pi."""
    return angle - TURN * tl.floor(angle / TURN)


@triton.jit
def cos_sin(angle, FAST: tl.constexpr):
    """Cosine and sine of any angle."""
    if FAST:
        near = angle - TURN * tl.floor(angle / TURN + 0.5)
        return libdevice.fast_cosf(near), libdevice.fast_sinf(near)
    return tl.cos(angle), tl.sin(angle)


@triton.jit
def rotate(even, odd, cos, sin):
    """Pairs of components turned by an angle."""
    return even * cos - odd * sin, even * sin + odd * cos


@triton.jit
def _dots(ae, ao, be, bo, CAST: tl.constexpr):
    """Sum of the products of two halves."""
    return _dot(ae, be, CAST) + _dot(ao, bo, CAST)


@triton.jit
def _per_token(rows, CT: tl.constexpr, RP: tl.constexpr):
    """Sum over the ranks of each token, of a number for each row."""
    if RP == 1:
        return rows
    return tl.sum(tl.reshape(rows, [CT, RP]), 1)


@triton.jit
def _vectors_per_token(rows, CT: tl.constexpr, RP: tl.constexpr, W: tl.constexpr):
    """Sum over the ranks of each token, of a vector of W for each row."""
    if RP == 1:
        return rows
    return tl.sum(tl.reshape(rows, [CT, RP, W]), 1)


@triton.jit
def _program(begins, ends, chunk0, H, G, A):
    """Segment, head, first token and end of the segment, its first chunk, the head's groups of B and C and of angles."""
    pid = tl.program_id(0)
    segment, head = pid // H, pid % H
    start, stop = tl.load(begins + segment).to(tl.int64), tl.load(ends + segment).to(tl.int64)
    return segment.to(tl.int64), head, start, stop, tl.load(chunk0 + segment), head // (H // G), head // (H // A)


@triton.jit
def _rows(at, stop, R: tl.constexpr, RP: tl.constexpr, CT: tl.constexpr):
    """Token in the chunk and rank of each row, which rows are real, and which are the first of their token."""
    i = tl.arange(0, CT * RP)
    tok, rank = i // RP, i % RP
    ok = (tok < (stop - at).to(tl.int32)) & (rank < R)
    return tok, rank, ok, ok & (rank == 0)


@triton.jit
def _decays(log_decay, at, tok, first, head, H):
    """Cumulated log decay of the rows, and its end."""
    step = tl.load(log_decay + at * H + tok * H + head, mask=first, other=0.0).to(tl.float32)
    return tl.cumsum(step, 0), tl.sum(step, 0)


@triton.jit
def _turns(dt, rate, at, tok, first, head, group, H, A, S, BH: tl.constexpr):
    """Angle increments of the tokens, on their first rows."""
    s = tl.arange(0, BH)
    step = tl.load(dt + at * H + tok * H + head, mask=first, other=0.0).to(tl.float32)
    mask = first[:, None] & (s < S)[None, :]
    rates = tl.load(rate + (at * A + group) * S + (tok * A)[:, None] * S + s[None, :], mask=mask, other=0.0).to(tl.float32)
    return step[:, None] * rates


@triton.jit
def _table_row(table, chunk, head, H, S, BH: tl.constexpr):
    """A chunk's row of a table `[chunks,H,S]`."""
    s = tl.arange(0, BH)
    return tl.load(table + (chunk.to(tl.int64) * H + head) * S + s, mask=s < S, other=0.0)


@triton.jit
def _rotation(
    dt, rate, angles, chunk, at, tok, first, head, group, H, A, S, BH: tl.constexpr, FAST: tl.constexpr
):  # fmt: skip
    """Cosines and sines of the rows' angles; pairs from S on do not turn."""
    start = _table_row(angles, chunk, head, H, S, BH)
    return cos_sin(start[None, :] + tl.cumsum(_turns(dt, rate, at, tok, first, head, group, H, A, S, BH), 0), FAST)


@triton.jit
def _half(ptr, bias, at, tok, rank, ok, group, head, side: tl.constexpr, R: tl.constexpr, G, N, BH: tl.constexpr):
    """One half of the rows of B or C plus bias, `(ROWS, BH)`."""
    n = tl.arange(0, BH)
    mask = ok[:, None] & (n < N // 2)[None, :]
    rows = ptr + (at * R * G + group) * N + side * (N // 2)
    value = tl.load(rows + ((tok * R + rank) * G)[:, None] * N + n[None, :], mask=mask, other=0.0)
    shifts = bias + head * R * N + side * (N // 2)
    if R == 1:
        shift = tl.load(shifts + n, mask=n < N // 2, other=0.0)[None, :]
        return tl.where(mask, value.to(tl.float32) + shift.to(tl.float32), 0.0)
    shift = tl.load(shifts + rank[:, None] * N + n[None, :], mask=mask, other=0.0)
    return value.to(tl.float32) + shift.to(tl.float32)


@triton.jit
def _turned(
    ptr, bias, cos, sin, at, tok, rank, ok, group, head, R: tl.constexpr, G, N, BH: tl.constexpr, CAST: tl.constexpr
):  # fmt: skip
    """Rows of B or C plus bias, rotated, in halves."""
    even = _half(ptr, bias, at, tok, rank, ok, group, head, 0, R, G, N, BH)
    odd = _half(ptr, bias, at, tok, rank, ok, group, head, 1, R, G, N, BH)
    even, odd = rotate(even, odd, cos, sin)
    return even.to(CAST), odd.to(CAST)


@triton.jit
def _inputs(x, mx, at, tok, rank, ok, head, R: tl.constexpr, H, P, BP: tl.constexpr, WEIGHTED: tl.constexpr):
    """The input of each row and its rank weight."""
    p = tl.arange(0, BP)
    mask = ok[:, None] & (p < P)[None, :]
    value = tl.load(x + (at * H + head) * P + (tok * H)[:, None] * P + p[None, :], mask=mask, other=0.0).to(tl.float32)
    weight = 1.0
    if WEIGHTED:
        weight = tl.load(mx + (head * R + rank)[:, None] * P + p[None, :], mask=mask, other=0.0).to(tl.float32)
    return value, weight


@triton.jit
def _out_places(ptr, at, tok, rank, head, R: tl.constexpr, H, P, BP: tl.constexpr):
    """Where the rows of an output `[T,R,H,P]` lie."""
    return ptr + (at * R * H + head) * P + ((tok * R + rank) * H)[:, None] * P + tl.arange(0, BP)[None, :]


@triton.jit
def _output_gradient(dout, at, tok, rank, ok, head, R: tl.constexpr, H, P, BP: tl.constexpr):
    """Gradient of the output's rows."""
    keep = ok[:, None] & (tl.arange(0, BP) < P)[None, :]
    return tl.load(_out_places(dout, at, tok, rank, head, R, H, P, BP), mask=keep, other=0.0)


@triton.jit
def _pair_weights(la, w, g, RP: tl.constexpr, ROWS: tl.constexpr):
    """Decay times weight of each pair of rows, the decay alone, and which pairs share a token."""
    token = tl.arange(0, ROWS) // RP
    before = token[:, None] > token[None, :]
    same = token[:, None] == token[None, :]
    decay = tl.exp(tl.where(before, la[:, None] - la[None, :], float("-inf")))
    return decay * w[None, :] + tl.where(same, g[None, :], 0.0), decay, same


@triton.jit
def _state_places(ptr, owner, head, H, N, P, BH: tl.constexpr, BP: tl.constexpr):
    """Where the first half of a state `[P,N]` lies, for a tile `(BH, BP)`, and which of its entries are real."""
    n, p = tl.arange(0, BH), tl.arange(0, BP)
    return ptr + (owner * H + head) * P * N + p[None, :] * N + n[:, None], (n < N // 2)[:, None] & (p < P)[None, :]


@triton.jit
def _load_state(ptr, owner, head, H, N, P, BH: tl.constexpr, BP: tl.constexpr):
    """Halves of a state."""
    where, there = _state_places(ptr, owner, head, H, N, P, BH, BP)
    return tl.load(where, mask=there, other=0.0), tl.load(where + N // 2, mask=there, other=0.0)


@triton.jit
def _store_state(ptr, even, odd, owner, head, H, N, P, BH: tl.constexpr, BP: tl.constexpr):
    where, there = _state_places(ptr, owner, head, H, N, P, BH, BP)
    tl.store(where, even, mask=there)
    tl.store(where + N // 2, odd, mask=there)


@triton.jit
def _carry(even, odd, la_end, rows_e, rows_o, v, CAST: tl.constexpr):
    """Halves of a state across a chunk: decayed, plus rows times v."""
    kept = tl.exp(la_end)
    return kept * even + _dot(tl.trans(rows_e), v, CAST), kept * odd + _dot(tl.trans(rows_o), v, CAST)


@triton.jit
def _store_gradient(
    ptr, even, odd, at, tok, rank, ok, head, R: tl.constexpr, H, N, BH: tl.constexpr
):  # fmt: skip
    """Gradient of B or C for one head, `[T,R,H,N]`."""
    n = tl.arange(0, BH)
    where = ptr + (at * R * H + head) * N + ((tok * R + rank) * H)[:, None] * N + n[None, :]
    mask = ok[:, None] & (n < N // 2)[None, :]
    tl.store(where, even.to(ptr.dtype.element_ty), mask=mask)
    tl.store(where + N // 2, odd.to(ptr.dtype.element_ty), mask=mask)


@triton.jit
def chunk_turns(
    dt, rate, begins, ends, turns, H, A, S: tl.constexpr, CT: tl.constexpr, BH: tl.constexpr
):  # fmt: skip
    """How far each chunk turns, `[chunks,H,S]`, modulo 2 pi. Grid: chunks * H."""
    pid = tl.program_id(0)
    chunk, head = pid // H, pid % H
    start, stop = tl.load(begins + chunk).to(tl.int64), tl.load(ends + chunk).to(tl.int64)
    tok, _rank, _ok, first = _rows(start, stop, 1, 1, CT)
    turn = tl.sum(_turns(dt, rate, start, tok, first, head, head // (H // A), H, A, S, BH), 0)
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
    segment, head, start, stop, chunk, group, turn_group = _program(begins, ends, chunk0, H, G, A)
    ROWS: tl.constexpr = CT * RP
    if tl.load(edge + segment) == 0:
        even = tl.zeros([BH, BP], tl.float32)
        odd = tl.zeros([BH, BP], tl.float32)
        sum_decay = 0.0
        n = ((stop - start + CT - 1) // CT).to(tl.int32)
        for number in range(0, n):
            c = n - 1 - number if REVERSE else number
            at = start + c * CT
            tok, rank, ok, first = _rows(at, stop, R, RP, CT)
            la, la_end = _decays(log_decay, at, tok, first, head, H)
            cos, sin = _rotation(dt, rate, angles, chunk + c, at, tok, first, head, turn_group, H, A, S, BH, FAST)
            ke, ko = _turned(vectors, bias, cos, sin, at, tok, rank, ok, group, head, R, G, N, BH, CAST)
            if REVERSE:
                v = _output_gradient(values, at, tok, rank, ok, head, R, H, P, BP) * tl.exp(la)[:, None]
            else:
                value, m = _inputs(values, mx, at, tok, rank, ok, head, R, H, P, BP, WEIGHTED)
                w = tl.load(w_ptr + at * H + tok * H + head, mask=ok, other=0.0)
                v = value * m * (w * tl.exp(la_end - la))[:, None]
            even, odd = _carry(even, odd, la_end, ke, ko, v, CAST)
            sum_decay += la_end
        _store_state(update, even, odd, segment, head, H, N, P, BH, BP)
        tl.store(total + segment * H + head, sum_decay)


@triton.jit
def forward_kernel(
    C, B, x, log_decay, dt, w_ptr, g_ptr, rate, C_bias, B_bias, mx, angles, begins, ends, chunk0, owners, edge, before,
    out, S_end,
    H, G, A, N: tl.constexpr, S: tl.constexpr, P: tl.constexpr,
    R: tl.constexpr, RP: tl.constexpr, CT: tl.constexpr, BH: tl.constexpr, BP: tl.constexpr,
    WEIGHTED: tl.constexpr, CAST: tl.constexpr, FAST: tl.constexpr,
):  # fmt: skip
    """Outputs of the rows `[T,R,H,P]` and final states, from the states before each segment. Grid: segments * H."""
    segment, head, start, stop, chunk, group, turn_group = _program(begins, ends, chunk0, H, G, A)
    ROWS: tl.constexpr = CT * RP
    even, odd = _load_state(before, segment, head, H, N, P, BH, BP)
    for c in range(0, ((stop - start + CT - 1) // CT).to(tl.int32)):
        at = start + c * CT
        tok, rank, ok, first = _rows(at, stop, R, RP, CT)
        cos, sin = _rotation(dt, rate, angles, chunk + c, at, tok, first, head, turn_group, H, A, S, BH, FAST)
        qe, qo = _turned(C, C_bias, cos, sin, at, tok, rank, ok, group, head, R, G, N, BH, CAST)
        ke, ko = _turned(B, B_bias, cos, sin, at, tok, rank, ok, group, head, R, G, N, BH, CAST)
        value, m = _inputs(x, mx, at, tok, rank, ok, head, R, H, P, BP, WEIGHTED)
        v = value * m
        la, la_end = _decays(log_decay, at, tok, first, head, H)
        w = tl.load(w_ptr + at * H + tok * H + head, mask=ok, other=0.0)
        g = tl.load(g_ptr + at * H + tok * H + head, mask=ok, other=0.0)
        pairs, _decay, _same = _pair_weights(la, w, g, RP, ROWS)
        scores = _dots(qe, qo, tl.trans(ke), tl.trans(ko), CAST) * pairs
        o = _dot(scores, v, CAST) + tl.exp(la)[:, None] * _dots(qe, qo, even, odd, CAST)
        keep = ok[:, None] & (tl.arange(0, BP) < P)[None, :]
        tl.store(_out_places(out, at, tok, rank, head, R, H, P, BP), o.to(out.dtype.element_ty), mask=keep)
        kept = (w * tl.exp(la_end - la))[:, None]
        even, odd = _carry(even, odd, la_end, ke, ko, v * kept, CAST)
    if tl.load(edge + segment) == 1:
        owner = tl.load(owners + segment).to(tl.int64)
        _store_state(S_end, even, odd, owner, head, H, N, P, BH, BP)


@triton.jit
def backward_C_kernel(
    C, B, x, log_decay, dt, w_ptr, g_ptr, rate, C_bias, B_bias, mx, angles, begins, ends, chunk0, before, dout,
    dC, row, turn,
    H, G, A, N: tl.constexpr, S: tl.constexpr, P: tl.constexpr,
    R: tl.constexpr, RP: tl.constexpr, CT: tl.constexpr, BH: tl.constexpr, BP: tl.constexpr,
    WEIGHTED: tl.constexpr, CAST: tl.constexpr, FAST: tl.constexpr,
):  # fmt: skip
    """Chunks in order: gradient of C for each head `[T,R,H,N]`, C . dC and the angle's gradient for each token."""
    segment, head, start, stop, chunk, group, turn_group = _program(begins, ends, chunk0, H, G, A)
    ROWS: tl.constexpr = CT * RP
    s = tl.arange(0, BH)
    even, odd = _load_state(before, segment, head, H, N, P, BH, BP)
    for c in range(0, ((stop - start + CT - 1) // CT).to(tl.int32)):
        at = start + c * CT
        tok, rank, ok, first = _rows(at, stop, R, RP, CT)
        cos, sin = _rotation(dt, rate, angles, chunk + c, at, tok, first, head, turn_group, H, A, S, BH, FAST)
        ke, ko = _turned(B, B_bias, cos, sin, at, tok, rank, ok, group, head, R, G, N, BH, CAST)
        value, m = _inputs(x, mx, at, tok, rank, ok, head, R, H, P, BP, WEIGHTED)
        v = value * m
        la, la_end = _decays(log_decay, at, tok, first, head, H)
        w = tl.load(w_ptr + at * H + tok * H + head, mask=ok, other=0.0)
        g = tl.load(g_ptr + at * H + tok * H + head, mask=ok, other=0.0)
        pairs, _decay, _same = _pair_weights(la, w, g, RP, ROWS)
        do = _output_gradient(dout, at, tok, rank, ok, head, R, H, P, BP)
        ds = _dot(do, tl.trans(v.to(CAST)), CAST) * pairs
        faded = tl.exp(la)[:, None]
        d_even = _dot(ds, ke, CAST) + faded * _dot(do, tl.trans(even.to(CAST)), CAST)
        d_odd = _dot(ds, ko, CAST) + faded * _dot(do, tl.trans(odd.to(CAST)), CAST)
        kept = (w * tl.exp(la_end - la))[:, None]
        even, odd = _carry(even, odd, la_end, ke, ko, v * kept, CAST)
        d_even, d_odd = rotate(d_even, d_odd, cos, -sin)
        _store_gradient(dC, d_even, d_odd, at, tok, rank, ok, head, R, H, N, BH)
        ue = _half(C, C_bias, at, tok, rank, ok, group, head, 0, R, G, N, BH)
        uo = _half(C, C_bias, at, tok, rank, ok, group, head, 1, R, G, N, BH)
        product, turned = tl.sum(ue * d_even + uo * d_odd, 1), d_odd * ue - d_even * uo
        tok_t, _rank, ok_t, _first = _rows(at, stop, 1, 1, CT)
        tl.store(row + at * H + tok_t * H + head, _per_token(product, CT, RP), mask=ok_t)
        where = turn + (at * H + head) * S + (tok_t * H)[:, None] * S + s[None, :]
        tl.store(where, _vectors_per_token(turned, CT, RP, BH), mask=ok_t[:, None] & (s < S)[None, :])


@triton.jit
def backward_B_kernel(
    C, B, x, log_decay, dt, w_ptr, g_ptr, rate, C_bias, B_bias, mx, angles, begins, ends, chunk0, owners, edge, after,
    dout, row, turn,
    dB, dx, dw, dg, dmx, dS0, row_total, turn_total,
    H, G, A, N: tl.constexpr, S: tl.constexpr, P: tl.constexpr,
    R: tl.constexpr, RP: tl.constexpr, CT: tl.constexpr, BH: tl.constexpr, BP: tl.constexpr,
    WEIGHTED: tl.constexpr, CAST: tl.constexpr, FAST: tl.constexpr,
):  # fmt: skip
    """Chunks in reverse: all gradients that a chunk decides, and B's part of `row` and `turn` with their totals."""
    segment, head, start, stop, chunk, group, turn_group = _program(begins, ends, chunk0, H, G, A)
    ROWS: tl.constexpr = CT * RP
    s, p = tl.arange(0, BH), tl.arange(0, BP)
    even, odd = _load_state(after, segment, head, H, N, P, BH, BP)
    sum_mx = tl.zeros([RP, BP], dtype=tl.float32)
    n = ((stop - start + CT - 1) // CT).to(tl.int32)
    for number in range(0, n):
        c = n - 1 - number
        at = start + c * CT
        tok, rank, ok, first = _rows(at, stop, R, RP, CT)
        tok_t, _rank, ok_t, _first = _rows(at, stop, 1, 1, CT)
        cos, sin = _rotation(dt, rate, angles, chunk + c, at, tok, first, head, turn_group, H, A, S, BH, FAST)
        qe, qo = _turned(C, C_bias, cos, sin, at, tok, rank, ok, group, head, R, G, N, BH, CAST)
        ke, ko = _turned(B, B_bias, cos, sin, at, tok, rank, ok, group, head, R, G, N, BH, CAST)
        value, m = _inputs(x, mx, at, tok, rank, ok, head, R, H, P, BP, WEIGHTED)
        v = value * m
        la, la_end = _decays(log_decay, at, tok, first, head, H)
        w = tl.load(w_ptr + at * H + tok * H + head, mask=ok, other=0.0)
        g = tl.load(g_ptr + at * H + tok * H + head, mask=ok, other=0.0)
        do = _output_gradient(dout, at, tok, rank, ok, head, R, H, P, BP)
        pairs, decay, same = _pair_weights(la, w, g, RP, ROWS)
        scores = _dots(qe, qo, tl.trans(ke), tl.trans(ko), CAST)
        ds = _dot(do, tl.trans(v.to(CAST)), CAST)
        tail = tl.exp(la_end - la)
        # token weights
        from_state = _dots(ke, ko, even, odd, CAST)
        both = scores * ds
        dw_row = tl.sum(both * decay, 0) + tail * tl.sum(v * from_state, 1)
        dg_row = tl.sum(tl.where(same, both, 0.0), 0)
        tl.store(dw + at * H + tok_t * H + head, _per_token(tl.where(ok, dw_row, 0.0), CT, RP), mask=ok_t)
        tl.store(dg + at * H + tok_t * H + head, _per_token(tl.where(ok, dg_row, 0.0), CT, RP), mask=ok_t)
        # x
        dv = _dot(tl.trans((scores * pairs).to(CAST)), do, CAST) + (w * tail)[:, None] * from_state
        dx_t = _vectors_per_token(dv * m, CT, RP, BP).to(dx.dtype.element_ty)
        tl.store(dx + (at * H + head) * P + (tok_t * H)[:, None] * P + p[None, :], dx_t, mask=ok_t[:, None] & (p < P)[None, :])
        if WEIGHTED:
            keep = ok[:, None] & (p < P)[None, :]
            sum_mx += tl.sum(tl.reshape(tl.where(keep, dv * value, 0.0), [CT, RP, BP]), 0)
        # B
        back = tl.trans((ds * pairs).to(CAST))
        kept = (w * tail)[:, None]
        d_even = _dot(back, qe, CAST) + kept * _dot(v, tl.trans(even.to(CAST)), CAST)
        d_odd = _dot(back, qo, CAST) + kept * _dot(v, tl.trans(odd.to(CAST)), CAST)
        even, odd = _carry(even, odd, la_end, qe, qo, do * tl.exp(la)[:, None], CAST)
        d_even, d_odd = rotate(d_even, d_odd, cos, -sin)
        _store_gradient(dB, d_even, d_odd, at, tok, rank, ok, head, R, H, N, BH)
        ue = _half(B, B_bias, at, tok, rank, ok, group, head, 0, R, G, N, BH)
        uo = _half(B, B_bias, at, tok, rank, ok, group, head, 1, R, G, N, BH)
        product, turned = tl.sum(ue * d_even + uo * d_odd, 1), d_odd * ue - d_even * uo
        # decay and angle
        where = row + at * H + tok_t * H + head
        row_t = tl.load(where, mask=ok_t, other=0.0) - _per_token(product, CT, RP)
        tl.store(where, row_t, mask=ok_t)
        turning = ok_t[:, None] & (s < S)[None, :]
        where = turn + (at * H + head) * S + (tok_t * H)[:, None] * S + s[None, :]
        turn_t = tl.load(where, mask=turning, other=0.0) + _vectors_per_token(turned, CT, RP, BH)
        tl.store(where, turn_t, mask=turning)
        owner = (chunk + c).to(tl.int64) * H + head
        tl.store(row_total + owner, tl.sum(row_t, 0))
        tl.store(turn_total + owner * S + s, tl.sum(turn_t, 0), mask=s < S)
    if tl.load(edge + segment) == 1:
        owner = tl.load(owners + segment).to(tl.int64)
        _store_state(dS0, even, odd, owner, head, H, N, P, BH, BP)
    if WEIGHTED:
        r = tl.arange(0, RP)
        where = dmx + ((segment * H + head) * R + r)[:, None] * P + p[None, :]
        tl.store(where, sum_mx, mask=(r < R)[:, None] & (p < P)[None, :])


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
    tok, _rank, ok, _first = _rows(start, stop, 1, 1, CT)
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
        later = _table_row(later_turn, chunk, head, H, S, BH)
        after = later[None, :] + tl.cumsum(value, 0, reverse=True)
        step = tl.load(dt + start * H + tok * H + head, mask=ok, other=0.0)
        tl.store(ddt + start * H + tok * H + head, tl.sum(after * rates, 1), mask=ok)
        sum_rate += after * step[:, None]
    tl.store(drate + at_rate, sum_rate, mask=there)
