"""Tails: Hill's index on exact Pareto values, moments of known laws, resamples against copies of the sample."""

import numpy as np
import pytest
from scipy import special, stats

from lib.stats.tails import hill_estimator, kurtosis, moment_ratio, survival


def test_hill_of_a_power_law_covers_its_index():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(300):
        estimate = hill_estimator(rng.pareto(3.0, 2000) + 1, 0.05)
        inside += estimate.low <= 3 <= estimate.high
        assert estimate.n == 100
    assert 0.92 < inside / 300 < 0.98
    assert estimate.se == pytest.approx(estimate.value / 10)


def test_hill_by_hand():
    x = [1.0, 2.0, 8.0, 4.0]
    assert hill_estimator(x, 0.5).value == pytest.approx(2 / (np.log(8 / 2) + np.log(4 / 2)))
    with pytest.raises(ValueError, match="two in the tail"):
        hill_estimator(x, 0.25)
    with pytest.raises(ValueError, match="positive"):
        hill_estimator([-1.0, -1.0, 1.0, 1.0], 0.5)


def test_moments_of_known_laws():
    z = special.ndtri((np.arange(400_000) + 0.5) / 400_000)
    assert kurtosis(z) == pytest.approx(3, abs=0.01)
    for p in (4, 6, 8):  # double factorials
        exact = special.factorial2(p - 1) ** (1 / p) / np.sqrt(p) * np.sqrt(2)
        assert moment_ratio(z, p) == pytest.approx(exact, rel=0.01)
    assert moment_ratio(z, 8) == pytest.approx(0.895, abs=0.002)
    heavy = np.random.default_rng(0).standard_t(3, 20000)
    assert moment_ratio(heavy - heavy.mean(), 8) > 1.5
    x = np.random.default_rng(0).exponential(size=(500, 3))
    np.testing.assert_allclose(kurtosis(x), stats.kurtosis(x, fisher=False), rtol=1e-10)
    assert np.isnan(kurtosis(np.zeros(5)))
    assert np.isnan(moment_ratio(np.zeros(5), 8))


def test_resamples_are_those_of_copied_samples():
    rng = np.random.default_rng(0)
    x = rng.exponential(size=(40, 2))
    x -= x.mean(axis=0)
    counts = rng.multinomial(40, np.full(40, 1 / 40), size=3).astype(float)
    copies = [np.repeat(x, row.astype(int), axis=0) for row in counts]
    np.testing.assert_allclose(kurtosis(x, counts), [kurtosis(copy) for copy in copies])
    np.testing.assert_allclose(moment_ratio(x, 8, counts), [moment_ratio(copy, 8) for copy in copies])
    np.testing.assert_allclose(moment_ratio(x[:, 0], 4, counts), [moment_ratio(copy[:, 0], 4) for copy in copies])


def test_survival_counts_values_above():
    x = np.array([[1.0, 2.0, 2.0, 5.0], [0.0, 0.0, 3.0, 9.0]])
    grid = np.array([0.0, 2.0, 8.0, 9.0])
    np.testing.assert_allclose(survival(x, grid), [(row[:, None] > grid).mean(0) for row in x])
