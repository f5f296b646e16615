"""Elastic-net subspace clustering: each sample as a sparse combination of the others.

For every unit row x_j: min_c  l |c|_1 + (1 - l) / 2 |c|^2 + a / 2 |x_j - X'c|^2  with c_j = 0, by an
active set with exact solutions, which grows until no sample outside breaks the optimality condition.

Source: You, Li, Robinson and Vidal 2016, CVPR (the problem); Lee, Battle, Raina and Ng 2006, NIPS (search by
signs).
"""

import numpy as np
from numba import njit
from scipy import sparse

from lib.clustering.spectral import unit_rows

TOLERANCE = 1e-9  # by which the condition of a sample outside the active set may be broken, relative to l


@njit(cache=True)
def _solve(gram, j, alpha, l1):
    """Active set and coefficients of the combination for sample j.

    Samples enter one at a time, the worst first. With signs fixed the minimum is a linear system; where it lies beyond
    a change of sign, the step ends there and that sample leaves. Each step lowers the objective, so the loop ends.
    """
    n = len(gram)
    target = gram[j]
    inside = np.zeros(n, np.bool_)
    inside[j] = True
    members = np.empty(0, np.int64)
    signs, c = np.empty(0), np.empty(0)
    while True:
        correlation = target.copy()
        for a in range(len(members)):
            correlation -= c[a] * gram[members[a]]
        worst, most = -1, l1 * (1.0 + TOLERANCE)
        for i in range(n):
            if not inside[i] and alpha * abs(correlation[i]) > most:
                worst, most = i, alpha * abs(correlation[i])
        if worst < 0:
            return members, c
        inside[worst] = True
        members = np.append(members, worst)
        signs = np.append(signs, np.sign(correlation[worst]))
        c = np.append(c, 0.0)
        while True:
            m = len(members)
            matrix = np.empty((m, m))
            right = np.empty(m)
            for a in range(m):
                right[a] = alpha * target[members[a]] - l1 * signs[a]
                for b in range(m):
                    matrix[a, b] = alpha * gram[members[a], members[b]]
                matrix[a, a] += 1.0 - l1
            goal = np.linalg.solve(matrix, right)
            step, leaving = 1.0, -1
            for a in range(m):
                if goal[a] * signs[a] <= 0.0 and c[a] != goal[a]:
                    share = c[a] / (c[a] - goal[a])
                    if share < step:
                        step, leaving = share, a
            c = c + step * (goal - c)
            if leaving < 0:
                break
            inside[members[leaving]] = False
            rest = np.arange(m) != leaving
            members, signs, c = members[rest], signs[rest], c[rest]


def self_expression(x, g: float, l1_ratio: float = 0.9) -> sparse.csr_array:
    """Coefficients (n, n), row j those of sample j, at a = g l / max_i |x_i' x_j|, g times the smallest useful a.

    Args:
        x: (n, d); rows are scaled to length 1.
        g: above 1; larger fits closer and with more samples.
        l1_ratio: l, in (0, 1).

    Raises:
        ValueError: fewer than two samples, zero rows, not finite, g <= 1, or another ratio.
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
        members, c = _solve(gram, j, g * l1_ratio / largest, l1_ratio)
        rows.append(np.full(len(members), j))
        columns.append(members)
        values.append(c)
    indices = (np.concatenate(rows), np.concatenate(columns)) if rows else (np.zeros(0, int),) * 2
    return sparse.coo_array((np.concatenate(values) if values else np.zeros(0), indices), shape=(n, n)).tocsr()


def expression_affinity(coefficients: sparse.csr_array) -> sparse.csr_array:
    """|C| + |C|', what spectral clustering takes."""
    size = abs(coefficients)
    return (size + size.T).tocsr()
