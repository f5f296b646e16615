"""Elastic-net subspace clustering: each sample as a sparse combination of the others.

For every unit row x_j: min_c  l |c|_1 + (1 - l) / 2 |c|^2 + a / 2 |x_j - X'c|^2  with c_j = 0, by coordinate descent
on an active set that grows until no sample outside breaks the optimality condition.

Source: You, Li, Robinson and Vidal 2016, CVPR (the problem and the active set).
"""

import numpy as np
from numba import njit
from scipy import sparse

from lib.clustering.spectral import unit_rows

GROWTH = 40  # samples that enter an active set at once
SWEEPS = 2000  # of coordinate descent on one active set, at most


@njit(cache=True)
def _descend(gram, target, members, c, alpha, l1, tolerance):
    """Coordinate descent on the members, in place; returns whether it converged."""
    m = len(members)
    correlation = np.empty(m)  # x_i' (x_j - X'c)
    for a in range(m):
        total = target[members[a]]
        for b in range(m):
            if c[b] != 0.0:
                total -= gram[members[a], members[b]] * c[b]
        correlation[a] = total
    for _ in range(SWEEPS):
        largest = 0.0
        for a in range(m):
            i = members[a]
            pull = alpha * (correlation[a] + gram[i, i] * c[a])
            size = abs(pull) - l1
            new = 0.0
            if size > 0.0:
                new = np.sign(pull) * size / (alpha * gram[i, i] + 1.0 - l1)
            change = new - c[a]
            if change != 0.0:
                c[a] = new
                row = gram[i]
                for b in range(m):
                    correlation[b] -= row[members[b]] * change
                largest = max(largest, abs(change))
        if largest < tolerance:
            return True
    return False


@njit(cache=True)
def _solve(gram, j, alpha, l1, tolerance, growth):
    """Members and coefficients of the combination for sample j, and whether the descents converged."""
    n = len(gram)
    target = gram[j]
    inside = np.zeros(n, np.bool_)
    inside[j] = True
    members = np.empty(0, np.int64)
    c = np.empty(0)
    correlation = target.copy()
    while True:
        size = np.abs(correlation)
        size[inside] = 0.0
        order = np.argsort(-size)[:growth]
        entering = order[alpha * size[order] > l1 * (1.0 + 1e-9)]
        if len(entering) == 0:
            return members, c, True
        inside[entering] = True
        members = np.concatenate((members, entering))
        c = np.concatenate((c, np.zeros(len(entering))))
        if not _descend(gram, target, members, c, alpha, l1, tolerance):
            return members, c, False
        correlation = target.copy()
        for a in range(len(members)):
            if c[a] != 0.0:
                correlation -= c[a] * gram[members[a]]


def self_expression(x, g: float, l1_ratio: float = 0.9, tolerance: float = 1e-8) -> sparse.csr_array:
    """Coefficients (n, n), row j those of sample j, at a = g l / max_i |x_i' x_j|, g times the smallest useful a.

    Args:
        x: (n, d); rows are scaled to length 1.
        g: above 1; larger fits closer and with more samples.
        l1_ratio: l, in (0, 1).
        tolerance: largest change of a coefficient in the last sweep.

    Raises:
        ValueError: fewer than two samples, zero rows, not finite, g <= 1, another ratio, or no convergence.
    """
    x = np.asarray(x, float)
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"x: got shape {x.shape}, expected (n, d) with n >= 2")
    if not np.isfinite(x).all() or not np.abs(x).max(1).all():
        raise ValueError("x: got rows that are zero or not finite")
    if not g > 1 or not 0 < l1_ratio < 1:
        raise ValueError(f"g, l1_ratio: got {g}, {l1_ratio}, expected g > 1 and a ratio inside (0, 1)")
    x = unit_rows(x)
    gram = x @ x.T
    n = len(x)
    rows, columns, values = [], [], []
    for j in range(n):
        largest = np.abs(np.delete(gram[j], j)).max()
        if largest == 0:
            continue  # orthogonal to all others: nothing expresses it
        members, c, converged = _solve(gram, j, g * l1_ratio / largest, l1_ratio, tolerance, GROWTH)
        if not converged:
            raise ValueError(f"tolerance: got {tolerance}, which {SWEEPS} sweeps did not reach at sample {j}")
        chosen = c != 0
        rows.append(np.full(chosen.sum(), j))
        columns.append(members[chosen])
        values.append(c[chosen])
    indices = (np.concatenate(rows), np.concatenate(columns)) if rows else (np.zeros(0, int),) * 2
    return sparse.coo_array((np.concatenate(values) if values else np.zeros(0), indices), shape=(n, n)).tocsr()


def expression_affinity(coefficients: sparse.csr_array) -> sparse.csr_array:
    """|C| + |C|', what spectral clustering takes."""
    size = abs(coefficients)
    return (size + size.T).tocsr()
