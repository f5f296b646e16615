"""Volumes of low loss: closed forms by many digits, quadrature, Monte Carlo."""

import mpmath
import numpy as np
import pytest

from lib.degeneracy.volumes import LOSSES, effective_number, monte_carlo_number, quadrature_volume, ray_radii


@pytest.mark.parametrize("eps", [1e-2, 1e-6])
def test_volumes_have_their_closed_forms(eps):
    s = np.sqrt(eps)
    expected = {
        "quadratic": np.pi * eps,
        "cross": 4 * s * (1 - np.log(s)),
        "separate": 4 * np.pi * eps,
        "coupled": 4 * np.pi * s**3 * (8 / 9 - 2 / 3 * np.log(s)),
        "quartic": float(4 * eps**0.5 * mpmath.gamma(1.25) ** 2 / mpmath.gamma(1.5)),
    }
    for name, volume in expected.items():
        assert quadrature_volume(LOSSES[name], eps) == pytest.approx(volume, rel=1e-6), name


@pytest.mark.parametrize("name", list(LOSSES))
def test_effective_number_is_the_derivative_of_the_closed_volume(name):
    loss, eps = LOSSES[name], 1e-4
    number = effective_number(lambda e: quadrature_volume(loss, e), eps)
    assert loss.effective(eps) == pytest.approx(number, rel=1e-4)


def test_limits_of_interacting_directions():
    assert LOSSES["cross"].effective(1e-300) == pytest.approx(1, abs=0.01)
    assert LOSSES["coupled"].effective(1e-300) == pytest.approx(3, abs=0.01)
    assert [round(LOSSES["coupled"].effective(e), 3) for e in (1e-2, 1e-4, 1e-6)] == [2.725, 2.832, 2.879]


def test_monte_carlo_agrees_within_its_error():
    rng = np.random.default_rng(0)
    for name in ("cross", "coupled"):
        loss = LOSSES[name]
        number, error = monte_carlo_number(loss.loss, loss.dim, 1e-2, 20000, rng)
        assert abs(number - loss.effective(1e-2)) < 4 * error + 0.01
        assert error < 0.1
    number, error = monte_carlo_number(lambda p: (p**2).sum(-1), 5, 1e-3, 100, rng)
    assert (number, error) == (pytest.approx(5, abs=1e-6), pytest.approx(0, abs=1e-6))
    with pytest.raises(ValueError, match="at most 10"):
        monte_carlo_number(lambda p: (p**2).sum(-1), 11, 1e-3, 10, rng)


def test_radii_end_at_the_level_or_at_the_box():
    directions = np.array([[1.0, 0.0], [0.6, 0.8]])
    radii = ray_radii(lambda p: p[..., 0] ** 2, directions, 0.09, np.array([0.2, 1.25]))
    np.testing.assert_allclose(radii, [0.2, 0.5], rtol=1e-8)
