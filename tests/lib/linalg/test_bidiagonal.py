"""Lanczos bidiagonalisation against dense decompositions."""

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from lib.linalg.bidiagonal import leading_triplets


@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (25, 25), (7, 1), (1, 7)])
def test_triplets_are_those_of_the_dense_decomposition(shape):
    matrix = np.random.default_rng(0).standard_normal(shape)
    count = min(5, *shape)
    ours = leading_triplets(aslinearoperator(matrix), count)
    left, values, right = np.linalg.svd(matrix)
    np.testing.assert_allclose(ours.values, values[:count], rtol=1e-10)
    np.testing.assert_allclose(np.abs((ours.left * left[:, :count]).sum(0)), 1, atol=1e-7)
    np.testing.assert_allclose(np.abs((ours.right * right[:count].T).sum(0)), 1, atol=1e-7)
    assert np.linalg.norm(matrix @ ours.right - ours.left * ours.values) < 1e-10 * values[0]
    assert np.linalg.norm(matrix.T @ ours.left - ours.right * ours.values) < 1e-6 * values[0]


def test_a_decaying_spectrum_takes_few_steps():
    rng = np.random.default_rng(1)
    matrix = (np.linalg.qr(rng.standard_normal((200, 150)))[0] * 0.8 ** np.arange(150)) @ np.linalg.qr(
        rng.standard_normal((150, 150))
    )[0]
    ours = leading_triplets(aslinearoperator(matrix), 5)
    np.testing.assert_allclose(ours.values, 0.8 ** np.arange(5), rtol=1e-9)
    assert ours.steps < 60


def test_all_values_of_a_matrix_without_full_rank():
    rng = np.random.default_rng(2)
    matrix = rng.standard_normal((12, 4)) @ rng.standard_normal((4, 9))
    ours = leading_triplets(aslinearoperator(matrix), 9)
    np.testing.assert_allclose(ours.values, np.linalg.svd(matrix, compute_uv=False), atol=1e-10)
    np.testing.assert_allclose(ours.right.T @ ours.right, np.eye(9), atol=1e-10)


def test_copies_of_a_singular_value_when_all_are_asked_for():
    ours = leading_triplets(aslinearoperator(np.diag([3.0, 3.0, 2.0, 2.0, 1.0])), 5)
    np.testing.assert_allclose(ours.values, [3, 3, 2, 2, 1], atol=1e-12)


def test_too_few_steps_are_an_error_and_no_result():
    matrix = np.random.default_rng(3).standard_normal((80, 80))
    with pytest.raises(ValueError, match="residuals"):
        leading_triplets(aslinearoperator(matrix), 5, steps=6)
    with pytest.raises(ValueError, match="count"):
        leading_triplets(aslinearoperator(matrix), 0)
