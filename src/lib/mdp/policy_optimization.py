"""Policy optimisation with dilated bonuses under bandit feedback, where Q is linear in known features.

Three learners differ in how a policy follows from estimated losses, in the estimate, and in their rates (Luo et al.
2021; Dai et al. 2023). All replicates are one batch: arrays have a first axis of R runs. The loop is the caller's:

    state = init(features.shape[:-1])                          # of lib.bandits.ftrl
    for k in range(K):
        policy = play(state, learner, rates)
        knowledge = exact_knowledge(process, policy)          # or simulated_knowledge
        state, info = step(state, learner, rates, features, policy, knowledge, observed)
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from lib.bandits.ftrl import Leader, entropy_leader, log_barrier_leader
from lib.mdp.covariance import regularised_inverse
from lib.mdp.finite_horizon import Process, expect_next, occupancy, sample_occupancy, sample_transition, simulate


class Learner(NamedTuple):
    """What distinguishes a learner.

    Args:
        barrier: log-barrier in place of entropy.
        reduced: magnitude-reduced estimator in place of the plain one.
        exponents: of 1 / K in eta, gamma and beta.
    """

    barrier: bool
    reduced: bool
    exponents: tuple[float, float, float]


SLOW, FAST = (2 / 3, 2 / 3, 1 / 3), (1 / 2, 1, 1 / 2)
LEARNERS = {
    "luo": Learner(barrier=False, reduced=False, exponents=SLOW),  # Luo et al. 2021
    "lb": Learner(barrier=True, reduced=False, exponents=FAST),  # Algorithm 1
    "mr": Learner(barrier=False, reduced=True, exponents=FAST),  # Algorithm 2
    "ewn": Learner(barrier=False, reduced=False, exponents=FAST),  # Algorithm 2 without its estimator
}


class Rates(NamedTuple):
    """Learning rate, regularisation of the covariance, and size of the bonuses."""

    eta: float
    gamma: float
    beta: float


def rates_of(learner: Learner, constants, episodes: int) -> Rates:
    """Rates c K^-exponent, with a constant c for each of the three."""
    return Rates(*(c * max(episodes, 1) ** -e for c, e in zip(constants, learner.exponents, strict=True)))


class Knowledge(NamedTuple):
    """What a learner knows of the dynamics under its policy.

    Args:
        visits: occupancy for the covariance, (R, H, S, A).
        fresh: occupancy for the mean of the estimator's negative part, (R, H, S, A).
        transition: for the bonuses, (R, H, S, A, S).
    """

    visits: np.ndarray
    fresh: np.ndarray
    transition: np.ndarray


class Observed(NamedTuple):
    """One trajectory of each run.

    Args:
        states, actions: (R, H).
        to_go: sum of the losses from layer h on, (R, H).
    """

    states: np.ndarray
    actions: np.ndarray
    to_go: np.ndarray


class Info(NamedTuple):
    """Estimate Qhat and dilated bonus B of a step, both (R, H, S, A)."""

    estimate: np.ndarray
    bonus: np.ndarray


def play(state: Leader, learner: Learner, rates: Rates) -> np.ndarray:
    """Policy (R, H, S, A) of a state."""
    leader = log_barrier_leader if learner.barrier else entropy_leader
    return leader(state.losses, rates.eta)


def exact_knowledge(process: Process, policy) -> Knowledge:
    """Knowledge of the dynamics themselves."""
    visits = occupancy(process, policy)
    return Knowledge(visits, visits, process.transition)


def simulated_knowledge(process: Process, policy, count: int, rng: np.random.Generator) -> Knowledge:
    """Knowledge from a simulator: `count` trajectories for each occupancy, `count` next states at each (x, a)."""
    return Knowledge(
        sample_occupancy(process, policy, count, rng),
        sample_occupancy(process, policy, count, rng),
        sample_transition(process, count, rng),
    )


def observe(process: Process, losses, policy, rng: np.random.Generator) -> Observed:
    """Play one episode of each run.

    Args:
        process: the dynamics.
        losses: l_h(x, a), (R, H, S, A).
        policy: (R, H, S, A).
        rng: random generator.
    """
    states, actions = simulate(process, policy, rng)
    states = states[:, :-1]
    runs, layers = np.arange(len(states))[:, None], np.arange(states.shape[1])
    seen = losses[runs, layers, states, actions]
    return Observed(states, actions, np.cumsum(seen[:, ::-1], axis=1)[:, ::-1])


@njit(cache=True)
def _negative_means(features, mapped, weights, out):
    """out_r,x = sum_y w_r,y min(<phi_r,x, mapped_r,y>, 0); pairs of weight 0 are passed over."""
    runs, n, d = features.shape
    for r in range(runs):
        for x in range(n):
            out[r, x] = 0.0
        for y in range(n):
            w = weights[r, y]
            if w > 0:
                for x in range(n):
                    c = 0.0
                    for i in range(d):
                        c += features[r, x, i] * mapped[r, y, i]
                    out[r, x] += w * min(c, 0.0)


def negative_means(features, inverse, weights) -> np.ndarray:
    """E_y[min(phi_x^T G phi_y, 0)] for every x, where y has the law `weights`, (..., n).

    Args:
        features: (..., n, d).
        inverse: G, symmetric, (..., d, d).
        weights: (..., n).
    """
    mapped = np.matmul(features, inverse)
    *lead, n, d = mapped.shape
    flat = np.ascontiguousarray(np.broadcast_to(features, mapped.shape)).reshape(-1, n, d)
    means = np.empty((len(flat), n))
    weights = np.ascontiguousarray(np.broadcast_to(weights, (*lead, n))).reshape(-1, n)
    _negative_means(flat, np.ascontiguousarray(mapped.reshape(-1, n, d)), weights, means)
    return means.reshape(*lead, n)


def reduce_magnitude(products, losses, negative, horizon: int) -> np.ndarray:
    """Magnitude-reduced estimate c L - H min(c, 0) + H E[min(c, 0)], at least -H / sqrt(gamma).

    Args:
        products: c(x) = phi(x)^T G phi(x_h, a_h).
        losses: L, in [0, H], broadcast against `products`.
        negative: E[min(c(x), 0)] over the visited pair (`negative_means`).
        horizon: H.
    """
    return products * losses + horizon * (negative - np.minimum(products, 0))


def dilated_bonus(transition, policy, bonus) -> np.ndarray:
    """B_h = b_h + (1 + 1 / H) E[B_h+1(x', a')], (R, H, S, A), with B_H+1 = 0.

    Args:
        transition: (R, H, S, A, S).
        policy, bonus: (R, H, S, A).
    """
    horizon = bonus.shape[-3]
    dilated = np.array(bonus, dtype=float)
    for h in reversed(range(horizon - 1)):
        following = np.sum(policy[..., h + 1, :, :] * dilated[..., h + 1, :, :], axis=-1)
        dilated[..., h, :, :] += (1 + 1 / horizon) * expect_next(transition[..., h, :, :, :], following)
    return dilated


def step(
    state: Leader, learner: Learner, rates: Rates, features, policy, knowledge: Knowledge, observed: Observed
) -> tuple[Leader, Info]:
    """One episode's update.

    Args:
        state, learner, rates: as before the episode.
        features: phi_h(x, a), (R, H, S, A, d).
        policy: that was played, (R, H, S, A).
        knowledge: of the dynamics under it.
        observed: the episode.
    """
    runs, horizon, states, actions, d = features.shape
    phi = features.reshape(runs, horizon, states * actions, d)
    inverse = regularised_inverse(phi, rates.gamma, knowledge.visits.reshape(runs, horizon, -1))
    mapped = np.matmul(phi, inverse)
    visited = observed.states * actions + observed.actions
    seen = phi[np.arange(runs)[:, None], np.arange(horizon), visited]
    products = np.matmul(mapped, seen[..., None])[..., 0]
    if learner.reduced:
        negative = negative_means(phi, inverse, knowledge.fresh.reshape(runs, horizon, -1))
        estimate = reduce_magnitude(products, observed.to_go[..., None], negative, horizon)
    else:
        estimate = products * observed.to_go[..., None]
    estimate = estimate.reshape(policy.shape)
    norm = np.sum(mapped * phi, axis=-1).reshape(policy.shape)
    bonus = rates.beta * (norm + np.sum(policy * norm, axis=-1, keepdims=True))
    bonus = dilated_bonus(knowledge.transition, policy, bonus)
    return Leader(state.losses + estimate - bonus), Info(estimate, bonus)
