"""Bootstrap estimates against theory, against SciPy and against plain resampling."""

import numpy as np
import pytest
from scipy import stats

from lib.stats.bootstrap import (
    bootstrap,
    bootstrap_counts,
    percentile_estimate,
    power_law_exponent,
    ratio_of_means,
)


def test_interval_of_a_mean_has_the_normal_width():
    x = np.random.default_rng(0).standard_normal(400)
    estimate = bootstrap(np.mean, x, resamples=4000, rng=np.random.default_rng(1))
    se = x.std() / 20
    assert estimate.value == pytest.approx(x.mean())
    assert estimate.se == pytest.approx(se, rel=0.05)
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * se, rel=0.06)
    assert estimate.n == 400


def test_a_ratio_is_resampled_in_pairs():
    rng = np.random.default_rng(2)
    b = rng.uniform(1, 2, 30)
    exact = bootstrap(ratio_of_means, 0.5 * b, b, resamples=500, rng=rng)
    assert (exact.low, exact.value, exact.high) == pytest.approx((0.5, 0.5, 0.5))
    a = 0.5 * b + 0.1 * rng.standard_normal(30)
    index = np.random.default_rng(3).integers(30, size=(20000, 30))
    plain = np.percentile(a[index].mean(1) / b[index].mean(1), [2.5, 97.5])
    estimate = bootstrap(ratio_of_means, a, b, resamples=20000, rng=np.random.default_rng(4))
    np.testing.assert_allclose([estimate.low, estimate.high], plain, atol=0.003)


def test_medians_of_a_table_are_those_of_its_columns():
    values = np.random.default_rng(5).exponential(size=(20, 2))
    estimate = bootstrap(np.median, values, resamples=4000, rng=np.random.default_rng(6))
    alone = bootstrap(np.median, values[:, 1], resamples=4000, rng=np.random.default_rng(7))
    np.testing.assert_allclose([entry[1] for entry in estimate[:4]], alone[:4], rtol=0.1)


def test_counts_are_resamples():
    counts = bootstrap_counts(8, 4000, np.random.default_rng(2))
    np.testing.assert_array_equal(counts.sum(axis=1), 8)
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.08)
    np.testing.assert_allclose(counts.var(axis=0), 1 - 1 / 8, atol=0.1)  # binomial of 8 draws with probability 1/8


def test_percentile_estimate_of_a_mean_is_scipys():
    rng = np.random.default_rng(3)
    x = rng.exponential(size=30)
    ours = percentile_estimate(x.mean(), bootstrap_counts(30, 20000, rng) @ x / 30, 30)
    peer = stats.bootstrap((x,), np.mean, n_resamples=20000, method="percentile", rng=4)
    np.testing.assert_allclose([ours.low, ours.high], peer.confidence_interval, atol=0.02)
    assert ours.se == pytest.approx(peer.standard_error, rel=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: bootstrap(np.mean, [2.0], resamples=10, rng=rng), r"samples: got 1 unit\(s\)"),
        (lambda rng: bootstrap(ratio_of_means, [1.0, 2.0], [1.0], resamples=10, rng=rng), "samples: got shapes"),
        (lambda rng: bootstrap(np.mean, [1.0, 2.0], resamples=10, rng=rng, level=2), "level: got 2"),
        (lambda rng: bootstrap_counts(0, 5, rng), "n, resamples: got 0 and 5"),
        (lambda rng: percentile_estimate(1.0, [1.0], 5), r"resampled: got 1 unit\(s\)"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call(np.random.default_rng(0))


def test_exponent_of_a_power_law_covers_the_truth():
    rng = np.random.default_rng(0)
    x = np.array([1.0, 3.0, 10.0, 40.0])
    covered = 0
    for _ in range(200):
        values = (x**-0.7)[:, None] * rng.gamma(4, 1 / 4, (4, 50))
        _, se, low, high, n = power_law_exponent(x, values, rng, resamples=300)
        covered += low <= -0.7 <= high
        assert n == 50
        assert se > 0
    assert covered > 170
    exact = power_law_exponent(x, np.stack([np.tile((x**p)[:, None], 3) for p in (2, -1)]), rng)
    np.testing.assert_allclose(exact.value, [2, -1])
    np.testing.assert_allclose(exact.high - exact.low, 0, atol=1e-12)
    assert np.isnan(power_law_exponent(x, np.full((4, 3), np.nan), rng).value)
    with pytest.raises(ValueError, match="shape"):
        power_law_exponent(x, np.ones((3, 4)), rng)
