"""Searches on curves whose crossing is known."""

import numpy as np
import pytest

from lib.probing.sample_complexity import (
    ErrorCurve,
    crossing,
    estimate_of,
    first_below,
    geometric_sizes,
    log_slope,
    resample_crossing,
    search_crossing,
)


def test_sizes_grow_by_the_ratio_and_by_one_at_least():
    sizes = geometric_sizes(4, 1000, 1.15)
    assert list(sizes[:6]) == [4, 5, 6, 7, 8, 9]
    assert sizes[-1] >= 1000 > sizes[-2]
    np.testing.assert_allclose(sizes[31:] / sizes[30:-1], 1.15, atol=0.01)
    with pytest.raises(ValueError, match="ratio"):
        geometric_sizes(4, 10, 1.0)


def test_a_crossing_between_sizes_is_interpolated_in_the_logarithm():
    sizes = np.array([10, 100, 1000])
    assert crossing(sizes, [0.3, 0.2, 0.1], 0.15) == pytest.approx(10**2.5)
    np.testing.assert_allclose(crossing(sizes, [[0.3, 0.2, 0.1], [0.1] * 3, [0.3] * 3], 0.15), [10**2.5, 10, np.inf])
    assert np.isnan(crossing(sizes, [0.3, np.nan, 0.1], 0.15))


@pytest.mark.parametrize("power", [0.3, 1.0])
def test_a_search_finds_the_crossing_of_a_noisy_power_law(power):
    def error(size, draw):
        return 40 * size**-power * np.exp(0.3 * np.random.default_rng([size, draw]).standard_normal() - 0.045)

    curve = search_crossing(error, 2.0, geometric_sizes(4, 100_000, 1.15), few=4, many=100)
    value, resampled, draws = resample_crossing(curve, 2.0, np.random.default_rng(0))
    truth = 20 ** (1 / power)
    assert draws == 100
    assert abs(np.log(value / truth)) < 0.2
    assert np.percentile(resampled, 1) < truth < np.percentile(resampled, 99)
    sizes, errors = curve.sizes[curve.complete], curve.errors[:, curve.complete].mean(axis=0)
    assert errors[0] >= 2.0 > errors[-1]
    assert 4 <= len(sizes) <= 20
    assert curve.sizes[~np.isnan(curve.errors).all(axis=0)].max() < 4 * truth  # nothing far above was tried


def test_a_target_out_of_reach_is_infinite_and_one_within_reach_from_the_start_is_the_first_size():
    sizes = geometric_sizes(4, 50, 1.15)
    never = search_crossing(lambda size, draw: 1.0, 0.5, sizes, few=2, many=3)
    always = search_crossing(lambda size, draw: 0.0, 0.5, sizes, few=2, many=3)
    rng = np.random.default_rng(0)
    assert resample_crossing(never, 0.5, rng).value == np.inf
    assert resample_crossing(always, 0.5, rng).value == pytest.approx(4)


def test_slopes_of_crossings_have_an_interval():
    rng = np.random.default_rng(0)
    sizes = geometric_sizes(4, 1000, 1.15)
    curves = [ErrorCurve(sizes, n / sizes * np.exp(0.2 * rng.standard_normal((30, len(sizes))))) for n in (10, 20, 40)]
    crossings = [resample_crossing(curve, 0.2, rng) for curve in curves]
    estimate = estimate_of(lambda *values: log_slope([10, 20, 40], list(values)), *crossings)
    assert estimate.low < 1 < estimate.high
    assert estimate.high - estimate.low < 0.4
    assert estimate.n == 30
    ratio = estimate_of(lambda a, b: b / a, crossings[0], crossings[2])
    assert ratio.low < 4 < ratio.high


def test_one_error_that_is_missing_leaves_no_crossing():
    curve = ErrorCurve(np.array([1, 2]), np.full((3, 2), np.nan))
    assert np.isnan(resample_crossing(curve, 0.5, np.random.default_rng(0)).value)


def test_the_authors_search_takes_the_first_single_error():
    errors = {4: 0.5, 9: 0.1, 14: 0.3, 19: 0.0}
    assert first_below(lambda size, search: errors[size] + search, 0.2, list(errors), 0) == 9
    assert first_below(lambda size, search: errors[size] + search, 0.2, list(errors), 1) == np.inf
