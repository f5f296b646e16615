"""Covariances, residuals and partial correlations against NumPy, scikit-learn and explicit resampling."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from lib.stats.bootstrap import bootstrap_counts
from lib.stats.correlation import (
    correlation,
    correlation_pvalue,
    covariance,
    estimate_correlation,
    partial_correlation,
    rank_correlation,
    residuals,
)  # fmt: skip

RNG = np.random.default_rng(0)


def test_covariance_is_numpys_over_leading_axes():
    x = RNG.standard_normal((3, 2, 9, 4))
    for index in np.ndindex(3, 2):
        np.testing.assert_allclose(covariance(x)[index], np.cov(x[index].T), atol=1e-14)
        np.testing.assert_allclose(correlation(covariance(x))[index], np.corrcoef(x[index].T), atol=1e-14)


def test_counts_are_repeated_rows():
    x = RNG.standard_normal((9, 4)) + 100
    counts = bootstrap_counts(9, 5, RNG)
    several = np.broadcast_to(x, (5, 9, 4))
    for b in range(5):
        repeated = np.cov(np.repeat(x, counts[b].astype(int), axis=0).T)
        np.testing.assert_allclose(covariance(x, counts)[b], repeated, atol=1e-12)
        np.testing.assert_allclose(covariance(several, counts)[b], repeated, atol=1e-12)


def test_partial_correlation_is_the_correlation_of_residuals():
    x = RNG.standard_normal((40, 5)) @ RNG.standard_normal((5, 5))
    r = partial_correlation(np.linalg.inv(covariance(x)))
    left = residuals(x[:, [1, 3]], x[:, [0, 2, 4]])
    fitted = LinearRegression().fit(x[:, [0, 2, 4]], x[:, [1, 3]])
    np.testing.assert_allclose(left, x[:, [1, 3]] - fitted.predict(x[:, [0, 2, 4]]), atol=1e-12)
    assert r[1, 3] == pytest.approx(np.corrcoef(left.T)[0, 1], abs=1e-12)
    np.testing.assert_array_equal(np.diag(r), 1)


def test_residuals_do_not_mind_dependent_controls_or_none():
    y, z = RNG.standard_normal((2, 30, 1)), RNG.standard_normal((2, 30, 3))
    more = np.concatenate([z, z[..., :1] - 2 * z[..., 1:2], np.zeros_like(y)], axis=-1)
    np.testing.assert_allclose(residuals(y, more), residuals(y, z), atol=1e-13)
    np.testing.assert_allclose(residuals(y, z[..., :0]), y - y.mean(axis=-2, keepdims=True))


def test_one_observation_is_refused():
    with pytest.raises(ValueError, match="samples: got 1 obs"):
        covariance(np.ones((1, 3)))


def test_test_and_interval_of_a_correlation_are_pearsons():
    x, y = np.random.default_rng(1).standard_normal((2, 25))
    pearson = stats.pearsonr(x, y)
    r = np.array([pearson.statistic, 0.0, 1.0])
    assert correlation_pvalue(r, 23)[0] == pytest.approx(pearson.pvalue, rel=1e-10)
    np.testing.assert_array_equal(correlation_pvalue(r, 23)[1:], [1, 0])
    estimate = estimate_correlation(r, 23)
    np.testing.assert_allclose([estimate.low[0], estimate.high[0]], pearson.confidence_interval(), rtol=1e-10)
    assert estimate.low[2] == estimate.high[2] == 1
    np.testing.assert_array_equal(estimate.n, 25)


def test_error_of_a_correlation_is_its_spread():
    x, y = np.random.default_rng(2).standard_normal((2, 5000, 60))
    samples = np.stack([x, 0.6 * x + 0.8 * y], axis=-1)
    estimate = estimate_correlation(correlation(covariance(samples))[:, 0, 1], 58)
    assert np.mean(estimate.se) == pytest.approx(np.std(estimate.value), rel=0.05)
    assert np.mean((estimate.low <= 0.6) & (estimate.high >= 0.6)) == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: estimate_correlation(1.1, 10), "r: got 1.1"),
        (lambda: estimate_correlation(0.1, 1), "df: got 1.0"),
        (lambda: estimate_correlation(0.1, 10, level=0), "level: got 0"),
        (lambda: correlation_pvalue(np.nan, 10), "r: got nan"),
        (lambda: correlation_pvalue(0.1, 0), "df: got 0.0"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


def test_rank_correlations_are_scipys_and_unknown_where_nothing_varies():
    rng = np.random.default_rng(0)
    for x, y in ((rng.random(9), rng.random(9)), ([1, 2, 2, 5], [3, 3, 1, 0])):
        assert rank_correlation(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-15)
    for x, y in (([1, 1, 1], [1, 2, 3]), ([1, 2, np.nan], [1, 2, 3]), ([1, 2, 3], [1, np.inf, 3])):
        assert np.isnan(rank_correlation(x, y))
