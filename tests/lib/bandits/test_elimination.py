import numpy as np
import pytest

from lib.bandits.designs import g_optimal_design
from lib.bandits.elimination import (
    better_of_predicted_and_queried,
    design_and_fit,
    design_supports,
    eliminate_on_net,
    eliminate_supports,
    query_whole_net,
)
from lib.bandits.instances import MODES, misspecified_rewards, sparse_parameter, sphere_actions
from lib.bandits.net import rank_net, sparse_net
from lib.bandits.rewards import Rewards, repetitions_for


def literal_elimination(actions, rewards, net, eps):
    """The algorithm word by word: rescore every point after every query."""
    points = np.zeros((len(net.supports), len(net.grid), actions.shape[1]))
    for c, support in enumerate(net.supports):
        points[c][:, support] = net.grid
    points = points.reshape(-1, actions.shape[1])
    values = points @ actions.T
    queried = []
    while True:
        alive = [i for i in range(len(points)) if all(abs(values[i, a] - rewards[a]) <= 2 * eps for a in queried)]
        if not alive:
            return max(queried, key=lambda a: rewards[a]), len(queried)
        first = max(alive, key=lambda i: (values[i].max(), -i))
        action = int(values[first].argmax())
        if action in queried:
            return action, len(queried)
        queried.append(action)
        if abs(values[first, action] - rewards[action]) <= 2 * eps:
            return action, len(queried)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(5))
def test_elimination_is_the_literal_algorithm(mode, seed):
    rng = np.random.default_rng(seed)
    actions, eps = sphere_actions(60, 5, rng), 0.2
    rewards = misspecified_rewards(actions, sparse_parameter(5, 2, rng), eps, mode, rng)
    net, query = sparse_net(5, 2, eps), Rewards(rewards)
    choice = eliminate_on_net(actions, rank_net(actions, net), query, eps)
    assert (choice.action, len(query.order)) == literal_elimination(actions, rewards, net, eps)
    assert choice.consistent


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(10))
def test_guarantees(mode, seed):
    rng = np.random.default_rng(seed)
    actions, eps = sphere_actions(400, 6, rng), 0.15
    rewards = misspecified_rewards(actions, sparse_parameter(6, 2, rng), eps, mode, rng)
    net = sparse_net(6, 2, eps)
    ranked, supported = rank_net(actions, net), design_supports(actions, 2)
    for run, bound in (
        (lambda q: eliminate_on_net(actions, ranked, q, eps), 4),
        (lambda q: query_whole_net(ranked, q), 4),
        (lambda q: eliminate_supports(actions, supported, q, eps), 2 * (1 + np.sqrt(1.05 * 2))),
    ):
        query = Rewards(rewards)
        choice = run(query)
        assert choice.consistent
        assert query.gap(choice.action) <= bound * eps * (1 + 1e-9)
        assert choice.action in query.order


def test_a_parameter_on_the_grid_and_on_the_sphere_is_found():
    rng = np.random.default_rng(0)
    eps = 0.25
    net = sparse_net(4, 1, eps)
    actions = sphere_actions(200, 4, rng)
    query = Rewards(actions[:, 2] * 1.0)  # theta = e_3 has norm 1; 1 = 2 eps * 2 is on the grid
    choice = eliminate_on_net(actions, rank_net(actions, net), query, eps)
    assert query.gap(choice.action) <= 4 * eps
    assert choice.consistent


def test_rewards_and_eps_on_another_scale_give_the_same_actions():
    """Everything is homogeneous: (eps, theta, r) -> (c eps, c theta, c r) changes no comparison."""
    rng = np.random.default_rng(1)
    actions, eps = sphere_actions(80, 5, rng), 0.2
    rewards = misspecified_rewards(actions, sparse_parameter(5, 1, rng), eps, "sign", rng)
    net = sparse_net(5, 1, eps)
    ranked = rank_net(actions, net)
    scaled = ranked._replace(net=net._replace(grid=net.grid / 4), score=ranked.score / 4)
    first, second = Rewards(rewards), Rewards(rewards / 4)
    assert eliminate_on_net(actions, ranked, first, eps) == eliminate_on_net(actions, scaled, second, eps / 4)
    assert first.order == second.order


def test_rewards_outside_the_model_are_reported():
    actions, net = np.eye(3), sparse_net(3, 1, 0.05)
    query = Rewards([-0.5, -0.5, -0.5])  # a 1-sparse parameter gives two of the three 0
    choice = eliminate_on_net(actions, rank_net(actions, net), query, 0.05)
    assert not choice.consistent
    assert choice.action == query.best()


def test_least_squares_on_linear_rewards_finds_the_best():
    rng = np.random.default_rng(2)
    actions, theta = sphere_actions(200, 5, rng), rng.standard_normal(5)
    design, query = g_optimal_design(actions), Rewards(actions @ theta)
    choice, fitted = design_and_fit(actions, design, query)
    np.testing.assert_allclose(fitted, theta)
    assert query.gap(choice.action) == 0
    assert len(query.order) == len(design.support)
    query = Rewards(actions @ theta)
    assert query.gap(better_of_predicted_and_queried(actions, design, query).action) == 0


def test_noisy_queries_keep_the_guarantee_of_six_eps():
    """Repeated queries are known to eps; with a threshold of 3 eps the net of radius eps loses 6 eps at most."""
    failures = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        actions, eps = sphere_actions(40, 4, rng), 0.15
        rewards = misspecified_rewards(actions, sparse_parameter(4, 1, rng), eps, "sign", rng)
        query = Rewards(rewards, noise=1.0, repetitions=repetitions_for(40, eps), rng=rng)
        net = sparse_net(4, 1, eps)
        choice = eliminate_on_net(actions, rank_net(actions, net), query, 1.5 * eps)  # threshold 3 eps
        failures += query.gap(choice.action) > 6 * eps
        assert query.cost == len(query.order) * repetitions_for(40, eps)
    assert failures <= 10


def test_misspecification_stays_within_eps():
    rng = np.random.default_rng(3)
    actions, theta = sphere_actions(500, 4, rng), sparse_parameter(4, 2, rng)
    for mode in MODES[:3]:
        errors = misspecified_rewards(actions, theta, 0.1, mode, rng) - actions @ theta
        assert np.abs(errors).max() <= 0.1 * (1 + 1e-12)
    assert (errors < 0).sum() == 10  # adversarial: 2 % of 500
    with pytest.raises(ValueError, match="mode"):
        misspecified_rewards(actions, theta, 0.1, "kind", rng)


def test_bad_rewards_and_actions_are_refused():
    with pytest.raises(ValueError, match="finite"):
        Rewards([1.0, np.nan])
    with pytest.raises(ValueError, match="generator"):
        Rewards([1.0], noise=1.0)
    with pytest.raises(IndexError, match="action: got 2"):
        Rewards([1.0, 2.0])(2)
