"""Triton kernels of the Mamba-3 scan: bias, rotation, token weights and ranks inside one chunk kernel.

One program walks one head of one sequence, its state in registers. A chunk has ROWS = CT * RP rows; row i belongs to
token i // RP and rank i % RP. Vectors of N are held as their even and odd components, so that a rotation needs no
shuffle and q . k = qe . ke + qo . ko. Angles and decays are cumulated in float32, angles reduced modulo 2 pi at each
chunk's start. CAST is the type of matrix operands; sums are float32.
"""

import triton
import triton.language as tl

TURN = tl.constexpr(6.283185307179586)


@triton.jit
def _dot(a, b, CAST: tl.constexpr):
    return tl.dot(a.to(CAST), b.to(CAST), input_precision="ieee")


@triton.jit
def reduce_turn(angle):
    """An angle modulo 2 pi."""
    return angle - TURN * tl.floor(angle / TURN)


@triton.jit
def _place(cu, H, G, A, CT: tl.constexpr, RP: tl.constexpr, BN: tl.constexpr, BP: tl.constexpr):
    """Where a program works.

    Returns its number, sequence and head, the sequence's first token and length, the head's groups of B and C and of
    angles, token and rank of each row of a chunk, pairs of N and components of P.
    """
    pid = tl.program_id(0).to(tl.int64)
    seq, h = pid // H, pid % H
    start = tl.load(cu + seq)
    length = tl.load(cu + seq + 1) - start
    i = tl.arange(0, CT * RP)
    return pid, seq, h, start, length, h // (H // G), h // (H // A), i // RP, i % RP, tl.arange(0, BN), tl.arange(0, BP)


@triton.jit
def _half(ptr, bias, tok, rank, ok, group, h, comp, R: tl.constexpr, G, N):
    """Rows of B or C plus bias, one half of the components."""
    mask = ok[:, None] & (comp < N)[None, :]
    value = tl.load(ptr + ((tok * R + rank) * G + group)[:, None] * N + comp[None, :], mask=mask, other=0.0)
    shift = tl.load(bias + (h * R + rank)[:, None] * N + comp[None, :], mask=mask, other=0.0)
    return value.to(tl.float32) + shift.to(tl.float32)


@triton.jit
def _rows(ptr, mx, tok, rank, ok, h, p, R: tl.constexpr, H, P, WEIGHTED: tl.constexpr):
    """The input of each row and its rank weight."""
    mask = ok[:, None] & (p < P)[None, :]
    x = tl.load(ptr + (tok * H + h)[:, None] * P + p[None, :], mask=mask, other=0.0).to(tl.float32)
    if WEIGHTED:
        m = tl.load(mx + (h * R + rank)[:, None] * P + p[None, :], mask=mask, other=0.0).to(tl.float32)
    else:
        m = tl.where(mask, 1.0, 0.0)
    return x, m


@triton.jit
def _output_gradient(dout, tok, rank, ok, h, p, R: tl.constexpr, H, P):
    """Gradient of the output's rows, and which of its entries are real."""
    keep = ok[:, None] & (p < P)[None, :]
    do = tl.load(dout + ((tok * R + rank) * H + h)[:, None] * P + p[None, :], mask=keep, other=0.0)
    return do.to(tl.float32), keep


@triton.jit
def _carry(even, odd, la_end, rows_e, rows_o, weight, v, CAST: tl.constexpr):
    """Halves of a state across a chunk: decayed, plus weighted rows times v."""
    even = tl.exp(la_end) * even + _dot(tl.trans(rows_e * weight), v, CAST)
    odd = tl.exp(la_end) * odd + _dot(tl.trans(rows_o * weight), v, CAST)
    return even, odd


@triton.jit
def rotate(even, odd, cos, sin):
    """Pairs of components turned by an angle."""
    return even * cos - odd * sin, even * sin + odd * cos


@triton.jit
def _turns(dt, rate, tok, first, h, group, s, H, A, S):
    """Angle increments of the tokens, on their first rows."""
    step = tl.load(dt + tok * H + h, mask=first, other=0.0).to(tl.float32)
    mask = first[:, None] & (s < S)[None, :]
    rates = tl.load(rate + (tok * A + group)[:, None] * S + s[None, :], mask=mask, other=0.0).to(tl.float32)
    return step[:, None] * rates


@triton.jit
def _pair_weights(la, w, g, token):
    """Decay times weight of each pair of rows, and the decay alone; masked before the exponential."""
    before = token[:, None] > token[None, :]
    same = token[:, None] == token[None, :]
    decay = tl.where(before, tl.exp(tl.where(before, la[:, None] - la[None, :], 0.0)), 0.0)
    return decay * w[None, :] + tl.where(same, g[None, :], 0.0), decay, same


@triton.jit
def _state_halves(ptr, base, comp_e, comp_o, p, N, P):
    """State `[P,N]` as two halves `[N/2,P]`."""
    at = base + p[None, :] * N
    keep = (p < P)[None, :]
    even = tl.load(ptr + at + comp_e[:, None], mask=keep & (comp_e < N)[:, None], other=0.0).to(tl.float32)
    odd = tl.load(ptr + at + comp_o[:, None], mask=keep & (comp_o < N)[:, None], other=0.0).to(tl.float32)
    return even, odd


@triton.jit
def _store_halves(ptr, at, keep, even, odd, comp_e, comp_o, N):
    tl.store(ptr + at + comp_e[None, :], even, mask=keep & (comp_e < N)[None, :])
    tl.store(ptr + at + comp_o[None, :], odd, mask=keep & (comp_o < N)[None, :])


@triton.jit
def _chunk(
    C, B, x, log_decay, dt, w_ptr, g_ptr, rate, C_bias, B_bias, mx, turned, start, length,
    h, group, turn_group, token, rank, s, p, H, G, A, N, S, P, R: tl.constexpr, WEIGHTED: tl.constexpr,
):  # fmt: skip
    """All that the rows of a chunk hold; its first token is `start`, `length` tokens are left, `turned` is the angle.

    Returns token numbers, which rows are real and first of their token, cumulated log decay and its end, cosines and
    sines, halves of rotated C and B, x and its rank weights, token weights for later tokens and for the token itself,
    and the angle that the chunk adds.
    """
    ok = (token < length) & (rank < R)
    tok = start + token
    first = ok & (rank == 0)
    step = tl.load(log_decay + tok * H + h, mask=first, other=0.0).to(tl.float32)
    la = tl.cumsum(step, 0)
    delta = _turns(dt, rate, tok, first, h, turn_group, s, H, A, S)
    angle = turned[None, :] + tl.cumsum(delta, 0)
    cos, sin = tl.cos(angle), tl.sin(angle)
    ue = _half(C, C_bias, tok, rank, ok, group, h, 2 * s, R, G, N)
    uo = _half(C, C_bias, tok, rank, ok, group, h, 2 * s + 1, R, G, N)
    qe, qo = rotate(ue, uo, cos, sin)
    ue = _half(B, B_bias, tok, rank, ok, group, h, 2 * s, R, G, N)
    uo = _half(B, B_bias, tok, rank, ok, group, h, 2 * s + 1, R, G, N)
    ke, ko = rotate(ue, uo, cos, sin)
    xr, m = _rows(x, mx, tok, rank, ok, h, p, R, H, P, WEIGHTED)
    w = tl.load(w_ptr + tok * H + h, mask=ok, other=0.0).to(tl.float32)
    g = tl.load(g_ptr + tok * H + h, mask=ok, other=0.0).to(tl.float32)
    return tok, ok, first, la, tl.sum(step, 0), cos, sin, qe, qo, ke, ko, xr, m, w, g, tl.sum(delta, 0)


@triton.jit
def forward_kernel(
    C, B, x, log_decay, dt, w_ptr, g_ptr, rate, C_bias, B_bias, mx, S0, angle0, cu,
    out, S_end, angle_end,
    H, G, A, N, S, P,
    R: tl.constexpr, RP: tl.constexpr, CT: tl.constexpr, BN: tl.constexpr, BP: tl.constexpr,
    WEIGHTED: tl.constexpr, CAST: tl.constexpr,
):  # fmt: skip
    """Outputs of the rows `[T,R,H,P]`, final state and final angle."""
    pid, _seq, h, start, length, group, turn_group, token, rank, s, p = _place(cu, H, G, A, CT, RP, BN, BP)
    ce, co = 2 * s, 2 * s + 1
    Se, So = _state_halves(S0, pid * P * N, ce, co, p, N, P)
    turned = tl.load(angle0 + pid * S + s, mask=s < S, other=0.0).to(tl.float32)
    for c in range(0, tl.cdiv(length, CT)):
        tok, ok, _first, la, la_end, _cos, _sin, qe, qo, ke, ko, xr, m, w, g, delta = _chunk(
            C, B, x, log_decay, dt, w_ptr, g_ptr, rate, C_bias, B_bias, mx, turned, start + c * CT, length - c * CT,
            h, group, turn_group, token, rank, s, p, H, G, A, N, S, P, R, WEIGHTED,
        )  # fmt: skip
        v = xr * m
        turned = reduce_turn(turned + delta)
        pairs, _, _ = _pair_weights(la, w, g, token)
        scores = (_dot(qe, tl.trans(ke), CAST) + _dot(qo, tl.trans(ko), CAST)) * pairs
        o = _dot(scores, v, CAST) + tl.exp(la)[:, None] * (_dot(qe, Se, CAST) + _dot(qo, So, CAST))
        keep = ok[:, None] & (p < P)[None, :]
        tl.store(out + ((tok * R + rank) * H + h)[:, None] * P + p[None, :], o, mask=keep)
        kept = (w * tl.exp(la_end - la))[:, None]
        Se, So = _carry(Se, So, la_end, ke, ko, kept, v, CAST)
    keep = (p < P)[:, None]
    _store_halves(S_end, pid * P * N + p[:, None] * N, keep, tl.trans(Se), tl.trans(So), ce, co, N)
    tl.store(angle_end + pid * S + s, turned, mask=s < S)


@triton.jit
def backward_C_kernel(
    C, B, x, log_decay, dt, w_ptr, g_ptr, rate, C_bias, B_bias, mx, S0, angle0, cu, chunks, dout, dS_end,
    dC, q_dq, dangle, chunk_angle, end_dot,
    H, G, A, N, S, P,
    R: tl.constexpr, RP: tl.constexpr, CT: tl.constexpr, BN: tl.constexpr, BP: tl.constexpr,
    WEIGHTED: tl.constexpr, CAST: tl.constexpr,
):  # fmt: skip
    """Chunks in order: gradient of C for each head, q . dq of each row, its part of the angle's gradient."""
    pid, seq, h, start, length, group, turn_group, token, rank, s, p = _place(cu, H, G, A, CT, RP, BN, BP)
    chunk0 = tl.load(chunks + seq)
    t = tl.arange(0, CT)
    ce, co = 2 * s, 2 * s + 1
    Se, So = _state_halves(S0, pid * P * N, ce, co, p, N, P)
    turned = tl.load(angle0 + pid * S + s, mask=s < S, other=0.0).to(tl.float32)
    for c in range(0, tl.cdiv(length, CT)):
        tl.store(chunk_angle + ((chunk0 + c) * H + h) * S + s, turned, mask=s < S)
        tok, ok, _first, la, la_end, cos, sin, qe, qo, ke, ko, xr, m, w, g, delta = _chunk(
            C, B, x, log_decay, dt, w_ptr, g_ptr, rate, C_bias, B_bias, mx, turned, start + c * CT, length - c * CT,
            h, group, turn_group, token, rank, s, p, H, G, A, N, S, P, R, WEIGHTED,
        )  # fmt: skip
        v = xr * m
        turned = reduce_turn(turned + delta)
        pairs, _, _ = _pair_weights(la, w, g, token)
        do, _keep = _output_gradient(dout, tok, rank, ok, h, p, R, H, P)
        ds = _dot(do, tl.trans(v), CAST) * pairs
        faded = tl.exp(la)[:, None]
        dqe = _dot(ds, ke, CAST) + faded * _dot(do, tl.trans(Se), CAST)
        dqo = _dot(ds, ko, CAST) + faded * _dot(do, tl.trans(So), CAST)
        tl.store(q_dq + (tok * R + rank) * H + h, tl.sum(qe * dqe + qo * dqo, 1), mask=ok)
        turn = tl.sum(tl.reshape(dqo * qe - dqe * qo, [CT, RP, BN]), 1)
        there = (c * CT + t < length)[:, None] & (s < S)[None, :]
        tl.store(dangle + ((start + c * CT + t) * H + h)[:, None] * S + s[None, :], turn, mask=there)
        at = ((tok * R + rank) * H + h)[:, None] * N
        _store_halves(dC, at, ok[:, None], dqe * cos + dqo * sin, dqo * cos - dqe * sin, ce, co, N)
        kept = (w * tl.exp(la_end - la))[:, None]
        Se, So = _carry(Se, So, la_end, ke, ko, kept, v, CAST)
    dSe, dSo = _state_halves(dS_end, pid * P * N, ce, co, p, N, P)
    tl.store(end_dot + pid, tl.sum(Se * dSe) + tl.sum(So * dSo))


@triton.jit
def backward_B_kernel(
    C, B, x, log_decay, dt, w_ptr, g_ptr, rate, C_bias, B_bias, mx, cu, chunks, dout, dS_end, dangle_end,
    q_dq, dangle, chunk_angle, end_dot,
    dB, dx, dlog_decay, ddt, dw, dg, drate, dmx, dS0, dangle0,
    H, G, A, N, S, P,
    R: tl.constexpr, RP: tl.constexpr, CT: tl.constexpr, BN: tl.constexpr, BP: tl.constexpr,
    WEIGHTED: tl.constexpr, CAST: tl.constexpr,
):  # fmt: skip
    """Chunks in reverse: all other gradients.

    The decay's is the suffix sum of q . dq - k . dk plus <S_T, dS_T>, the angle's increments' that of the angle's.
    """
    pid, seq, h, start, length, group, turn_group, token, rank, s, p = _place(cu, H, G, A, CT, RP, BN, BP)
    chunk0 = tl.load(chunks + seq)
    t = tl.arange(0, CT)
    ce, co = 2 * s, 2 * s + 1
    dSe, dSo = _state_halves(dS_end, pid * P * N, ce, co, p, N, P)
    later_decay = tl.load(end_dot + pid)
    later_turn = tl.load(dangle_end + pid * S + s, mask=s < S, other=0.0).to(tl.float32)
    sum_mx = tl.zeros([RP, BP], dtype=tl.float32)
    n = tl.cdiv(length, CT)
    for back in range(0, n):
        c = n - 1 - back
        turned = tl.load(chunk_angle + ((chunk0 + c) * H + h) * S + s, mask=s < S, other=0.0)
        tok, ok, first, la, la_end, cos, sin, qe, qo, ke, ko, xr, m, w, g, _delta = _chunk(
            C, B, x, log_decay, dt, w_ptr, g_ptr, rate, C_bias, B_bias, mx, turned, start + c * CT, length - c * CT,
            h, group, turn_group, token, rank, s, p, H, G, A, N, S, P, R, WEIGHTED,
        )  # fmt: skip
        v = xr * m
        pairs, decay, same = _pair_weights(la, w, g, token)
        do, keep = _output_gradient(dout, tok, rank, ok, h, p, R, H, P)
        scores = _dot(qe, tl.trans(ke), CAST) + _dot(qo, tl.trans(ko), CAST)
        ds = _dot(do, tl.trans(v), CAST)
        tail = tl.exp(la_end - la)
        kept = (w * tail)[:, None]
        from_state = _dot(ke, dSe, CAST) + _dot(ko, dSo, CAST)
        dv = _dot(tl.trans(scores * pairs), do, CAST) + kept * from_state
        back_scores = tl.trans(ds * pairs)
        dke = _dot(back_scores, qe, CAST) + kept * _dot(v, tl.trans(dSe), CAST)
        dko = _dot(back_scores, qo, CAST) + kept * _dot(v, tl.trans(dSo), CAST)
        # weights
        both = scores * ds
        dw_row = tl.sum(both * decay, 0) + tail * tl.sum(v * from_state, 1)
        dg_row = tl.sum(tl.where(same, both, 0.0), 0)
        tok_t = start + c * CT + t
        ok_t = c * CT + t < length
        tl.store(dw + tok_t * H + h, tl.sum(tl.reshape(tl.where(ok, dw_row, 0.0), [CT, RP]), 1), mask=ok_t)
        tl.store(dg + tok_t * H + h, tl.sum(tl.reshape(tl.where(ok, dg_row, 0.0), [CT, RP]), 1), mask=ok_t)
        # decay
        row = tl.load(q_dq + (tok * R + rank) * H + h, mask=ok, other=0.0) - tl.sum(ke * dke + ko * dko, 1)
        total = tl.sum(row, 0)
        suffix = later_decay + total - tl.cumsum(row, 0) + row
        tl.store(dlog_decay + tok * H + h, suffix, mask=first)
        later_decay += total
        # angle
        there = ok_t[:, None] & (s < S)[None, :]
        at = (tok_t * H + h)[:, None] * S + s[None, :]
        turn = tl.load(dangle + at, mask=there, other=0.0)
        turn += tl.sum(tl.reshape(dko * ke - dke * ko, [CT, RP, BN]), 1)
        total_turn = tl.sum(turn, 0)
        after = later_turn[None, :] + total_turn[None, :] - tl.cumsum(turn, 0) + turn
        later_turn += total_turn
        dt_t = tl.load(dt + tok_t * H + h, mask=ok_t, other=0.0).to(tl.float32)
        rate_t = tl.load(rate + (tok_t * A + turn_group)[:, None] * S + s[None, :], mask=there, other=0.0)
        tl.store(ddt + tok_t * H + h, tl.sum(after * rate_t.to(tl.float32), 1), mask=ok_t)
        tl.store(drate + at, after * dt_t[:, None], mask=there)
        # B and x
        at = ((tok * R + rank) * H + h)[:, None] * N
        _store_halves(dB, at, ok[:, None], dke * cos + dko * sin, dko * cos - dke * sin, ce, co, N)
        dx_t = tl.sum(tl.reshape(dv * m, [CT, RP, BP]), 1)
        tl.store(dx + (tok_t * H + h)[:, None] * P + p[None, :], dx_t, mask=ok_t[:, None] & (p < P)[None, :])
        if WEIGHTED:
            sum_mx += tl.sum(tl.reshape(tl.where(keep, dv * xr, 0.0), [CT, RP, BP]), 0)
        faded = tl.exp(la)[:, None]
        dSe, dSo = _carry(dSe, dSo, la_end, qe, qo, faded, do, CAST)
    _store_halves(dS0, pid * P * N + p[:, None] * N, (p < P)[:, None], tl.trans(dSe), tl.trans(dSo), ce, co, N)
    tl.store(dangle0 + pid * S + s, later_turn, mask=s < S)
    if WEIGHTED:
        r = tl.arange(0, RP)
        tl.store(dmx + (pid * R + r)[:, None] * P + p[None, :], sum_mx, mask=(r < R)[:, None] & (p < P)[None, :])
