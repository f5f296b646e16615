"""Proportionality and symmetric balances against their definitions."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from lib.compositional import pairwise as pw
from lib.compositional.logratio import clr, clr_covariance


def test_proportionality_is_its_definition(composition):
    x = composition(30, 5, 2)
    rho = pw.proportionality(clr_covariance(x))
    z = clr(x)
    for b in range(2):
        for i in range(5):
            for j in range(5):
                expected = 1 - np.var(z[b, :, i] - z[b, :, j]) / (np.var(z[b, :, i]) + np.var(z[b, :, j]))
                assert rho[b, i, j] == pytest.approx(expected, abs=1e-12)
    phi = pw.proportionality(clr_covariance(x), "phi_s")
    np.testing.assert_allclose(phi, (1 - rho) / (1 + rho))
    np.testing.assert_allclose(np.diagonal(phi, axis1=1, axis2=2), 0)
    with pytest.raises(ValueError, match="kind: got 'rho_c'"):
        pw.proportionality(clr_covariance(x), "rho_c")


def test_parts_in_fixed_ratio_are_proportional(composition):
    x = composition(30, 4)
    x[:, 3] = 2.5 * x[:, 1]
    assert pw.proportionality(clr_covariance(x))[1, 3] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("parts", [3, 5, 11])
def test_symmetric_balances_are_loewdin_orthonormal(composition, parts):
    """[g_i, g_j] Gram^{-1/2} of the clr vectors g = e - 1/D."""
    g = (np.eye(parts) - 1 / parts)[:, :2]
    expected = g @ np.linalg.inv(sqrtm(g.T @ g))
    own, other, rest = pw.balance_coefficients(parts)
    coefficients = np.full((parts, 2), rest)
    coefficients[[0, 1], [0, 1]] = own
    coefficients[[1, 0], [0, 1]] = other
    np.testing.assert_allclose(coefficients, expected, atol=1e-12)
    x = composition(30, parts)
    scores = np.log(x) @ coefficients
    r = pw.balance_correlation(clr_covariance(x))
    assert r[0, 1] == pytest.approx(np.corrcoef(scores.T)[0, 1], abs=1e-12)
    np.testing.assert_allclose(r, r.T)
    np.testing.assert_array_equal(np.diag(r), 1)


def test_raw_correlation_is_numpys(composition):
    x = composition(30, 4)
    np.testing.assert_allclose(pw.raw_correlation(x), np.corrcoef((x / x.sum(1, keepdims=True)).T), atol=1e-12)


def test_balances_need_three_parts():
    with pytest.raises(ValueError, match="parts: got 2"):
        pw.balance_coefficients(2)
