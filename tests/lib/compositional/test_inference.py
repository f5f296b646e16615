"""Bootstrap and false discovery rates by brute force; levels that tests and intervals keep."""

import numpy as np

from lib.compositional.inference import (
    bootstrap_correlations,
    intervals_cover,
    null_rejections,
    permutation_fdr,
    permutation_null,
    sampled_correlations,
)
from lib.compositional.logratio import clr_covariance, variation_matrix
from lib.compositional.partial import degrees_of_freedom, partial
from lib.compositional.simulate import contrasts
from lib.stats.correlation import correlation_pvalue, covariance


def test_null_has_the_trace_of_the_constraint_and_no_more():
    L = np.random.default_rng(0).standard_normal((400, 6)) @ np.random.default_rng(1).standard_normal((6, 6))
    L /= L.std(axis=0)
    null = permutation_null(L, 60, np.random.default_rng(2))
    off = ~np.eye(6, dtype=bool)
    np.testing.assert_allclose(null.mean(axis=0)[off], 1 / 5, atol=0.03)


def test_rates_are_counted_pairs():
    rng = np.random.default_rng(3)
    r, null = np.zeros((5, 5)), np.zeros((7, 5, 5))
    upper = np.triu_indices(5, 1)
    r[upper] = np.round(rng.uniform(-1, 1, 10), 1)
    null[:, upper[0], upper[1]] = np.round(rng.uniform(-0.7, 0.7, (7, 10)), 1)
    q = permutation_fdr(r + r.T, null)

    def rate(c):
        return min(1, np.mean(np.sum(np.abs(null[:, upper[0], upper[1]]) >= c, axis=1)) / np.sum(np.abs(r[upper]) >= c))

    for i, j in zip(*upper):
        cuts = [c for c in np.abs(r[upper]) if c <= abs(r[i, j])]
        assert np.isclose(q[i, j], min(rate(c) for c in cuts))
        assert q[i, j] == q[j, i]


def test_a_strong_pair_is_called_and_noise_is_not():
    rng = np.random.default_rng(4)
    L = rng.standard_normal((60, 8))
    L[:, 1] = L[:, 0] + 0.2 * rng.standard_normal(60)
    q = permutation_fdr(partial(np.exp(L)).correlation, permutation_null(L, 200, rng))
    assert q[0, 1] < 0.01
    rest = q[2:, 2:][np.triu_indices(6, 1)]
    assert np.all(rest > 0.05)


def test_bootstrap_is_the_estimate_of_each_resample(composition):
    x = composition(30, 4)
    again = bootstrap_correlations(np.log(x), 5, np.random.default_rng(5))
    counts = np.random.default_rng(5).multinomial(30, np.full(30, 1 / 30), size=5)
    for estimate, count in zip(again, counts):
        np.testing.assert_allclose(estimate, partial(np.repeat(x, count, axis=0)).correlation, atol=1e-10)


def test_samples_of_unit_covariance_have_the_population_correlations(composition):
    x = composition(40, 5)
    gamma = clr_covariance(x)
    unit = sampled_correlations(gamma, np.eye(4)[None])
    np.testing.assert_allclose(unit[0], partial(x).correlation, atol=1e-10)
    # and white data, coloured and estimated, are the same samples
    white = np.random.default_rng(6).standard_normal((50, 4))
    values, vectors = np.linalg.eigh(contrasts(5).T @ gamma @ contrasts(5))
    logs = white @ (contrasts(5) @ vectors * np.sqrt(values)).T
    expected = partial(np.exp(logs)).correlation
    np.testing.assert_allclose(sampled_correlations(gamma, covariance(white)[None])[0], expected, atol=1e-10)


def test_intervals_and_tests_keep_their_levels(composition):
    n, d, rng = 40, 5, np.random.default_rng(7)
    population = partial(composition(200, d))
    gamma = clr_covariance(composition(200, d))
    white = covariance(rng.standard_normal((2000, n, d - 1)))
    df = degrees_of_freedom(n, d)
    sampled = sampled_correlations(gamma, white)
    cover = intervals_cover(population.correlation, sampled, df, 0.9)
    assert cover.shape == (2000, 10)
    np.testing.assert_allclose(cover.mean(axis=0), 0.9, atol=0.03)
    rejected = null_rejections(variation_matrix(S=gamma), population.precision, white, df, 0.1)
    np.testing.assert_allclose(rejected.mean(axis=0), 0.1, atol=0.03)
    # with the association left in, the strongest pair is rejected nearly always
    power = (correlation_pvalue(sampled, df) < 0.1).mean(axis=0)
    strongest = np.unravel_index(np.argmax(np.abs(population.correlation) - np.eye(d)), (d, d))
    assert power[strongest] > 0.9
