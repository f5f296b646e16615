"""Small products in registers, against NumPy."""

import numpy as np
import pytest

from lib.dynamics.products import LANES, add_product


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [1, 5, LANES, 3 * LANES, LANES + 1])
def test_products_are_added_whatever_the_sizes(dtype, columns):
    rng = np.random.default_rng(0)
    for rows in range(10):
        for inner in (0, 1, 7):
            w, x, start = (
                rng.standard_normal(s).astype(dtype) for s in ((rows, inner), (inner, columns), (rows, columns))
            )
            out = start.copy()
            add_product(w, x, out)
            np.testing.assert_allclose(out, start + w @ x, rtol=0, atol=20 * np.finfo(dtype).eps)


def test_terms_are_added_in_their_order_without_fusing():
    """In doubles, 1e16 + 1 - 1e16 is 0 from left to right; a fused product would keep digits that rounding drops."""
    w = np.array([[1e16, 1.0, -1e16]])
    for columns in (1, LANES):
        out = np.zeros((1, columns))
        add_product(w, np.ones((3, columns)), out)
        np.testing.assert_array_equal(out, 0.0)
        factor = 1 + 2.0**-30
        out = np.full((1, columns), -(factor * factor))
        add_product(np.array([[factor]]), np.full((1, columns), factor), out)
        np.testing.assert_array_equal(out, 0.0)
