"""Intervals against SciPy and against their nominal coverage."""

import numpy as np
import pytest
from scipy import stats

from lib.stats import intervals as iv


def test_mean_interval_is_students():
    values = np.random.default_rng(0).standard_normal((12, 3))
    mean, low, high = iv.mean_interval(values, level=0.9)
    for k in range(3):
        expected = stats.ttest_1samp(values[:, k], 0).confidence_interval(0.9)
        np.testing.assert_allclose([low[k], high[k]], expected, rtol=1e-12)
    np.testing.assert_allclose(mean, values.mean(0))


def test_correlation_test_and_interval_are_pearsons():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, 25))
    found = stats.pearsonr(x, y)
    r = np.array([found.statistic, 0.0, 1.0])
    assert iv.correlation_pvalue(r, 23)[0] == pytest.approx(found.pvalue, rel=1e-10)
    np.testing.assert_array_equal(iv.correlation_pvalue(r, 23)[1:], [1, 0])
    interval = iv.correlation_interval(r, 23)
    np.testing.assert_allclose([interval.low[0], interval.high[0]], found.confidence_interval(), rtol=1e-10)
    assert interval.low[2] == interval.high[2] == 1


def test_critical_correlation_has_its_p_value():
    assert iv.correlation_pvalue(iv.critical_correlation(0.05 / 55, 37), 37) == pytest.approx(0.05 / 55, rel=1e-9)


def test_bootstrap_counts_are_resamples():
    counts = iv.bootstrap_counts(8, 4000, np.random.default_rng(2))
    np.testing.assert_array_equal(counts.sum(axis=1), 8)
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.08)
    np.testing.assert_allclose(counts.var(axis=0), 1 - 1 / 8, atol=0.1)  # binomial of 8 draws with probability 1/8


def test_percentile_interval_of_a_mean_is_scipys():
    rng = np.random.default_rng(3)
    x = rng.exponential(size=30)
    means = iv.bootstrap_counts(30, 20000, rng) @ x / 30
    ours = iv.percentile_interval(x.mean(), means)
    peer = stats.bootstrap((x,), np.mean, n_resamples=20000, method="percentile", rng=4).confidence_interval
    np.testing.assert_allclose([ours.low, ours.high], peer, atol=0.02)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: iv.mean_interval([1.0]), "values"),
        (lambda: iv.mean_interval(np.ones((1, 4))), "values"),
        (lambda: iv.mean_interval([1.0, 2.0], level=1.0), "level"),
        (lambda: iv.correlation_interval(1.1, 10), "r"),
        (lambda: iv.correlation_interval(0.1, 1), "df"),
        (lambda: iv.correlation_pvalue(np.nan, 10), "r"),
        (lambda: iv.correlation_pvalue(0.1, 0), "df"),
        (lambda: iv.bootstrap_counts(0, 5, np.random.default_rng(0)), "n"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name}.*: got"):
        call()
