"""Estimates by enumeration of trajectories, bonuses in closed form, and whole runs."""

from itertools import product

import numpy as np
import pytest

from lib.bandits.ftrl import init
from lib.mdp.adversaries import copy_actions, draw_losses, losses_of, make_adversary, stack_adversaries
from lib.mdp.environments import make_game, one_hot_features
from lib.mdp.finite_horizon import evaluate_policy, linear_process, occupancy, optimal_values, start_value
from lib.mdp.play import best_policy, checkpoints_of, run_learner, run_uniform
from lib.mdp.policy_optimization import (
    LEARNERS,
    Observed,
    Rates,
    dilated_bonus,
    exact_knowledge,
    negative_means,
    observe,
    play,
    rates_of,
    reduce_magnitude,
    simulated_knowledge,
    step,
)
from lib.mdp.simulator_free import run_epochs, run_explore_then_commit

S, A, H, D = 2, 2, 2, 2
SIZES = {"states": 5, "actions": 3, "horizon": 2, "dim": 3}


def game_of(kinds, episodes, *, environments=2, repetitions=2, **options):
    generators = [np.random.default_rng(e) for e in range(environments)]
    return make_game(kinds, episodes, generators, repetitions, **{**SIZES, **options})


@pytest.mark.parametrize("name", ["luo", "mr"])
def test_mean_estimate_over_all_trajectories(name):
    """E Qhat(x, a) = phi^T G E[phi_h Q^pi_h(x_h, a_h)], for both estimates."""
    rng = np.random.default_rng(0)
    process = linear_process(S, A, H, D, rng)
    features = np.broadcast_to(process.features, (1, H, S, A, D))
    losses = losses_of(features[0], rng.random((H, D)))
    policy = rng.dirichlet(np.ones(A), size=(1, H, S))
    knowledge = exact_knowledge(process._replace(transition=process.transition[None]), policy)
    rates = Rates(0.1, 0.05, 0.0)
    mean, total = np.zeros((1, H, S, A)), 0.0
    for states in product(range(S), repeat=H):
        for actions in product(range(A), repeat=H):
            p = process.initial[states[0]]
            for h in range(H):
                p *= policy[0, h, states[h], actions[h]]
                if h + 1 < H:
                    p *= process.transition[h, states[h], actions[h], states[h + 1]]
            seen = np.array([losses[h, states[h], actions[h]] for h in range(H)])
            observed = Observed(np.array([states]), np.array([actions]), np.cumsum(seen[::-1])[::-1][None])
            state = init((1, H, S, A))
            _, info = step(state, LEARNERS[name], rates, features, policy, knowledge, observed)
            mean, total = mean + p * info.estimate, total + p
    assert total == pytest.approx(1)
    q = evaluate_policy(process, losses, policy[0]).action
    visits = occupancy(process, policy[0])
    for h in range(H):
        phi, w = process.features.reshape(-1, D), visits[h].ravel()
        inverse = np.linalg.inv(rates.gamma * np.eye(D) + phi.T @ (w[:, None] * phi))
        expected = phi @ inverse @ (phi.T @ (w * q[h].ravel()))
        np.testing.assert_allclose(mean[0, h].ravel(), expected, rtol=1e-10)


def test_negative_means_by_the_whole_matrix():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(3, 2, 7, 4))
    root = rng.normal(size=(3, 2, 4, 4))
    inverse = root @ np.swapaxes(root, -1, -2)
    weights = rng.dirichlet(np.ones(7), size=(3, 2))
    weights[0, 0, 2] = 0
    products = features @ inverse @ np.swapaxes(features, -1, -2)
    expected = np.einsum("...xy,...y->...x", np.minimum(products, 0), weights)
    np.testing.assert_allclose(negative_means(features, inverse, weights), expected, rtol=1e-12)


def test_reduced_estimate_is_the_plain_one_where_no_product_is_negative():
    products = np.random.default_rng(2).random((4, 5))
    np.testing.assert_array_equal(reduce_magnitude(products, 1.5, np.zeros((4, 5)), 3), products * 1.5)


def test_constant_bonus_is_a_geometric_sum():
    process = linear_process(3, 2, 4, 2, np.random.default_rng(3))
    policy = np.full((1, 4, 3, 2), 0.5)
    dilated = dilated_bonus(process.transition[None], policy, np.full((1, 4, 3, 2), 0.7))
    for h in range(4):
        expected = 0.7 * sum((1 + 1 / 4) ** i for i in range(4 - h))
        np.testing.assert_allclose(dilated[0, h], expected, rtol=1e-12)


def test_bonuses_are_added_with_the_policy_of_their_time():
    game = game_of(["gap"], 50)
    learner, rates = LEARNERS["lb"], Rates(0.2, 0.05, 0.1)
    state = init(game.features.shape[:-1])
    rng = np.random.default_rng(4)
    losses = losses_of(game.loss_features, game.adversary.early)
    steps = []
    for _ in range(3):
        policy = play(state, learner, rates)
        knowledge = exact_knowledge(game.process, policy)
        observed = observe(game.process, losses, policy, rng)
        state, info = step(state, learner, rates, game.features, policy, knowledge, observed)
        steps.append(info.estimate - info.bonus)
    np.testing.assert_allclose(state.losses, np.sum(steps, axis=0), rtol=1e-12)


def test_rates_follow_their_exponents():
    assert rates_of(LEARNERS["luo"], (2, 3, 5), 1000) == pytest.approx((0.02, 0.03, 0.5))
    assert rates_of(LEARNERS["mr"], (2, 3, 5), 10_000) == pytest.approx((0.02, 3e-4, 0.05))


def test_simulator_gives_the_dynamics_in_the_limit():
    game = game_of(["gap"], 10)
    policy = np.random.default_rng(5).dirichlet(np.ones(3), size=(4, 2, 5))
    exact = exact_knowledge(game.process, policy)
    sampled = simulated_knowledge(game.process, policy, 200_000, np.random.default_rng(6))
    for one, other in zip(exact, sampled):
        np.testing.assert_allclose(one, other, atol=0.01)
    assert not np.array_equal(sampled.visits, sampled.fresh)


def test_losses_of_adversaries():
    rng = np.random.default_rng(7)
    fixed, switch = (make_adversary(kind, 30, (2, 3), np.random.default_rng(8)) for kind in ("gap", "switch"))
    theta = draw_losses(stack_adversaries([fixed, switch]), 0, 30, rng)
    assert (theta[:, 0] == theta[0, 0]).all()
    assert (theta[:10, 1] == theta[0, 1]).all()
    assert (theta[10:, 1] == theta[29, 1]).all()
    assert not (theta[9, 1] == theta[10, 1]).any()
    noisy = make_adversary("noisy8", 10_000, (2, 3), np.random.default_rng(9))
    assert set(np.abs(noisy.early - 0.5).round(12).ravel()) == {0.08}
    assert set(np.abs(make_adversary("noisy8", 100, (2, 3), rng).early - 0.5).round(12).ravel()) == {0.45}
    draws = draw_losses(noisy, 0, 20_000, rng)
    assert set(np.unique(draws)) == {0, 1}
    np.testing.assert_allclose(draws.mean(axis=0), noisy.early, atol=5 * 0.5 / np.sqrt(20_000))
    with pytest.raises(ValueError, match="kind: got 'other'"):
        make_adversary("other", 10, (2, 3), rng)


def test_blocks_of_losses_are_one_sequence():
    noisy = stack_adversaries([make_adversary("noisy8", 90, (2, 3), np.random.default_rng(k)) for k in range(2)])
    whole = draw_losses(noisy, 0, 30, np.random.default_rng(0))
    rng = np.random.default_rng(0)
    parts = [draw_losses(noisy, start, count, rng) for start, count in ((0, 7), (7, 23))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_copied_actions_leave_the_optimum():
    process = linear_process(4, 2, 3, 2, np.random.default_rng(10))
    theta = np.random.default_rng(11).random((3, 2))
    features = np.broadcast_to(process.features, (3, 4, 2, 2))
    losses = losses_of(features, theta)
    values = optimal_values(process, -losses)
    more, transition = copy_actions(features, process.transition, -values.action, 6)
    copied = optimal_values(process._replace(transition=transition), -losses_of(more, theta))
    np.testing.assert_allclose(copied.state, values.state, rtol=1e-12)
    assert (copied.action.argmax(axis=-1) == 3).all()
    assert (np.ptp(np.delete(copied.action, 3, axis=-1), axis=-1) < 1e-12).all()


def test_regret_of_the_uniform_policy_by_hand():
    game = game_of(["gap", "switch"], 12)
    record = run_uniform(game, 12, np.random.default_rng(0))
    theta = draw_losses(game.adversary, 0, 12, np.random.default_rng(0)).sum(axis=0)
    losses = losses_of(game.loss_features, theta)
    uniform = np.full(losses.shape, 1 / 3)
    spent = start_value(game.process, evaluate_policy(game.process, losses, uniform))
    best = -start_value(game.process, optimal_values(game.process, -losses))
    np.testing.assert_allclose(record.regret, spent - best, rtol=1e-10)
    assert (record.regret > 0).all()


def test_learners_beat_uniform_actions_and_meet_their_losses():
    game = game_of(["gap"], 1500)
    uniform = run_uniform(game, 1500, np.random.default_rng(1)).regret.mean()
    for name, c in (("luo", 4), ("lb", 6), ("mr", 1), ("ewn", 1)):
        rates = rates_of(LEARNERS[name], (c, 1, 0.05), 1500)
        record = run_learner(game, LEARNERS[name], rates, 1500, np.random.default_rng(1))
        assert record.regret.mean() < 0.6 * uniform
        np.testing.assert_allclose(record.curve[-1], record.regret)
        assert (np.diff(record.entropy.mean(axis=1)) < 0.05).all()
        if name == "mr":
            assert (record.smallest >= -rates.eta * 2 / np.sqrt(rates.gamma)).all()


def test_no_episodes_and_one_action_cost_nothing():
    game = game_of(["gap"], 5, actions=1)
    learner, rates = LEARNERS["mr"], Rates(0.1, 0.1, 0.1)
    np.testing.assert_allclose(run_learner(game, learner, rates, 5, np.random.default_rng(0)).regret, 0, atol=1e-12)
    assert (run_learner(game, learner, rates, 0, np.random.default_rng(0)).regret == 0).all()
    assert checkpoints_of(5, 16).tolist() == [1, 2, 3, 4, 5]


def test_interrupted_run_gives_the_same(monkeypatch):
    monkeypatch.setattr("lib.mdp.play.BLOCK", 10)

    class Store:
        state = None

        def load(self):
            return self.state

        def save_if_due(self, state):
            self.state = {name: np.array(value) for name, value in state().items()}
            if self.state["episode"] == 20:
                raise KeyboardInterrupt

    game = game_of(["noisy8", "switch"], 35)
    arguments = game, LEARNERS["mr"], Rates(0.1, 0.05, 0.05), 35
    whole = run_learner(*arguments, np.random.default_rng(0))
    store = Store()
    with pytest.raises(KeyboardInterrupt):
        run_learner(*arguments, np.random.default_rng(0), checkpoint=store)
    resumed = run_learner(*arguments, np.random.default_rng(0), checkpoint=store)
    for one, other in zip(whole, resumed):
        np.testing.assert_array_equal(one, other)


def test_one_hot_learner_plays_the_same_process():
    plain, hot = game_of(["gap"], 40), game_of(["gap"], 40, one_hot=True)
    np.testing.assert_array_equal(plain.loss_features, hot.loss_features)
    assert hot.features.shape[-1] == 15
    assert one_hot_features(2, 5, 3).sum() == 2 * 15


def test_best_policy_is_the_best_for_the_sum_of_losses():
    game = game_of(["switch"], 30)
    theta = draw_losses(game.adversary, 0, 30, np.random.default_rng(0)).sum(axis=0)
    losses = losses_of(game.loss_features, theta)
    own = start_value(game.process, evaluate_policy(game.process, losses, best_policy(game, theta)))
    np.testing.assert_allclose(own, -start_value(game.process, optimal_values(game.process, -losses)))


@pytest.mark.parametrize("method", ["inv", "mgr"])
def test_epochs_do_better_than_uniform_actions(method):
    game = game_of(["gap"], 8000)
    uniform = run_uniform(game, 8000, np.random.default_rng(1)).regret.mean()
    assert 0 < run_epochs(game, 8000, method, 4, 0.02, np.random.default_rng(1)).mean() < 0.9 * uniform


def test_explore_then_commit_has_the_regret_of_exploration_on_fixed_losses():
    game = game_of(["gap"], 27_000)
    uniform = run_uniform(game, 27_000, np.random.default_rng(2)).regret
    regret = run_explore_then_commit(game, 27_000, np.random.default_rng(2))
    assert (regret >= uniform * 900 / 27_000 - 1e-9).all()
    assert regret.mean() < 0.1 * uniform.mean()


def test_epochs_refuse_what_they_cannot_do():
    game = game_of(["gap"], 10)
    with pytest.raises(ValueError, match="at least one epoch"):
        run_epochs(game, 3, "inv", 4, 0.02, np.random.default_rng(0))
    with pytest.raises(ValueError, match="method: got 'other'"):
        run_epochs(game, 100, "other", 4, 0.02, np.random.default_rng(0))
