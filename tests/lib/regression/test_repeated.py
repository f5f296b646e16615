"""Repeated fits: identities of volume sampling, bias, and several functions at once."""

import numpy as np
import pytest

from lib.regression.problems import problem, problems, space
from lib.regression.repeated import estimate_bias, fit_repeatedly
from lib.regression.weighted import weighted_least_squares
from lib.sampling.designs import sample_design


@pytest.fixture(scope="module")
def approximation():
    return problem(space("legendre", 1, 3), "runge")


def test_volume_samples_are_unbiased_and_have_the_mean_inverse(approximation):
    fits = fit_repeatedly(approximation, "vol", 8, 3000, np.random.default_rng(0), inverse=True)
    bias, error = estimate_bias(approximation, fits.coef)
    assert bias < 4.5 * error
    se = fits.inverse.std() / np.sqrt(3000)
    assert fits.inverse.mean() == pytest.approx(1, abs=4.5 * se)
    assert np.all(fits.tries == 1)


def test_uniform_points_are_biased(approximation):
    fits = fit_repeatedly(approximation, "mc", 5, 3000, np.random.default_rng(1))
    assert fits.inverse is None
    bias, error = estimate_bias(approximation, fits.coef)
    assert bias > 4.5 * error


def test_conditioned_designs_reach_their_eigenvalue(approximation):
    fits = fit_repeatedly(approximation, "iid_cond", 12, 200, np.random.default_rng(2), delta=0.6, max_tries=1000)
    assert fits.smallest.min() >= 0.4
    assert fits.tries.max() > 1


def test_excess_is_pythagoras(approximation):
    """|f - f_hat|^2 = e_m^2 + |c_hat - c|^2, by quadrature of the error itself."""
    basis = approximation.basis
    fits = fit_repeatedly(approximation, "rep", 8, 5, np.random.default_rng(3))
    nodes, weight = basis.quadrature()
    error = basis.evaluate(nodes) @ fits.coef.T - approximation.function(nodes)[:, None]
    np.testing.assert_allclose(1 + approximation.excess(fits.coef), weight @ error**2 / approximation.best**2)


def test_several_functions_are_fitted_as_each_alone():
    basis, names = space("legendre", 1, 4), ["runge", "kink", "next"]
    targets = problems(basis, names)
    design = sample_design("vol", basis, 15, np.random.default_rng(4), 6)
    coef = weighted_least_squares(design.phi, design.w, targets.observe(design.x))
    for k, name in enumerate(names):
        alone = problem(basis, name)
        single = weighted_least_squares(design.phi, design.w, alone.function(design.x))
        relative = np.sqrt(1 + alone.excess(single))
        np.testing.assert_allclose(targets.relative_errors(coef)[:, k], relative)
        np.testing.assert_allclose(targets.errors(coef)[:, k], alone.best * relative)
