"""Weighted least squares against single solves, exact identities and known best approximations."""

import numpy as np
import pytest
from scipy import special

from lib.regression import weighted
from lib.regression.functions import FUNCTIONS, named_function
from lib.sampling.bases import Hermite, Legendre, Trigonometric
from lib.sampling.designs import sample_design
from lib.sampling.multivariate import DiscreteBasis, polynomial_basis


def test_batches_agree_with_single_solves():
    rng = np.random.default_rng(0)
    phi, w, y = rng.standard_normal((4, 3, 12, 5)), rng.uniform(0.1, 3, (4, 3, 12)), rng.standard_normal((4, 3, 12, 2))
    coef, eigenvalues = weighted.weighted_least_squares(phi, w, y), weighted.gram_eigenvalues(phi, w)
    for index in np.ndindex(4, 3):
        root = np.sqrt(w[index])[:, None]
        np.testing.assert_allclose(coef[index], np.linalg.lstsq(root * phi[index], root * y[index], rcond=None)[0])
        np.testing.assert_allclose(
            eigenvalues[index], np.linalg.eigvalsh((root * phi[index]).T @ (root * phi[index]) / 12)
        )
        np.testing.assert_allclose(
            weighted.inverse_gram_mean(phi[index], w[index]), np.mean(1 / eigenvalues[index]) / 12
        )
    one = weighted.weighted_least_squares(phi, w, y[..., 0])
    np.testing.assert_allclose(one, coef[..., 0])


def test_no_digits_are_lost_to_normal_equations():
    rng = np.random.default_rng(1)
    u, v = np.linalg.qr(rng.standard_normal((30, 6)))[0], np.linalg.qr(rng.standard_normal((6, 6)))[0]
    phi, truth = u * np.logspace(0, -7, 6) @ v, rng.standard_normal(6)
    coef = weighted.weighted_least_squares(phi, np.ones(30), phi @ truth)
    np.testing.assert_allclose(coef, truth, atol=1e-7)  # condition 1e7; its square would leave two digits


def test_singular_designs_are_flagged_and_others_are_not():
    phi = np.random.default_rng(2).standard_normal((2, 6, 3))
    phi[0, :, 2] = phi[0, :, 1]
    coef = weighted.weighted_least_squares(phi, np.ones((2, 6)), np.ones((2, 6)))
    assert np.all(np.isnan(coef[0]))
    assert np.all(np.isfinite(coef[1]))
    assert weighted.gram_eigenvalues(phi, np.ones((2, 6)))[0, 0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("condition", "singular"), [(1e10, False), (0.8e12, False), (1.25e12, True), (1e15, True)])
@pytest.mark.parametrize("kind", ["spread", "graded", "Kahan"])
def test_a_design_is_singular_by_its_singular_values_alone(condition, singular, kind):
    """Kahan's triangular matrix has a small singular value that no entry of its diagonal shows."""
    rng = np.random.default_rng(3)
    if kind == "Kahan":
        size, sine = 25, 0.6
        matrix = np.triu(np.full((size, size), -np.sqrt(1 - sine**2)), 1) + np.eye(size)
        matrix = sine ** np.arange(size)[:, None] * matrix
        assert np.abs(np.diag(matrix)).min() > 1e3 * np.linalg.svd(matrix, compute_uv=False)[-1]
    else:
        matrix = np.triu(rng.standard_normal((8, 8))) + 2 * np.eye(8)
    u, values, v = np.linalg.svd(matrix)
    size = len(matrix)
    if kind == "graded":  # many small ones
        values = np.geomspace(1, 1 / condition, size)
    else:
        values[-1] = values[0] / condition
    phi = np.linalg.qr(rng.standard_normal((size + 5, size)))[0] @ (u * values) @ v
    phi = np.stack([phi, rng.standard_normal(phi.shape)])
    coef = weighted.weighted_least_squares(phi, np.ones(phi.shape[:2]), np.ones((*phi.shape[:2], 2)))
    assert np.all(np.isnan(coef[0]) if singular else np.isfinite(coef[0]))
    assert np.all(np.isfinite(coef[1]))


def test_as_many_points_as_functions_and_more_targets_than_points():
    rng = np.random.default_rng(4)
    phi, y = rng.standard_normal((5, 4, 4)), rng.standard_normal((5, 4, 9))
    np.testing.assert_allclose(weighted.weighted_least_squares(phi, np.ones((5, 4)), y), np.linalg.solve(phi, y))


def test_interpolation_at_a_determinantal_sample_has_error_m_times_the_best():
    """E|c_hat - c|^2 = m e_m^2 (Ermakov and Zolotukhin), here for a finite set by enumeration of all subsets."""
    import itertools

    rng = np.random.default_rng(3)
    basis, y = DiscreteBasis(rng.standard_normal((7, 3)), rng.dirichlet(np.full(7, 5.0))), rng.standard_normal(7)
    c, best = weighted.projection(lambda x: y[x[..., 0].astype(int)], basis)
    total = 0.0
    for subset in itertools.combinations(range(7), 3):
        rows = list(subset)
        probability = np.linalg.det(np.sqrt(basis.weight[rows])[:, None] * basis.table[rows]) ** 2
        total += probability * np.sum((np.linalg.solve(basis.table[rows], y[rows]) - c) ** 2)
    assert total == pytest.approx(3 * best**2)


def test_projections_have_their_closed_forms():
    j = np.arange(8)
    c, best = weighted.projection(named_function("exponential"), Legendre(8))
    np.testing.assert_allclose(c, np.sqrt(2 * j + 1) * special.spherical_in(j, 1.0), rtol=1e-9)
    tail = np.arange(8, 30)
    assert best == pytest.approx(np.sqrt(np.sum((2 * tail + 1) * special.spherical_in(tail, 1.0) ** 2)), rel=1e-6)
    c, best = weighted.projection(named_function("decay"), Hermite(8))
    np.testing.assert_allclose(c, np.exp(1 / 8) * (-0.5) ** j / np.sqrt(special.factorial(j)), rtol=1e-8)
    assert best == pytest.approx(np.sqrt(np.exp(1 / 4) * np.sum(0.25**tail / special.factorial(tail))), rel=1e-5)
    assert weighted.projection(named_function("runge"), Legendre(10))[1] == pytest.approx(0.0087583373, rel=1e-8)
    c, _ = weighted.projection(named_function("kink"), Legendre(3))
    np.testing.assert_allclose(c, [0.5, 0, np.sqrt(5) / 8], atol=1e-14)
    c, best = weighted.projection(lambda x: np.cos(4 * np.pi * x[..., 0]), Trigonometric(5))
    np.testing.assert_allclose(c, [0, 0, 0, np.sqrt(0.5), 0], atol=1e-12)
    assert best < 1e-13


def test_error_splits_and_is_bounded_by_the_residual():
    """On lambda_min(G) >= 1 - delta the coefficient error is bounded by the empirical norm of f - P f."""
    basis, f = Legendre(6), named_function("kink")
    c, _ = weighted.projection(f, basis)
    design = sample_design("iid_cond", basis, 60, np.random.default_rng(4), 200)
    coef = weighted.weighted_least_squares(design.phi, design.w, f(design.x))
    g = f(design.x) - design.phi @ c
    error = np.sum((coef - c) ** 2, axis=-1)
    assert np.all(error <= 2 * np.mean(design.w * g**2, axis=-1))
    projected = np.mean((design.w * g)[..., None] * design.phi, axis=1)
    assert np.all(error <= 4 * np.sum(projected**2, axis=-1) * (1 + 1e-12))


@pytest.mark.parametrize("size", [1, 3, 6])
def test_best_uniform_approximation_of_a_monomial(size):
    x = np.cos(np.pi * np.linspace(0, 1, 1201))[:, None]
    error = weighted.best_uniform_error(lambda x: x[..., 0] ** size, Legendre(size), x)
    assert error == pytest.approx(2.0 ** (1 - size), rel=1e-5)  # Chebyshev


def test_bounds():
    assert weighted.concentration_constant(0.5) == pytest.approx(0.1534, abs=1e-4)
    for m, n in ((5, 128), (10, 300), (20, 691)):  # n from c^{-1} m ln(m / eta) at eta = 0.1
        assert weighted.iid_failure_bound(n, m, 0.5) == pytest.approx(0.1, abs=2e-3)
    assert weighted.iid_failure_bound(10, 10, 0.5) == 1
    assert weighted.conditioned_error_bound(40, 10, 0.5, 0.0) == pytest.approx(2)


def test_functions_take_points_of_any_shape():
    for name, f in FUNCTIONS.items():
        assert f(np.full((2, 3, 1), 0.3)).shape == (2, 3), name
    x = np.random.default_rng(5).uniform(-1, 1, (100, 4))
    assert np.all(named_function("rational")(x) > 0)
    # the next function of a tensor basis is orthogonal to it
    basis = polynomial_basis("legendre", 2, 3)
    c, best = weighted.projection(lambda x: polynomial_basis("legendre", 2, 4).evaluate(x)[..., 10], basis)
    np.testing.assert_allclose(c, 0, atol=1e-12)
    assert best == pytest.approx(1)


def test_bad_arguments_are_named():
    ones = np.ones((3, 5))
    with pytest.raises(ValueError, match="got 3 points for 5 functions"):
        weighted.weighted_least_squares(ones, np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="w, y: got shapes"):
        weighted.weighted_least_squares(ones.T, np.ones(4), np.ones(5))
    with pytest.raises(ValueError, match="expected weights > 0"):
        weighted.weighted_least_squares(ones.T, np.zeros(5), np.ones(5))
    with pytest.raises(ValueError, match="delta: got 1"):
        weighted.concentration_constant(1)
    with pytest.raises(ValueError, match="function: got 'sine'"):
        named_function("sine")
