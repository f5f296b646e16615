"""Sparse regression behind a preconditioner: its span is fitted freely, the rest by a Lasso of equally long columns.

Every coefficient then pays for the part of its column outside the span, so that a signal on a random support has a
small weighted norm whatever the condition of the design is.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import linalg

from lib.regression.homotopy import LassoPath, lasso_homotopy, lasso_levels
from lib.regression.preconditioner import (
    Preconditioner,
    distances_from,
    factorise,
    failure_bound,
    residualise,
    spanning_basis,
)


class Outside(NamedTuple):
    """What is left of a design beside a span.

    Attributes:
        basis: (n, r) orthonormal basis of the span.
        columns: (n, m), residuals of those columns that are not in the span, of length sqrt(n) (or their own).
        scales: (m,), what residuals were divided by.
        places: (m,) of the columns.
        dim: d, number of all columns.
    """

    basis: np.ndarray
    columns: np.ndarray
    scales: np.ndarray
    places: np.ndarray
    dim: int


def outside(x, basis, *, rescale: bool = True) -> Outside:
    """Columns beside a span.

    Args:
        x: (n, d).
        basis: (n, r) orthonormal.
        rescale: bring residuals to length sqrt(n); otherwise their own lengths stay.
    """
    rest = residualise(np.asarray(x, dtype=float), basis)
    distances = distances_from(x, rest)
    places = np.flatnonzero(distances > 0)
    scales = distances[places] / math.sqrt(len(rest)) if rescale else np.ones(len(places))
    return Outside(basis, rest[:, places] / scales, scales, places, np.shape(x)[1])


def path_outside(rest: Outside, y, levels, *, until: float = 0.0) -> LassoPath:
    """Fits at some levels: projection on the span, and the Lasso of what is left on the columns outside.

    Args:
        rest: of `outside`.
        y: (n,), or (n, M) for M problems of one design.
        levels: (L,) positive, descending.
        until: mean square of the residual at which the path may end.

    Returns:
        The path; its fits hold the projection, its coefficients (L, m) are those of `rest.columns`.
    """
    y = np.asarray(y, dtype=float)
    inside = rest.basis @ (rest.basis.T @ y)
    if not len(rest.places):
        fits = np.broadcast_to(inside, (len(levels), *y.shape))
        zero = np.zeros((len(levels), *y.shape[1:]))
        return LassoPath(np.asarray(levels), zero[:, None][:, :0], fits, zero, np.array(0), np.array("levels reached"))
    path = lasso_homotopy(rest.columns, residualise(y, rest.basis), levels, until=until)
    return path._replace(fits=path.fits + inside)


def levels_outside(rest: Outside, y, count: int, span: float) -> np.ndarray:
    """Levels (L,) from the smallest at which nothing outside is chosen, down to `span` of it."""
    if not len(rest.places):
        return np.ones(1)
    return lasso_levels(rest.columns, residualise(np.asarray(y, dtype=float), rest.basis), count, span)


def noise_level(noise: float, rows: int, dim: int, factor: float = 1.0) -> float:
    """Level factor * noise * sqrt(2 log(2 d) / n); from 1 on it exceeds the noise's products with all columns likely.

    Raises:
        ValueError: a noise that is not positive.
    """
    if not noise > 0:
        raise ValueError(f"noise: got {noise}, expected a positive deviation")
    return factor * noise * math.sqrt(2 * math.log(2 * dim) / rows)


def coefficients_of(x, rest: Outside, chosen, outer, fit) -> np.ndarray:
    """Coefficients (d,) of a fit: those outside the span scaled back, those of the span's columns by least squares.

    Of dependent columns of the span only independent ones get a coefficient. X w is the fit up to a rounding error of
    1e-16 of the largest coefficient, which grows with the condition of the span's columns.

    Args:
        x: (n, d).
        rest: of `outside`.
        chosen: (r,) places of the columns that span.
        outer: (m,) coefficients of `rest.columns`, or (m, M).
        fit: (n,), or (n, M).
    """
    outer, chosen = np.asarray(outer), np.asarray(chosen, int)
    result = np.zeros((rest.dim, *outer.shape[1:]))
    result[rest.places] = (outer.T / rest.scales).T
    factors = factorise(x[:, chosen])
    part = fit - x[:, rest.places] @ result[rest.places]
    result[chosen[factors.places]] = linalg.solve_triangular(
        factors.triangle, factors.basis.T @ part, check_finite=False
    )
    return result


def validation_errors(x, y, chosen, levels, folds: list[np.ndarray], *, until: float = 0.0) -> np.ndarray:
    """Mean squared errors (L,) on rows that were left out; levels that a fold's path does not reach are infinite.

    Columns are brought to equal length, and projected, on the rows that are left in. Without chosen columns it is the
    cross-validation of the Lasso itself.

    Args:
        x, y: (n, d) and (n,).
        chosen: (r,) places of the columns that span.
        levels: (L,) positive, descending.
        folds: rows of each fold.
        until: as of `lasso_homotopy`.
    """
    chosen, total, count = np.asarray(chosen, int), np.zeros(len(levels)), 0
    for fold in folds:
        left_in = np.setdiff1d(np.arange(len(y)), fold)
        inner = x[left_in]
        rest = outside(inner, spanning_basis(inner[:, chosen]))
        path = path_outside(rest, y[left_in], levels, until=until)
        weights = coefficients_of(inner, rest, chosen, path.coefficients.T, path.fits.T)
        total += np.sum((y[fold, None] - x[fold] @ weights) ** 2, axis=0)
        count += len(fold)
    return np.where(np.isfinite(total), total / count, np.inf)


def error_bound(
    noise: float, rows: int, dim: int, sparsity: int, size: int, power: float, level: float, chance: float = 0.05
) -> tuple[float, float]:
    """Bound on the prediction error, and the probability that it fails, for a random support and Gaussian noise.

    On the span the error is the noise's projection, at most noise^2 (sqrt(r) + sqrt(2 log(2 / chance)))^2 / n. Outside,
    where the level exceeds the noise's products with all columns, the Lasso's slow rate is 4 level |v|_1, and the lemma
    gives |v|_1 <= k sqrt(power).

    Args:
        noise: deviation.
        rows, dim, sparsity, size: n, d, k and r.
        power: mean square of the signal.
        level: of the Lasso.
        chance: of each of the two bounds on the noise is half of it, where the level allows it.

    Returns:
        The bound, and the sum of the chances that the lemma, the projection or the products fail.

    Source: ours; the slow rate is standard.
    """
    projection = noise**2 * (math.sqrt(size) + math.sqrt(2 * math.log(2 / chance))) ** 2 / rows
    products = 2 * dim * math.exp(-rows * level**2 / (2 * noise**2))
    failure = failure_bound(sparsity, size) + chance / 2 + products
    return projection + 4 * level * sparsity * math.sqrt(power), min(failure, 1.0)


def fit_preconditioned(x, y, preconditioner: Preconditioner, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and fit at one level, for one right-hand side or many that share the design.

    Args:
        x: (n, d).
        y: (n,) or (n, M).
        preconditioner: of `lib.regression.preconditioner`.
        level: penalty, for columns of length sqrt(n).

    Returns:
        w (d,) or (d, M), and the fit (n,) or (n, M).
    """
    rest = outside(x, preconditioner.basis)
    path = path_outside(rest, y, [level])
    return coefficients_of(x, rest, preconditioner.columns, path.coefficients[0], path.fits[0]), path.fits[0]
