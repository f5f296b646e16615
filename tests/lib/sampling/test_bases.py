"""Univariate bases: known polynomials, orthonormality, and components drawn from the right law.

Goodness-of-fit tests fail at p < 1e-4, with fixed seeds: a right sampler would be refused once in ten thousand seeds.
"""

import numpy as np
import pytest
from scipy import special, stats

from lib.sampling import bases
from lib.sampling import basis as protocol
from lib.sampling.bases import Chebyshev, Hermite, Legendre, Trigonometric

ALL = [Legendre(9), Chebyshev(9), Hermite(8), Trigonometric(9), Trigonometric(6)]
LEVEL = 1e-4


def inner(basis):
    """Points well inside the domain."""
    return {"Trigonometric": np.linspace(0.01, 0.99, 41), "Hermite": np.linspace(-4, 4, 41)}.get(
        type(basis).__name__, np.linspace(-0.98, 0.98, 41)
    )[:, None]


@pytest.mark.parametrize("basis", [*ALL, Legendre(100), Hermite(60), Trigonometric(101)], ids=repr)
def test_bases_are_orthonormal(basis):
    protocol.check_orthonormal(basis, 1e-11)


def test_polynomials_are_the_known_ones():
    x, j = np.linspace(-1, 1, 31), np.arange(12)
    np.testing.assert_allclose(
        Legendre(12).evaluate(x[:, None]), np.sqrt(2 * j + 1) * special.eval_legendre(j, x[:, None]), atol=1e-12
    )
    np.testing.assert_allclose(
        Chebyshev(12).evaluate(x[:, None]), np.where(j, np.sqrt(2), 1) * special.eval_chebyt(j, x[:, None]), atol=1e-12
    )
    np.testing.assert_allclose(
        Hermite(12).evaluate(3 * x[:, None]),
        special.eval_hermitenorm(j, 3 * x[:, None]) / np.sqrt(special.factorial(j)),
        rtol=1e-9,
        atol=1e-9,
    )


def test_christoffel_functions_have_their_known_values():
    assert protocol.christoffel(Legendre(7), np.array([1.0])) == pytest.approx(49)  # m^2 at the ends
    np.testing.assert_allclose(protocol.christoffel(Trigonometric(9), np.random.default_rng(0).random((20, 1))), 9)


@pytest.mark.parametrize("basis", ALL, ids=repr)
def test_component_distribution_functions_integrate_the_densities(basis):
    x, h = inner(basis), 1e-5
    slope = (basis.component_cdfs(x + h) - basis.component_cdfs(x - h)) / (2 * h)
    density = {
        "Legendre": lambda x: np.full(x.shape, 0.5),
        "Chebyshev": lambda x: 1 / (np.pi * np.sqrt(1 - x**2)),
        "Hermite": lambda x: stats.norm.pdf(x),
        "Trigonometric": lambda x: np.ones(x.shape),
    }[type(basis).__name__](x)
    np.testing.assert_allclose(slope, basis.evaluate(x) ** 2 * density, atol=1e-5)


@pytest.mark.parametrize("basis", ALL, ids=repr)
def test_components_follow_their_laws(basis):
    rng = np.random.default_rng(1)
    j = np.tile(np.arange(basis.size), 4000)
    u = np.take_along_axis(basis.component_cdfs(basis.sample_component(j, rng)), j[:, None], axis=1)[:, 0]
    for index in range(basis.size):
        assert stats.kstest(u[j == index], "uniform").pvalue > LEVEL / basis.size


@pytest.mark.parametrize("basis", ALL, ids=repr)
def test_christoffel_draws_follow_their_law(basis):
    x, phi = basis.draw_christoffel(20000, np.random.default_rng(2))
    assert stats.kstest(basis.component_cdfs(x).mean(-1), "uniform").pvalue > LEVEL
    np.testing.assert_array_equal(phi, basis.evaluate(x))


@pytest.mark.parametrize("basis", ALL, ids=repr)
def test_reference_draws_follow_the_reference_measure(basis):
    x = basis.sample_reference((20000,), np.random.default_rng(3))
    assert stats.kstest(basis.component_cdfs(x)[:, 0], "uniform").pvalue > LEVEL  # phi_0 = 1


def test_a_wrong_envelope_is_an_error_and_not_a_bias():
    class TooLow(Legendre):
        BOUND = 1.5

    with pytest.raises(bases.EnvelopeError, match="above 1"):
        TooLow(9).sample_component(np.full(2000, 8), np.random.default_rng(0))


def test_hermite_inversion_reaches_the_tails():
    basis, rng = Hermite(40), np.random.default_rng(4)
    x = basis.sample_component(np.full(20000, 39), rng)[:, 0]
    # E x^2 under phi_j^2 dmu is 2 j + 1
    assert np.mean(x**2) == pytest.approx(79, abs=5 * np.std(x**2) / np.sqrt(len(x)))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="size: got 0"):
        Legendre(0)
    with pytest.raises(ValueError, match="family: got 'laguerre'"):
        bases.univariate("laguerre", 3)
    with pytest.raises(ValueError, match=r"x: got shape \(4, 2\)"):
        Legendre(3).evaluate(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="j: got"):
        Legendre(3).sample_component(np.array([3]), np.random.default_rng(0))

    class Scaled(Legendre):
        def evaluate(self, x):
            return 1.001 * super().evaluate(x)

    with pytest.raises(ValueError, match="expected an orthonormal basis"):
        protocol.check_orthonormal(Scaled(4))
