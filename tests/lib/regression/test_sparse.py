import numpy as np
import pytest

from lib.regression.sparse import lasso, minimum_norm


def test_lasso_satisfies_its_optimality_conditions():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 150))
    y = x[:, :3] @ [1.0, -2.0, 0.5] + 0.1 * rng.standard_normal(60)
    theta = lasso(x, y, 0.05, tolerance=1e-10)
    correlation = x.T @ (y - x @ theta) / 60
    active = theta != 0
    assert 3 <= active.sum() < 60
    np.testing.assert_allclose(correlation[active], 0.05 * np.sign(theta[active]), atol=1e-5)
    assert np.abs(correlation).max() <= 0.05 * (1 + 1e-4)


def test_lasso_of_orthogonal_columns_is_soft_thresholding():
    x = np.sqrt(8) * np.linalg.qr(np.random.default_rng(1).standard_normal((8, 5)))[0]
    theta = np.array([1.0, -0.5, 0.2, 0.05, 0.0])
    expected = np.sign(theta) * np.maximum(np.abs(theta) - 0.1, 0)
    np.testing.assert_allclose(lasso(x, x @ theta, 0.1, tolerance=1e-12), expected, atol=1e-8)


def test_minimum_norm_is_the_pseudoinverse():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((20, 50)), rng.standard_normal(20)
    np.testing.assert_allclose(minimum_norm(x, y), np.linalg.pinv(x) @ y, atol=1e-12)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="penalty"):
        lasso(np.eye(2), np.ones(2), 0)
    with pytest.raises(ValueError, match="rows"):
        minimum_norm(np.ones((3, 2)), np.ones(3))
