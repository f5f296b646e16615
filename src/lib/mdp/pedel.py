"""Policy elimination with experiment design, from offline data or from none.

`start_elimination`, `explore` and `eliminate` are steps on a small state; `run_elimination` is the loop.
"""

from typing import NamedTuple

import numpy as np

from lib.mdp.counts import (
    Counts,
    Prediction,
    draw_episodes,
    expected_features,
    fit_counts,
    policy_covariances,
    predict,
)
from lib.mdp.exploration import fewest_episodes, fewest_episodes_of_many, squared_norms
from lib.mdp.finite_horizon import Process, evaluate_policy, occupancy, start_value

SLACK = 0.99  # of the tolerance that a design aims at, so that few designs miss it by chance
FIRST_BATCH = 64  # episodes that a learner may play before it has seen any
UNIFORM_SHARE = 0.05  # of the episodes of a learner that does not know the dynamics, over policies drawn at random
UNIFORM_POLICIES = 20
MANY = 200  # policies beyond which a design looks at a few of them at a time


class Problem(NamedTuple):
    """A process with Bernoulli rewards, and the policies among which the best is looked for.

    Args:
        problem: the dynamics; features that are None are one-hot.
        reward: means, (H, S, A), or (B, H, S, A) where replicates differ.
        policies: (P, H, S, A).
    """

    process: Process
    reward: np.ndarray
    policies: np.ndarray

    @property
    def features(self) -> np.ndarray | None:
        """Features of the process."""
        return self.process.features

    def take(self, rows) -> "Problem":
        """The problem of some of the replicates."""
        return self if self.reward.ndim == 3 else self._replace(reward=self.reward[rows])


class State(NamedTuple):
    """State of an elimination, one row for each replicate.

    Args:
        counts: offline and online data.
        alive: which policies may still be the best, (B, P).
        episodes: online episodes, (B,).
        values: estimates of the last elimination, (B, P).
    """

    counts: Counts
    alive: np.ndarray
    episodes: np.ndarray
    values: np.ndarray

    def take(self, rows) -> "State":
        """Some of the replicates."""
        return State(Counts(*(one[rows] for one in self.counts)), *(one[rows] for one in self[1:]))


class Outcome(NamedTuple):
    """What elimination returned in each replicate.

    Args:
        policy: (B,).
        episodes: online episodes, (B,).
        alive: policies alive after each epoch, (B, epochs).
        values: last estimates, (B, P).
    """

    policy: np.ndarray
    episodes: np.ndarray
    alive: np.ndarray
    values: np.ndarray


def practical_beta(policies: int, delta: float) -> float:
    """4 log(4 |Pi| / delta): accuracies at which estimates are good enough in practice."""
    return 4 * float(np.log(4 * policies / delta))


def published_beta(policies: int, delta: float, layers: int, epoch: int) -> float:
    """64 H^4 log(4 H^2 |Pi| l^2 / delta), as remembered from the paper, for epoch l."""
    return 64 * layers**4 * float(np.log(4 * layers**2 * policies * epoch**2 / delta))


def true_prediction(problem: Problem) -> Prediction:
    """Feature expectations, occupancy and values of all policies, from the true dynamics."""
    visits = occupancy(problem.process, problem.policies)  # (P, H, S, A)
    flat = visits.reshape(*visits.shape[:2], -1)
    features = flat if problem.features is None else flat @ problem.features.reshape(flat.shape[-1], -1)
    values = np.einsum("phsa,...hsa->...p", visits, problem.reward)
    return Prediction(features, visits.sum(axis=-1), values)


def value_of(problem: Problem, policy) -> np.ndarray:
    """Value of a policy (..., H, S, A), which need not be a candidate, (...)."""
    return start_value(problem.process, evaluate_policy(problem.process, problem.reward, np.asarray(policy)))


def start_elimination(offline: Counts, policies: int) -> State:
    """State before the first epoch.

    Args:
        offline: offline data of each replicate, (B, H, S, A, ...); zeros for none.
        policies: number of policies.
    """
    size = len(offline.rewards)
    return State(offline, np.ones((size, policies), bool), np.zeros(size, np.int64), np.full((size, policies), np.nan))


class Plan(NamedTuple):
    """What designs need: feature expectations (.., P, H, d) and covariances of play (.., P, H, d, d)."""

    features: np.ndarray
    covariances: np.ndarray


def plan_exploration(problem: Problem, counts: Counts, expected, lam: float) -> tuple[Plan, np.ndarray]:
    """Feature expectations and covariances by fitted dynamics, and the covariance of the data."""
    fit = fit_counts(counts, problem.features, lam)
    rolled = predict(fit.kernel, fit.theta, expected, problem.process.initial)
    return Plan(
        rolled.features, policy_covariances(rolled.occupancy, problem.policies, problem.features)
    ), fit.covariance


def _designs(plan: Plan, covariance, limits, one_hot: bool) -> np.ndarray:
    """Episodes of each policy, (B, P), by the solver that suits the number of policies."""
    if one_hot or plan.features.shape[-3] <= MANY:
        return fewest_episodes(plan.features, plan.covariances, covariance, limits, one_hot=one_hot).episodes
    shared = plan.features.ndim == 3
    return np.array(
        [
            fewest_episodes_of_many(
                *(plan if shared else (one[row] for one in plan)), covariance[row], limits[row]
            ).episodes
            for row in range(len(covariance))
        ]
    )


def explore(problem: Problem, state: State, tolerance, rng, *, known: Plan | None = None, lam: float = 1.0) -> State:
    """Play until phi^T Lambda_h^-1 phi <= tolerance for each policy alive and each layer.

    Args:
        problem: to play in.
        state: of the elimination.
        tolerance: (B,).
        rng: source of randomness.
        known: true feature expectations and covariances, for the design alone; None to estimate them from the data,
            again each time the online episodes have doubled, with a share of uniform play.
        lam: regulariser.
    """
    expected = expected_features(problem.policies, problem.features)
    one_hot = problem.features is None
    number = len(problem.policies)
    rows = np.arange(len(state.alive))
    while True:
        part = state.take(rows)
        if known is None:
            plan, covariance = plan_exploration(problem, part.counts, expected, lam)
        else:
            plan, covariance = known, fit_counts(part.counts, problem.features, lam).covariance
        norms = np.where(part.alive, squared_norms(plan.features, covariance, one_hot=one_hot).max(axis=-1), 0)
        short = norms.max(axis=-1) > tolerance[rows]
        if not short.any():
            return state
        rows, part = rows[short], part.take(short)
        if known is None:
            plan = Plan(*(one[short] for one in plan))
        limits = np.where(part.alive, SLACK * tolerance[rows, None], np.inf)
        needed = _designs(plan, covariance[short], limits, one_hot)
        played = np.where(needed > 1e-4 * needed.sum(axis=1, keepdims=True), needed, 0)
        if known is None:
            most = np.maximum(part.episodes, FIRST_BATCH)
            played *= np.minimum(1, most / played.sum(axis=1))[:, None]
            any_policy = rng.permutation(number)[:UNIFORM_POLICIES]
            played[:, any_policy] += UNIFORM_SHARE * played.sum(axis=1, keepdims=True) / len(any_policy)
        played = np.ceil(played).astype(np.int64)
        own = problem.take(rows)
        drawn = draw_episodes(own.process, own.reward, own.policies, played, rng)
        for whole, gain in zip(state.counts, drawn):
            whole[rows] += gain
        state.episodes[rows] += played.sum(axis=1)


def eliminate(problem: Problem, state: State, accuracy: float, lam: float = 1.0) -> State:
    """Estimate all values, and keep policies within twice the accuracy of the best one alive.

    Args:
        problem: whose policies are estimated.
        state: of the elimination.
        accuracy: eps_l.
        lam: regulariser.
    """
    fit = fit_counts(state.counts, problem.features, lam)
    values = predict(
        fit.kernel, fit.theta, expected_features(problem.policies, problem.features), problem.process.initial
    ).values
    best = np.where(state.alive, values, -np.inf).max(axis=1, keepdims=True)
    return state._replace(alive=state.alive & (values >= best - 2 * accuracy), values=values)


def accuracies(eps: float) -> list[float]:
    """Accuracies of the epochs: 1/2, 1/4, ... down to eps / 2."""
    if not 0 < eps < np.inf:
        raise ValueError(f"eps: got {eps}, expected a positive number")
    halvings = max(1, int(np.ceil(np.log2(2 / eps))))
    return [max(2.0**-epoch, eps / 2) for epoch in range(1, halvings + 1)]


def run_elimination(
    problem: Problem,
    offline: Counts,
    eps: float,
    beta,
    rng: np.random.Generator,
    *,
    oracle: bool = False,
    lam: float = 1.0,
) -> Outcome:
    """FTPedel: policy elimination whose designs start from the offline covariance. Without offline data it is PEDEL.

    Args:
        problem: to play in; its policies are the candidates.
        offline: data of each replicate, (B, H, S, A, ...); zeros for none.
        eps: accuracy of the policy that is returned.
        beta: accuracy of features over that of values: a number, or a function of the epoch.
        rng: source of randomness.
        oracle: whether designs know the true dynamics; estimates never do.
        lam: regulariser.

    Raises:
        ValueError: no policy, or an eps that is not positive.

    Source: Wagenmaker and Pacchiano 2022, with the constants of `practical_beta` or `published_beta`.
    """
    if len(problem.policies) == 0:
        raise ValueError("policies: got none, expected at least one")
    levels = accuracies(eps)
    state = start_elimination(Counts(*(np.array(one, dtype=float) for one in offline)), len(problem.policies))
    known = None
    if oracle:
        truth = true_prediction(problem)
        known = Plan(truth.features, policy_covariances(truth.occupancy, problem.policies, problem.features))
    size = len(state.alive)
    alive = np.zeros((size, len(levels)), dtype=np.int64)
    policy, values, rows = np.zeros(size, np.int64), np.full(state.values.shape, np.nan), np.arange(size)
    episodes = np.zeros(size, np.int64)
    for epoch, accuracy in enumerate(levels, start=1):
        own = problem.take(rows)
        tolerance = np.full(len(rows), accuracy**2 / (beta(epoch) if callable(beta) else beta))
        state = eliminate(own, explore(own, state, tolerance, rng, known=known, lam=lam), accuracy, lam)
        alive[rows, epoch - 1 :] = state.alive.sum(axis=1)[:, None]
        policy[rows] = np.where(state.alive, state.values, -np.inf).argmax(axis=1)
        values[rows], episodes[rows] = state.values, state.episodes
        going = state.alive.sum(axis=1) > 1
        rows, state = rows[going], state.take(going)
        if not len(rows):
            break
    return Outcome(policy, episodes, alive, values)
