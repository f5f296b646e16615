"""Pieces of the Mamba-3 chunk kernels: rows, decays, rotations, pair weights and states of one chunk of one head.

A chunk starts at token `at`; row i of its CT * RP rows belongs to token i // RP and rank i % RP. Vectors of N come with
their even components first, so that pair i of a rotation is (i, i + N/2) and each half is one contiguous load. CAST is
the type of matrix operands; sums are float32. FAST takes the GPU's sine and cosine, good to 1e-6 in [-pi, pi].
"""

import triton
import triton.language as tl
from triton.language.extra import libdevice

TURN = tl.constexpr(6.283185307179586)


@triton.jit
def dot(a, b, CAST: tl.constexpr):
    """Matrix product with float32 sums; float32 factors take three TF32 products."""
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
def dots(ae, ao, be, bo, CAST: tl.constexpr):
    """Sum of the products of two halves."""
    return dot(ae, be, CAST) + dot(ao, bo, CAST)


@triton.jit
def per_token(rows, CT: tl.constexpr, RP: tl.constexpr):
    """Sum over the ranks of each token, of a number for each row."""
    if RP == 1:
        return rows
    return tl.sum(tl.reshape(rows, [CT, RP]), 1)


@triton.jit
def vectors_per_token(rows, CT: tl.constexpr, RP: tl.constexpr, W: tl.constexpr):
    """Sum over the ranks of each token, of a vector of W for each row."""
    if RP == 1:
        return rows
    return tl.sum(tl.reshape(rows, [CT, RP, W]), 1)


@triton.jit
def program(begins, ends, chunk0, H, G, A):
    """Segment, head, first token and end of the segment, its first chunk, the head's groups of B, C and of angles."""
    pid = tl.program_id(0)
    segment, head = pid // H, pid % H
    start, stop = tl.load(begins + segment).to(tl.int64), tl.load(ends + segment).to(tl.int64)
    return segment.to(tl.int64), head, start, stop, tl.load(chunk0 + segment), head // (H // G), head // (H // A)


@triton.jit
def chunk_rows(at, stop, R: tl.constexpr, RP: tl.constexpr, CT: tl.constexpr):
    """Token in the chunk and rank of each row, which rows are real, and which are the first of their token."""
    i = tl.arange(0, CT * RP)
    tok, rank = i // RP, i % RP
    ok = (tok < (stop - at).to(tl.int32)) & (rank < R)
    return tok, rank, ok, ok & (rank == 0)


@triton.jit
def decays(log_decay, at, tok, first, head, H):
    """Cumulated log decay of the rows, and its end."""
    step = tl.load(log_decay + at * H + tok * H + head, mask=first, other=0.0).to(tl.float32)
    return tl.cumsum(step, 0), tl.sum(step, 0)


@triton.jit
def angle_increments(dt, rate, at, tok, first, head, group, H, A, S, BH: tl.constexpr):
    """Angle increments of the tokens, on their first rows."""
    s = tl.arange(0, BH)
    step = tl.load(dt + at * H + tok * H + head, mask=first, other=0.0).to(tl.float32)
    mask = first[:, None] & (s < S)[None, :]
    where = rate + (at * A + group) * S + (tok * A)[:, None] * S + s[None, :]
    return step[:, None] * tl.load(where, mask=mask, other=0.0).to(tl.float32)


@triton.jit
def table_row(table, chunk, head, H, S, BH: tl.constexpr):
    """A chunk's row of a table `[chunks,H,S]`."""
    s = tl.arange(0, BH)
    return tl.load(table + (chunk.to(tl.int64) * H + head) * S + s, mask=s < S, other=0.0)


@triton.jit
def rotation(
    dt, rate, angles, chunk, at, tok, first, head, group, H, A, S, BH: tl.constexpr, FAST: tl.constexpr
):  # fmt: skip
    """Cosines and sines of the rows' angles; pairs from S on do not turn."""
    start = table_row(angles, chunk, head, H, S, BH)
    return cos_sin(
        start[None, :] + tl.cumsum(angle_increments(dt, rate, at, tok, first, head, group, H, A, S, BH), 0), FAST
    )


@triton.jit
def half_rows(ptr, bias, at, tok, rank, ok, group, head, side: tl.constexpr, R: tl.constexpr, G, N, BH: tl.constexpr):
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
def turned_rows(
    ptr, bias, cos, sin, at, tok, rank, ok, group, head, R: tl.constexpr, G, N, BH: tl.constexpr, CAST: tl.constexpr
):  # fmt: skip
    """Rows of B or C plus bias, rotated, in halves."""
    even = half_rows(ptr, bias, at, tok, rank, ok, group, head, 0, R, G, N, BH)
    odd = half_rows(ptr, bias, at, tok, rank, ok, group, head, 1, R, G, N, BH)
    even, odd = rotate(even, odd, cos, sin)
    return even.to(CAST), odd.to(CAST)


@triton.jit
def token_rows(ptr, at, tok, ok, head, H, P, BP: tl.constexpr):
    """What `[T,H,P]` holds for the token of each row, in float32."""
    p = tl.arange(0, BP)
    where = ptr + (at * H + head) * P + (tok * H)[:, None] * P + p[None, :]
    return tl.load(where, mask=ok[:, None] & (p < P)[None, :], other=0.0).to(tl.float32)


@triton.jit
def store_tokens(ptr, value, at, tok, ok, head, H, P, BP: tl.constexpr):
    """A vector for each token into `[T,H,P]`."""
    p = tl.arange(0, BP)
    where = ptr + (at * H + head) * P + (tok * H)[:, None] * P + p[None, :]
    tl.store(where, value.to(ptr.dtype.element_ty), mask=ok[:, None] & (p < P)[None, :])


@triton.jit
def rank_weights(ptr, rank, ok, head, R: tl.constexpr, P, BP: tl.constexpr, WEIGHTED: tl.constexpr):
    """The weights `[H,R,P]` of the rank of each row, or 1."""
    weight = 1.0
    if WEIGHTED:
        p = tl.arange(0, BP)
        mask = ok[:, None] & (p < P)[None, :]
        weight = tl.load(ptr + (head * R + rank)[:, None] * P + p[None, :], mask=mask, other=0.0).to(tl.float32)
    return weight


@triton.jit
def input_rows(x, mx, at, tok, rank, ok, head, R: tl.constexpr, H, P, BP: tl.constexpr, WEIGHTED: tl.constexpr):
    """The input of each row and its rank weight."""
    weight = rank_weights(mx, rank, ok, head, R, P, BP, WEIGHTED)
    return token_rows(x, at, tok, ok, head, H, P, BP), weight


@triton.jit
def sum_tokens(rows, CT: tl.constexpr, RP: tl.constexpr, BP: tl.constexpr):
    """Sum over tokens of a vector for each row, `(RP, BP)`."""
    return tl.sum(tl.reshape(rows, [CT, RP, BP]), 0)


@triton.jit
def store_ranks(ptr, value, owner, R: tl.constexpr, RP: tl.constexpr, P, BP: tl.constexpr):
    """A vector for each rank into `[owners,R,P]`."""
    r, p = tl.arange(0, RP), tl.arange(0, BP)
    tl.store(ptr + (owner * R + r)[:, None] * P + p[None, :], value, mask=(r < R)[:, None] & (p < P)[None, :])


@triton.jit
def row_places(ptr, at, tok, rank, head, R: tl.constexpr, H, P, BP: tl.constexpr):
    """Where the rows of an output `[T,R,H,P]` lie."""
    return ptr + (at * R * H + head) * P + ((tok * R + rank) * H)[:, None] * P + tl.arange(0, BP)[None, :]


@triton.jit
def output_gradient(dout, at, tok, rank, ok, head, R: tl.constexpr, H, P, BP: tl.constexpr):
    """Gradient of the output's rows."""
    keep = ok[:, None] & (tl.arange(0, BP) < P)[None, :]
    return tl.load(row_places(dout, at, tok, rank, head, R, H, P, BP), mask=keep, other=0.0)


@triton.jit
def pair_weights(la, w, g, RP: tl.constexpr, ROWS: tl.constexpr):
    """Decay times weight of each pair of rows, the decay alone, and which pairs share a token."""
    token = tl.arange(0, ROWS) // RP
    before = token[:, None] > token[None, :]
    same = token[:, None] == token[None, :]
    decay = tl.exp(tl.where(before, la[:, None] - la[None, :], float("-inf")))
    return decay * w[None, :] + tl.where(same, g[None, :], 0.0), decay, same


@triton.jit
def weighted_rows(
    x, mx, log_decay, w_ptr, g_ptr, at, tok, rank, ok, first, head, R: tl.constexpr, RP: tl.constexpr,
    CT: tl.constexpr, H, P, BP: tl.constexpr, WEIGHTED: tl.constexpr,
):  # fmt: skip
    """What a chunk's rows bring and how they weigh.

    Returns the input, its rank weight and their product; cumulated log decay and its end; the token weight; and what
    `pair_weights` returns.
    """
    value, m = input_rows(x, mx, at, tok, rank, ok, head, R, H, P, BP, WEIGHTED)
    la, la_end = decays(log_decay, at, tok, first, head, H)
    w = tl.load(w_ptr + at * H + tok * H + head, mask=ok, other=0.0)
    g = tl.load(g_ptr + at * H + tok * H + head, mask=ok, other=0.0)
    pairs, decay, same = pair_weights(la, w, g, RP, CT * RP)
    return value, m, value * m, la, la_end, w, pairs, decay, same


@triton.jit
def state_places(ptr, owner, head, H, N, P, BH: tl.constexpr, BP: tl.constexpr):
    """Where the first half of a state `[P,N]` lies, for a tile `(BH, BP)`, and which of its entries are real."""
    n, p = tl.arange(0, BH), tl.arange(0, BP)
    return ptr + (owner * H + head) * P * N + p[None, :] * N + n[:, None], (n < N // 2)[:, None] & (p < P)[None, :]


@triton.jit
def load_state(ptr, owner, head, H, N, P, BH: tl.constexpr, BP: tl.constexpr):
    """Halves of a state."""
    where, there = state_places(ptr, owner, head, H, N, P, BH, BP)
    return tl.load(where, mask=there, other=0.0), tl.load(where + N // 2, mask=there, other=0.0)


@triton.jit
def store_state(ptr, even, odd, owner, head, H, N, P, BH: tl.constexpr, BP: tl.constexpr):
    """The same, back to memory."""
    where, there = state_places(ptr, owner, head, H, N, P, BH, BP)
    tl.store(where, even, mask=there)
    tl.store(where + N // 2, odd, mask=there)


@triton.jit
def carry(even, odd, la_end, rows_e, rows_o, v, CAST: tl.constexpr):
    """Halves of a state across a chunk: decayed, plus rows times v."""
    decay = tl.exp(la_end)
    return decay * even + dot(tl.trans(rows_e), v, CAST), decay * odd + dot(tl.trans(rows_o), v, CAST)


@triton.jit
def store_gradient(
    out, even, odd, cos, sin, ptr, bias, at, tok, rank, ok, group, head, R: tl.constexpr, H, G, N, BH: tl.constexpr
):  # fmt: skip
    """Gradient of B or C for one head, `[T,R,H,N]`, from that of its rotated rows in halves.

    Returns the product of each row with its gradient, and the gradient of its angle.
    """
    even, odd = rotate(even, odd, cos, -sin)
    n = tl.arange(0, BH)
    where = out + (at * R * H + head) * N + ((tok * R + rank) * H)[:, None] * N + n[None, :]
    mask = ok[:, None] & (n < N // 2)[None, :]
    tl.store(where, even.to(out.dtype.element_ty), mask=mask)
    tl.store(where + N // 2, odd.to(out.dtype.element_ty), mask=mask)
    of_even = half_rows(ptr, bias, at, tok, rank, ok, group, head, 0, R, G, N, BH)
    of_odd = half_rows(ptr, bias, at, tok, rank, ok, group, head, 1, R, G, N, BH)
    return tl.sum(of_even * even + of_odd * odd, 1), odd * of_even - even * of_odd
