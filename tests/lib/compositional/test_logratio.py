"""Log-ratio coordinates and covariances: identities, invariances, refusals."""

import numpy as np
import pytest

from lib.compositional import logratio as lr


def test_closure_keeps_ratios_and_fixes_the_sum(composition):
    x = composition(5, 4, 2)
    closed = lr.closure(x, 100)
    np.testing.assert_allclose(closed.sum(-1), 100)
    np.testing.assert_allclose(closed / closed[..., :1], x / x[..., :1])
    assert lr.closure([1, 1, 2]).tolist() == [0.25, 0.25, 0.5]


def test_three_covariances_say_the_same(composition):
    x = composition(30, 5, 2)
    S = np.stack([np.cov(np.log(one).T) for one in x])
    T = lr.variation_matrix(x)
    gamma = lr.clr_covariance(x)
    for b in range(2):
        explicit = [[np.var(np.log(x[b, :, i] / x[b, :, j]), ddof=1) for j in range(5)] for i in range(5)]
        np.testing.assert_allclose(T[b], explicit, atol=1e-13)
        np.testing.assert_allclose(gamma[b], np.cov(lr.clr(x[b]).T), atol=1e-13)
    np.testing.assert_allclose(lr.clr_covariance(T=T), gamma, atol=1e-13)
    np.testing.assert_allclose(lr.clr_covariance(S=S), gamma, atol=1e-13)
    np.testing.assert_allclose(lr.variation_matrix(S=S), T, atol=1e-13)
    np.testing.assert_allclose(lr.total_variance(T), np.trace(gamma, axis1=-2, axis2=-1))


def test_additive_coordinates(composition):
    x = composition(6, 4)
    np.testing.assert_allclose(lr.alr(x, 1), np.log(x[:, [0, 2, 3]] / x[:, [1]]))
    np.testing.assert_allclose(lr.alr(x, -1), np.log(x) @ lr.alr_matrix(4, -1).T, atol=1e-13)


def test_closure_and_units_change_no_covariance(composition):
    x = composition(20, 5)
    rng = np.random.default_rng(1)
    moved = x * rng.uniform(0.1, 10, (20, 1)) * rng.uniform(0.1, 10, 5)
    np.testing.assert_allclose(lr.variation_matrix(moved), lr.variation_matrix(x), atol=1e-12)
    np.testing.assert_allclose(lr.clr_covariance(moved), lr.clr_covariance(x), atol=1e-12)


def test_zeros_are_replaced_only_when_asked():
    x = np.array([[0.0, 2, 8], [1, 0, 0], [3, 3, 4]])
    np.testing.assert_array_equal(lr.replace_zeros(x, "min"), [[1, 2, 8], [1, 1, 1], [3, 3, 4]])
    filled = lr.replace_zeros(x, delta=0.01)
    np.testing.assert_allclose(filled.sum(1), x.sum(1))  # sums and the ratios of the other parts stay
    assert filled[0, 2] / filled[0, 1] == pytest.approx(4)
    np.testing.assert_allclose(filled[1, 1:], 0.01)
    with pytest.raises(ValueError, match=r"X: got 0.0 at \(0, 0\)"):
        lr.clr(x)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: lr.clr([[1.0, np.nan], [1, 1]]), "X: got nan"),
        (lambda: lr.clr([[1.0, -2.0], [1, 1]]), "X: got -2.0"),
        (lambda: lr.clr([1.0, 2.0]), "X: got shape"),
        (lambda: lr.closure([[1.0, 2.0]], 0), "total: got 0"),
        (lambda: lr.alr([[1.0, 2.0]], 2), "ref: got 2"),
        (lambda: lr.clr_covariance(), "X, T, S: got none"),
        (lambda: lr.clr_covariance(T=np.eye(3), S=np.eye(3)), "X, T, S: got T, S"),
        (lambda: lr.variation_matrix(), "X, S: got none"),
        (lambda: lr.replace_zeros([[0.0, 0], [1, 1]]), "zeros only in row 0"),
        (lambda: lr.replace_zeros([[0.0, 1], [0, 1]]), "zeros only in column 0"),
        (lambda: lr.replace_zeros([[-1.0, 1], [0, 1]]), "X: got shape"),
        (lambda: lr.replace_zeros([[0.0, 1], [1, 1]], "median"), "method: got 'median'"),
        (lambda: lr.replace_zeros([[0.0, 1], [1, 1]], delta=1.0), "delta: got 1.0"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=name):
        call()
