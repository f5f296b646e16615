"""Marchenko-Pastur plus semicircle: moments, limits, the denoiser and the Bayes error."""

import mpmath
import numpy as np
import pytest
from scipy import integrate, optimize

from lib.linalg import random_matrix as rm

CASES = [(0.2, 0.05), (0.5, 0.05), (0.5, 0.3), (1.0, 0.2), (1.0, 5.0), (3.0, 1.0), (0.1, 1e-3), (200.0, 0.5)]


@pytest.mark.parametrize(("kappa", "t"), CASES)
def test_moments_of_the_free_convolution(kappa, t):
    x, weight, rho = rm.quadrature(kappa, t, 400)
    assert np.sum(weight * rho) == pytest.approx(1, abs=1e-8)
    assert np.sum(weight * rho * x) == pytest.approx(1, abs=1e-7)
    assert np.sum(weight * rho * x**2) == pytest.approx(1 + 1 / kappa + t, rel=1e-7)
    # third moment of a free sum of two laws: free cumulants add, kappa_3 = 1 / kappa^2 for the Wishart part
    k2, k3 = 1 / kappa + t, 1 / kappa**2
    assert np.sum(weight * rho * x**3) == pytest.approx(k3 + 3 * k2 + 1, rel=1e-6)


@pytest.mark.parametrize(("kappa", "t"), CASES)
def test_first_moments_have_their_closed_form(kappa, t):
    np.testing.assert_allclose(rm.spectral_moments(kappa, t), rm.exact_moments(kappa, t), rtol=1e-7)


def test_moments_of_a_matrix_tend_to_the_exact_ones():
    rng = np.random.default_rng(3)
    d, kappa, t = 600, 0.5, 0.4
    w = rng.standard_normal((int(kappa * d), d))
    observed = rm.add_goe(w.T @ w / len(w), t, rng)
    assert np.array_equal(observed, observed.T)
    traces = [np.trace(np.linalg.matrix_power(observed, power)) / d for power in range(3)]
    np.testing.assert_allclose(traces, rm.exact_moments(kappa, t), rtol=0.01)


@pytest.mark.parametrize(("kappa", "t"), CASES)
def test_transform_solves_its_cubic_and_decays(kappa, t):
    bounds = rm.edges(kappa, t)
    width = bounds.max() - bounds.min()
    x = np.concatenate([np.linspace(bounds.min() - 2 * width, bounds.max() + 2 * width, 501), [1e6, -1e6]])
    g = rm.stieltjes(x, kappa, t)
    residual = t * g**3 - (x + kappa * t) * g**2 + (1 - kappa + kappa * x) * g - kappa
    scale = t * np.abs(g) ** 3 + np.abs(x + kappa * t) * np.abs(g) ** 2 + np.abs((1 - kappa + kappa * x) * g) + kappa
    assert np.max(np.abs(residual) / scale) < 1e-5  # at an edge the root is double, known to half the digits
    assert np.median(np.abs(residual) / scale) < 1e-15
    np.testing.assert_allclose(g[-2:] * x[-2:], 1, rtol=1e-3)


@pytest.mark.parametrize(("kappa", "t"), [(0.5, 0.3), (0.2, 0.05), (3.0, 1.0)])
def test_outside_the_support_the_transform_is_the_integral(kappa, t):
    x, weight, rho = rm.quadrature(kappa, t, 400)
    for z in (x.min() - 0.5, x.max() + 0.5):
        g = rm.stieltjes(z, kappa, t)
        assert g.imag == 0
        assert g.real == pytest.approx(np.sum(weight * rho / (z - x)), rel=1e-8)


def test_between_two_bulks_the_density_vanishes():
    bounds = rm.edges(0.2, 0.01)
    assert bounds[0, 1] < bounds[1, 0]
    assert rm.density(bounds[0, 1] * 0.5 + bounds[1, 0] * 0.5, 0.2, 0.01) == 0


def test_eigenvalues_of_a_random_matrix_follow_the_density():
    rng = np.random.default_rng(1)
    d, kappa, t = 800, 0.5, 0.2
    w = rng.standard_normal((int(kappa * d), d))
    observed = rm.add_goe(w.T @ w / len(w), t, rng)
    values = np.linalg.eigvalsh(observed)
    x, weight, rho = rm.quadrature(kappa, t)
    order = np.argsort(x)
    theory = np.interp(values, x[order], np.cumsum((weight * rho)[order]))
    assert np.max(np.abs(theory - (np.arange(d) + 0.5) / d)) < 0.02


@pytest.mark.parametrize(("kappa", "t"), [(0.3, 0.2), (1.0, 1.0)])
def test_denoiser_reaches_its_error_and_beats_linear_shrinkage(kappa, t):
    rng = np.random.default_rng(2)
    d = 500
    w = rng.standard_normal((int(kappa * d), d))
    signal = w.T @ w / len(w)
    observed = rm.add_goe(signal, t, rng)
    error = np.sum((rm.rie_denoise(observed, kappa, t) - signal) ** 2) / d
    linear = np.sum((rm.linear_denoise(observed, kappa, t) - signal) ** 2) / d
    assert error == pytest.approx(float(rm.rie_mse(kappa, t)), rel=0.04)
    assert linear == pytest.approx(rm.linear_mse(kappa, t), rel=0.04)
    assert error < linear


def test_linear_shrinkage_is_the_best_one():
    """The least squares coefficient of S - I on R - I, entry by entry."""
    rng = np.random.default_rng(4)
    d, kappa, t = 500, 0.4, 0.7
    w = rng.standard_normal((int(kappa * d), d))
    signal = w.T @ w / len(w)
    observed = rm.add_goe(signal, t, rng)
    identity = np.eye(d)
    best = np.sum((observed - identity) * (signal - identity)) / np.sum((observed - identity) ** 2)
    shrunk = rm.linear_denoise(observed, kappa, t)
    np.testing.assert_allclose((shrunk - identity)[0, 1:] / (observed - identity)[0, 1:], best, rtol=0.01)


def test_wide_network_limit_is_a_gaussian_prior():
    alpha = np.array([0.1, 0.25, 0.4])
    np.testing.assert_allclose(rm.mmse(alpha, 500.0)[0], 1 - 2 * alpha, atol=2e-3)


def test_narrow_network_limit():
    a = np.array([0.3, 0.6, 0.8])
    gaps = [np.abs(rm.mmse(a * kappa, kappa)[0] - rm.mmse_narrow_limit(a)).max() for kappa in (1e-2, 1e-3, 1e-4)]
    assert gaps[2] < 4e-3
    assert gaps[0] > 2 * gaps[1] > 4 * gaps[2]


def test_perfect_recovery_starts_at_the_threshold():
    kappa = np.array([0.2, 0.5, 1.0, 3.0])
    np.testing.assert_allclose(rm.recovery_threshold(kappa), [0.18, 0.375, 0.5, 0.5])
    error, q = rm.mmse(rm.recovery_threshold(kappa), kappa)
    assert np.all(error == 0)
    assert np.all(np.isinf(q))
    assert np.all(rm.mmse(0.99 * rm.recovery_threshold(kappa), kappa)[0] > 0)


def test_noise_raises_the_error_and_the_solution_is_monotone_in_samples():
    alpha = np.linspace(0.05, 0.36, 6)
    clean, noisy = rm.mmse(alpha, 0.5)[0], rm.mmse(alpha, 0.5, 0.5)[0]
    assert np.all(noisy > clean)
    assert np.all(np.diff(clean) < 0)
    assert np.all(np.diff(noisy) < 0)


def test_batched_solver_agrees_with_scalar_quadrature_and_brent():
    """The slow, independent route: numpy.roots at each point of an adaptive quadrature."""
    kappa, noise, alpha = 0.5, 0.5, 0.2

    def rho(x, t):
        return np.abs(np.roots([t, -(x + kappa * t), 1 - kappa + kappa * x, -kappa]).imag).max() / np.pi

    def gap(log_q):
        q = np.exp(log_q)
        low, high = rm.edges(kappa, 1 / q).min(), rm.edges(kappa, 1 / q).max()
        integral = integrate.quad(lambda x: rho(x, 1 / q) ** 3, low, high, limit=200)[0]
        return 4 * np.pi**2 / 3 * integral / q - noise * q / 2 - (1 - 2 * alpha)

    q = np.exp(optimize.brentq(gap, -3, 1, xtol=1e-9))
    error, overlap = rm.mmse(alpha, kappa, noise)
    assert overlap == pytest.approx(q, rel=1e-6)
    assert error == pytest.approx(kappa * (2 * alpha / q - noise / 2), rel=1e-6)


@pytest.mark.parametrize(("kappa", "t"), [(0, 1), (-1, 1), (1, 0), (1, -2), (np.nan, 1)])
def test_bad_arguments_are_named(kappa, t):
    with pytest.raises(ValueError, match="expected finite numbers > 0"):
        rm.stieltjes(1.0, kappa, t)
    with pytest.raises(ValueError, match="expected finite numbers > 0"):
        rm.edges(kappa, t)


def test_bad_matrices_and_noises_are_refused():
    with pytest.raises(ValueError, match="square"):
        rm.rie_denoise(np.zeros((2, 3)), 1.0, 1.0)
    with pytest.raises(ValueError, match="finite"):
        rm.rie_denoise(np.full((2, 2), np.nan), 1.0, 1.0)
    with pytest.raises(ValueError, match="noise"):
        rm.mmse(0.1, 0.5, -1.0)


def _transform_in_many_digits(x, kappa, t):
    """The physical root of the cubic in 60 digits: complex of negative imaginary part, else real with dz/dg < 0."""
    with mpmath.workdps(60):
        x, kappa, t = (mpmath.mpf(float(v)) for v in (x, kappa, t))
        roots = mpmath.polyroots([t, -(x + kappa * t), 1 - kappa + kappa * x, -kappa], maxsteps=500, extraprec=400)
        lowest = min(roots, key=lambda g: g.imag)
        if lowest.imag > -(mpmath.mpf(10) ** -40):
            lowest = min((g.real for g in roots), key=lambda g: t + kappa / (kappa - g) ** 2 - 1 / g**2)
        return complex(lowest)


@pytest.mark.parametrize("kappa", [0.05, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("t", [1e-3, 1e-5, 1e-7, 1e-9, 1e-12])
def test_transform_keeps_its_digits_at_small_noise(kappa, t):
    low, high = (1 - kappa**-0.5) ** 2, (1 + kappa**-0.5) ** 2
    x = np.linspace(low + 0.01 * (high - low), high - 0.01 * (high - low), 15)
    if kappa < 1:  # the semicircle about 0, of radius 2 sqrt(t (1 - kappa))
        x = np.append(x, np.linspace(-1.5, 1.5, 7) * np.sqrt(t * (1 - kappa)))
    x = np.append(x, [-1.0, high + 0.3])
    exact = np.array([_transform_in_many_digits(point, kappa, t) for point in x])
    # near 0 the transform is of size 1 / sqrt(t), and one ulp of its large coefficients shows there
    np.testing.assert_allclose(rm.stieltjes(x, kappa, t), exact, rtol=max(1e-12, 4e-15 / np.sqrt(t)))


def test_denoiser_leaves_an_almost_noiseless_matrix_alone():
    rng = np.random.default_rng(5)
    d, kappa, t = 100, 0.1, 1e-7
    w = rng.standard_normal((int(kappa * d), d))
    signal = w.T @ w / len(w)
    estimate = rm.rie_denoise(rm.add_goe(signal, t, rng), kappa, t)
    assert np.sum((estimate - signal) ** 2) / d < 2 * t
