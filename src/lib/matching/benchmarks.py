"""Benchmarks of online matching with stochastic rewards on small graphs, in rational numbers.

Offline vertices u, online vertices v in the order of their arrival; an attempt at edge (u, v) succeeds with probability
p_uv, each offline vertex can succeed once, and each online vertex attempts one edge at most. The chain that holds for
all probabilities is adaptive optimum <= path program <= stochastic configuration program <= matching program. The
configuration program is an upper bound only where probabilities vanish.
"""

from fractions import Fraction
from functools import cache
from itertools import combinations, product

import numpy as np

from lib.matching.linear import ExactProgram

MOST_NEIGHBOURS = 12


def check_probabilities(probabilities) -> None:
    """Raise a ValueError unless all are numbers in [0, 1], in a matrix with at least one row and column."""
    shape = np.shape(probabilities)
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"probabilities: got shape {shape}, expected (offline, online), both at least 1")
    values = np.asarray(probabilities, dtype=float)
    if not np.all((values >= 0) & (values <= 1)):
        bad = values[~((values >= 0) & (values <= 1))][0]
        raise ValueError(f"probabilities: got {bad}, expected numbers in [0, 1]")


def _neighbours(probabilities, limit: int = MOST_NEIGHBOURS) -> list[list[int]]:
    """Online neighbours of each offline vertex, in the order of arrival."""
    check_probabilities(probabilities)
    neighbours = [[v for v, p in enumerate(row) if p > 0] for row in probabilities]
    most = max(map(len, neighbours))
    if most > limit:
        raise ValueError(f"probabilities: got a vertex of {most} neighbours, expected at most {limit} to list all sets")
    return neighbours


def _subsets(items) -> list[tuple]:
    """All nonempty subsets, each in the order of the items."""
    return [chosen for size in range(1, len(items) + 1) for chosen in combinations(items, size)]


def _exact(probabilities) -> list[list[Fraction]]:
    return [[Fraction(p) for p in row] for row in probabilities]


def adaptive_optimum(probabilities) -> Fraction:
    """Expected successes of the best policy that knows the graph and the order, and learns outcomes as it goes.

    Args:
        probabilities: (offline, online), numbers or fractions.

    Raises:
        ValueError: probabilities outside [0, 1], or more than 16 offline vertices.
    """
    check_probabilities(probabilities)
    p = _exact(probabilities)
    n, arrivals = len(p), len(p[0])
    if n > 16:
        raise ValueError(f"probabilities: got {n} offline vertices, expected at most 16 for a dynamic program")

    @cache
    def value(v: int, free: int) -> Fraction:
        if v == arrivals or not free:
            return Fraction(0)
        best = fail = value(v + 1, free)
        for u in range(n):
            if free >> u & 1 and p[u][v]:
                best = max(best, p[u][v] * (1 + value(v + 1, free & ~(1 << u))) + (1 - p[u][v]) * fail)
        return best

    return value(0, (1 << n) - 1)


def matching_program(probabilities) -> ExactProgram:
    """Matching program: max sum p_uv x_uv, each online vertex used once, each offline one succeeding once."""
    check_probabilities(probabilities)
    p = _exact(probabilities)
    n, arrivals = len(p), len(p[0])
    edges = [(u, v) for u in range(n) for v in range(arrivals) if p[u][v]]
    return ExactProgram(
        [p[u][v] for u, v in edges],
        [{v: Fraction(1), arrivals + u: p[u][v]} for u, v in edges],
        [Fraction(1)] * (arrivals + n),
        [v for _, v in edges],
    )


def _set_program(probabilities, gain, use) -> ExactProgram:
    """A program over pairs (u, S): one set for each u, each v used once; `gain(p)` and `use(p)` of sequences."""
    neighbours, p = _neighbours(probabilities), _exact(probabilities)
    n, arrivals = len(p), len(p[0])
    pairs = [(u, chosen) for u in range(n) for chosen in _subsets(neighbours[u])]
    sequences = [[p[u][v] for v in chosen] for u, chosen in pairs]
    return ExactProgram(
        [gain(sequence) for sequence in sequences],
        [
            {u: Fraction(1), **{n + v: amount for v, amount in zip(chosen, use(sequence)) if amount}}
            for (u, chosen), sequence in zip(pairs, sequences)
        ],
        [Fraction(1)] * (n + arrivals),
        [u for u, _ in pairs],
    )


def _failure_before(sequence) -> list[Fraction]:
    """Probability that all attempts before each one fail."""
    result, failed = [], Fraction(1)
    for p in sequence:
        result.append(failed)
        failed *= 1 - p
    return result


def _success(sequence) -> Fraction:
    return sum((p * failed for p, failed in zip(sequence, _failure_before(sequence))), Fraction(0))


def configuration_program(probabilities) -> ExactProgram:
    """Configuration program: a set S for each u gains min(1, p_u(S)) and uses each of its members once."""
    return _set_program(
        probabilities,
        lambda sequence: min(Fraction(1), sum(sequence, Fraction(0))),
        lambda sequence: [Fraction(1)] * len(sequence),
    )


def stochastic_configuration_program(probabilities) -> ExactProgram:
    """Stochastic configuration program: S gains the probability of a success, and uses a member only after failures.

    The attempts that an adaptive benchmark would make on u while u stays free are, given all coins but those of u, a
    fixed sequence S; member v is used up by u only if u failed on all earlier members.
    """
    return _set_program(probabilities, _success, _failure_before)


def path_program(probabilities) -> ExactProgram:
    """Path program: the set of u depends on all coins but those of u, and rows hold for every outcome of all coins.

    Its size is of order 2^edges.
    """
    neighbours, p = _neighbours(probabilities), _exact(probabilities)
    n, arrivals = len(p), len(p[0])
    edges = [(u, v) for u in range(n) for v in neighbours[u]]
    outcomes = list(product((False, True), repeat=len(edges)))
    vertex_row = {}
    for v in range(arrivals):
        for k in range(len(outcomes)):
            vertex_row[v, k] = len(vertex_row)
    c, columns, unit_row, rows = [], [], [], len(vertex_row)
    for u in range(n):
        own = [i for i, (w, _) in enumerate(edges) if w == u]
        other = [i for i, (w, _) in enumerate(edges) if w != u]
        groups = {}
        for k, coins in enumerate(outcomes):
            groups.setdefault(tuple(coins[i] for i in other), []).append(k)
        position = {edges[i][1]: i for i in own}
        for coins, members in groups.items():
            chance = Fraction(1)
            for i, success in zip(other, coins):
                w, v = edges[i]
                chance *= p[w][v] if success else 1 - p[w][v]
            for chosen in _subsets(neighbours[u]):
                column = {rows: Fraction(1)}
                for k in members:
                    for v in chosen:
                        column[vertex_row[v, k]] = Fraction(1)
                        if outcomes[k][position[v]]:
                            break
                c.append(chance * _success([p[u][v] for v in chosen]))
                columns.append(column)
                unit_row.append(rows)
            rows += 1
    return ExactProgram(c, columns, [Fraction(1)] * rows, unit_row)
