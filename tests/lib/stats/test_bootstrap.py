"""Bootstrap intervals against theory and against plain resampling."""

import numpy as np
import pytest

from lib.stats.bootstrap import difference_interval, mean_interval, ratio_interval


def test_the_interval_of_a_mean_has_the_normal_width():
    x = np.random.default_rng(0).standard_normal(400)
    found = mean_interval(x, resamples=4000, rng=np.random.default_rng(1))
    se = x.std() / 20
    assert found.value == pytest.approx(x.mean())
    assert found.se == pytest.approx(se, rel=0.05)
    assert found.high - found.low == pytest.approx(2 * 1.96 * se, rel=0.06)


def test_a_ratio_is_resampled_in_pairs():
    rng = np.random.default_rng(2)
    b = rng.uniform(1, 2, 30)
    exact = ratio_interval(0.5 * b, b, resamples=500, rng=rng)
    assert (exact.low, exact.value, exact.high) == pytest.approx((0.5, 0.5, 0.5))
    a = 0.5 * b + 0.1 * rng.standard_normal(30)
    index = np.random.default_rng(3).integers(30, size=(20000, 30))
    plain = np.percentile(a[index].mean(1) / b[index].mean(1), [2.5, 97.5])
    found = ratio_interval(a, b, resamples=20000, rng=np.random.default_rng(4))
    np.testing.assert_allclose([found.low, found.high], plain, atol=0.003)


def test_a_difference_and_single_values():
    rng = np.random.default_rng(5)
    a = rng.standard_normal(20)
    found = difference_interval(a + 1, a, resamples=200, rng=rng)
    assert (found.low, found.high) == pytest.approx((1, 1))
    alone = mean_interval([2.0], resamples=10, rng=rng)
    assert alone.value == 2
    assert np.isnan(alone.high)
    with pytest.raises(ValueError, match="paired"):
        ratio_interval(a, a[:3], resamples=10, rng=rng)
