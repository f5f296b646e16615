"""The linear invariance constraint as a number, its permutation test, and polynomials that satisfy it."""

import numpy as np
import pytest
from scipy import stats

from lib.representations.interventions import shear
from lib.representations.restriction import (
    constraint_solutions,
    gaussian_kernel,
    linear_fit,
    median_distance,
    moment_restriction,
    restriction_of,
    restriction_test,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def _by_loops(residual, actions, width, unbiased):
    n, total = len(residual), 0.0
    for i in range(n):
        for j in range(n):
            if not (unbiased and i == j):
                total += np.exp(-np.sum((actions[i] - actions[j]) ** 2) / (2 * width**2)) * (residual[i] @ residual[j])
    return total / (n * (n - 1) if unbiased else n**2)


@pytest.mark.parametrize("unbiased", [False, True])
def test_the_number_is_the_double_sum(rng, unbiased):
    actions, residual = rng.standard_normal((30, 2)), rng.standard_normal((30, 3))
    width = median_distance(actions)
    number = moment_restriction(residual, gaussian_kernel(actions, width), unbiased=unbiased)
    assert number == pytest.approx(_by_loops(residual, actions, width, unbiased), rel=1e-12)


def test_statistics_differ_by_the_diagonal(rng):
    actions, residual = rng.standard_normal((40, 2)), rng.standard_normal((40, 2))
    kernel = gaussian_kernel(actions, 1.0)
    v, u = moment_restriction(residual, kernel), moment_restriction(residual, kernel, unbiased=True)
    assert v * 40**2 == pytest.approx(u * 40 * 39 + (residual**2).sum(), rel=1e-12)


def test_shifts_and_rotations_change_nothing(rng):
    actions, values = rng.standard_normal((60, 2)), rng.standard_normal((60, 2))
    rotation = np.linalg.qr(rng.standard_normal((2, 2)))[0]

    def number(a, z):
        return moment_restriction(linear_fit(a, z)[2], gaussian_kernel(a, median_distance(a)))

    assert number(actions + 3, values) == pytest.approx(number(actions, values), rel=1e-9)
    assert number(actions, values @ rotation + 5) == pytest.approx(number(actions, values), rel=1e-9)


def test_projected_kernel_takes_values_for_residuals(rng):
    actions, values = rng.standard_normal((80, 3)), rng.standard_normal((80, 2))
    restriction = restriction_of(actions, 1.3)
    direct = moment_restriction(linear_fit(actions, values)[2], gaussian_kernel(actions, 1.3))
    assert moment_restriction(values, restriction.kernel) == pytest.approx(direct, rel=1e-9)
    exactly_affine = actions @ rng.standard_normal((3, 2)) + 1
    assert abs(moment_restriction(exactly_affine, restriction.kernel)) < 1e-12


def test_least_squares_against_the_closed_form(rng):
    actions, values = rng.standard_normal((50, 2)), rng.standard_normal((50, 3))
    slopes, offsets, residual = linear_fit(actions, values)
    assert np.allclose(actions @ slopes.T + offsets + residual, values)
    assert np.allclose(np.column_stack([actions, np.ones(50)]).T @ residual, 0, atol=1e-11)


def test_pvalues_are_uniform_where_the_constraint_holds(rng):
    pvalues = []
    for _ in range(120):
        actions = rng.uniform(-1, 1, (120, 2))
        latent = 4 * actions + rng.standard_normal((120, 2))
        pvalues.append(restriction_test(latent, restriction_of(actions), 49, rng).pvalue)
    assert stats.kstest(np.array(pvalues) - 0.01, "uniform").pvalue > 0.01


def test_a_strong_linear_effect_does_not_hide_a_shear(rng):
    """Residuals are permuted, not values: the spread of M A is no part of the null distribution."""
    actions = rng.uniform(-1, 1, (600, 2))
    latent = 2 * actions + rng.standard_normal((600, 2))
    bent = shear(latent) + 50 * actions
    assert restriction_test(bent, restriction_of(actions), 99, rng).pvalue == 0.01
    alone = restriction_test(shear(latent - 2 * actions), restriction_of(actions), 99, rng)
    assert alone.pvalue > 0.05  # without action nothing is wrong with a shear


@pytest.mark.parametrize("degree", [2, 3])
@pytest.mark.parametrize("latent", [1, 2, 3])
def test_only_affine_polynomials_satisfy_the_constraint(rng, latent, degree):
    assert constraint_solutions(rng.standard_normal((latent, latent)), degree) == latent + 1


def test_fewer_actions_leave_more_polynomials(rng):
    # of six quadratic polynomials in two variables one action forbids the square of its direction alone
    assert constraint_solutions(rng.standard_normal((2, 1))) == 5
    # in three variables and two actions the three products in the plane of the actions
    assert constraint_solutions(rng.standard_normal((3, 2))) == 10 - 3
    assert constraint_solutions(np.zeros((2, 2))) == 6


def test_input_is_checked(rng):
    column = rng.standard_normal((20, 1))
    with pytest.raises(ValueError, match="singular covariance"):
        linear_fit(np.hstack([column, 2 * column]), column)
    with pytest.raises(ValueError, match="singular covariance"):
        linear_fit(np.hstack([column, np.ones((20, 1))]), column)
    with pytest.raises(ValueError, match="expected more than 3"):
        linear_fit(rng.standard_normal((3, 2)), rng.standard_normal((3, 1)))
    with pytest.raises(ValueError, match="actions that vary"):
        median_distance(np.ones((5, 2)))
    with pytest.raises(ValueError, match="constant column"):
        restriction_test(np.ones((20, 1)), restriction_of(column), 10, rng)
