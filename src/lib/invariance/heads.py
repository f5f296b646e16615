"""Heads that are invariant to within eps in all training environments: linear programmes of a few variables.

A dual simplex compiled for few variables and many constraints; a programme on which it stalls, because constraints are
the same in many environments, is solved by HiGHS.
"""

import numba
import numpy as np
from scipy import optimize

BOX = 50.0
MOST_PIVOTS = 500


@numba.njit(cache=True)
def _solve(matrix, right):
    """Solution of a small square system by elimination with pivots, and whether it is regular."""
    n = len(right)
    a, b = matrix.copy(), right.copy()
    for column in range(n):
        best = column
        for row in range(column + 1, n):
            if abs(a[row, column]) > abs(a[best, column]):
                best = row
        if abs(a[best, column]) < 1e-13:
            return b, False
        if best != column:
            for j in range(n):
                a[column, j], a[best, j] = a[best, j], a[column, j]
            b[column], b[best] = b[best], b[column]
        for row in range(column + 1, n):
            factor = a[row, column] / a[column, column]
            for j in range(column, n):
                a[row, j] -= factor * a[column, j]
            b[row] -= factor * b[column]
    for row in range(n - 1, -1, -1):
        for j in range(row + 1, n):
            b[row] -= a[row, j] * b[j]
        b[row] /= a[row, row]
    return b, True


@numba.njit(cache=True)
def _dual_simplex(rows, bounds, objective, box):
    """Minimise objective . w with rows w >= bounds and |w_i| <= box; (w, active rows, status).

    Starts at the corner of the box and brings in the most violated constraint; status 0 solved, 1 infeasible, 2 no end.
    Active rows below 0 are those of the box.
    """
    k = len(objective)
    active = np.empty(k, np.int64)
    basis = np.zeros((k, k))
    right = np.empty(k)
    multiplier = np.empty(k)
    for i in range(k):
        sign = 1.0 if objective[i] >= 0 else -1.0
        basis[i, i], right[i] = sign, -box  # sign w_i >= -box
        active[i] = -1 - i
        multiplier[i] = abs(objective[i])
    point, _ = _solve(basis, right)
    entering = np.empty(k)
    for _ in range(MOST_PIVOTS):
        worst, chosen = 1e-9, -1
        for r in range(len(bounds)):
            value = bounds[r]
            for j in range(k):
                value -= rows[r, j] * point[j]
            if value > worst * (1 + abs(bounds[r])):
                worst, chosen = value / (1 + abs(bounds[r])), r
        box_side = 0
        for j in range(k):  # a side of the box that is not active may be crossed too
            if abs(point[j]) > box * (1 + 1e-9) and abs(point[j]) - box > worst:
                worst, chosen, box_side = abs(point[j]) - box, -1 - j, (1 if point[j] < 0 else -1)
        if chosen == -1 and box_side == 0:
            return point, active, 0
        if box_side != 0:
            for j in range(k):
                entering[j] = 0.0
            entering[-1 - chosen] = box_side
            bound = -box
            label = chosen
        else:
            for j in range(k):
                entering[j] = rows[chosen, j]
            bound = bounds[chosen]
            label = chosen
        share, regular = _solve(basis.T.copy(), entering.copy())
        if not regular:
            return point, active, 2
        leaving, least = -1, np.inf
        for i in range(k):
            if share[i] > 1e-12:
                ratio = multiplier[i] / share[i]
                if ratio < least:
                    least, leaving = ratio, i
        if leaving < 0:
            return point, active, 1
        for i in range(k):
            multiplier[i] = max(multiplier[i] - least * share[i], 0.0)
        multiplier[leaving] = least
        for j in range(k):
            basis[leaving, j] = entering[j]
        right[leaving] = bound
        active[leaving] = label
        point, regular = _solve(basis.copy(), right.copy())
        if not regular:
            return point, active, 2
    return point, active, 2


@numba.njit(cache=True)
def _heads(square, cross, tolerance, objectives, box):
    """One head for each objective, and the environments that hold it, -1 elsewhere."""
    environments, k = cross.shape
    rows = np.empty((2 * environments * k, k))
    bounds = np.empty(2 * environments * k)
    for e in range(environments):
        for i in range(k):
            r = 2 * (e * k + i)
            for j in range(k):
                rows[r, j] = square[e, i, j]
                rows[r + 1, j] = -square[e, i, j]
            bounds[r] = cross[e, i] - tolerance
            bounds[r + 1] = -cross[e, i] - tolerance
    heads = np.full((len(objectives), k), np.nan)
    holding = np.full((len(objectives), k), -1, np.int64)
    status = np.zeros(len(objectives), np.int64)
    for o in range(len(objectives)):
        point, active, status[o] = _dual_simplex(rows, bounds, objectives[o], box)
        if status[o] == 0:
            heads[o] = point
            for i in range(k):
                if active[i] >= 0:
                    holding[o, i] = active[i] // (2 * k)
        if status[o] == 1:
            break
    return heads, holding, status


def feasible_heads(square, cross, tolerance: float, objectives, box: float = BOX) -> tuple[np.ndarray, np.ndarray]:
    """Extreme heads of the set that is invariant to within a tolerance in all environments.

    Minimises each objective over |Sigma_e w - sigma_e| <= tolerance for all e and |w_i| <= box.

    Args:
        square: (E, k, k) second moments of the representation.
        cross: (E, k) with the target.
        tolerance: eps.
        objectives: (O, k).
        box: bound on the entries of a head.

    Returns:
        Heads (O, k), all NaN where no head is feasible, and environments (O, k) whose constraints hold each head, -1
        for the box.

    Raises:
        ValueError: moments that are not finite.
    """
    square, cross = np.ascontiguousarray(square, float), np.ascontiguousarray(cross, float)
    if not (np.isfinite(square).all() and np.isfinite(cross).all()):
        raise ValueError("square, cross: got values that are not finite")
    objectives = np.ascontiguousarray(objectives, float)
    heads, holding, status = _heads(square, cross, float(tolerance), objectives, box)
    for o in np.flatnonzero(status == 2):
        heads[o], holding[o], status[o] = _solve_by_highs(square, cross, tolerance, objectives[o], box)
    if (status == 1).any():
        heads[:] = np.nan
        holding[:] = -1
    return heads, holding


def _solve_by_highs(square, cross, tolerance, objective, box):
    """One head, the environments that hold it, -1 where fewer do, and status 0 or 1."""
    k = cross.shape[1]
    rows, right = square.reshape(-1, k), cross.ravel()
    result = optimize.linprog(
        objective,
        A_ub=np.vstack([rows, -rows]),
        b_ub=np.r_[right + tolerance, tolerance - right],
        bounds=(-box, box),
        method="highs",
    )
    holding = np.full(k, -1)
    if result.status == 2:
        return np.full(k, np.nan), holding, 1
    weight = np.abs(result.ineqlin.marginals).reshape(2, -1, k).sum(axis=(0, 2))
    held = np.flatnonzero(weight > 1e-9)[:k]
    holding[: len(held)] = held
    return result.x, holding, 0
