"""Random functions of an RKHS: norms, covariances and errors against quadrature."""

import numpy as np
import pytest

from lib.regression import rkhs
from lib.regression.weighted import uniform_error_constant, weighted_least_squares
from lib.sampling.bases import Legendre
from lib.sampling.designs import sample_design
from lib.sampling.measures import kernel_measure


def test_eigenvalues_sum_to_the_zeta_function():
    assert rkhs.power_eigenvalues(200_000, 2.0).sum() == pytest.approx(np.pi**2 / 6, abs=1e-5)


def test_covariance_of_rough_functions_is_the_kernel():
    """With smoothness 0 the functions are Gaussian with covariance kappa."""
    features, eigenvalues = Legendre(4), rkhs.power_eigenvalues(4, 3.0)
    rng = np.random.default_rng(0)
    c = rkhs.sample_functions(eigenvalues, 0.0, 40_000, rng)
    points = np.array([[-0.5], [0.7]])
    values = rkhs.evaluate_functions(features, c, np.broadcast_to(points, (len(c), 2, 1)))
    phi = features.evaluate(points)
    np.testing.assert_allclose(values.T @ values / len(c), phi * eigenvalues @ phi.T, atol=0.05)


def test_errors_are_those_of_quadrature_and_of_the_norm():
    features, m = Legendre(12), 4
    eigenvalues = rkhs.power_eigenvalues(12, 2.0)
    rng = np.random.default_rng(1)
    c, coef = rkhs.sample_functions(eigenvalues, 0.6, 3, rng), rng.standard_normal((3, m))
    nodes, weight = features.quadrature()
    phi = features.evaluate(nodes)
    direct = np.sqrt(weight @ (phi @ c.T - phi[:, :m] @ coef.T) ** 2)
    np.testing.assert_allclose(rkhs.fit_errors(coef, c), direct)
    # the best v in the norm has the first m coefficients of f
    tail = c.copy()
    tail[:, :m] = 0
    np.testing.assert_allclose(rkhs.best_norm_errors(c, eigenvalues, m) ** 2, np.sum(tail**2 / eigenvalues, axis=1))


def test_conditioned_designs_keep_the_bound_in_the_norm():
    features, m, delta = Legendre(30), 4, 0.5
    basis, eigenvalues = Legendre(m), rkhs.power_eigenvalues(30, 3.0)
    rng = np.random.default_rng(2)
    measure = kernel_measure(basis, features, eigenvalues)
    design = sample_design("iid_cond", basis, 24, rng, 100, delta, measure=measure)
    c = rkhs.sample_functions(eigenvalues, 0.6, 100, rng)
    coef = weighted_least_squares(design.phi, design.w, rkhs.evaluate_functions(features, c, design.x))
    bound = np.sqrt(eigenvalues.sum()) * uniform_error_constant(delta) * rkhs.best_norm_errors(c, eigenvalues, m)
    assert np.all(rkhs.fit_errors(coef, c) <= bound)
    with pytest.raises(ValueError, match="delta"):
        uniform_error_constant(1.0)
