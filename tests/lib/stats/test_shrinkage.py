"""Shrinkage against corpcor 1.6.10, against its definition written out, and as a scikit-learn estimator."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from lib.stats import shrinkage as sk
from lib.stats.correlation import partial_correlation
from lib.stats.covariance import SchaferStrimmer

# eight samples of five variables; values below from cov.shrink and pcor.shrink of the R package corpcor 1.6.10
SAMPLES = np.array(
    [
        [2.1, 0.3, 1.9, 4.0, 5.5], [1.4, 0.9, 2.2, 3.1, 5.9], [3.3, 0.1, 1.2, 4.4, 4.1], [2.7, 1.5, 0.7, 3.8, 4.9],
        [0.8, 0.6, 2.9, 2.6, 6.4], [1.9, 1.1, 1.5, 3.5, 5.0], [2.4, 0.2, 1.8, 4.9, 5.2], [3.0, 0.8, 0.4, 4.1, 3.6],
    ]
)  # fmt: skip


def test_corpcor():
    shrunk = sk.shrink(SAMPLES)
    assert shrunk.shrinkage == pytest.approx(0.282186237698524, rel=1e-13)
    assert shrunk.variance_shrinkage == 1
    np.testing.assert_allclose(np.diag(shrunk.covariance), 0.6564285714285716)
    np.testing.assert_allclose(
        shrunk.covariance[0, 1:], [-0.0637724288218391, -0.410653604794877, 0.380889697312353, -0.4315107245649171]
    )
    np.testing.assert_allclose(
        partial_correlation(np.linalg.inv(shrunk.covariance))[1, 2:],
        [-0.404495972987578, -0.3642413260299290, 0.0696499254858554], rtol=1e-12,
    )  # fmt: skip
    scaled = sk.shrink(SAMPLES * [1, 2, 3, 5, 20])
    assert scaled.shrinkage == pytest.approx(0.282186237698524, rel=1e-12)
    assert scaled.variance_shrinkage == pytest.approx(0.177234690652482, rel=1e-12)


@pytest.mark.parametrize(("n", "d"), [(7, 12), (30, 4), (9, 9)])
def test_intensities_are_their_definition(n, d):
    x = np.random.default_rng(n).standard_normal((3, n, d)) @ np.random.default_rng(d).standard_normal((d, d))
    shrunk = sk.shrink(x)
    for b in range(3):
        z = (x[b] - x[b].mean(0)) / x[b].std(0, ddof=1)
        w = z[:, :, None] * z[:, None, :]
        variance = n / (n - 1) ** 3 * np.sum((w - w.mean(0)) ** 2, axis=0)
        r = np.corrcoef(x[b].T)
        off = ~np.eye(d, dtype=bool)
        assert shrunk.shrinkage[b] == pytest.approx(min(1, variance[off].sum() / (r[off] ** 2).sum()), rel=1e-10)
        v = (x[b] - x[b].mean(0)) ** 2
        s = n / (n - 1) * v.mean(0)
        above = n / (n - 1) ** 3 * np.sum((v - v.mean(0)) ** 2)
        assert shrunk.variance_shrinkage[b] == pytest.approx(min(1, above / np.sum((s - np.median(s)) ** 2)), rel=1e-10)


def test_limits_of_the_intensities():
    x = np.random.default_rng(3).standard_normal((20, 5)) * [1, 2, 3, 4, 5]
    np.testing.assert_allclose(sk.shrink(x, 0, 0).covariance, np.cov(x.T), atol=1e-12)
    full = sk.shrink(x, 1, 1).covariance
    np.testing.assert_allclose(full, np.eye(5) * np.median(x.var(0, ddof=1)), atol=1e-14)
    np.testing.assert_allclose(np.diag(sk.shrink(x, 1, 0).covariance), x.var(0, ddof=1))


def test_intensity_falls_with_samples_and_not_with_units():
    rng = np.random.default_rng(4)
    root = rng.standard_normal((6, 6))
    lams = [np.mean(sk.shrink(rng.standard_normal((40, n, 6)) @ root).shrinkage) for n in (10, 40, 160)]
    assert lams[0] > 2 * lams[1] > 4 * lams[2]
    x = rng.standard_normal((15, 6)) @ root
    units = 10.0 ** np.arange(-3, 3)
    assert sk.shrink(x * units).shrinkage == pytest.approx(sk.shrink(x).shrinkage, rel=1e-10)


@pytest.mark.parametrize("lam", [None, 0.3, 1.0])
def test_woodbury_is_the_inverse(lam):
    x = np.random.default_rng(5).standard_normal((2, 9, 40)) * np.linspace(1, 5, 40)
    factors = sk.shrink_factors(x, lam)
    np.testing.assert_allclose(
        sk.shrunk_precision(factors), np.linalg.inv(sk.shrink(x, lam).covariance), rtol=1e-9, atol=1e-12
    )
    with pytest.raises(ValueError, match="shrinkage: got 0"):
        sk.shrunk_precision(sk.shrink_factors(x, 0.0))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: sk.shrink(np.ones((2, 3))), "samples: got shape"),
        (lambda: sk.shrink(np.arange(12.0).reshape(4, 3) * [1, 0, 1]), r"samples: got a constant column \(index 1\)"),
        (lambda: sk.shrink(SAMPLES, 1.5), "shrinkage: got 1.5"),
        (lambda: sk.shrink(SAMPLES, None, -1), "variance_shrinkage: got -1"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=name):
        call()


@parametrize_with_checks([SchaferStrimmer(), SchaferStrimmer(shrinkage=0.2, variance_shrinkage=0.0)])
def test_estimator_checks(estimator, check):
    check(estimator)


def test_estimator_is_the_function_and_goes_into_a_grid_search():
    x = np.random.default_rng(6).standard_normal((30, 5)) @ np.random.default_rng(7).standard_normal((5, 5))
    fitted = SchaferStrimmer().fit(x)
    shrunk = sk.shrink(x)
    np.testing.assert_array_equal(fitted.covariance_, shrunk.covariance)
    assert fitted.shrinkage_ == shrunk.shrinkage
    np.testing.assert_allclose(fitted.precision_ @ fitted.covariance_, np.eye(5), atol=1e-9)
    search = GridSearchCV(SchaferStrimmer(), {"shrinkage": [0.0, 0.1, 0.9]}).fit(x)
    assert search.best_params_["shrinkage"] < 0.9
