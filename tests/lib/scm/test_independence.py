"""Independence tests against SciPy and causal-learn, and their level under independence."""

import numpy as np
import pytest
from causallearn.utils.cit import CIT
from scipy import stats

from lib.scm.exchangeable import bivariate
from lib.scm.independence import g_test, hsic_permutation, kernel_test


@pytest.fixture
def binary():
    return np.random.default_rng(0).integers(0, 2, (3, 500))


def test_g_test_is_scipys_within_each_stratum(binary):
    x, y, z = binary
    x = x | y

    def scipys(a, b):
        table = np.histogram2d(a, b, bins=2)[0]
        return stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")

    whole = scipys(x, y)
    assert g_test(x, y) == pytest.approx((whole.statistic, whole.pvalue))
    strata = sum(scipys(x[z == k], y[z == k]).statistic for k in (0, 1))
    assert g_test(x, y, z[:, None]) == pytest.approx((strata, stats.chi2.sf(strata, 2)))


def test_g_test_does_not_depend_on_names_of_values_or_order_of_conditions(binary):
    x, y, z = binary
    w = 1 - (x & z)
    reference = g_test(x, y, np.column_stack([z, w]))
    assert g_test(1 - x, y, np.column_stack([1 - w, z])) == pytest.approx(reference)


def test_g_test_is_uniform_under_independence_and_conservative_in_empty_strata():
    rng = np.random.default_rng(1)
    p = [g_test(*rng.integers(0, 2, (2, 2000)), rng.integers(0, 2, (2000, 1))).pvalue for _ in range(400)]
    assert stats.kstest(p, "uniform").pvalue > 1e-3
    z = np.zeros((60, 6), int)  # 63 of 64 strata are empty
    p = np.array([g_test(*rng.integers(0, 2, (2, 60)), z).pvalue for _ in range(200)])
    assert np.mean(p < 0.05) == 0


@pytest.mark.parametrize("n", [60, 250])
def test_kernel_test_is_causal_learns(n):
    rng = np.random.default_rng(2)
    z = rng.standard_normal(n)
    x, y = z + rng.laplace(size=n), z**2 + rng.standard_normal(n)
    peer = CIT(np.column_stack([x, y, z]), "kci")
    assert kernel_test(x, y).pvalue == pytest.approx(peer(0, 1, []), abs=1e-6)
    assert kernel_test(x, y, z).pvalue == pytest.approx(peer(0, 1, [2]), abs=1e-3)


def whole_kernel_test(x, y, z):
    """The conditional test with whole kernels and an inverse, n from 200 to 1199."""
    n = len(x)
    x, y, z = ((v - v.mean()) / v.std(ddof=1) for v in (x, y, z))
    centre = np.eye(n) - 1 / n

    def kernel(*columns):
        distance = sum((v[:, None] - v) ** 2 for v in columns)
        return centre @ np.exp(-0.5 * distance / 0.7**2) @ centre

    r = 1e-3 * np.linalg.inv(kernel(z) + 1e-3 * np.eye(n))
    product = (r @ kernel(x, 0.5 * z) @ r) * (r @ kernel(y) @ r)
    mean, variance = np.trace(product), 2 * np.sum(product**2)
    return stats.gamma.sf(product.sum(), mean**2 / variance, scale=variance / mean)


@pytest.mark.parametrize("seed", range(6))
def test_kernels_of_low_rank_give_the_p_value_of_whole_ones(seed):
    rng = np.random.default_rng(seed)
    data, _ = bivariate(300, 2, rng)
    x, y, z = (data[0, :, 0], data[1, :, 1], data[0, :, 1]) if seed % 2 else rng.standard_normal((3, 300))
    assert kernel_test(x, y, z).pvalue == pytest.approx(whole_kernel_test(x, y, z), abs=1e-6)


@pytest.mark.parametrize("test", [g_test, kernel_test])
def test_no_columns_are_no_conditions(test):
    x, y = np.random.default_rng(6).integers(0, 2, (2, 40))
    assert test(x, y, np.zeros((40, 0))) == test(x, y)


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, float])
def test_g_test_takes_any_kind_of_zeros_and_ones_and_many_conditions(kind):
    x, y, *z = np.random.default_rng(8).integers(0, 2, (10, 3000))
    z = np.stack(z, axis=1)
    strata = sum(
        g_test(x[rows], y[rows]).statistic for rows in ((z == row).all(axis=1) for row in np.unique(z, axis=0))
    )
    assert g_test(x.astype(kind), y.astype(kind), z.astype(kind)).statistic == pytest.approx(strata)


def test_kernel_test_keeps_its_level_and_is_symmetric_without_conditions():
    rng = np.random.default_rng(3)
    rejected = np.zeros(2)
    for _ in range(200):
        z = rng.standard_normal(100)
        x, y = z + rng.standard_normal(100), z + rng.standard_normal(100)
        rejected += kernel_test(x, y, z).pvalue < 0.05, kernel_test(*rng.standard_normal((2, 100))).pvalue < 0.05
    assert (rejected / 200 <= 0.1).all()
    assert kernel_test(x, y) == pytest.approx(kernel_test(y, x))
    assert kernel_test(x, y).pvalue < 1e-4


def test_hsic_detects_dependence_and_keeps_its_level():
    rng = np.random.default_rng(4)
    x = rng.standard_normal(100)
    assert hsic_permutation(x, np.column_stack([x**2, rng.standard_normal(100)]), 99, rng).pvalue == 0.01
    p = [hsic_permutation(*rng.standard_normal((2, 40)), 39, rng).pvalue for _ in range(100)]
    assert np.mean(np.array(p) <= 0.05) <= 0.13


def test_hsic_is_the_mean_over_quadruples_of_samples():
    """n^2 HSIC = sum K_x K_y - 2/n sum of row sums + 1/n^2 product of sums, written with kernels of median width."""
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((2, 12))
    n = len(x)

    def kernel(values):
        distance = (values[:, None] - values) ** 2
        return np.exp(-0.5 * distance / np.median(distance[np.triu_indices(n, 1)]))

    k, m = kernel(x), kernel(y)
    expected = np.sum(k * m) - 2 / n * np.sum(k.sum(0) * m.sum(0)) + k.sum() * m.sum() / n**2
    assert hsic_permutation(x, y, 3, rng).statistic == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: g_test([0, 1, 2], [0, 1, 0]), "x: got values other than 0 and 1"),
        (lambda: g_test([0, 1, 1], [0, 1]), "y: got 2 rows, expected 3"),
        (lambda: kernel_test(np.arange(5.0), np.arange(5.0)), "x: got 5 values, expected at least 10"),
        (lambda: kernel_test(np.ones(20), np.arange(20.0)), "x: got a constant column"),
        (lambda: kernel_test(np.full(20, np.nan), np.arange(20.0)), "x: got values that are not finite"),
        (lambda: g_test([0, 1, np.nan], [0, 1, 0]), "x: got values other than 0 and 1"),
        (lambda: hsic_permutation(np.ones(20), np.arange(20.0), 9, None), "x: got values that .* equal in most pairs"),
        (lambda: kernel_test(np.arange(20.0), np.arange(20.0), np.arange(19.0)), "z: got 19 rows, expected 20"),
    ],
)
def test_bad_data_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
