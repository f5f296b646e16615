"""The whole path of the Lasso by homotopy, for designs of any condition.

The minimiser of |y - Z b|^2 / (2 n) + level sum_j weight_j |b_j| is linear in the level as long as the active columns
and their signs stay the same. With Z_A = Q R it is R b_A = Q^T y - n level R^-T (weight * sign), so that fits and
correlations at every level come from one QR factorisation of the active columns themselves, never from a Gram matrix,
whose condition is the square of theirs, and never from the step before. The factorisation is updated as a column comes
or goes. Coordinate descent needs the more sweeps the worse the condition, the homotopy one step for each change.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

STEPS_FOR_ROWS = 40  # most steps, in numbers of rows
DEPENDENT = 1e-11  # share of a column's length outside the span of the active ones, below which it cannot come in

REASONS = ("no change left", "levels reached", "interpolation", "residual reached", "too many steps")
NO_CHANGE, LEVELS, INTERPOLATION, RESIDUAL, TOO_MANY = range(5)  # places of these


class LassoPath(NamedTuple):
    """Minimisers at the levels asked for.

    Attributes:
        levels: (L,) penalties, descending.
        coefficients: (L, d), or (L, d, M) for M right-hand sides; NaN at levels below the end of the path.
        fits: (L, n) or (L, n, M), Z times the coefficients; NaN below the end.
        gaps: (L,) or (L, M) duality gaps over |y|^2 / n: the minimum is no farther below; NaN below the end.
        knots: changes of the active columns, a number or (M,).
        ends: why the path ended, a word or M words.
    """

    levels: np.ndarray
    coefficients: np.ndarray
    fits: np.ndarray
    gaps: np.ndarray
    knots: np.ndarray
    ends: np.ndarray


@njit(cache=True)
def _append(basis, triangle, size, column):
    """Add a column to the factorisation; returns the share of its length that is new (two passes of Gram-Schmidt)."""
    n = column.size
    rest = column.copy()
    length = math.sqrt(np.dot(rest, rest))
    for j in range(size):
        triangle[j, size] = 0.0
    for _ in range(2):
        for j in range(size):
            part = np.dot(basis[j], rest)
            triangle[j, size] += part
            for i in range(n):
                rest[i] -= part * basis[j, i]
    new = math.sqrt(np.dot(rest, rest))
    triangle[size, size] = new
    if new > 0.0:
        for i in range(n):
            basis[size, i] = rest[i] / new
    return new / length if length > 0.0 else 0.0


@njit(cache=True)
def _remove(basis, triangle, size, place):
    """Take a column out of the factorisation by rotations."""
    n = basis.shape[1]
    for j in range(place, size - 1):
        for i in range(j + 2):
            triangle[i, j] = triangle[i, j + 1]
        a, b = triangle[j, j], triangle[j + 1, j]
        length = math.hypot(a, b)
        cosine, sine = (a / length, b / length) if length > 0.0 else (1.0, 0.0)
        triangle[j, j], triangle[j + 1, j] = length, 0.0
        for k in range(j + 1, size - 1):  # columns not yet moved sit one place to the right
            upper, lower = triangle[j, k + 1], triangle[j + 1, k + 1]
            triangle[j, k + 1] = cosine * upper + sine * lower
            triangle[j + 1, k + 1] = cosine * lower - sine * upper
        for i in range(n):
            upper, lower = basis[j, i], basis[j + 1, i]
            basis[j, i] = cosine * upper + sine * lower
            basis[j + 1, i] = cosine * lower - sine * upper


@njit(cache=True)
def _solve_lower(triangle, size, right):
    """Forward substitution with the transpose of the triangle."""
    result = np.empty(size)
    for i in range(size):
        total = right[i]
        for k in range(i):
            total -= triangle[k, i] * result[k]
        result[i] = total / triangle[i, i]
    return result


@njit(cache=True)
def _solve_upper(triangle, size, right):
    result = right[:size].copy()
    for i in range(size - 1, -1, -1):
        result[i] /= triangle[i, i]
        for k in range(i):
            result[k] -= triangle[k, i] * result[i]
    return result


@njit(cache=True)
def _next_change(level, active, signs, size, start, slope, at_zero, per_level, bounds, inside, barred, last):
    """Next level below `level` at which a column leaves or enters: the level, either place or -1, and the sign.

    Coefficients of the face are start - level * slope, correlations at_zero + level * per_level.
    """
    low, leaving, entering, sign = 0.0, -1, -1, 1.0
    for a in range(size):
        if slope[a] * signs[a] < 0.0:  # it shrinks as the level falls
            at = min(start[a] / slope[a], level)
            if at > low:
                low, leaving = at, a
    for j in range(at_zero.size):
        if inside[j] or barred[j]:
            continue
        for way in (1.0, -1.0):
            # way * (at_zero + at * per_level) = at * bound
            steepness = bounds[j] - way * per_level[j]
            if way * at_zero[j] <= 0.0 or steepness <= 0.0:
                continue
            at = way * at_zero[j] / steepness
            if j == last and at >= level * (1.0 - 1e-10):
                continue  # it has just left
            at = min(at, level)
            if at > low:
                low, leaving, entering, sign = at, -1, j, way
    return low, leaving, entering, sign


@njit(cache=True)
def _follow(columns, y, levels, weights, until, most, coefficients, fits):
    """Follow the path down to the last level, or to a residual of mean square `until`; `columns` is Z^T.

    Returns how many levels were reached, how many changes there were, and why the path ended.
    """
    dim, n = columns.shape
    room, bounds = min(n, dim), n * weights
    basis, triangle = np.zeros((room + 1, n)), np.zeros((room + 1, room + 1))
    active, signs = np.zeros(room + 1, np.int64), np.zeros(room + 1)
    inside, barred = np.zeros(dim, np.bool_), np.zeros(dim, np.bool_)
    size, reached, steps = 0, 0, 0
    products = columns @ y
    level, leaving, entering, sign = _next_change(
        np.inf, active, signs, 0, signs, signs, products, np.zeros(dim), bounds, inside, barred, -1
    )
    while reached < levels.size and levels[reached] >= level:
        reached += 1  # nothing is active: zero
    while reached < levels.size:
        if steps >= most:
            return reached, steps, TOO_MANY
        steps += 1
        last = -1
        if leaving >= 0:
            last = active[leaving]
            inside[last] = False
            _remove(basis, triangle, size, leaving)
            size -= 1
            for a in range(leaving, size):
                active[a], signs[a] = active[a + 1], signs[a + 1]
        elif entering >= 0:
            if size >= room:
                return reached, steps, INTERPOLATION
            if _append(basis, triangle, size, columns[entering]) < DEPENDENT:
                barred[entering] = True
            else:
                active[size], signs[size] = entering, sign
                inside[entering] = True
                size += 1
        # on this face: R b = explained - level * pull, fit = basis^T (explained - level * pull)
        explained, right = basis[:size] @ y, np.empty(size)
        for a in range(size):
            right[a] = bounds[active[a]] * signs[a]
        pull = _solve_lower(triangle, size, right)
        start, slope = _solve_upper(triangle, size, explained), _solve_upper(triangle, size, pull)
        residual, push = y - explained @ basis[:size], pull @ basis[:size]
        low, leaving, entering, sign = _next_change(
            level, active, signs, size, start, slope, columns @ residual, columns @ push, bounds, inside, barred, last
        )
        while reached < levels.size and levels[reached] >= low:
            at = levels[reached]
            for a in range(size):
                coefficients[reached, active[a]] = start[a] - at * slope[a]
            fits[reached] = (explained - at * pull) @ basis[:size]
            reached += 1
        rest = residual + low * push
        if np.dot(rest, rest) <= until * n:
            return reached, steps, RESIDUAL
        if leaving < 0 and entering < 0:
            return reached, steps, NO_CHANGE
        level = low
    return reached, steps, LEVELS


def lasso_levels(z, y, count: int, span: float, weights=None) -> np.ndarray:
    """Penalties (L,) from the smallest at which nothing is chosen down to `span` of it, evenly in the logarithm.

    Args:
        z: (n, d).
        y: (n,) or (n, M); the largest of the right-hand sides counts.
        count: L, one at least.
        span: smallest over largest, between 0 and 1.
        weights: (d,) positive; all 1 by default.

    Raises:
        ValueError: a count or span out of its range.
    """
    if count < 1 or not 0 < span <= 1:
        raise ValueError(f"count, span: got {count} and {span}, expected at least 1, and a number between 0 and 1")
    correlation = np.abs(np.asarray(z, dtype=float).T @ y) / len(y)
    if weights is not None:
        correlation = (correlation.T / weights).T
    return max(float(correlation.max(initial=0.0)), 1e-300) * span ** (np.arange(count) / max(count - 1, 1))


def lasso_homotopy(z, y, levels, *, weights=None, until: float = 0.0) -> LassoPath:
    """Minimisers of |y - Z b|^2 / (2 n) + level sum_j weight_j |b_j| at some levels, exactly up to rounding.

    Args:
        z: (n, d).
        y: (n,), or (n, M) for M problems.
        levels: (L,) positive, descending.
        weights: (d,) positive; all 1 by default.
        until: end of the path, a mean square of the residual: levels with a smaller one are NaN, save those of the face
            on which it is reached.

    Raises:
        ValueError: shapes that do not fit, entries that are not finite, or numbers out of their ranges.
    """
    z, y, levels = (np.asarray(values, dtype=float) for values in (z, y, levels))
    if z.ndim != 2 or not z.size or not np.isfinite(z).all():
        raise ValueError(f"z: got shape {z.shape} or entries that are not finite, expected a finite matrix (n, d)")
    if y.ndim not in (1, 2) or len(y) != len(z) or not np.isfinite(y).all():
        raise ValueError(f"y: got shape {y.shape} or entries that are not finite, expected {len(z)} finite values")
    if levels.ndim != 1 or not (levels > 0).all() or np.any(np.diff(levels) > 0):
        raise ValueError(f"levels: got {levels}, expected positive numbers in falling order")
    n, dim = z.shape
    weights = np.ones(dim) if weights is None else np.asarray(weights, dtype=float)
    if weights.shape != (dim,) or not (weights > 0).all():
        raise ValueError(f"weights: got shape {weights.shape}, expected {dim} positive numbers")
    columns, targets = np.ascontiguousarray(z.T), y.reshape(n, -1)
    coefficients = np.zeros((targets.shape[1], len(levels), dim))
    fits = np.zeros((targets.shape[1], len(levels), n))
    gaps, knots, ends = np.zeros((targets.shape[1], len(levels))), [], []
    for m, target in enumerate(np.ascontiguousarray(targets.T)):
        reached, steps, reason = _follow(
            columns, target, levels, weights, float(until), STEPS_FOR_ROWS * n, coefficients[m], fits[m]
        )
        coefficients[m, reached:], fits[m, reached:] = np.nan, np.nan
        gaps[m] = duality_gaps(columns, target, coefficients[m], fits[m], levels, weights)
        knots.append(steps)
        ends.append(REASONS[reason])
    if y.ndim == 1:
        return LassoPath(levels, coefficients[0], fits[0], gaps[0], knots[0], ends[0])
    coefficients, fits = np.moveaxis(coefficients, 0, 2), np.moveaxis(fits, 0, 2)
    return LassoPath(levels, coefficients, fits, gaps.T, np.array(knots), np.array(ends))


def duality_gaps(columns, y, coefficients, fits, levels, weights) -> np.ndarray:
    """Duality gaps (L,) over |y|^2 / n, from residuals alone.

    Args:
        columns: (d, n), Z^T.
        y: (n,).
        coefficients, fits: (L, d) and (L, n).
        levels, weights: (L,) and (d,).
    """
    n, square = len(y), float(y @ y)
    if square == 0:
        return np.where(np.isnan(fits).any(axis=1), np.nan, 0.0)
    residuals = y - fits
    bounds = n * levels[:, None] * weights
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.min(bounds / np.abs(residuals @ columns.T), axis=1)
    scale = np.where(np.isnan(residuals).any(axis=1), np.nan, np.minimum(scale, 1.0))
    inner = np.sum(residuals**2, axis=1)
    primal = inner / 2 + np.sum(bounds * np.abs(coefficients), axis=1)
    dual = scale * (residuals @ y) - scale**2 * inner / 2
    return (primal - dual) / square
