"""Benchmarks on graphs whose online vertices come in classes: column generation, and the limit of small probabilities.

Online class c, in the order of arrival, has mass m_c; an offline vertex u on which the whole class is tried gains the
load L_uc, that is, stays free with probability exp(-L_uc), and r_uc is its probability of success for a unit of mass:

- vanishing probabilities: L = P m, r = P;
- vertices of probability eps P, as many as m / eps: L = -(m / eps) log(1 - eps P), r = P;
- single vertices: m = 1, L = -log(1 - p), r = p.

The row of a class sums over its vertices. For several vertices in a class this relaxes the program of single vertices,
whose first ones are used the most: its optimum is an upper bound that falls to theirs as classes are split, by at most
one percent on the triangular instances and the trap. At the prices of the relaxed program an optimal set takes each
class whole or not at all, since what a further attempt gains does not change its sign within a class.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from lib.matching.linear import solve_lp


class Classes(NamedTuple):
    """A graph by classes: `rates` and `loads` (offline, classes), `masses` (classes,), `copies` of rows (offline,)."""

    rates: np.ndarray
    loads: np.ndarray
    masses: np.ndarray
    copies: np.ndarray


def classes_of(probabilities, masses, eps: float = 0.0, copies=None) -> Classes:
    """Classes of mass m whose online vertices have success probability eps P; eps = 0 is the limit.

    Args:
        probabilities: (offline, classes), P, at least 0; zero where there is no edge.
        masses: (classes,), positive; for eps > 0 they are rounded to whole numbers of vertices, at least one.
        eps: mass of one vertex.
        copies: (offline,), how many offline vertices are alike; 1 each by default.

    Raises:
        ValueError: shapes that do not fit, negative numbers, or eps P above 1.
    """
    rates, masses = np.asarray(probabilities, dtype=float), np.asarray(masses, dtype=float)
    if rates.ndim != 2 or masses.shape != rates.shape[1:]:
        raise ValueError(
            f"probabilities, masses: got shapes {rates.shape} and {masses.shape}, "
            "expected (offline, classes) and (classes,)"
        )
    if not (np.all(rates >= 0) and np.all(np.isfinite(rates))):
        raise ValueError("probabilities: got a negative number or one that is not finite, expected at least 0")
    if not (np.all(masses > 0) and np.all(np.isfinite(masses))):
        raise ValueError(f"masses: got {masses.min()}, expected positive numbers")
    if eps < 0 or eps * rates.max() > 1:
        raise ValueError(f"eps: got {eps}, expected at least 0 and eps P at most 1 (P up to {rates.max()})")
    copies = np.ones(len(rates)) if copies is None else np.asarray(copies, dtype=float)
    if eps == 0:
        return Classes(rates, rates * masses, masses, copies)
    vertices = vertices_of(masses, eps)
    with np.errstate(divide="ignore"):
        loads = -np.log1p(-eps * rates) * vertices
    return Classes(rates, loads, vertices * eps, copies)


def vertices_of(masses, eps: float) -> np.ndarray:
    """Numbers of vertices of mass eps in classes of the given masses, at least one each."""
    return np.maximum(np.rint(np.asarray(masses) / eps), 1).astype(np.int64)


def _columns(classes: Classes, chosen, owner):
    """Gain (columns,) and use of classes (columns, classes) of sets `chosen` (columns, classes) of vertices `owner`."""
    loads = np.where(chosen, classes.loads[owner], 0.0)
    certain = np.isinf(loads)
    finite = np.where(certain, 0.0, loads)
    before = np.cumsum(finite, axis=1) - finite
    before[np.cumsum(certain, axis=1) - certain > 0] = np.inf  # an earlier member has succeeded for certain
    rates = np.where(chosen, classes.rates[owner], 1.0)
    use = np.exp(-before) * -np.expm1(-loads) / rates
    return -np.expm1(-loads.sum(axis=1)), use


def _price(classes: Classes, prices):
    """Best set of each vertex at prices of the classes: `(reduced gain (offline,), chosen (offline, classes))`."""
    n, number = classes.rates.shape
    ahead, chosen = np.zeros(n), np.zeros((n, number), dtype=bool)
    success = -np.expm1(-classes.loads)
    for c in range(number - 1, -1, -1):
        edge = classes.rates[:, c] > 0
        cost = np.divide(prices[c], classes.rates[:, c], out=np.zeros(n), where=edge)
        gain = success[:, c] * (1 - cost - ahead)
        chosen[:, c] = edge & (gain > 0)
        ahead = ahead + np.where(chosen[:, c], gain, 0.0)
    return ahead, chosen


class Enclosure(NamedTuple):
    """An optimum between a feasible value and that of feasible prices; prices of the classes, number of columns."""

    lower: float
    upper: float
    prices: np.ndarray
    columns: int


def stochastic_configuration_lp(classes: Classes, tol: float = 1e-9, rounds: int = 1000) -> Enclosure:
    """Optimum of the stochastic configuration program by column generation.

    Args:
        classes: the graph.
        tol: largest relative difference of the two bounds.
        rounds: most solutions of the master program.

    Raises:
        ArithmeticError: the bounds did not meet.
    """
    from scipy.sparse import csc_array, hstack

    n, number = classes.rates.shape
    edge = classes.rates > 0
    if not edge.any():
        return Enclosure(0.0, 0.0, np.zeros(number), 0)
    limits = np.concatenate([classes.copies, np.ones(number)])  # rows of classes are divided by their masses
    gains, matrix, known = np.zeros(0), csc_array((n + number, 0)), set()
    upper, prices = np.inf, np.zeros(number)

    def add(owner, chosen):
        nonlocal gains, matrix
        fresh = {(u, row.tobytes()): row for u, row in zip(owner, chosen) if row.any()}
        fresh = {key: row for key, row in fresh.items() if key not in known}
        if not fresh:
            return False
        known.update(fresh)
        owner = [u for u, _ in fresh]
        gain, use = _columns(classes, np.array(list(fresh.values())), owner)
        one = np.zeros((n, len(owner)))
        one[owner, np.arange(len(owner))] = 1
        gains = np.concatenate([gains, gain])
        matrix = hstack([matrix, csc_array(np.vstack([one, (use / classes.masses).T]))], format="csc")
        return True

    if number <= 5:  # all sets at once
        masks = np.arange(1, 2**number)[:, None] >> np.arange(number) & 1 == 1
    else:
        masks = np.vstack([np.ones((1, number), dtype=bool), np.eye(number, dtype=bool)])
    add(np.tile(np.arange(n), len(masks)), (masks[:, None] & edge).reshape(-1, number))
    for _ in range(rounds):
        value, _, duals = solve_lp(gains, matrix, limits)
        marginal = np.maximum(duals[n:], 0)
        reduced, chosen = _price(classes, marginal / classes.masses)
        bound = float(classes.copies @ reduced + marginal.sum())
        if bound < upper:
            upper, prices = bound, marginal / classes.masses
        if upper - value <= tol * max(1.0, value) or not add(range(n), chosen):
            break
    if upper - value > 10 * tol * max(1.0, value):
        raise ArithmeticError(f"column generation: bounds {value} and {upper} differ by more than {tol}")
    return Enclosure(value, upper, prices, len(gains))


def matching_lp(classes: Classes) -> float:
    """Optimum of the matching program: offline vertices of capacity 1, classes of capacity m."""
    from scipy.sparse import csc_array

    n, number = classes.rates.shape
    u, c = np.nonzero(classes.rates)
    if not len(u):
        return 0.0
    rate, column = classes.rates[u, c], np.arange(len(u))
    entries = np.concatenate([rate, 1 / classes.masses[c]])
    matrix = csc_array((entries, (np.concatenate([u, n + c]), np.tile(column, 2))), shape=(n + number, len(u)))
    return solve_lp(rate, matrix, np.concatenate([classes.copies, np.ones(number)])).value


def nested_classes(sizes, masses) -> Classes:
    """Classes with neighbourhoods N_1, N_2, ... each inside the one before, of given sizes; P = 1, in the limit.

    Args:
        sizes: numbers of offline vertices, strictly decreasing, positive.
        masses: of the classes, positive.

    Raises:
        ValueError: sizes that do not decrease, or masses that do not fit.
    """
    sizes = np.asarray(sizes)
    if sizes.ndim != 1 or not len(sizes) or sizes[-1] < 1 or np.any(np.diff(sizes) >= 0):
        raise ValueError(f"sizes: got {sizes.tolist()}, expected strictly decreasing positive numbers")
    copies = sizes - np.append(sizes[1:], 0)
    return classes_of(np.tri(len(sizes)), masses, copies=copies)


def nested_matching(sizes, masses) -> float:
    """Optimum of the matching program on nested classes: the least cut, classes i, i + 1, ... behind their vertices."""
    spent = np.concatenate([[0.0], np.cumsum(masses)])
    return float(np.min(spent + np.append(sizes, 0)))


@njit(cache=True)
def _nested_value(sizes, masses):
    n = sizes[0]
    free = np.zeros(n + 1)
    free[n] = 1.0
    total = 0.0
    for i in range(len(sizes)):
        # a class of mass m ends the first min(Poisson(m), free) free vertices
        chance = np.zeros(n + 1)
        chance[0] = np.exp(-masses[i])
        for j in range(1, n + 1):
            chance[j] = chance[j - 1] * masses[i] / j
        after = np.zeros(n + 1)
        for k in range(n + 1):
            rest = 1.0
            for j in range(k):
                after[k - j] += free[k] * chance[j]
                total += free[k] * chance[j] * j
                rest -= chance[j]
            after[0] += free[k] * max(rest, 0.0)
            total += free[k] * max(rest, 0.0) * k
        if i + 1 < len(sizes):
            # vertices leave the set one at a time, each free with probability free / present
            present = sizes[i]
            while present > sizes[i + 1]:
                thinned = np.zeros(n + 1)
                for k in range(min(present, n) + 1):
                    if k > 0:
                        thinned[k - 1] += after[k] * k / present
                    thinned[k] += after[k] * (present - k) / present
                after = thinned
                present -= 1
        free = after
    return total


def nested_value(sizes, masses) -> float:
    """Expected successes on nested classes, P = 1, in the limit, of every policy that never idles and ignores labels.

    Labels are random: the members of the next neighbourhood are a random subset. The number of free members is a pure
    death process, so that Stochastic Balance, Ranking and random Greedy have the same value.

    Args:
        sizes: numbers of offline vertices of the neighbourhoods, decreasing.
        masses: of the classes, positive.
    """
    return float(_nested_value(np.asarray(sizes, dtype=np.int64), np.asarray(masses, dtype=float)))
