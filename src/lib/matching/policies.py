"""Policies of online matching with stochastic rewards, simulated with one threshold for each offline vertex.

An attempt at edge (u, v) adds -log(1 - p_uv) to the load of u, which succeeds, and leaves, once its load reaches an
exponential threshold theta_u. This is the exact law for all probabilities, and policies that share thresholds are
compared in pairs.

- `balance`: the free neighbour of largest p f(load), ties to the larger rank (Stochastic Balance);
- `ranking`: the free neighbour of largest p (1 - exp(rank - 1)), ranks uniform (Ranking, Perturbed Greedy);
- `greedy`: the free neighbour of largest p, ties broken anew at each arrival;
- `nonadaptive`: as balance, with loads that grow as if nobody ever succeeded; an attempt at a vertex that left is lost;
- `first_fit`: the free neighbour of largest rank, whatever its probability.
"""

import numpy as np
from numba import njit

from lib.matching.benchmarks import check_probabilities

POLICIES = ("balance", "ranking", "greedy", "nonadaptive", "first_fit")
_BALANCE, _RANKING, _GREEDY, _NONADAPTIVE, _FIRST_FIT = range(5)


@njit(cache=True)
def _discount(load, table, step):
    """Discount f at a load, by linear interpolation in its table; the last value beyond it."""
    place = load / step
    if not place < len(table) - 1:
        return table[-1]
    i = int(place)
    return table[i] + (place - i) * (table[i + 1] - table[i])


@njit(cache=True)
def _uniform(state):
    """Next state and number in [0, 1) of xorshift64*."""
    state ^= state >> np.uint64(12)
    state ^= state << np.uint64(25)
    state ^= state >> np.uint64(27)
    return state, (state * np.uint64(2685821657736338717) >> np.uint64(11)) / 9007199254740992.0


@njit(cache=True)
def _run(p, arrivals, policy, theta, rank, table, step, states):
    n, replicates = p.shape[0], theta.shape[0]
    degree = np.zeros(p.shape[1], np.int64)
    neighbours = np.zeros((p.shape[1], n), np.int64)
    for c in range(p.shape[1]):
        for u in range(n):
            if p[u, c] > 0:
                neighbours[c, degree[c]] = u
                degree[c] += 1
    added = -np.log1p(-p)
    successes = np.zeros(replicates, np.int64)
    load, discount, free = np.zeros(n), np.zeros(n), np.zeros(n, np.bool_)
    for r in range(replicates):
        state = states[r]
        for u in range(n):
            load[u] = 0.0
            free[u] = True
            if policy == _RANKING:
                discount[u] = -np.expm1(rank[r, u] - 1)
            elif policy == _FIRST_FIT:
                discount[u] = rank[r, u]
            else:
                discount[u] = table[0] if policy != _GREEDY else 1.0
        for c in arrivals:
            best, chosen, tie = -np.inf, -1, 0.0
            for j in range(degree[c]):
                u = neighbours[c, j]
                if policy != _NONADAPTIVE and not free[u]:
                    continue
                score = discount[u] if policy == _FIRST_FIT else p[u, c] * discount[u]
                if score < best:
                    continue
                if policy == _GREEDY:
                    state, order = _uniform(state)
                else:
                    order = rank[r, u]
                if score > best or order > tie:
                    best, chosen, tie = score, u, order
            if chosen < 0:
                continue
            load[chosen] += added[chosen, c]
            if policy in (_BALANCE, _NONADAPTIVE):
                discount[chosen] = _discount(load[chosen], table, step)
            if free[chosen] and load[chosen] >= theta[r, chosen]:
                free[chosen] = False
                successes[r] += 1
    return successes


def simulate(probabilities, arrivals, policy: str, theta, rank, *, discount=None, step: float = 0.01, seed: int = 0):
    """Numbers of successes of a policy, one for each replicate.

    Args:
        probabilities: (offline, classes), in [0, 1].
        arrivals: class of each online vertex in the order of arrival.
        policy: one of `POLICIES`.
        theta: (replicates, offline), exponential thresholds.
        rank: (replicates, offline), uniform in [0, 1); for `first_fit` any numbers.
        discount: for `balance` and `nonadaptive`, values of f on a grid of loads from 0, not increasing; exp(-load) by
            default. With equal probabilities only its order matters, and any decreasing f is the least load.
        step: of that grid.
        seed: of the ties of `greedy`.

    Returns:
        (replicates,) int64.

    Raises:
        ValueError: numbers, shapes or names that do not fit.
    """
    check_probabilities(probabilities)
    p, theta, rank = (np.ascontiguousarray(x, dtype=float) for x in (probabilities, theta, rank))
    arrivals = np.asarray(arrivals, dtype=np.int64)
    if policy not in POLICIES:
        raise ValueError(f"policy: got {policy!r}, expected one of {', '.join(POLICIES)}")
    if arrivals.ndim != 1 or not np.all((arrivals >= 0) & (arrivals < p.shape[1])):
        raise ValueError(f"arrivals: got classes outside 0 to {p.shape[1] - 1}, or not a list")
    if theta.ndim != 2 or theta.shape[1] != len(p) or rank.shape != theta.shape:
        raise ValueError(
            f"theta, rank: got shapes {theta.shape} and {rank.shape}, expected (replicates, {len(p)}) twice"
        )
    table = np.exp(-step * np.arange(int(60 / step))) if discount is None else np.asarray(discount, dtype=float)
    if table.ndim != 1 or not len(table) or not np.all(np.diff(table) <= 0) or not np.all(table >= 0):
        raise ValueError("discount: got values that rise, are negative, or no list, expected a nonincreasing list")
    states = np.random.SeedSequence(seed).generate_state(len(theta), np.uint64) | np.uint64(1)
    return _run(p, arrivals, POLICIES.index(policy), theta, rank, table, step, states)


def thresholds_and_ranks(replicates: int, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Exponential thresholds and uniform ranks, (replicates, n) each."""
    return rng.exponential(size=(replicates, n)), rng.random((replicates, n))
