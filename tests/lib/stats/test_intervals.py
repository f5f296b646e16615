"""Estimates against SciPy, against closed forms, and against their nominal coverage in simulation."""

import numpy as np
import pytest
from scipy import stats

from lib.stats.intervals import (
    Estimate,
    clopper_pearson,
    difference_of,
    estimate_about_power_law,
    estimate_count,
    estimate_difference,
    estimate_each,
    estimate_from_error,
    estimate_lower_end,
    estimate_mean,
    estimate_median,
    estimate_median_of_normal,
    estimate_proportion,
    estimate_quantile,
    estimate_ratio,
    estimate_root_mean_square,
    estimate_slope,
    extreme_of,
    magnitude_of,
    mean_of,
    ratio_of,
    standard_error,
)


def coverage(estimate, truth) -> float:
    return np.mean((estimate.low <= truth) & (truth <= estimate.high))


def test_mean_has_students_interval():
    values = np.random.default_rng(0).standard_normal((12, 3))
    estimate = estimate_mean(values, level=0.9)
    for k in range(3):
        expected = stats.ttest_1samp(values[:, k], 0).confidence_interval(0.9)
        np.testing.assert_allclose([estimate.low[k], estimate.high[k]], expected, rtol=1e-12)
    np.testing.assert_allclose(estimate.value, values.mean(0))
    np.testing.assert_allclose(estimate.se, stats.sem(values), rtol=1e-14)
    np.testing.assert_array_equal(estimate.se, standard_error(values))
    assert estimate.n == 12


def test_paired_difference_is_students_paired_test():
    a, b = np.random.default_rng(1).standard_normal((2, 15))
    expected = stats.ttest_rel(a, b).confidence_interval(0.99)
    np.testing.assert_allclose(estimate_difference(a, b, level=0.99)[2:4], expected, rtol=1e-12)


@pytest.mark.parametrize("estimate", [estimate_mean, estimate_median, estimate_root_mean_square])
def test_units_on_several_axes_are_one_sample(estimate):
    values = np.random.default_rng(2).standard_normal((4, 5, 3))
    together, flat = estimate(values, axis=(0, 2)), estimate(np.swapaxes(values, 0, 1).reshape(5, 12), axis=1)
    for ours, expected in zip(together[:4], flat[:4]):
        np.testing.assert_allclose(ours, expected, rtol=1e-12)
    assert together.n == flat.n == 12


def test_proportion_has_the_interval_of_clopper_and_pearson():
    hits = np.array([0, 1, 7, 19, 20])
    estimate = estimate_proportion(hits, 20, level=0.9)
    for k, count in enumerate(hits):
        expected = stats.binomtest(count, 20).proportion_ci(0.9, method="exact")
        np.testing.assert_allclose([estimate.low[k], estimate.high[k]], expected, atol=1e-9)
    np.testing.assert_allclose(estimate.se, np.sqrt(stats.binom.var(20, hits / 20)) / 20)


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.97])
def test_exact_interval_of_a_proportion_covers_at_least_at_its_level(share):
    hits = np.arange(41)
    low, high = clopper_pearson(hits, 40, 0.1)
    assert stats.binom.pmf(hits, 40, share) @ ((low <= share) & (share <= high)) >= 0.9


@pytest.mark.parametrize("n", [6, 9, 40, 101])
def test_interval_of_a_median_is_the_narrowest_pair_of_order_statistics_that_covers(n):
    estimate = estimate_median(np.arange(n, dtype=float))
    k = int(estimate.low)  # k values lie below the lower end
    assert estimate.high == n - 1 - k
    assert 2 * stats.binom.cdf(k, n, 0.5) <= 0.05 < 2 * stats.binom.cdf(k + 1, n, 0.5)
    test = stats.quantile_test(np.arange(n, dtype=float), q=0, p=0.5).confidence_interval(0.95)
    assert (estimate.low, estimate.high) == pytest.approx(test)


def test_interval_of_a_median_covers_where_students_does_not():
    draws = np.random.default_rng(3).pareto(0.8, (4000, 25)) + 1  # infinite mean, median 2^(1/0.8)
    assert coverage(estimate_median(draws, axis=1), 2**1.25) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 4000)


def test_error_of_a_median_is_its_spread():
    draws = np.random.default_rng(4).standard_normal((4000, 41))
    estimate = estimate_median(draws, axis=1)
    assert np.mean(estimate.se) == pytest.approx(np.std(estimate.value), rel=0.05)


def test_slope_agrees_with_linear_regression():
    rng = np.random.default_rng(5)
    x = rng.uniform(1, 5, 9)
    y = rng.standard_normal((9, 2)) + 3 * x[:, None]
    estimate = estimate_slope(x, y)
    for k in range(2):
        fit = stats.linregress(x, y[:, k])
        half = stats.t.ppf(0.975, 7) * fit.stderr
        expected = (fit.slope, fit.stderr, fit.slope - half, fit.slope + half)
        np.testing.assert_allclose([entry[k] for entry in estimate[:4]], expected, rtol=1e-10)


def test_exponent_of_a_power_law():
    x = np.array([1, 2, 4, 8.0])
    exact = estimate_slope(np.log(x), np.log(3 * x**1.5))
    assert exact.value == pytest.approx(1.5)
    assert exact.se == pytest.approx(0, abs=1e-12)


def test_ends_of_fiellers_interval_are_on_the_edge_of_students_test():
    rng = np.random.default_rng(6)
    a, b = rng.normal(2, 1, 20), rng.normal(3, 1, 20)
    estimate = estimate_ratio(a, b)
    for end in (estimate.low, estimate.high):
        assert stats.ttest_1samp(a - end * b, 0).pvalue == pytest.approx(0.05, rel=1e-9)
    assert stats.ttest_1samp(a - estimate.value * b, 0).pvalue == pytest.approx(1)


def test_ratio_of_proportional_samples_is_exact_and_of_a_vanishing_mean_unbounded():
    b = np.random.default_rng(7).uniform(1, 2, 30)
    assert estimate_ratio(0.5 * b, b)[:4] == pytest.approx((0.5, 0, 0.5, 0.5), abs=1e-8)
    around_zero = np.array([-1.0, 1.0, -2.0, 2.1])
    assert estimate_ratio(np.ones(4), around_zero)[2:4] == (-np.inf, np.inf)


SIMULATIONS = 4000


def test_count_has_the_interval_of_garwood():
    counts = np.array([0, 1, 2, 17])
    estimate = estimate_count(counts, level=0.9)
    np.testing.assert_allclose(estimate.low[1:], stats.chi2.ppf(0.05, 2 * counts[1:]) / 2, rtol=1e-12)
    np.testing.assert_allclose(estimate.high, stats.chi2.ppf(0.95, 2 * counts + 2) / 2, rtol=1e-12)
    assert estimate.low[0] == 0


def test_difference_of_shares_covers_and_keeps_its_width_at_the_edge():
    rng = np.random.default_rng(11)
    first, second = (estimate_proportion(rng.binomial(n, p, SIMULATIONS), n) for n, p in ((40, 0.9), (60, 0.7)))
    estimate = difference_of(first, second)
    assert coverage(estimate, 0.2) >= 0.95
    np.testing.assert_allclose(estimate.se, np.hypot(first.se, second.se))
    at_edge = difference_of(estimate_proportion(40, 40), estimate_proportion(60, 60))
    assert at_edge.low < at_edge.value == 0 < at_edge.high


def test_difference_of_normal_means_adds_errors_in_squares():
    x, y = np.random.default_rng(12).standard_normal((2, 30))
    first, second = estimate_mean(x), estimate_mean(y)
    estimate = difference_of(first, second)
    half = np.hypot(first.high - first.value, second.high - second.value)
    np.testing.assert_allclose([estimate.low, estimate.high], x.mean() - y.mean() + half * np.array([-1, 1]))
    assert estimate.n == 60


def test_mean_of_shares_covers_and_halves_the_distances_to_the_ends_of_four_equal_estimates():
    shares = np.random.default_rng(17).binomial(30, [0.6, 0.8, 0.97], (SIMULATIONS, 3))
    estimate = mean_of(estimate_proportion(shares, 30))
    assert coverage(estimate, 0.79) >= 0.95
    one = estimate_proportion(27, 30)
    four = mean_of(Estimate(*(np.full(4, item) for item in one[:4]), 30))
    assert [four.value, four.n] == [one.value, 120]
    np.testing.assert_allclose(
        [four.value - four.low, four.high - four.value, four.se],
        np.array([one.value - one.low, one.high - one.value, one.se]) / 2,
    )


def test_extremes_lie_between_the_extremes_of_all_ends():
    estimates = estimate_from_error(np.array([1.0, 3.0, 2.9]), np.array([1.0, 0.1, 2.0]), 1000)
    largest, smallest = extreme_of(estimates), extreme_of(estimates, np.min)
    assert list(largest) == [3.0, 0.1, estimates.low[1], estimates.high[2], 1000]
    assert list(smallest) == [1.0, 1.0, estimates.low[2], estimates.high[0], 1000]
    assert np.isnan(extreme_of(Estimate(*np.full((4, 2), np.nan), 5)).se)


def test_ratio_of_independent_estimates_covers_and_is_unbounded_where_an_end_vanishes():
    rng = np.random.default_rng(13)
    first, second = (rng.lognormal(mean, 0.5, (n, SIMULATIONS)) for mean, n in ((0.0, 30), (1.0, 50)))
    a, b = estimate_mean(first), estimate_mean(second)
    estimate = ratio_of(a, b)
    assert 0.93 < coverage(estimate, np.exp(-1)) < 0.97
    assert estimate.se.mean() == pytest.approx(estimate.value.std(), rel=0.05)
    assert ratio_of(a, b).n == 80
    unbounded = ratio_of(estimate_from_error(2.0, 0.1, 9), Estimate(1.0, 0.5, 0.0, 2.0, 9))
    assert unbounded.low > 0
    assert unbounded.high == np.inf


@pytest.mark.parametrize(("share", "n"), [(0.1, 60), (0.5, 25), (0.99, 800)])
def test_quantile_covers_for_any_distribution(share, n):
    rng = np.random.default_rng(15)
    estimate = estimate_quantile(rng.standard_exponential((n, SIMULATIONS)), share)
    assert coverage(estimate, -np.log(1 - share)) >= 0.945
    cauchy = estimate_quantile(rng.standard_cauchy((SIMULATIONS, n)), share, axis=1)
    assert coverage(cauchy, stats.cauchy.ppf(share)) >= 0.945


def test_quantile_beyond_the_sample_is_unbounded_and_that_of_one_half_is_the_median():
    x = np.random.default_rng(16).standard_normal(20)
    extreme = estimate_quantile(x, 0.99)
    assert np.isfinite(extreme.low)
    assert extreme.high == np.inf
    half, median = estimate_quantile(x, 0.5), estimate_median(x)
    assert [half.value, half.low, half.high] == [median.value, median.low, median.high]


@pytest.mark.parametrize("n", [2, 3, 5])
def test_median_of_few_normal_values_covers(n):
    draws = np.random.default_rng(17).standard_normal((SIMULATIONS, n))
    estimate = estimate_median_of_normal(draws, axis=1)
    np.testing.assert_array_equal(estimate.value, np.median(draws, axis=1))
    assert coverage(estimate, 0) >= 0.945


@pytest.mark.parametrize("n", [2, 5, 20])
def test_lower_end_of_a_distribution_is_covered_at_its_level(n):
    draws = 3 + np.random.default_rng(18).random((SIMULATIONS, n))
    assert coverage(estimate_lower_end(draws, axis=1), 3) == pytest.approx(0.95, abs=0.01)


def test_student_interval_follows_from_the_standard_error():
    x = np.random.default_rng(14).standard_normal((7, 3))
    known = estimate_from_error(x.mean(0), standard_error(x), 7)
    np.testing.assert_array_equal(np.stack(known[:4]), np.stack(estimate_mean(x)[:4]))
    wide, narrow = estimate_from_error(np.zeros(2), np.ones(2), np.array([3, 300])).high
    assert [wide, narrow] == pytest.approx(stats.t.ppf(0.975, [2, 299]))


def test_magnitude_has_the_image_of_the_interval():
    estimate = magnitude_of(estimate_mean(np.array([[-3.0, -1.0, 2.0], [-2.0, 2.0, 3.0]])))
    signed = estimate_mean(np.array([[-3.0, -1.0, 2.0], [-2.0, 2.0, 3.0]]))
    for k in range(3):
        points = np.abs(np.linspace(signed.low[k], signed.high[k], 100001))
        assert [estimate.low[k], estimate.high[k]] == pytest.approx([points.min(), points.max()], abs=1e-3)
        assert estimate.low[k] <= estimate.value[k] <= estimate.high[k]


@pytest.mark.parametrize(
    ("estimate", "truth"),
    [
        (lambda x, y: estimate_mean(x, axis=1), 2.0),
        (lambda x, y: estimate_difference(x, y, axis=1), -1.0),
        (lambda x, y: estimate_ratio(x, y, axis=1), 2 / 3),
        (lambda x, y: estimate_slope(np.arange(12), x.T), 0.0),
        (lambda x, y: estimate_mean(x.reshape(SIMULATIONS, 3, 4), axis=(1, 2)), 2.0),
    ],
    ids=["mean", "difference", "ratio", "slope", "two axes"],
)
def test_intervals_of_normal_units_cover_at_their_level(estimate, truth):
    rng = np.random.default_rng(8)
    x = rng.normal(2, 1, (SIMULATIONS, 12))
    y = 3 + 0.5 * (x - 2) + rng.normal(0, 0.8, x.shape)
    assert coverage(estimate(x, y), truth) == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / SIMULATIONS))


def test_root_mean_square_has_the_spread_and_the_coverage_of_simulation():
    errors = np.random.default_rng(9).normal(2, 1, (4000, 400))
    estimate = estimate_root_mean_square(errors, axis=1)
    assert np.mean(estimate.se) == pytest.approx(np.std(estimate.value), rel=0.05)
    assert coverage(estimate, np.sqrt(5)) == pytest.approx(0.95, abs=0.015)
    assert estimate_root_mean_square(np.zeros(3))[:4] == (0, 0, 0, 0)


def test_each_unit_is_one_draw_of_the_next():
    """Intervals of single units, centred at one, cover the population's mean at nearly their level."""
    rng = np.random.default_rng(11)
    normal = rng.normal(3.0, 2.0, (4000, 5))
    assert coverage(estimate_each(normal, axis=1), 3.0) == pytest.approx(0.95, abs=0.05)
    waits = np.exp(normal)
    positive = estimate_each(waits, axis=1, positive=True)
    assert (positive.low > 0).all()
    np.testing.assert_array_equal(
        (positive.low <= np.exp(3)) & (np.exp(3) <= positive.high),
        (lambda each: (each.low <= 3) & (each.high >= 3))(estimate_each(normal, axis=1)),
    )
    assert np.isnan(estimate_each([4.0]).se).all()


def test_values_about_a_power_law_scatter_by_their_error():
    rng = np.random.default_rng(12)
    x = np.geomspace(1, 1000, 200)
    estimate = estimate_about_power_law(x, 3 * x**1.7 * np.exp(0.1 * rng.standard_normal(200)))
    assert np.median(estimate.se / estimate.value) == pytest.approx(0.1, rel=0.15)
    assert coverage(estimate, 3 * x**1.7) == pytest.approx(0.95, abs=0.04)
    assert np.isnan(estimate_about_power_law(x[:3], [1.0, 0.0, 2.0]).low).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: estimate_mean([1.0]), r"values: got 1 unit\(s\), expected at least 2"),
        (lambda: estimate_mean(np.ones((1, 4))), r"values: got 1 unit\(s\)"),
        (lambda: estimate_mean(3.0), r"values: got shape \(\), expected units along axis 0"),
        (lambda: estimate_mean([1.0, 2.0], level=1.0), "level: got 1.0"),
        (lambda: estimate_mean([1.0, 2.0], level=0.0), "level: got 0.0"),
        (lambda: estimate_difference([1.0, 2.0], [1.0]), "a, b: got shapes"),
        (lambda: estimate_ratio([1.0], [1.0]), r"a, b: got 1 unit\(s\)"),
        (lambda: estimate_median(np.ones(5)), r"values: got 5 unit\(s\), expected at least 6"),
        (lambda: estimate_median(np.ones(6), level=0.99), r"values: got 6 unit\(s\), expected at least 8"),
        (lambda: estimate_proportion(3, 0), "trials: got 0"),
        (lambda: estimate_proportion([1, 8], 7), "hits: got 1 to 8"),
        (lambda: estimate_proportion(1, 7, level=1.5), "level: got 1.5"),
        (lambda: estimate_quantile([1.0, 2.0], 1.0), "share: got 1.0"),
        (lambda: estimate_count([2, -1]), "counts: got -1, expected at least 0"),
        (lambda: clopper_pearson(1, 7, 0.0), "error: got 0.0"),
        (lambda: estimate_each([]), r"values: got 0 unit\(s\), expected at least 1"),
        (lambda: estimate_about_power_law([1, 2], [1, 2]), "x: got 2 values, expected at least 3"),
        (lambda: estimate_slope([1, 2], [1, 2]), r"x: got shape \(2,\), expected at least 3 points"),
        (lambda: estimate_slope([1, 1, 1], [1, 2, 3]), "x: got 1.0 alone"),
        (lambda: estimate_slope([1, 2, 3], [1, 2]), r"y: got shape \(2,\), expected 3 values"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
