"""Random cases of linear attention: they cover the edges, and the forms agree on them."""

import numpy as np
import torch

from kernels.agreement import largest_error, relative_error
from lib.attention.equivalence import RESULTS, outcome, passes_gradcheck, random_case, random_shapes


def test_shapes_cover_the_edges_of_a_block():
    shapes = random_shapes(20, 300, [8, 16, 24], [16, 32], np.random.default_rng(0))
    assert [shape.tokens for shape in shapes[:4]] == [1, 15, 16, 17]
    assert any(shape.D != shape.E for shape in shapes)
    assert any(shape.tokens % shape.block and shape.tokens > shape.block for shape in shapes)
    assert max(shape.tokens for shape in shapes) <= 300


def test_block_form_and_definition_differ_by_rounding():
    rng = np.random.default_rng(0)
    for shape in random_shapes(5, 20, [4, 8, 12], [8], rng):
        case = random_case(shape, rng)
        expected = outcome(case, "recurrent", torch.float64, shape.block)
        assert len(expected) == len(RESULTS)
        assert largest_error(outcome(case, "chunked", torch.float64, shape.block), expected) < 1e-12
        assert 1e-9 < largest_error(outcome(case, "chunked", torch.float32, shape.block), expected) < 1e-5


def test_gradients_are_finite_differences():
    assert passes_gradcheck()


def test_relative_errors():
    x = torch.tensor([1.0, -4.0])
    assert relative_error(x, x) == 0
    assert relative_error(x + torch.tensor([0.0, 1.0]), x) == 0.25
    assert largest_error([x, x + 2], [x, x]) == 0.5
