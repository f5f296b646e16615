import numpy as np
import pytest

from lib.bandits.designs import coordinates_in_span, g_optimal_design, least_squares, worst_misspecification
from lib.bandits.instances import sphere_actions


def test_unit_vectors_get_uniform_weights():
    design = g_optimal_design(np.eye(5))
    np.testing.assert_array_equal(design.support, range(5))
    np.testing.assert_allclose(design.weights, 0.2)
    np.testing.assert_allclose(design.worst, 5)


def test_repeated_actions_change_nothing():
    actions = sphere_actions(40, 3, np.random.default_rng(0))
    once, twice = g_optimal_design(actions), g_optimal_design(np.vstack([actions, actions]))
    np.testing.assert_allclose(once.worst, twice.worst)


def test_the_optimum_agrees_with_the_multiplicative_algorithm():
    """Titterington's update w <- w g / d increases log det V at each step, whose maximum is the G-optimum too."""
    actions = sphere_actions(15, 2, np.random.default_rng(1)) * np.linspace(0.3, 1, 15)[:, None]
    weights = np.full(15, 1 / 15)
    for _ in range(20_000):
        inverse = np.linalg.inv(actions.T @ (weights[:, None] * actions))
        weights = weights * np.einsum("nd,nd->n", actions @ inverse, actions) / 2
    design = g_optimal_design(actions, tolerance=1e-4)
    np.testing.assert_allclose(np.linalg.det(design.inverse), np.linalg.det(inverse), rtol=2e-4)


@pytest.mark.parametrize(("n", "d"), [(800, 4), (800, 16), (3000, 48)])
def test_the_support_is_sparse_and_the_variance_near_its_optimum(n, d):
    actions = sphere_actions(n, d, np.random.default_rng(d))
    design = g_optimal_design(actions)
    assert d <= design.worst <= 1.06 * d
    assert len(design.support) < n / 2
    np.testing.assert_allclose(design.weights.sum(), 1)
    moment = actions[design.support].T @ (design.weights[:, None] * actions[design.support])
    np.testing.assert_allclose(design.inverse @ moment, np.eye(d), atol=1e-8)
    # the average variance over the design is d whatever the design (trace of the identity)
    variances = np.einsum("nd,nd->n", actions[design.support] @ design.inverse, actions[design.support])
    np.testing.assert_allclose(design.weights @ variances, d)


def test_linear_rewards_are_recovered_and_errors_stay_within_the_bound():
    rng = np.random.default_rng(3)
    actions, theta = sphere_actions(300, 6, rng), rng.standard_normal(6)
    design = g_optimal_design(actions)
    np.testing.assert_allclose(least_squares(actions, design, (actions @ theta)[design.support]), theta)
    target = actions[np.einsum("nd,nd->n", actions @ design.inverse, actions).argmax()]
    signs = worst_misspecification(actions, design, target)
    error = least_squares(actions, design, signs) @ target
    assert 0.7 * np.sqrt(6) < error <= np.sqrt(design.worst)
    brute = max(abs(least_squares(actions, design, rng.choice([-1.0, 1.0], len(signs))) @ target) for _ in range(300))
    assert error >= brute


def test_actions_that_do_not_span_are_refused_and_can_be_reduced():
    actions = sphere_actions(30, 3, np.random.default_rng(4)) @ np.eye(3, 5)
    with pytest.raises(ValueError, match="rank 3 in dimension 5"):
        g_optimal_design(actions)
    reduced = coordinates_in_span(actions)
    assert reduced.shape == (30, 3)
    np.testing.assert_allclose(reduced @ reduced.T, actions @ actions.T, atol=1e-12)
    with pytest.raises(ValueError, match="tolerance"):
        g_optimal_design(reduced, tolerance=0)
