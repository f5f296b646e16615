"""Values, occupancies and trajectories against the enumeration of paths and of all deterministic policies."""

from itertools import product

import numpy as np
import pytest

from lib.mdp.finite_horizon import (
    draw_categories,
    evaluate_policy,
    greedy_policy,
    linear_process,
    make_process,
    occupancy,
    optimal_values,
    sample_occupancy,
    sample_transition,
    simulate,
    stack_processes,
    start_value,
    uniform_policy,
)

S, A, H, D = 3, 2, 3, 2


@pytest.fixture
def process():
    return linear_process(S, A, H, D, np.random.default_rng(0))


@pytest.fixture
def rewards():
    return np.random.default_rng(1).random((H, S, A))


@pytest.fixture
def policy():
    return np.random.default_rng(2).dirichlet(np.ones(A), size=(H, S))


def paths(process, policy):
    """All paths with their probabilities, multiplied out one factor at a time."""
    for states in product(range(S), repeat=H):
        for actions in product(range(A), repeat=H):
            p = process.initial[states[0]]
            for h in range(H):
                p *= policy[h, states[h], actions[h]]
                if h + 1 < H:
                    p *= process.transition[h, states[h], actions[h], states[h + 1]]
            yield states, actions, p


def test_values_are_the_mean_over_all_paths(process, rewards, policy):
    value = sum(p * sum(rewards[h, x[h], a[h]] for h in range(H)) for x, a, p in paths(process, policy))
    values = evaluate_policy(process, rewards, policy)
    assert start_value(process, values) == pytest.approx(value, rel=1e-12)
    assert (values.state[-1] == 0).all()


def test_occupancy_is_the_share_of_paths(process, rewards, policy):
    share = np.zeros((H, S, A))
    for x, a, p in paths(process, policy):
        for h in range(H):
            share[h, x[h], a[h]] += p
    visits = occupancy(process, policy)
    np.testing.assert_allclose(visits, share, atol=1e-14)
    values = evaluate_policy(process, rewards, policy)
    assert np.sum(visits * rewards) == pytest.approx(start_value(process, values), rel=1e-12)


def test_optimum_among_all_deterministic_policies(process, rewards):
    every = np.array(list(product(range(A), repeat=H * S))).reshape(-1, H, S)
    policies = (every[..., None] == np.arange(A)).astype(float)
    best = start_value(process, evaluate_policy(process, rewards, policies)).max()
    values = optimal_values(process, rewards)
    assert start_value(process, values) == pytest.approx(best, rel=1e-12)
    attained = evaluate_policy(process, rewards, greedy_policy(values.action))
    np.testing.assert_allclose(attained.state, values.state, atol=1e-14)


def test_q_is_linear_in_the_features(process, policy):
    theta = np.random.default_rng(3).random((H, D))
    q = evaluate_policy(process, np.einsum("sad,hd->hsa", process.features, theta), policy).action
    flat = process.features.reshape(-1, D)
    for layer in q.reshape(H, -1):
        np.testing.assert_allclose(flat @ np.linalg.lstsq(flat, layer)[0], layer, atol=1e-12)


def test_leading_axes_broadcast(rewards):
    many = [linear_process(S, A, H, D, np.random.default_rng(k)) for k in range(4)]
    batch = stack_processes(many)
    policies = np.random.default_rng(5).dirichlet(np.ones(A), size=(5, 4, H, S))
    values, visits = evaluate_policy(batch, rewards, policies), occupancy(batch, policies)
    assert values.action.shape == visits.shape == (5, 4, H, S, A)
    for k, one in enumerate(many):
        single = evaluate_policy(one, rewards, policies[2, k])
        np.testing.assert_allclose(values.state[2, k], single.state, atol=1e-14)
        np.testing.assert_allclose(visits[2, k], occupancy(one, policies[2, k]), atol=1e-14)
    np.testing.assert_allclose(
        optimal_values(batch, rewards).state[3], optimal_values(many[3], rewards).state, atol=1e-14
    )


def test_simulation_visits_as_the_occupancy_says(policy):
    batch = stack_processes([linear_process(S, A, H, D, np.random.default_rng(k)) for k in range(2)])
    count = 40_000
    runs = simulate(batch, policy, np.random.default_rng(6), count)
    assert runs.states.shape == (count, 2, H + 1)
    visits = occupancy(batch, policy)
    for h in range(H):
        for k in range(2):
            pairs = runs.states[:, k, h] * A + runs.actions[:, k, h]
            share = np.bincount(pairs, minlength=S * A) / count
            error = np.sqrt(visits[k, h].ravel() / count)
            assert (np.abs(share - visits[k, h].ravel()) <= 5 * error + 1e-12).all()
    following = runs.states[:, 1, 1][(runs.states[:, 1, 0] == 0) & (runs.actions[:, 1, 0] == 0)]
    expected = batch.transition[1, 0, 0, 0]
    share = np.bincount(following, minlength=S) / len(following)
    assert (np.abs(share - expected) <= 5 * np.sqrt(expected / len(following)) + 1e-12).all()


def test_counts_of_visits_have_the_law_of_trajectories(process, policy):
    many = np.broadcast_to(policy, (4000, *policy.shape))
    counts, visits = sample_occupancy(process, many, 5, np.random.default_rng(7)), occupancy(process, policy)
    np.testing.assert_allclose(counts.sum(axis=(-2, -1)), 1)
    assert (np.abs(counts.mean(axis=0) - visits) <= 5 * np.sqrt(visits / 20_000) + 1e-12).all()
    # joint over layers: the covariance of a visit in layer 0 with one in layer 1, of five independent trajectories
    runs = simulate(process, policy, np.random.default_rng(8), 20_000)
    first = (runs.states[:, 0] == 0) & (runs.actions[:, 0] == 1)
    second = (runs.states[:, 1] == 1) & (runs.actions[:, 1] == 0)
    expected = np.cov(first, second)[0, 1] / 5
    covariance = np.cov(counts[:, 0, 0, 1], counts[:, 1, 1, 0])[0, 1]
    assert covariance == pytest.approx(expected, abs=5 * 0.25 / 5 / np.sqrt(4000))


def test_counts_of_next_states(process):
    shares = sample_transition(process, 50_000, np.random.default_rng(9))
    assert np.abs(shares - process.transition).max() < 5 * 0.5 / np.sqrt(50_000)
    assert (shares[process.transition == 0] == 0).all()


def test_policies_of_a_batch_are_simulated_apart(process):
    stay = np.zeros((2, H, S, A))
    stay[0, ..., 0] = stay[1, ..., 1] = 1
    actions = simulate(process, stay, np.random.default_rng(0), 7).actions
    assert (actions[:, 0] == 0).all()
    assert (actions[:, 1] == 1).all()
    assert simulate(process, stay, np.random.default_rng(0)).actions.shape == (2, H)


def test_impossible_categories_are_never_drawn():
    cumulative = np.cumsum([[0.0, 0.5, 0.0, 0.5, 0.0]], axis=-1)
    drawn = draw_categories(np.repeat(cumulative, 4, axis=0), np.array([0.0, 0.4999, 0.5, np.nextafter(1, 0)]))
    assert drawn.tolist() == [1, 1, 3, 3]


def test_bad_input_is_refused(process, rewards):
    with pytest.raises(ValueError, match="transition: got entries"):
        make_process(process.transition * 0.9, process.initial)
    with pytest.raises(ValueError, match="transition: got entries"):
        make_process(process.transition * np.nan, process.initial)
    with pytest.raises(ValueError, match="initial: got shape"):
        make_process(process.transition, np.ones(S + 1) / (S + 1))
    with pytest.raises(ValueError, match="features: got shape"):
        make_process(process.transition, process.initial, np.zeros((A, S, D)))
    with pytest.raises(ValueError, match="rewards: got shape"):
        evaluate_policy(process, rewards[1:], uniform_policy(process))
    with pytest.raises(ValueError, match="sizes of at least 1"):
        linear_process(S, 0, H, D, np.random.default_rng(0))
    assert make_process(*process).features.shape == (S, A, D)
