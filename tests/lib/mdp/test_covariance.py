"""Inverse covariances against their limits and their expectations."""

import numpy as np
import pytest

from lib.mdp.covariance import (
    matrix_geometric_resampling,
    regularised_inverse,
    relative_deviation,
    resampling_steps,
)


def test_inverse_of_weighted_features():
    features = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    weights = np.array([0.5, 0.25, 0.25])
    expected = np.linalg.inv([[0.75 + 0.1, 0.25], [0.25, 0.5 + 0.1]])
    np.testing.assert_allclose(regularised_inverse(features, 0.1, weights), expected)
    np.testing.assert_allclose(
        regularised_inverse(features, 0.1), np.linalg.inv(features.T @ features / 3 + 0.1 * np.eye(2))
    )
    with pytest.raises(ValueError, match="gamma: got 0"):
        regularised_inverse(features, 0)


def test_resampling_of_one_feature_is_the_truncated_geometric_series():
    phi, gamma, c, steps = np.array([0.6, 0.3]), 0.2, 0.5, 40
    factor = (1 - c * gamma) * np.eye(2) - c * np.outer(phi, phi)
    series = c * sum(np.linalg.matrix_power(factor, n) for n in range(steps + 1))
    chain = np.broadcast_to(phi, (3, steps, 2))
    np.testing.assert_allclose(matrix_geometric_resampling(chain, gamma, c), series, rtol=1e-12)


def test_resampling_is_the_inverse_on_average():
    rng = np.random.default_rng(0)
    features = rng.dirichlet(np.ones(3), size=8)
    gamma = 0.1
    estimate = matrix_geometric_resampling(features[rng.integers(8, size=(20_000, 120))], gamma)
    np.testing.assert_allclose(estimate, regularised_inverse(features, gamma), atol=0.06)


def test_lengths_of_chains():
    assert resampling_steps(0.1, 0.5) == 47  # ceil(20 log 10)
    assert resampling_steps(0.01, 0.9) == 512
    with pytest.raises(ValueError, match="gamma"):
        resampling_steps(-1, 0.5)


def test_deviation_of_a_scaled_inverse():
    sigma = np.diag([0.5, 0.2])
    exact = np.linalg.inv(sigma + 0.1 * np.eye(2))
    assert relative_deviation(exact, sigma, 0.1) == pytest.approx(0, abs=1e-12)
    assert relative_deviation(exact @ np.diag([1.0, 0.7]), sigma, 0.1) == pytest.approx(0.3)
