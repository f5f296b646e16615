"""Verifying that an arm is best up to eps, when offline data say much of one arm and nothing of the others."""

from typing import NamedTuple

import numpy as np


class Verification(NamedTuple):
    """What a verifier said in each run.

    Args:
        arm: that it returned, (runs,).
        pulls: online pulls of all arms together, (runs,).
    """

    arm: np.ndarray
    pulls: np.ndarray


def verification_bandit(arms: int, eps: float, better: int | None = None) -> np.ndarray:
    """Means of the base bandit, 1/2 for arm 0 and 1/2 - 2 eps for the others; under nu_j arm `better` has 1/2 + 2 eps.

    Data of arm 0 have the same law in all of them.
    """
    means = np.full(arms, 0.5 - 2 * eps)
    means[0] = 0.5
    if better is not None:
        means[better] = 0.5 + 2 * eps
    return means


def verification_bound(arms: int, eps: float, delta: float) -> float:
    """Expected pulls without which no learner that is right with probability 1 - delta, on all bandits, stops.

    Each other arm must be told apart from one that is more than eps better than arm 0, so that the returned arm is
    eps-optimal: (A - 1) log(1 / (2.4 delta)) / kl(1/2 - 2 eps, 1/2 + eps).
    """
    p, q = 0.5 - 2 * eps, 0.5 + eps
    divergence = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    return float((arms - 1) * np.log(1 / (2.4 * delta)) / divergence)


def verify_by_elimination(
    means,
    offline: int,
    eps: float,
    delta: float,
    runs: int,
    rng: np.random.Generator,
    *,
    union: str = "rounds",
    growth: float = 0.01,
) -> Verification:
    """Pull the arms that may still be more than eps better than a reference, all equally often, until none is left.

    The reference is arm 0, known from offline pulls alone, until another arm's lower limit is above its upper limit;
    then that arm is, and goes on being pulled. Limits are looked at when the number of rounds has grown by the share
    `growth`, not in every round, so that rounds can be drawn at once. They are means -+ sqrt(log(4 A k^2 / delta) /
    (2 n)) after n pulls, where k is n (a union bound over rounds) or the number of looks (a smaller one, over looks);
    offline data are looked at once.

    Args:
        means: of Bernoulli rewards, (A,).
        offline: pulls of arm 0.
        eps: accuracy.
        delta: chance of failure.
        runs: independent runs.
        rng: source of randomness.
        union: `rounds` or `looks`, over which the chance of failure is spread.
        growth: of the rounds between two looks.

    Returns:
        Arm 0 or another; with probability 1 - delta no arm is more than eps better.

    Raises:
        ValueError: an eps that is not positive, no offline pulls, or an unknown union.
    """
    if not eps > 0 or offline < 1 or union not in ("rounds", "looks"):
        raise ValueError(
            f"eps, offline, union: got {eps}, {offline} and {union!r}, expected positive numbers, and rounds or looks"
        )
    means = np.asarray(means, dtype=float)
    arms = len(means)

    def radius(n, times):
        return np.sqrt(np.log(4 * arms * times**2 / delta) / (2 * n))

    low, high = np.full((runs, arms), -np.inf), np.full((runs, arms), np.inf)
    mean = rng.binomial(offline, means[0], runs) / offline
    low[:, 0], high[:, 0] = mean - radius(offline, 1), mean + radius(offline, 1)
    sums = np.zeros((runs, arms), np.int64)
    candidate = np.ones((runs, arms), dtype=bool)
    candidate[:, 0] = False
    reference, pulls = np.zeros(runs, np.int64), np.zeros(runs, np.int64)
    every, rounds, looks = np.arange(runs), 0, 0
    while candidate.any():
        more = max(1, int(growth * rounds))
        rounds, looks = rounds + more, looks + 1
        half = radius(rounds, float(rounds if union == "rounds" else looks))
        pulled = candidate.copy()
        pulled[every, reference] |= reference > 0
        pulled &= candidate.any(axis=1, keepdims=True)
        sums += rng.binomial(np.where(pulled, more, 0), means)
        pulls += more * pulled.sum(axis=1)
        estimate = sums / rounds
        low = np.where(pulled, estimate - half, low)
        high = np.where(pulled, estimate + half, high)
        best = np.where(candidate, low, -np.inf).argmax(axis=1)
        better = low[every, best] >= high[every, reference]
        reference = np.where(better & candidate[every, best], best, reference)
        candidate[every, reference] = False
        candidate &= high > low[every, reference][:, None] + eps
    return Verification(reference, pulls)
