"""Exchangeable data: environments that share a graph and draw their mechanisms independently.

Generators, and exact joint laws of two samples of one environment in rational arithmetic.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import NamedTuple

import numpy as np

from lib.graphs.dags import as_adjacency

MODES = ("x->y", "y->x", "none")
X1, Y1, X2, Y2 = range(4)  # positions in a `Table`
Table = dict[tuple[int, int, int, int], Fraction]
Prior = Sequence[tuple[Fraction, tuple[Fraction, Fraction, Fraction]]]


def bivariate(environments: int, samples: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Continuous pairs with a random direction (released code of Guo et al. 2023).

    Locations N ~ U(-1, 1) for each variable and environment, noise N' ~ Laplace(N, 1) for each sample, D = A N' with
    integer gains in 1..9, the cause's own entry 1; a random half of the environments adds (A - I) b N'^2 with one
    integer b in 1..9.

    Args:
        environments: number E.
        samples: samples N in each.
        rng: source of randomness.

    Returns:
        Data (2, E, N), and the index of the direction in `MODES`.
    """
    mode = int(rng.integers(3))
    location = rng.uniform(-1, 1, (2, environments, 1))
    noise = rng.laplace(np.broadcast_to(location, (2, environments, samples)), 1)
    gains = rng.integers(1, 10, (2, 2)).astype(float)
    curve = float(rng.integers(1, 10))
    a = np.eye(2)
    if mode < 2:
        cause, effect = mode, 1 - mode
        a[effect, cause], a[effect, effect] = gains[effect, cause], gains[effect, effect]
    bent = np.zeros(environments, bool)
    bent[rng.permutation(environments)[: environments // 2]] = True
    data = np.einsum("ij,jen->ien", a, noise)
    data += bent[None, :, None] * curve * np.einsum("ij,jen->ien", a - np.eye(2), noise**2)
    return data, mode


def random_scales(data: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same data in units that tell nothing: each variable to pooled variance 1, times exp(N(0, 1)).

    In `bivariate` the effect has the larger variance, so that scales give the direction away.

    Args:
        data: (d, E, N).
        rng: draws the units.
    """
    scale = np.exp(rng.standard_normal(len(data))) / data.std(axis=(1, 2))
    return data * scale[:, None, None]


def pairs_by_environment(values: np.ndarray, environment: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two samples, drawn without replacement, of each environment of a table: data for the tests across samples.

    Args:
        values: (n, d) rows of the table.
        environment: (n,) label of each row's environment.
        rng: draws the pairs.

    Returns:
        (d, E, 2), environments in the order of their sorted labels.

    Raises:
        ValueError: lengths that differ, or an environment with a single row, by its label.
    """
    values, environment = np.asarray(values), np.asarray(environment)
    if values.ndim != 2 or len(values) != len(environment):
        raise ValueError(f"values: got shape {values.shape}, expected ({len(environment)}, d), a row for each label")
    labels, index, count = np.unique(environment, return_inverse=True, return_counts=True)
    if (count < 2).any():
        raise ValueError(f"environment {labels[count < 2][0]!s}: got one row, expected at least two")
    rows = [rng.choice(np.flatnonzero(index == e), 2, replace=False) for e in range(len(labels))]
    return values[np.stack(rows)].transpose(2, 0, 1)


def random_dag(nodes: int, rng: np.random.Generator) -> np.ndarray:
    """Adjacency (d, d) with edges u -> v, u < v, each with probability 1/2, redrawn until no node is alone."""
    while True:
        edges = np.triu(rng.random((nodes, nodes)) < 0.5, 1)
        if (edges.any(axis=0) | edges.any(axis=1)).all():
            return edges


def binary(
    graph,
    environments: int,
    samples: int,
    rng: np.random.Generator,
    alpha: float = 1,
    beta: float = 3,
    *,
    parity: bool = False,
) -> np.ndarray:
    """Binary data: X_i = Bernoulli(theta_i) xor the product of its parents, theta_i ~ Beta(alpha, beta).

    Each environment draws its own theta.

    Args:
        graph: a graph in any form of `lib.graphs.dags`, with j < i for every edge j -> i.
        environments, samples: sizes E and N.
        rng: source of randomness.
        alpha, beta: parameters of the law of theta.
        parity: the xor of all parents instead of their product.

    Returns:
        (d, E, N) uint8.

    Raises:
        ValueError: an edge from a larger to a smaller index.
    """
    adjacency = as_adjacency(graph)
    if np.tril(adjacency).any():
        raise ValueError("graph: got an edge j -> i with j >= i, expected a topological order")
    d = len(adjacency)
    theta = rng.beta(alpha, beta, (d, environments, 1))
    data = (rng.random((d, environments, samples)) < theta).astype(np.uint8)
    for i in range(d):
        above = np.flatnonzero(adjacency[:, i])
        if len(above):
            data[i] ^= (np.bitwise_xor if parity else np.bitwise_and).reduce(data[above], axis=0)
    return data


def beta_moment(alpha: int, beta: int, ones: int, zeros: int) -> Fraction:
    """E[theta^ones (1 - theta)^zeros] for theta ~ Beta(alpha, beta) with integer parameters, exactly."""
    value = Fraction(1)
    for k in range(ones):
        value *= Fraction(alpha + k, alpha + beta + k)
    for k in range(zeros):
        value *= Fraction(beta + k, alpha + beta + ones + k)
    return value


def _table(moment) -> Table:
    """Joint law of (x1, y1, x2, y2) from moments (ones, zeros) of P(X=1), P(Y=1|X=0) and P(Y=1|X=1)."""
    table = {}
    for key in product((0, 1), repeat=4):
        counts = [[0, 0], [0, 0], [0, 0]]
        for x, y in (key[:2], key[2:]):
            counts[0][1 - x] += 1
            counts[1 + x][1 - y] += 1
        table[key] = moment(counts)
    return table


def beta_table(priors: Sequence[tuple[int, int]]) -> Table:
    """Exact law of two samples of X -> Y with independent Beta priors of P(X=1), P(Y=1|X=0) and P(Y=1|X=1)."""

    def moment(counts) -> Fraction:
        value = Fraction(1)
        for (alpha, beta), (ones, zeros) in zip(priors, counts):
            value *= beta_moment(alpha, beta, ones, zeros)
        return value

    return _table(moment)


def atom_table(prior: Prior) -> Table:
    """Exact law of two samples of X -> Y when (theta, psi_0, psi_1) has finitely many joint values.

    Args:
        prior: weights and values; weights sum to one.
    """

    def moment(counts) -> Fraction:
        total = Fraction(0)
        for weight, values in prior:
            for value, (ones, zeros) in zip(values, counts):
                weight *= value**ones * (1 - value) ** zeros
            total += weight
        return total

    return _table(moment)


def random_prior(rng: np.random.Generator) -> Prior:
    """A prior of 2 or 3 equally likely joint values in 0.05, 0.1, ..., 0.95, different in each coordinate."""
    count = int(rng.integers(2, 4))
    columns = [rng.choice(np.arange(1, 20), count, replace=False) for _ in range(3)]
    return [(Fraction(1, count), tuple(Fraction(int(column[k]), 20) for column in columns)) for k in range(count)]


def product_prior(prior: Prior) -> Prior:
    """The independent prior with the same margins."""
    margins = [[(weight, values[k]) for weight, values in prior] for k in range(3)]
    return [(a[0] * b[0] * c[0], (a[1], b[1], c[1])) for a, b, c in product(*margins)]


def gap(table: Table, first: int, second: int, condition: int) -> Fraction:
    """Largest |p(a, b | c) - p(a | c) p(b | c)| of a joint law.

    Args:
        table: exact law of two samples.
        first, second, condition: positions of a, b and c, of `X1`, `Y1`, `X2`, `Y2`.
    """
    worst = Fraction(0)
    for c in (0, 1):
        cell = {ab: Fraction(0) for ab in product((0, 1), repeat=2)}
        for key, p in table.items():
            if key[condition] == c:
                cell[key[first], key[second]] += p
        total = sum(cell.values())
        if not total:
            continue
        for a, b in cell:
            p_a = sum(cell[a, v] for v in (0, 1)) / total
            p_b = sum(cell[v, b] for v in (0, 1)) / total
            worst = max(worst, abs(cell[a, b] / total - p_a * p_b))
    return worst


class PairCounts(NamedTuple):
    """Binary samples (X, Y) of each environment as counts (E,): samples, ones of X, and ones of Y where X is 0 or 1."""

    samples: int
    x: np.ndarray
    y_where_0: np.ndarray
    y_where_1: np.ndarray

    def exchanged(self) -> "PairCounts":
        """The same samples with X and Y exchanged."""
        y = self.y_where_0 + self.y_where_1
        return PairCounts(self.samples, y, self.x - self.y_where_1, self.y_where_1)


def beta_bernoulli_pairs(
    environments: int, samples: int, priors: Sequence[tuple[int, int]], rng: np.random.Generator
) -> PairCounts:
    """Counts of X -> Y with independent Beta priors of P(X=1), P(Y=1|X=0) and P(Y=1|X=1) by environment.

    Args:
        environments: number E.
        samples: samples in each.
        priors: three pairs of Beta parameters.
        rng: source of randomness.
    """
    theta, psi0, psi1 = (rng.beta(a, b, environments) for a, b in priors)
    x = rng.binomial(samples, theta)
    y_where_1, y_where_0 = rng.binomial(x, psi1), rng.binomial(samples - x, psi0)
    return PairCounts(samples, x, y_where_0, y_where_1)


def mechanism_estimates(counts: PairCounts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequencies by environment, (E,) each: P(X=1), P(Y=1|X=0) and P(Y=1|X=1); 1/2 for a condition without cases.

    `mechanism_estimates(counts.exchanged())` are those of the anticausal factorisation.
    """

    def ratio(hits: np.ndarray, cases: np.ndarray) -> np.ndarray:
        return np.where(cases > 0, hits / np.maximum(cases, 1), 0.5)

    zeros = counts.samples - counts.x
    return counts.x / counts.samples, ratio(counts.y_where_0, zeros), ratio(counts.y_where_1, counts.x)
