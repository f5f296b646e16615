import numpy as np
import pytest
from scipy.optimize import minimize

from lib.bandits.designs import g_optimal_design
from lib.mdp.counts import policy_covariances
from lib.mdp.exploration import (
    best_mixture,
    fewest_episodes,
    fewest_episodes_of_many,
    frank_wolfe_mixture,
    play,
    squared_norms,
)
from lib.mdp.pedel import true_prediction
from lib.mdp.random_linear import random_problem
from lib.mdp.rare_branch import rare_branch, visited_offline
from lib.mdp.requirements import required_episodes


def problem(seed, policies=12, states=4, dim=3, layers=2):
    """Feature expectations and covariances of a random process."""
    problem = random_problem(states, 3, layers, dim, np.random.default_rng(seed), policies=policies)
    truth = true_prediction(problem)
    return truth.features, policy_covariances(truth.occupancy, problem.policies, problem.features)


def offset(layers, dim, seed=None):
    """Regulariser, with some data where there is a seed."""
    base = np.repeat(np.eye(dim)[None], layers, axis=0)
    if seed is None:
        return base
    rows = np.random.default_rng(seed).normal(size=(layers, 20, dim))
    return base + rows.swapaxes(1, 2) @ rows


@pytest.mark.parametrize("seed", range(10))
def test_the_best_mixture_agrees_with_a_generic_convex_solver(seed):
    features, covariances = problem(seed)
    base, episodes = offset(2, 3, seed), 50.0

    def epigraph(point):
        return point[-1] - squared_norms(features, play(base, covariances, episodes * point[:-1])).ravel()

    arms = len(covariances)
    start = np.append(np.full(arms, 1 / arms), 0.0)
    start[-1] = -epigraph(start).min() * 1.01
    solved = minimize(
        lambda point: point[-1] / start[-1], start, bounds=[(0, 1)] * arms + [(0, None)], method="SLSQP",
        constraints=[
            {"type": "ineq", "fun": lambda point: epigraph(point) / start[-1]},
            {"type": "eq", "fun": lambda point: point[:-1].sum() - 1},
        ],
        options={"maxiter": 500, "ftol": 1e-9},
    )  # fmt: skip
    ours = best_mixture(features, covariances, base, episodes)
    assert ours.value == pytest.approx(solved.x[-1], rel=0.005)
    assert ours.bound <= solved.x[-1] * (1 + 1e-4)
    assert ours.episodes.sum() <= episodes


@pytest.mark.parametrize("seed", range(5))
def test_frank_wolfe_and_the_interior_point_agree_within_a_per_cent(seed):
    features, covariances = problem(seed)
    base = offset(2, 3, seed)
    walked, interior = (solve(features, covariances, base, 100.0) for solve in (frank_wolfe_mixture, best_mixture))
    assert walked.value == pytest.approx(interior.value, rel=0.012)
    assert walked.bound <= interior.value * (1 + 1e-9)
    assert interior.bound <= walked.value * (1 + 1e-9)
    np.testing.assert_allclose(walked.episodes.sum(), 100)


def test_fewest_episodes_and_the_best_mixture_are_inverse_to_each_other():
    features, covariances = problem(3)
    base = offset(2, 3)
    limit = best_mixture(features, covariances, base, 70.0, precision=1e-4).value
    needed = fewest_episodes(features, covariances, base, np.full(12, limit), precision=1e-4)
    assert needed.value == pytest.approx(70, rel=1e-3)
    assert squared_norms(features, play(base, covariances, needed.episodes)).max() <= limit


def test_a_bandit_has_a_closed_form():
    """One-hot arms: arm j needs x_j = 1 / tolerance_j - offset_j, or nothing where that is negative."""
    axes, tolerances, data = (
        np.eye(4)[:, None, :],
        np.array([0.1, 0.02, 0.5, np.inf]),
        np.array([[1.0, 30.0, 1.0, 1.0]]),
    )
    needed = fewest_episodes(axes, axes, data, tolerances, one_hot=True, precision=1e-5)
    np.testing.assert_allclose(needed.episodes, [9, 20, 1, 0], atol=0.05)
    assert needed.bound <= 30 <= needed.value
    mixed = best_mixture(axes, axes, np.ones((1, 4)), 100.0, one_hot=True)
    assert mixed.value == pytest.approx(4 / (100 + 4), rel=0.003)


def test_a_design_of_single_actions_is_g_optimal():
    """Where every policy is one action, the design is the G-optimal one, whose worst norm is d / T."""
    rng = np.random.default_rng(0)
    actions = rng.normal(size=(30, 3))
    mixed = best_mixture(
        actions[:, None], (actions[:, :, None] * actions[:, None, :])[:, None], 1e-9 * np.eye(3)[None], 1.0
    )
    assert mixed.value == pytest.approx(3, rel=0.004)
    assert mixed.value == pytest.approx(g_optimal_design(actions, tolerance=1e-3).worst, rel=0.005)


def test_diagonals_and_matrices_agree():
    problem = rare_branch(0.03)
    truth = true_prediction(problem)
    diagonals = policy_covariances(truth.occupancy, problem.policies)
    base = 1.0 + 500 * visited_offline().reshape(2, -1)
    limits = np.full(11, 0.003)
    flat = fewest_episodes(truth.features, diagonals, base, limits, one_hot=True)
    full = fewest_episodes(truth.features, diagonals[..., None] * np.eye(16), base[..., None] * np.eye(16), limits)
    np.testing.assert_allclose(full.episodes, flat.episodes, rtol=1e-5, atol=1e-5)


def test_problems_side_by_side_are_those_alone():
    features, covariances = problem(1)
    bases = np.array([offset(2, 3, seed) for seed in range(4)])
    limits = np.linspace(0.003, 0.03, 4)[:, None] * np.ones(12)
    together = fewest_episodes(features, covariances, bases, limits)
    for row in range(4):
        alone = fewest_episodes(features, covariances, bases[row], limits[row])
        np.testing.assert_allclose(together.value[row], alone.value, rtol=1e-9)


def test_more_data_and_more_play_never_hurt():
    features, covariances = problem(2)
    values = [best_mixture(features, covariances, offset(2, 3), episodes).value for episodes in (1, 10, 100)]
    assert values[0] > values[1] > values[2]
    assert best_mixture(features, covariances, offset(2, 3, 0), 10).value < values[1]
    enough = fewest_episodes(features, covariances, 1e6 * offset(2, 3), np.full(12, 0.01))
    assert enough.value == 0


def test_many_policies_by_their_prices():
    features, covariances = problem(4, policies=80, states=6)
    limits = np.full(80, 0.004)
    few = fewest_episodes_of_many(features, covariances, offset(2, 3), limits, columns=10)
    all_at_once = fewest_episodes(features, covariances, offset(2, 3), limits)
    assert few.bound <= all_at_once.value
    assert few.value == pytest.approx(all_at_once.value, rel=0.012)
    assert squared_norms(features, play(offset(2, 3), covariances, few.episodes)).max() <= 0.004 * (1 + 1e-9)


def test_the_rare_branch_needs_what_a_line_search_says():
    """On the rare branch with offline data the 8 policies of the rare state are alike: one number to search for."""
    eps, beta = 0.02, 8.0
    problem = rare_branch(eps)
    base = 1.0 + 1e9 * visited_offline().reshape(2, -1)
    needed, bound, layered = required_episodes(problem, base, eps, beta)
    q, gap = 8 * eps, np.array([8 * eps, eps])  # wrong and right action of the rare state
    # with all else known, action i of the rare state needs q^2 / (1 + n_i q) <= max(gap, eps)^2 / beta
    each = (q**2 * beta / gap**2 - 1) / q
    assert needed == pytest.approx(3 * each[0] + each[1], rel=0.004)
    assert bound <= needed
    assert layered == pytest.approx(needed, rel=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tolerances": np.zeros(12)}, "tolerances"),
        ({"features": np.full((12, 2, 3), np.nan)}, "not finite"),
        ({"offset": -np.repeat(np.eye(3)[None], 2, axis=0)}, "positive definite"),
        ({"features": np.zeros((0, 2, 3)), "tolerances": np.zeros(0)}, "no policy"),
        ({"offset": np.eye(3)}, "shapes"),
    ],
)
def test_bad_input_is_refused(change, message):
    features, covariances = problem(0)
    arguments = {
        "features": features,
        "covariances": covariances,
        "offset": offset(2, 3),
        "tolerances": np.full(12, 0.1),
    }
    with pytest.raises(ValueError, match=message):
        fewest_episodes(**(arguments | change))


def test_what_no_policy_excites_is_an_error():
    axes = np.eye(3)[:, None, :]
    with pytest.raises(RuntimeError, match="excites"):
        fewest_episodes(axes, axes[:2], np.ones((1, 3)), np.full(3, 0.1), one_hot=True)
