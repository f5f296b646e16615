import itertools

import numpy as np

from lib.mdp.counts import Counts, draw_episodes
from lib.mdp.pedel import practical_beta, true_prediction, value_of
from lib.mdp.planning import (
    certainty_equivalence,
    hybrid_value_iteration,
    online_budget,
    pessimistic_policy,
    plan_greedily,
)
from lib.mdp.random_linear import random_problem
from lib.mdp.rare_branch import COMMON, RARE, START, SURE, draw_offline, offline_size, rare_branch, valid_actions


def test_planning_finds_the_best_of_all_policies():
    rng = np.random.default_rng(0)
    problem = random_problem(3, 2, 2, 3, rng, policies=1)
    choices = np.array(list(itertools.product(range(2), repeat=6))).reshape(-1, 2, 3)
    best = max(value_of(problem, np.eye(2)[choice]) for choice in choices)
    greedy = plan_greedily(problem.process.transition, problem.reward)
    assert np.isclose(greedy.values[0, 0], best)
    assert np.isclose(value_of(problem, greedy.policy(2)), best)


def test_offline_learners_avoid_the_rare_branch():
    """What was never seen pays nothing to them, so that they take the safe way and lose 4 eps."""
    rng = np.random.default_rng(1)
    eps = 0.02
    problem = rare_branch(eps)
    offline = draw_offline(problem, offline_size(eps, practical_beta(11, 0.05)), 50, rng)
    for greedy in (pessimistic_policy(offline, 0.05, 11), certainty_equivalence(offline)):
        values = value_of(problem, greedy.policy(4))
        np.testing.assert_allclose(true_prediction(problem).values.max() - values, 4 * eps * 0.92, rtol=0.05)
        assert (greedy.actions[:, 0, START] == 2).all()


def test_pessimism_is_right_where_the_best_policy_is_covered():
    problem = rare_branch(0.03)
    best = problem.policies[2:3]
    rng = np.random.default_rng(2)
    offline = draw_episodes(problem.process, problem.reward, best, np.full((30, 1), 20_000), rng)
    greedy = pessimistic_policy(offline, 0.05, 11)
    values = value_of(problem, greedy.policy(4))
    np.testing.assert_allclose(values, true_prediction(problem).values.max())


def test_optimism_uses_both_kinds_of_data_and_its_budget():
    rng = np.random.default_rng(3)
    problem = rare_branch(0.04, paying=np.arange(8) % 4)
    offline = draw_offline(problem, offline_size(0.04, practical_beta(11, 0.05)), 8, rng)
    before = offline.visits.sum()
    greedy = hybrid_value_iteration(problem, offline, np.full(8, 2000), 0.05, rng, valid=valid_actions())
    assert offline.visits.sum() == before  # the caller's data stay
    values = value_of(problem, greedy.policy(4))
    np.testing.assert_allclose(values, true_prediction(problem).values.max(axis=1))
    for state, number in ((START, 3), (COMMON, 2), (RARE, 4), (SURE, 1)):
        assert (greedy.actions[:, :, state] < number).all()


def test_a_budget_is_the_smallest_that_succeeds():
    assert online_budget(lambda n: float(n >= 137), precision=0) == 137
    assert 1000 <= online_budget(lambda n: 1 - 50 / n, precision=0.01) <= 1010


def test_empty_data_plan_the_first_action():
    nothing = Counts(np.zeros((2, 3, 2, 3)), np.zeros((2, 3, 2)))
    assert certainty_equivalence(nothing).actions.sum() == 0
    assert pessimistic_policy(nothing, 0.05, 4).values.sum() == 0
