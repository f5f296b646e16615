import numpy as np
import pytest

from lib.mdp.counts import Counts, draw_episodes
from lib.mdp.pedel import accuracies, practical_beta, published_beta, run_elimination, true_prediction
from lib.mdp.random_linear import random_problem
from lib.mdp.rare_branch import (
    draw_offline,
    hybrid_lower_bound,
    offline_size,
    online_lower_bound,
    rare_branch,
    valid_actions,
    visited_offline,
)

BETA = practical_beta(11, 0.05)


def gaps(problem, outcome):
    values = true_prediction(problem).values
    values = np.broadcast_to(values, outcome.values.shape)
    return values.max(axis=1) - values[np.arange(len(values)), outcome.policy]


def test_values_of_the_rare_branch():
    eps = 0.02
    values = true_prediction(rare_branch(eps)).values
    q = 8 * eps
    best = (1 - q) * (0.5 + 2 * eps) + q
    assert values.max() == pytest.approx(best)
    assert values[8:].tolist() == pytest.approx([0.3, 0.5 + 2 * eps, 0.5 - 2 * eps])
    assert np.sum(best - values <= eps) == 1  # all others lose more than eps
    np.testing.assert_allclose(
        true_prediction(rare_branch(eps, layers=4)).values, np.repeat([[1.0 + values]], 2, 0).ravel()
    )


def test_the_policies_of_the_rare_branch_take_valid_actions_alone():
    policies = rare_branch(0.02).policies
    assert policies[:, ~valid_actions()].sum() == 11 * 0  # each takes action 0 elsewhere, which every state has
    assert visited_offline()[-1, 2].sum() == 0


def test_elimination_finds_the_best_policy_and_follows_shuffled_labels():
    rng = np.random.default_rng(0)
    paying = np.arange(20) % 4
    problem = rare_branch(0.04, paying=paying)
    offline = draw_offline(problem, offline_size(0.04, BETA), 20, rng)
    outcome = run_elimination(problem, offline, 0.04, BETA, rng)
    np.testing.assert_array_equal(outcome.policy, paying)  # the first common action, and the paying rare one
    by_label = [outcome.episodes[paying == label].mean() for label in range(4)]
    assert max(by_label) < 1.2 * min(by_label)


def test_offline_data_save_episodes_and_known_dynamics_change_little():
    rng = np.random.default_rng(1)
    problem = rare_branch(0.02, paying=np.arange(12) % 4)
    offline = draw_offline(problem, offline_size(0.02, BETA), 12, rng)
    nothing = Counts(*(np.zeros_like(one) for one in offline))
    both, online, oracle = (
        run_elimination(problem, data, 0.02, BETA, rng, oracle=known)
        for data, known in ((offline, False), (nothing, False), (offline, True))
    )
    assert online.episodes.mean() > 4 * both.episodes.mean()
    assert both.episodes.mean() == pytest.approx(oracle.episodes.mean(), rel=0.1)
    assert all((gaps(problem, outcome) <= 0.02).all() for outcome in (both, online, oracle))


def test_with_boundless_offline_data_no_episode_is_played():
    problem = rare_branch(0.03)
    everywhere = np.broadcast_to(valid_actions(), (5, 2, 4, 4)) * 10**9
    rng = np.random.default_rng(2)
    offline = Counts(
        rng.multinomial(everywhere, problem.process.transition), rng.binomial(everywhere, problem.reward).astype(float)
    )
    outcome = run_elimination(problem, offline, 0.03, BETA, rng)
    assert outcome.episodes.sum() == 0
    assert gaps(problem, outcome).max() == 0


def test_estimates_are_as_good_as_the_accuracy_asks():
    """|V_hat - V| <= eps_l / 2 at the end, in every run: without it elimination by 2 eps_l proves nothing."""
    rng = np.random.default_rng(3)
    problem = random_problem(5, 3, 2, 3, rng, policies=20)
    played = np.zeros((30, 20), np.int64)
    played[:, :4] = 100
    offline = draw_episodes(problem.process, problem.reward, problem.policies, played, rng)
    outcome = run_elimination(problem, offline, 0.1, practical_beta(20, 0.05), rng)
    assert (np.abs(outcome.values - true_prediction(problem).values).max(axis=1) <= 0.05).all()
    assert (gaps(problem, outcome) <= 0.1).all()
    assert (np.diff(outcome.alive, axis=1) <= 0).all()


def test_knowing_the_dynamics_leaks_no_reward_into_estimates():
    problem = rare_branch(0.03)
    rng = np.random.default_rng(4)
    offline = draw_offline(problem, offline_size(0.03, BETA), 4, rng)
    blind = problem._replace(reward=np.zeros_like(problem.reward))
    outcome = run_elimination(blind, Counts(offline.transitions, 0 * offline.rewards), 0.03, BETA, rng, oracle=True)
    np.testing.assert_array_equal(outcome.values, 0)


def test_a_beta_that_is_far_too_small_fails():
    rng = np.random.default_rng(5)
    problem = rare_branch(0.01, paying=rng.integers(0, 4, 40))
    offline = draw_offline(problem, offline_size(0.01, BETA), 40, rng)
    outcome = run_elimination(problem, offline, 0.01, BETA / 1000, rng)
    assert (gaps(problem, outcome) > 0.01).mean() > 0.5


def test_constants_and_accuracies():
    assert accuracies(0.1) == [0.5, 0.25, 0.125, 0.0625, 0.05]
    assert practical_beta(11, 0.05) == pytest.approx(4 * np.log(880))
    assert published_beta(11, 0.05, 2, 3) == pytest.approx(64 * 16 * np.log(4 * 4 * 11 * 9 / 0.05))
    for eps in (0, -1, np.nan):
        with pytest.raises(ValueError, match="eps"):
            accuracies(eps)
    with pytest.raises(ValueError, match="eps"):
        rare_branch(0.3)
    problem = rare_branch(0.1)
    with pytest.raises(ValueError, match="policies"):
        run_elimination(problem._replace(policies=problem.policies[:0]), None, 0.1, BETA, np.random.default_rng(0))


def test_lower_bounds_by_their_definitions():
    """(1 - q)^n 3/4 = delta at the hybrid bound; the divergence of the online bound is near 2 (4 eps)^2."""
    n = hybrid_lower_bound(0.02, 0.05)
    assert 0.75 * (1 - 0.16) ** n == pytest.approx(0.05)
    assert online_lower_bound(1e-4, 0.05) == pytest.approx(np.log(1 / 0.12) / (2 * (4e-4) ** 2), rel=1e-3)
