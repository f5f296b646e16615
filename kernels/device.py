"""Device code that the Triton kernels share: tokens of one head, places in states, blocks in their order.

Sequences are `(batch, tokens, heads, width)`; `row` is the place of a head in the first token of its line. States are
`(owners, heads, D, E)`.
"""

import triton
import triton.language as tl


@triton.jit
def product(a, b, PRECISION: tl.constexpr):
    """Matrix product with float32 sums."""
    return tl.dot(a, b, input_precision=PRECISION)


@triton.jit
def token_places(base, row, heads, start, stop, first, C: tl.constexpr, W: tl.constexpr, BW: tl.constexpr):
    """Where columns `first..first+BW` of tokens `start..start+C` lie, and which of them exist."""
    place, column = tl.arange(0, C), first + tl.arange(0, BW)
    where = base + (row + start * heads) * W + place[:, None] * (heads * W) + column[None, :]
    return where, (start + place[:, None] < stop) & (column[None, :] < W)


@triton.jit
def load_tokens(base, row, heads, start, stop, first, C: tl.constexpr, W: tl.constexpr, BW: tl.constexpr):
    """Those columns in float32; 0 where there are none."""
    where, inside = token_places(base, row, heads, start, stop, first, C, W, BW)
    return tl.load(where, mask=inside, other=0.0).to(tl.float32)


@triton.jit
def store_tokens(base, value, row, heads, start, stop, first, C: tl.constexpr, W: tl.constexpr, BW: tl.constexpr):
    """Store what `load_tokens` reads."""
    where, inside = token_places(base, row, heads, start, stop, first, C, W, BW)
    tl.store(where, value.to(base.dtype.element_ty), mask=inside)


@triton.jit
def state_places(base, owner, heads, head, d, e, D: tl.constexpr, E: tl.constexpr):
    """Where the entries `(d, e)` of a state lie."""
    return base + ((owner * heads + head).to(tl.int64) * D + d[:, None]) * E + e[None, :]


@triton.jit
def state_tile(
    base, owner, heads, head, low, first, D: tl.constexpr, E: tl.constexpr, BD: tl.constexpr, BE: tl.constexpr
):
    """Where a tile of a state from `(low, first)` on lies, and which of its entries exist."""
    d, e = low + tl.arange(0, BD), first + tl.arange(0, BE)
    return state_places(base, owner, heads, head, d, e, D, E), (d[:, None] < D) & (e[None, :] < E)


@triton.jit
def block_start(start, stop, number, C: tl.constexpr, REVERSE: tl.constexpr):
    """First token of the block that comes as the `number`th, counted from the far end going backward in time."""
    block = number
    if REVERSE:
        block = tl.cdiv(stop - start, C) - 1 - number
    return start + block * C
