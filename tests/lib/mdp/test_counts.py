import itertools

import numpy as np
import pytest

from lib.mdp.counts import (
    Counts,
    add_counts,
    draw_episodes,
    draw_tuples,
    expected_features,
    fit_counts,
    policy_covariances,
    predict,
)
from lib.mdp.finite_horizon import uniform_policy
from lib.mdp.pedel import true_prediction, value_of
from lib.mdp.random_linear import random_problem, softmax_policies


@pytest.mark.parametrize("layers", [2, 3, 4, 5])
def test_values_are_sums_of_feature_expectations(layers):
    """V = sum_h <theta_h, phi_{pi,h}>, by dynamic programming on the table and by the recursion on features."""
    rng = np.random.default_rng(layers)
    problem = random_problem(5, 3, layers, 4, rng, policies=6)
    problem = problem._replace(
        policies=np.concatenate([problem.policies, softmax_policies(problem.features, layers, 4, 0.3, rng)])
    )
    mu = np.linalg.lstsq(
        problem.features.reshape(-1, 4),
        problem.process.transition.reshape(layers, 15, 5).swapaxes(0, 1).reshape(15, -1),
    )[0]
    theta = np.linalg.lstsq(problem.features.reshape(-1, 4), problem.reward.reshape(layers, 15).T)[0].T
    expected = expected_features(problem.policies, problem.features)
    rolled = predict(mu.reshape(4, layers, 5).swapaxes(0, 1), theta, expected, problem.process.initial)
    values = [value_of(problem, policy) for policy in problem.policies]
    np.testing.assert_allclose(rolled.values, values, atol=1e-12)
    np.testing.assert_allclose(rolled.features, true_prediction(problem).features, atol=1e-12)
    np.testing.assert_allclose(true_prediction(problem).values, values, atol=1e-12)


def test_covariances_by_enumeration_of_paths():
    rng = np.random.default_rng(1)
    problem = random_problem(3, 2, 3, 2, rng, policies=1)
    policy = softmax_policies(problem.features, 3, 1, 0.5, rng)
    problem = problem._replace(policies=policy)
    expected = np.zeros((3, 2, 2))
    for path in itertools.product(range(2), range(3), range(2), range(3), range(2)):
        a0, s1, a1, s2, a2 = path
        chance = policy[0, 0, 0, a0] * problem.process.transition[0, 0, a0, s1] * policy[0, 1, s1, a1]
        chance *= problem.process.transition[1, s1, a1, s2] * policy[0, 2, s2, a2]
        for h, (state, action) in enumerate(((0, a0), (s1, a1), (s2, a2))):
            phi = problem.features[state, action]
            expected[h] += chance * np.outer(phi, phi)
    truth = true_prediction(problem)
    np.testing.assert_allclose(policy_covariances(truth.occupancy, policy, problem.features)[0], expected, atol=1e-14)


def test_counts_of_episodes_have_the_law_of_single_steps():
    """Means and variances of visits of 50 episodes, against binomial ones of the exact occupancy."""
    rng = np.random.default_rng(2)
    problem = random_problem(4, 2, 3, 3, rng, policies=3)
    occupancy = true_prediction(problem).occupancy  # (policy, step, state)
    episodes = np.tile([0, 50, 0], (4000, 1))
    counts = draw_episodes(problem.process, problem.reward, problem.policies, episodes, rng)
    visits = counts.visits.sum(axis=-1)
    np.testing.assert_array_equal(visits.sum(axis=-1), 50)
    p = occupancy[1]
    np.testing.assert_allclose(visits.mean(axis=0), 50 * p, atol=5 * np.sqrt(50 * 0.25 / 4000))
    np.testing.assert_allclose(visits.var(axis=0), 50 * p * (1 - p), atol=1.2)
    flow = counts.transitions[:, :-1].sum(axis=(2, 3))  # into the states of the next step
    np.testing.assert_array_equal(flow, visits[:, 1:])


def test_policies_may_differ_between_replicates():
    rng = np.random.default_rng(3)
    problem = random_problem(4, 2, 2, 3, rng, policies=2)
    counts = draw_episodes(problem.process, problem.reward, problem.policies[:, None], np.full((2, 1), 30), rng)
    for row in range(2):
        assert counts.visits[row][problem.policies[row] == 0].sum() == 0


def test_rewards_of_tuples_are_bernoulli_sums():
    transition, reward = np.full((1, 2, 2, 2), 0.5), np.array([[[0.0, 1.0], [0.25, 0.5]]])
    counts = draw_tuples(transition, reward, np.full((2000, 1, 2, 2), 8), np.random.default_rng(4))
    np.testing.assert_array_equal(counts.visits, 8)
    np.testing.assert_allclose(counts.rewards.mean(axis=0), 8 * reward, atol=0.2)


def test_one_hot_fit_is_the_matrix_fit():
    rng = np.random.default_rng(5)
    problem = random_problem(4, 3, 2, 3, rng, policies=5)
    counts = draw_episodes(problem.process, problem.reward, problem.policies, np.full(5, 20), rng)
    axes = np.eye(12).reshape(4, 3, 12)
    flat, full = fit_counts(counts), fit_counts(counts, axes)
    np.testing.assert_allclose(full.covariance, flat.covariance[..., None] * np.eye(12))
    np.testing.assert_allclose(full.theta, flat.theta)
    np.testing.assert_allclose(full.kernel, flat.kernel)
    rolled = [
        predict(fit.kernel, fit.theta, expected_features(problem.policies, phi), problem.process.initial)
        for fit, phi in ((flat, None), (full, axes))
    ]
    np.testing.assert_allclose(rolled[0].values, rolled[1].values)
    diagonal = policy_covariances(rolled[0].occupancy, problem.policies)
    np.testing.assert_allclose(
        policy_covariances(rolled[0].occupancy, problem.policies, axes), diagonal[..., None] * np.eye(12), atol=1e-15
    )


def test_the_fit_is_ridge_regression_on_single_tuples():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(6)
    problem = random_problem(4, 3, 2, 3, rng, policies=4)
    counts = draw_episodes(problem.process, problem.reward, uniform_policy(problem.process)[None], np.array([60]), rng)
    fit = fit_counts(counts, problem.features, lam=0.7)
    visits = counts.visits[0].astype(int)
    rows = np.repeat(problem.features.reshape(12, 3), visits.ravel(), axis=0)
    mean = np.repeat((counts.rewards[0] / np.maximum(visits, 1)).ravel(), visits.ravel())
    model = Ridge(alpha=0.7, fit_intercept=False, tol=1e-12).fit(rows, mean)  # rewards enter by their sums alone
    np.testing.assert_allclose(fit.theta[0], model.coef_, atol=1e-10)


def test_much_data_recover_the_truth():
    rng = np.random.default_rng(7)
    problem = random_problem(4, 3, 3, 3, rng, policies=8)
    counts = draw_episodes(
        problem.process, problem.reward, uniform_policy(problem.process)[None], np.array([10**8]), rng
    )
    fit = fit_counts(counts, problem.features)
    expected = expected_features(problem.policies, problem.features)
    guess = predict(fit.kernel, fit.theta, expected, problem.process.initial)
    np.testing.assert_allclose(guess.values, true_prediction(problem).values, atol=2e-3)


def test_data_add_up_and_bad_input_is_refused():
    zero = Counts(np.zeros((2, 2, 2, 2)), np.ones((2, 2, 2)))
    np.testing.assert_array_equal(add_counts(zero, zero).rewards, 2)
    with pytest.raises(ValueError, match="lam"):
        fit_counts(zero, lam=0)
    with pytest.raises(ValueError, match="episodes"):
        draw_episodes(
            np.ones((1, 1, 1, 1)), np.ones((1, 1, 1)), np.ones((1, 1, 1, 1)), np.array([-1]), np.random.default_rng(0)
        )
