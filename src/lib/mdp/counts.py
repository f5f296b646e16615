"""Data of a finite-horizon process as counts: drawn for many episodes at once, and what least squares makes of them.

Whole episodes are never kept: with n episodes of one policy, the numbers of visits and transitions of each layer are
multinomial given those of the layer before, so that a million episodes cost what one costs.
"""

from typing import NamedTuple

import numpy as np

from lib.mdp.finite_horizon import Process


class Counts(NamedTuple):
    """Sufficient statistics of a data set.

    Args:
        transitions: how often action a in state s at step h led to state s', (..., H, S, A, S).
        rewards: sums of rewards, (..., H, S, A).
    """

    transitions: np.ndarray
    rewards: np.ndarray

    @property
    def visits(self) -> np.ndarray:
        """How often each action was taken, (..., H, S, A)."""
        return self.transitions.sum(axis=-1)


def add_counts(first: Counts, second: Counts) -> Counts:
    """Both data sets together."""
    return Counts(first.transitions + second.transitions, first.rewards + second.rewards)


def draw_tuples(transition, reward, numbers, rng: np.random.Generator) -> Counts:
    """Draw transitions and Bernoulli rewards of actions that are taken given numbers of times.

    Args:
        transition: (..., S, A, S) or (..., H, S, A, S).
        reward: means in [0, 1], of the shape of `transition` without its last axis.
        numbers: integers that broadcast with `reward`.
        rng: source of randomness.
    """
    numbers = np.asarray(numbers)
    numbers = np.broadcast_to(numbers, np.broadcast_shapes(numbers.shape, np.shape(reward), np.shape(transition)[:-1]))
    return Counts(rng.multinomial(numbers, transition), rng.binomial(numbers, reward).astype(float))


def draw_episodes(process: Process, reward, policies, episodes, rng: np.random.Generator) -> Counts:
    """Draw episodes of several policies and return them as counts, over all policies together.

    Args:
        process: the dynamics, the same for all replicates.
        reward: means in [0, 1] of Bernoulli rewards, (..., H, S, A).
        policies: (J, H, S, A), or (..., J, H, S, A) where replicates have policies of their own.
        episodes: how many of each policy, integers (..., J).
        rng: source of randomness.

    Raises:
        ValueError: numbers of episodes that are negative or do not fit the policies.
    """
    policies, episodes = np.asarray(policies), np.asarray(episodes)
    number, layers, states, actions = policies.shape[-4:]
    if episodes.shape[-1:] != (number,) or np.any(episodes < 0):
        raise ValueError(f"episodes: got shape {episodes.shape}, expected numbers (..., {number}), none negative")
    played = np.flatnonzero(episodes.reshape(-1, number).any(axis=0))
    policies, episodes = policies[..., played, :, :, :], episodes[..., played]
    lead = episodes.shape[:-1]
    transitions = np.zeros((*lead, layers, states, actions, states))
    rewards = np.zeros((*lead, layers, states, actions))
    at = rng.multinomial(episodes, process.initial)
    for h in range(layers):
        rule = policies[..., h, :, :]
        if np.all((rule == 0) | (rule == 1)):
            taken = at[..., None] * rule.astype(np.int64)
        else:
            taken = rng.multinomial(at, rule)
        if h == layers - 1:  # nothing depends any more on who took an action
            taken = taken.sum(axis=-3)
            moved = rng.multinomial(taken, process.transition[h])
            transitions[..., h, :, :, :] = moved
        else:
            moved = rng.multinomial(taken, process.transition[h])
            at = moved.sum(axis=(-3, -2))
            transitions[..., h, :, :, :] = moved.sum(axis=-4)
            taken = taken.sum(axis=-3)
        rewards[..., h, :, :] = rng.binomial(taken, reward[..., h, :, :])
    return Counts(transitions, rewards)


class Fit(NamedTuple):
    """Regularised least squares on the features of each layer; d is S A where features are one-hot.

    Args:
        covariance: Lambda_h = sum phi phi^T + lam I, (..., H, d, d), or its diagonal (..., H, d) of one-hot features.
        theta: rewards, (..., H, d).
        kernel: Lambda_h^-1 sum phi 1{s'}, (..., H, d, S): mu_h, whose product with phi is the law of the next state.
    """

    covariance: np.ndarray
    theta: np.ndarray
    kernel: np.ndarray


def fit_counts(counts: Counts, features=None, lam: float = 1.0) -> Fit:
    """Fit rewards and the transition kernel of a linear process.

    Args:
        counts: of the data.
        features: phi(s, a), (S, A, d); None for one-hot features.
        lam: regulariser, positive.

    Raises:
        ValueError: a regulariser that is not positive.
    """
    if not lam > 0:
        raise ValueError(f"lam: got {lam}, expected a positive number")
    visits, rewards = (one.reshape(*one.shape[:-2], -1) for one in (counts.visits, counts.rewards))
    moves = counts.transitions.reshape(*visits.shape, -1)
    if features is None:
        total = visits + lam
        return Fit(total, rewards / total, moves / total[..., None])
    phi = np.asarray(features, dtype=float).reshape(visits.shape[-1], -1)
    covariance = phi.T @ (visits[..., None] * phi) + lam * np.eye(phi.shape[1])
    solved = np.linalg.solve(covariance, phi.T @ np.concatenate([rewards[..., None], moves], axis=-1))
    return Fit(covariance, solved[..., 0], solved[..., 1:])


def expected_features(policies, features=None) -> np.ndarray:
    """Features that a policy meets in each state: phi_{pi,h}(s) = sum_a pi_h(a|s) phi(s, a), (P, H, S, d).

    Args:
        policies: (P, H, S, A).
        features: (S, A, d); None for one-hot features.
    """
    policies = np.asarray(policies, dtype=float)
    if features is not None:
        return np.einsum("phsa,sad->phsd", policies, features, optimize=True)
    states, actions = policies.shape[2:]
    result = np.zeros((*policies.shape[:3], states, actions))
    result[:, :, np.arange(states), np.arange(states)] = policies
    return result.reshape(*policies.shape[:3], states * actions)


class Prediction(NamedTuple):
    """What a kernel and rewards, true or fitted, say of policies.

    Args:
        features: feature expectations phi_{pi,h}, (..., P, H, d).
        occupancy: chance of each state, (..., P, H, S); of a fit it may be negative and need not sum to one.
        values: (..., P).
    """

    features: np.ndarray
    occupancy: np.ndarray
    values: np.ndarray


def predict(kernel, theta, expected, initial) -> Prediction:
    """Roll policies out in a linear process: phi_{pi,h+1} = (sum_s' phi_{pi,h+1}(s') mu_h(s')^T) phi_{pi,h}.

    Args:
        kernel: mu, (..., H, d, S).
        theta: (..., H, d).
        expected: of `expected_features`, (P, H, S, d).
        initial: distribution of the first state, (S,).
    """
    policies, layers, states, d = expected.shape
    lead = kernel.shape[:-3]
    features, occupancy = np.zeros((*lead, policies, layers, d)), np.zeros((*lead, policies, layers, states))
    occupancy[..., 0, :] = initial
    for h in range(layers):
        if h:
            occupancy[..., h, :] = features[..., h - 1, :] @ kernel[..., h - 1, :, :]
        features[..., h, :] = (occupancy[..., h, None, :] @ expected[:, h])[..., 0, :]
    values = np.einsum("...phd,...hd->...p", features, theta)
    return Prediction(features, occupancy, values)


def policy_covariances(occupancy, policies, features=None) -> np.ndarray:
    """Covariances E_pi[phi phi^T] of each policy and layer, (..., P, H, d, d), or diagonals of one-hot features.

    Args:
        occupancy: chance of each state, (..., P, H, S); negative entries of a fit count as zero.
        policies: (P, H, S, A).
        features: (S, A, d); None for one-hot features.
    """
    weight = np.maximum(occupancy, 0)[..., None] * policies
    flat = weight.reshape(*weight.shape[:-2], -1)
    if features is None:
        return flat
    phi = np.asarray(features, dtype=float).reshape(flat.shape[-1], -1)
    squares = (phi[:, :, None] * phi[:, None, :]).reshape(len(phi), -1)
    return (flat @ squares).reshape(*flat.shape[:-1], phi.shape[1], phi.shape[1])
