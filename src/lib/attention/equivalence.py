"""Random cases of linear attention, and everything that a form of it makes of one: outputs, states, gradients."""

from typing import NamedTuple

import numpy as np
import torch

from kernels.linear_attention import linear_attention
from lib.attention.decay import alibi_slopes

RESULTS = ("o", "final", "dq", "dk", "dv", "d_initial")


class Shape(NamedTuple):
    """Sizes of a case; D and E are the widths of keys and values, `block` the length of a block."""

    batch: int
    heads: int
    tokens: int
    D: int
    E: int
    block: int


class Case(NamedTuple):
    """Inputs, gradients of output and final state, and the heads' log decays, in float64."""

    q: torch.Tensor
    k: torch.Tensor
    v: torch.Tensor
    initial_state: torch.Tensor
    d_out: torch.Tensor
    d_final: torch.Tensor
    log_decay: torch.Tensor


def random_shapes(count: int, longest: int, widths: list[int], blocks: list[int], rng: np.random.Generator) -> list:
    """Shapes to try: one token, one token less than a block, a block, one more; then at random up to `longest`.

    Args:
        count: of shapes.
        longest: largest number of tokens.
        widths: of keys and values; at least three.
        blocks: lengths of a block.
        rng: source of randomness.
    """
    block = blocks[0]
    shapes = [Shape(1, 3, 1, widths[0], widths[1], block), Shape(2, 2, block - 1, widths[1], widths[0], block)]
    shapes += [Shape(1, 4, block, widths[0], widths[0], block), Shape(2, 1, block + 1, widths[1], widths[2], block)]
    while len(shapes) < count:
        tokens, d, e, c = rng.integers(1, longest + 1), rng.choice(widths), rng.choice(widths), rng.choice(blocks)
        shapes.append(Shape(int(rng.integers(1, 3)), int(rng.integers(1, 5)), int(tokens), int(d), int(e), int(c)))
    return shapes[:count]


def random_case(shape: Shape, rng: np.random.Generator, device: str = "cpu") -> Case:
    """A case of standard normal numbers that float32 holds exactly, so that every type gets the same inputs."""
    batch, heads, tokens, d, e, _ = shape

    def normal(*axes: int) -> torch.Tensor:
        return torch.from_numpy(rng.standard_normal(axes).astype(np.float32)).double().to(device)

    def sequence(width: int) -> torch.Tensor:
        return normal(batch, heads, tokens, width).transpose(1, 2)

    q, k, v, state = sequence(d), sequence(d), sequence(e), normal(batch, heads, d, e)
    d_out, d_final = sequence(e), normal(batch, heads, d, e)
    return Case(q, k, v, state, d_out, d_final, -alibi_slopes(heads).float().double().to(device))


def outcome(case: Case, backend: str, dtype: torch.dtype, block: int) -> list[torch.Tensor]:
    """What a backend computes in a type, in the order of `RESULTS`.

    Args:
        case: inputs and gradients of the outputs.
        backend: of `linear_attention`.
        dtype: that the inputs are cast to.
        block: length of a block.
    """
    case = Case(*(part.to(dtype) for part in case))
    leaves = [part.detach().clone().requires_grad_() for part in case[:4]]
    o, final = linear_attention(
        *leaves[:3],
        case.log_decay,
        initial_state=leaves[3],
        output_final_state=True,
        chunk_size=block,
        backend=backend,
    )
    loss = (o * case.d_out.to(o.dtype)).sum() + (final * case.d_final.to(final.dtype)).sum()
    return [o.detach(), final.detach(), *torch.autograd.grad(loss, leaves)]


def passes_gradcheck(batch: int = 1, tokens: int = 7, heads: int = 2, width: int = 3, block: int = 4) -> bool:
    """Whether the gradients of the block form are finite differences of its outputs, on a small random case."""
    inputs = [torch.randn(batch, tokens, heads, width, dtype=torch.float64, requires_grad=True) for _ in range(3)]

    def form(q, k, v):
        decay = -alibi_slopes(heads)
        return linear_attention(q, k, v, decay, chunk_size=block, backend="chunked", output_final_state=True)

    return bool(torch.autograd.gradcheck(form, inputs))
