"""Planning from estimates: greedy policies by dynamic programming, and learners that have no certificate."""

from typing import NamedTuple

import numpy as np

from lib.mdp.counts import Counts, add_counts, draw_episodes
from lib.mdp.pedel import Problem


class Greedy(NamedTuple):
    """A deterministic policy and what it is worth in the model that it was planned in.

    Args:
        actions: (..., H, S).
        values: of each state, (..., H, S).
    """

    actions: np.ndarray
    values: np.ndarray

    def policy(self, actions: int) -> np.ndarray:
        """The policy as probabilities, (..., H, S, A)."""
        return np.eye(actions)[self.actions]


def plan_greedily(transition, reward, *, valid=None, most: float = np.inf) -> Greedy:
    """Dynamic programming with the first of equal actions; rows of `transition` may sum to less than one.

    Args:
        transition: (..., H, S, A, S).
        reward: of each action, with any bonus or malus, (..., H, S, A).
        valid: which actions there are, (H, S, A); all by default.
        most: largest value of an action.
    """
    reward = np.asarray(reward, dtype=float)
    layers = reward.shape[-3]
    actions = np.zeros(reward.shape[:-1], dtype=np.int64)
    values = np.zeros(reward.shape[:-1])
    after = np.zeros((*reward.shape[:-3], reward.shape[-2]))
    for h in reversed(range(layers)):
        worth = reward[..., h, :, :] + (transition[..., h, :, :, :] @ after[..., None, :, None])[..., 0]
        worth = np.minimum(worth, most)
        if valid is not None:
            worth = np.where(valid[h], worth, -np.inf)
        actions[..., h, :] = worth.argmax(axis=-1)
        values[..., h, :] = after = worth.max(axis=-1)
    return Greedy(actions, values)


def empirical_model(counts: Counts) -> tuple[np.ndarray, np.ndarray]:
    """Relative frequencies of next states and mean rewards; zero where an action was never taken."""
    visits = np.maximum(counts.visits, 1)
    return counts.transitions / visits[..., None], counts.rewards / visits


def certainty_equivalence(counts: Counts, *, valid=None) -> Greedy:
    """The policy that is best where what was seen is the truth and what was not seen pays nothing."""
    return plan_greedily(*empirical_model(counts), valid=valid)


def pessimistic_policy(counts: Counts, delta: float, policies: int, *, valid=None) -> Greedy:
    """The policy with the best lower bound: rewards less Hoeffding's radius sqrt(log(4 |Pi| / delta) / (2 n)).

    An action that was never taken is worth nothing.

    Args:
        counts: of the data.
        delta: chance of failure.
        policies: |Pi|.
        valid: which actions there are, (H, S, A).
    """
    transition, reward = empirical_model(counts)
    visits = counts.visits
    radius = np.sqrt(np.log(4 * policies / delta) / (2 * np.maximum(visits, 1)))
    return plan_greedily(transition, np.where(visits > 0, reward - radius, 0), valid=valid)


def hybrid_value_iteration(
    problem: Problem, offline: Counts, budget, delta: float, rng: np.random.Generator, *, valid
) -> Greedy:
    """Optimistic value iteration that counts offline tuples in; the greedy policy without bonus after the budget.

    Q_h = min(H, r + P V_{h+1} + H sqrt(log(4 S A H / delta) / (2 max(n, 1)))) is computed anew each time the online
    episodes have grown by a tenth.

    Args:
        problem: to play in.
        offline: data of each replicate, (B, H, S, A, ...).
        budget: online episodes of each replicate, (B,).
        delta: chance of failure.
        rng: source of randomness.
        valid: which actions there are, (H, S, A).
    """
    layers, states, actions = problem.policies.shape[1:]
    budget = np.asarray(budget, dtype=np.int64)
    counts, played = Counts(*(np.array(one, dtype=float) for one in offline)), np.zeros_like(budget)
    scale = layers * np.sqrt(np.log(4 * states * actions * layers / delta) / 2)
    while np.any(played < budget):
        transition, reward = empirical_model(counts)
        bonus = scale / np.sqrt(np.maximum(counts.visits, 1))
        greedy = plan_greedily(transition, reward + bonus, valid=valid, most=layers)
        batch = np.minimum(np.maximum(played // 10, 1), budget - played)
        drawn = draw_episodes(problem.process, problem.reward, greedy.policy(actions)[:, None], batch[:, None], rng)
        counts, played = add_counts(counts, drawn), played + batch
    return certainty_equivalence(counts, valid=valid)


def online_budget(succeeds, least: int = 1, share: float = 0.95, precision: float = 0.01) -> int:
    """Smallest number of episodes with which a learner succeeds often enough, by doubling and bisection.

    Args:
        succeeds: `succeeds(n)`, the share of runs that succeed with n episodes; it is taken to grow with n.
        least: where to begin.
        share: of runs that are to succeed.
        precision: relative width of the last interval.
    """
    low, high = 0, least
    while succeeds(high) < share:
        low, high = high, 2 * high
    while high - low > max(1, precision * high):
        middle = (low + high) // 2
        low, high = (low, middle) if succeeds(middle) >= share else (middle, high)
    return high
