"""Moments of projection processes: exact values against closed forms, kernels on grids and draws."""

import numpy as np
import pytest
from scipy import stats

from lib.sampling.bases import Legendre, Trigonometric
from lib.sampling.basis import christoffel
from lib.sampling.dpp import sample_projection_dpp
from lib.sampling.moments import MOMENTS, christoffel_uniform, draw_moments, exact_moments, point_p_value
from lib.sampling.multivariate import cloud_basis, polynomial_basis
from lib.stats.intervals import estimate_mean

BASES = {
    "legendre": (Legendre(6), 0.0),
    "plane": (polynomial_basis("legendre", 2, 2), 0.0),
    "cloud": (cloud_basis(np.random.default_rng(0).uniform(-1, 1, (60, 2)), 2), 0.1),
}


def test_frequencies_in_pairs_have_uniform_points():
    """An odd number of trigonometric functions has a constant Christoffel function: moments of the uniform law."""
    second, fourth, mean, *_ = exact_moments(Trigonometric(7), 0.5)
    assert (second, fourth, mean) == pytest.approx((1 / 3, 1 / 5, 7 / 2))


def test_one_function_gives_one_point():
    """N is a Bernoulli variable with probability one half."""
    np.testing.assert_allclose(exact_moments(Legendre(1), 0.0), [1 / 3, 1 / 5, 1 / 2, 0, 1 / 4], atol=1e-14)


@pytest.mark.parametrize("name", BASES)
def test_pairs_and_variance_are_those_of_the_kernel(name):
    """E N (N - 1) = (int_A K)^2 - int_A int_A K^2, by sums over the nodes of the basis."""
    basis, cut = BASES[name]
    nodes, weight = basis.quadrature()
    below = basis.coordinates(nodes)[:, 0] < cut
    phi, w = basis.evaluate(nodes[below]), weight[below]
    gram = phi.T @ (w[:, None] * phi)
    mean = w @ christoffel(basis, nodes[below])
    pairs = mean**2 - np.sum(gram**2)
    _, _, exact_mean, exact_pairs, variance = exact_moments(basis, cut)
    assert exact_mean == pytest.approx(mean)
    assert exact_pairs == pytest.approx(pairs)
    assert variance == pytest.approx(pairs + mean - mean**2)


@pytest.mark.parametrize("name", BASES)
def test_draws_have_the_exact_moments(name):
    basis, cut = BASES[name]
    rng = np.random.default_rng(1)
    x = sample_projection_dpp(basis, rng, 1500)
    values = draw_moments(basis, x, cut)
    assert values.shape == (len(MOMENTS), 1500)
    mean, se, *_ = estimate_mean(values, axis=1)
    assert np.all(np.abs(mean - exact_moments(basis, cut)) < 4.5 * se)
    assert point_p_value(basis, x, rng) > 1e-4


@pytest.mark.parametrize("name", BASES)
def test_points_of_the_christoffel_density_become_uniform_numbers(name):
    basis, _ = BASES[name]
    rng = np.random.default_rng(2)
    points, _ = basis.draw_christoffel(4000, rng)
    assert stats.kstest(christoffel_uniform(basis, points, rng), "uniform").pvalue > 1e-4


def test_points_of_another_law_are_refused():
    rng = np.random.default_rng(3)
    assert point_p_value(Legendre(6), rng.uniform(-1, 1, (1500, 6, 1)) ** 3, rng) < 1e-6
