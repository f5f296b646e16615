"""Partial correlations: two independent routes, exact arithmetic, invariances, subcompositions."""

from itertools import combinations

import numpy as np
import pytest
import sympy
from scipy.stats import pearsonr
from sklearn.linear_model import LinearRegression

from lib.compositional import partial as pc
from lib.compositional import regression as rg
from lib.compositional.logratio import alr_matrix, clr_covariance, variation_matrix
from lib.stats.shrinkage import shrink_factors


def test_definition_written_out_with_scikit_learn(composition):
    """One pair and one reference at a time, an intercept in each regression."""
    x = composition(40, 5)
    estimate = pc.partial(x)
    for i, j in combinations(range(5), 2):
        for r in set(range(5)) - {i, j}:
            y = np.log(x / x[:, [r]])
            controls = y[:, sorted(set(range(5)) - {i, j, r})]
            residuals = y[:, [i, j]] - LinearRegression().fit(controls, y[:, [i, j]]).predict(controls)
            assert estimate.correlation[i, j] == pytest.approx(pearsonr(*residuals.T).statistic, abs=1e-12)
    for i in range(5):
        y = np.log(x / x[:, [(i + 1) % 5]])
        controls = y[:, sorted(set(range(5)) - {i, (i + 1) % 5})]
        residuals = y[:, i] - LinearRegression().fit(controls, y[:, i]).predict(controls)
        assert estimate.variance[i] == pytest.approx(np.sum(residuals**2) / 39, rel=1e-11)
        unbiased = np.sum(residuals**2) / (40 - 5 + 1)
        assert pc.unbiased_variance(estimate.variance, 40)[i] == pytest.approx(unbiased, rel=1e-11)


@pytest.mark.parametrize("parts", [3, 4, 7])
def test_residual_vectors_do_not_depend_on_the_reference(composition, parts):
    x = composition(12 * parts, parts, 3)
    route, direct = rg.pair_residuals(np.log(x)), pc.partial(x)
    assert route.values.shape == (3, parts * (parts - 1) // 2, parts - 2, 12 * parts, 2)
    np.testing.assert_allclose(route.values, route.values[:, :, :1].repeat(parts - 2, axis=2), atol=1e-12)
    pairwise = direct.correlation[:, *route.pairs.T]
    np.testing.assert_allclose(rg.pair_correlations(route), pairwise[..., None].repeat(parts - 2, -1), atol=1e-12)
    np.testing.assert_allclose(
        rg.part_variances(np.log(x)), direct.variance[..., None].repeat(parts - 1, -1), rtol=1e-10
    )


def test_three_parts_have_no_controls(composition):
    x = composition(20, 3)
    assert pc.partial(x).correlation[0, 1] == pytest.approx(
        np.corrcoef(np.log(x[:, 0] / x[:, 2]), np.log(x[:, 1] / x[:, 2]))[0, 1], abs=1e-13
    )


def test_precision_is_the_pseudo_inverse(composition):
    gamma = clr_covariance(composition(60, 6, 2))
    P = pc.precision(gamma)
    np.testing.assert_allclose(P, np.linalg.pinv(gamma, rcond=1e-10), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(P, np.swapaxes(P, -1, -2))
    np.testing.assert_allclose(P @ np.ones(6), 0, atol=1e-11)
    values = np.linalg.eigvalsh(P)
    assert np.all(np.abs(values[:, 0]) < 1e-11)
    assert np.all(values[:, 1] > 0)
    one = np.ones((6, 6)) / 6
    np.testing.assert_allclose(np.linalg.inv(gamma + one) - one, P, atol=1e-10)
    # a tiny or huge scale is no loss
    np.testing.assert_allclose(pc.precision(gamma * 1e-12) * 1e-12, P, rtol=1e-9, atol=1e-10)


def test_every_reference_and_the_basis_give_it(composition):
    x = composition(60, 5)
    S = np.cov(np.log(x).T)
    P = pc.precision(clr_covariance(S=S))
    np.testing.assert_allclose(pc.precision_from_basis(np.linalg.inv(S)), P, atol=1e-10)
    for r in range(5):
        F = alr_matrix(5, r)
        np.testing.assert_allclose(pc.precision_from_alr(F @ S @ F.T, r), P, atol=1e-10)
        np.testing.assert_allclose(pc.partial(x, ref=r).correlation, pc.partial(x).correlation, atol=1e-11)
        block = np.delete(np.delete(P, r, 0), r, 1)
        np.testing.assert_allclose(block @ (F @ S @ F.T), np.eye(4), atol=1e-10)


@pytest.mark.parametrize("parts", [3, 4, 6])
def test_reference_free_in_exact_rational_arithmetic(parts):
    entries = np.random.default_rng(parts).integers(-3, 4, (parts, parts))
    S = sympy.Matrix(entries) * sympy.Matrix(entries).T + sympy.eye(parts)
    forms = []
    for r in range(parts):
        F = sympy.Matrix(alr_matrix(parts, r).astype(int))
        forms.append(F.T * (F * S * F.T).inv() * F)
    assert all(form == forms[0] for form in forms)
    one = sympy.ones(parts, 1)
    omega = S.inv()
    assert forms[0] == omega - omega * one * one.T * omega / (one.T * omega * one)[0]


@pytest.mark.parametrize("parts", range(3, 51))
def test_independent_parts_keep_a_trace_of_the_constraint(parts):
    r = pc.partial(cov_clr=clr_covariance(S=2.5 * np.eye(parts))).correlation
    np.testing.assert_allclose(r[~np.eye(parts, dtype=bool)], 1 / (parts - 1), atol=1e-12)


def test_closure_units_order_and_precision_of_the_input(composition):
    x = composition(50, 6)
    rng = np.random.default_rng(2)
    r = pc.partial(x).correlation
    moved = x * rng.uniform(0.1, 10, (50, 1)) * rng.uniform(0.1, 10, 6)
    np.testing.assert_allclose(pc.partial(moved).correlation, r, atol=1e-11)
    order = rng.permutation(6)
    np.testing.assert_allclose(pc.partial(x[:, order]).correlation, r[np.ix_(order, order)], atol=1e-12)
    single = x.astype(np.float32)
    np.testing.assert_array_equal(pc.partial(single).correlation, pc.partial(single.astype(float)).correlation)
    assert np.all(np.abs(r) <= 1)


def test_subcompositions_are_re_estimated_ones(composition):
    x = composition(50, 6, 2)
    P = pc.partial(x).precision
    reduced = pc.drop_parts(P)
    for k in range(6):
        rest = [i for i in range(6) if i != k]
        np.testing.assert_allclose(reduced[:, k][:, rest][:, :, rest], pc.partial(x[..., rest]).precision, atol=1e-9)
        np.testing.assert_array_equal(reduced[:, k, k], 0)
        np.testing.assert_array_equal(reduced[:, k, :, k], 0)


def test_multiple_correlation_is_the_r2_of_the_regression(composition):
    x = composition(40, 5)
    gamma = clr_covariance(x)
    by_part, by_mean = pc.multiple_correlation(gamma, pc.precision(gamma))
    for i, r in ((0, 1), (3, 2)):
        y = np.log(x / x[:, [r]])
        controls = np.delete(y, [i, r], axis=1)
        score = LinearRegression().fit(controls, y[:, i]).score(controls, y[:, i])
        assert by_part[i, r] == pytest.approx(score, abs=1e-11)
    assert by_part[0, 1] != pytest.approx(by_part[0, 2], abs=1e-3)
    np.testing.assert_allclose(
        by_mean, 1 - pc.partial(x).variance / np.var(np.log(x) - np.log(x).mean(1, keepdims=True), axis=0, ddof=1)
    )
    assert np.isnan(np.diag(by_part)).all()


def test_normalisation_is_right_exactly_when_free_of_the_pair(composition):
    L = np.log(composition(60, 6, 4))
    r = pc.partial(np.exp(L)).correlation
    i, j = np.array([0, 1, 2, 3]), np.array([4, 5, 0, 1])

    def mask(*sets):
        inside = np.zeros((4, 6), dtype=bool)
        for row, parts in zip(inside, sets):
            row[list(parts)] = True
        return inside

    def pearson(residuals):
        return np.array([np.corrcoef(one.T)[0, 1] for one in residuals])

    expected = r[np.arange(4), i, j]
    free = mask([1], [2, 3], [1, 3, 4, 5], [0, 2, 4])
    np.testing.assert_allclose(pearson(rg.normalised_residuals(L, i, j, free)), expected, atol=1e-12)
    inverse = pc.partial_from_precision(rg.normalised_precision(L, free)).correlation
    np.testing.assert_allclose(inverse[np.arange(4), i, j], expected, atol=1e-10)
    loose = np.abs(pearson(rg.normalised_residuals(L, i, j, free, controlled=False)) - expected)
    assert np.all(loose[1:] > 1e-4)
    assert loose[0] < 1e-12  # one part alone is a reference: normalised by itself, it is constant
    # i alone in I: the residual of i vanishes; both in I: opposite residuals; the pseudo-inverse is another number
    one = mask([0, 1], [1, 2, 3], [2, 5], [3, 4, 5])
    residuals = rg.normalised_residuals(L, i, j, one)
    assert np.all(np.std(residuals[..., 0], axis=-1) < 1e-12 * np.std(residuals[..., 1], axis=-1))
    np.testing.assert_allclose(rg.residual_correlation(rg.normalised_residuals(L, i, j, free)), expected, atol=1e-12)
    inverse = pc.partial_from_precision(rg.normalised_precision(L, one)).correlation
    assert np.all(np.abs(inverse[np.arange(4), i, j] - expected) > 1e-6)
    every = np.ones((4, 6), dtype=bool)
    np.testing.assert_allclose(pearson(rg.normalised_residuals(L, i, j, every)), -1)
    np.testing.assert_allclose(rg.normalised_precision(L, every), pc.partial(np.exp(L)).precision, atol=1e-9)
    with pytest.raises(ValueError, match="inside: got no part"):
        rg.normalise(L, np.zeros(6, dtype=bool))


def test_basis_shrinkage_keeps_reference_independence_and_naive_does_not(composition):
    x = composition(15, 6)
    for r in range(6):
        basis, alr = pc.partial(x, shrinkage="basis"), pc.partial(x, ref=r, shrinkage="basis")
        np.testing.assert_allclose(alr.correlation, basis.correlation, atol=1e-12)
    rest = np.arange(5)
    naive = pc.partial(x, shrinkage="naive").correlation[np.ix_(rest, rest)]
    assert np.max(np.abs(pc.partial(x, ref=5, shrinkage="naive").correlation - naive)) > 1e-2
    np.testing.assert_allclose(
        pc.partial(x, shrinkage="basis", intensities=(0, 0)).correlation, pc.partial(x).correlation, atol=1e-11
    )


def test_woodbury_form_for_many_parts(composition):
    x = composition(12, 60)
    L = np.log(x / x.sum(1, keepdims=True))
    fast, plain = pc.partial_from_factors(shrink_factors(L)), pc.partial(x, shrinkage="basis")
    np.testing.assert_allclose(fast.correlation, plain.correlation, atol=1e-10)
    np.testing.assert_allclose(fast.variance, plain.variance, rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: pc.partial(), "X, cov_clr: got neither"),
        (lambda x: pc.partial(x, cov_clr=np.eye(3)), "X, cov_clr: got both"),
        (lambda x: pc.partial(x[:, :2]), "X: got shape"),
        (lambda x: pc.partial(x[:4]), "X: got n = 4 samples of D = 5 parts"),
        (lambda x: pc.partial(x, ref=5), "ref: got 5"),
        (lambda x: pc.partial(x, shrinkage="some"), "shrinkage: got 'some'"),
        (lambda x: pc.partial(cov_clr=clr_covariance(x), shrinkage="basis"), "shrinkage: got 'basis' without X"),
        (lambda x: pc.partial(cov_clr=clr_covariance(S=np.eye(2))), "cov_clr: got 2 parts"),
        (lambda x: pc.precision(np.eye(4)), "cov_clr: got a row of sum 1"),
        (lambda x: pc.partial(x[:, [0, 1, 2, 2]]), "cov_clr: got a rank below D - 1 = 3"),
        (lambda x: pc.precision(np.zeros((3, 3))), "cov_clr: got"),
    ],
)
def test_bad_arguments_are_named(composition, call, name):
    with pytest.raises(ValueError, match=name):
        call(composition(30, 5))


def test_variation_is_the_resistance_of_the_precision(composition):
    """T_ij = (e_i - e_j)^T P^+ (e_i - e_j), which leaving out a part does not change."""
    x = composition(40, 5)
    back = np.linalg.pinv(pc.partial(x).precision, rcond=1e-10)
    np.testing.assert_allclose(variation_matrix(S=back), variation_matrix(x), atol=1e-10)


@pytest.mark.parametrize("spread", [1.0, 1e-4, 1e-8])
@pytest.mark.parametrize("parts", [3, 4, 6, 11])
def test_rounding_noise_is_no_partial_correlation(parts, spread):
    """Data of rank one, whose other log-contrasts vary by rounding alone."""
    rng = np.random.default_rng(parts)
    for _ in range(20):
        signal = np.outer(rng.standard_normal(40), rng.standard_normal(parts))
        x = np.exp(spread * signal + 10 * rng.standard_normal(parts))
        for ref in (None, 0):
            with pytest.raises(ValueError, match="rank below"):
                pc.partial(x, ref=ref)


def test_tiny_variances_of_full_rank_are_kept(composition):
    x = composition(60, 5)
    r = pc.partial(x).correlation
    np.testing.assert_allclose(pc.partial(x**1e-7).correlation, r, atol=1e-6)


@pytest.mark.parametrize("shrinkage", [None, "basis", "naive"])
def test_sums_beyond_double_precision(composition, shrinkage):
    x = composition(60, 5)
    usual = pc.partial(x, shrinkage=shrinkage).correlation
    huge = 1.7e308 * (x / x.max(axis=1, keepdims=True))
    with np.errstate(over="ignore"):
        assert np.isinf(huge.sum(axis=1)).any()
    np.testing.assert_allclose(pc.partial(huge, shrinkage=shrinkage).correlation, usual, atol=1e-10)


def test_shares_below_the_smallest_double(composition):
    x = composition(60, 5)
    far = x * np.array([1e-200, 1.0, 1.0, 1e200, 1e107])
    np.testing.assert_allclose(pc.partial(far).correlation, pc.partial(x).correlation, atol=1e-9)
