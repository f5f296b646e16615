"""Sparse linear regression: thresholds, closed forms, the Lasso and its path, and the interpolant of least norm."""

import warnings

import numpy as np
from scipy import linalg


def lasso(x, y, penalty: float, *, tolerance: float = 1e-6, max_iter: int = 10_000) -> np.ndarray:
    """Minimiser of |y - x theta|^2 / (2 n) + penalty |theta|_1, by scikit-learn's coordinate descent.

    Args:
        x: (n, d).
        y: (n,).
        penalty: weight of the l1 norm, positive.
        tolerance: duality gap at which the descent stops, over |y|^2 / n.
        max_iter: most sweeps.

    Returns:
        theta (d,); no intercept.

    Raises:
        ValueError: a penalty that is not positive.
        RuntimeError: no convergence.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import Lasso

    if not penalty > 0:
        raise ValueError(f"penalty: got {penalty}, expected a positive number")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            return Lasso(alpha=penalty, fit_intercept=False, tol=tolerance, max_iter=max_iter).fit(x, y).coef_
        except ConvergenceWarning as warning:
            raise RuntimeError(f"lasso: no convergence within {max_iter} sweeps") from warning


def minimum_norm(x, y) -> np.ndarray:
    """Interpolant of least Euclidean norm, x^T (x x^T)^-1 y.

    Args:
        x: (n, d) of rank n, so n <= d.
        y: (n,).

    Raises:
        ValueError: more rows than columns.
        numpy.linalg.LinAlgError: rows that are linearly dependent.
    """
    x = np.asarray(x, dtype=float)
    if len(x) > x.shape[1]:
        raise ValueError(f"x: got shape {x.shape}, expected at most as many rows as columns")
    return x.T @ linalg.solve(x @ x.T, y, assume_a="pos")


def soft_threshold(values, level) -> np.ndarray:
    """Move every entry towards zero by `level`, and to zero within it."""
    return np.sign(values) * np.maximum(np.abs(values) - level, 0)


def hard_threshold(values, kept: int) -> np.ndarray:
    """Keep the `kept` largest entries in absolute value along the last axis; the others become zero.

    Raises:
        ValueError: fewer than one, or more than there are.
    """
    values = np.asarray(values, dtype=float)
    if not 1 <= kept <= values.shape[-1]:
        raise ValueError(f"kept: got {kept}, expected 1 to {values.shape[-1]}")
    chosen = np.argpartition(-np.abs(values), kept - 1, axis=-1)[..., :kept]
    result = np.zeros_like(values)
    np.put_along_axis(result, chosen, np.take_along_axis(values, chosen, axis=-1), axis=-1)
    return result


def closed_form_sparse(covariance, cross, level, *, covariance_threshold: float | None = None) -> np.ndarray:
    """Soft threshold of the least-squares solution, S_level(covariance^-1 cross), for stacks of problems at once.

    Args:
        covariance: (..., d, d) symmetric: x^T x / n, or a private version of it.
        cross: (..., d): x^T y / n, or a private version of it.
        level: threshold, a number or (...,).
        covariance_threshold: soft threshold of the off-diagonal entries first, for fewer rows than columns and a sparse
            covariance.

    Returns:
        theta (..., d).

    Raises:
        ValueError: a covariance that is singular, or whose smallest eigenvalue is not positive after thresholding.

    Source: Zhu et al. 2023, arXiv 2310.07367; the second form as Yang, Lozano, Ravikumar 2014.
    """
    covariance = np.asarray(covariance, dtype=float)
    if covariance_threshold is not None:
        diagonal = np.eye(covariance.shape[-1], dtype=bool)
        covariance = np.where(diagonal, covariance, soft_threshold(covariance, covariance_threshold))
        if np.linalg.eigvalsh(covariance).min() <= 0:
            raise ValueError(
                "covariance: got an eigenvalue of at most 0 after thresholding, expected a larger threshold"
            )
    try:
        solution = np.linalg.solve(covariance, np.asarray(cross, dtype=float)[..., None])[..., 0]
    except np.linalg.LinAlgError:
        raise ValueError("covariance: got a singular matrix, expected more rows than columns or a threshold") from None
    return soft_threshold(solution, np.asarray(level)[..., None])


def best_threshold_error(values, theta) -> np.ndarray:
    """Smallest l2 error of `soft_threshold(values, level)` over all levels, without a grid.

    Between two consecutive absolute values the squared error is a parabola in the level.

    Args:
        values: (..., d) estimates before thresholding.
        theta: (..., d) the truth.

    Returns:
        (...,) errors.
    """
    values, theta = np.broadcast_arrays(np.asarray(values, dtype=float), np.asarray(theta, dtype=float))
    order = np.argsort(-np.abs(values), axis=-1)
    size = np.take_along_axis(np.abs(values), order, axis=-1)
    truth = np.take_along_axis(theta * np.where(values < 0, -1.0, 1.0), order, axis=-1)
    # with the j largest active: sum (size - level - truth)^2 over them, sum truth^2 over the others
    gap = size - truth
    count = np.arange(1, values.shape[-1] + 1)
    first, second = np.cumsum(gap, axis=-1), np.cumsum(gap**2, axis=-1)
    rest = np.cumsum((truth**2)[..., ::-1], axis=-1)[..., ::-1]
    total = rest[..., :1]
    rest = np.concatenate([rest[..., 1:], np.zeros_like(total)], axis=-1)
    below = np.concatenate([size[..., 1:], np.zeros_like(total)], axis=-1)
    level = np.clip(first / count, below, size)
    squares = second - 2 * level * first + count * level**2 + rest
    return np.sqrt(np.maximum(np.minimum(squares.min(axis=-1), total[..., 0]), 0))


def lasso_path(covariance, cross, levels, *, tolerance: float = 1e-6, max_iter: int = 10_000) -> np.ndarray:
    """Minimisers of theta^T covariance theta / 2 - cross^T theta + level |theta|_1 by scikit-learn's compiled descent.

    Args:
        covariance: (d, d), x^T x / n.
        cross: (d,), x^T y / n.
        levels: penalties, descending; each start is the solution before.
        tolerance: as of scikit-learn.
        max_iter: most sweeps for each level.

    Returns:
        (levels, d).

    Raises:
        RuntimeError: no convergence.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import lasso_path as path

    # the descent needs some rows of the right Gram matrix: a root of it serves, and the Gram itself is given
    root = np.linalg.cholesky(covariance + 1e-12 * np.trace(covariance) / len(covariance) * np.eye(len(covariance)))
    n = len(covariance)
    rows = np.asfortranarray(root.T * np.sqrt(n))
    target = linalg.solve_triangular(root, cross, lower=True) * np.sqrt(n)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            _, coefficients, _ = path(
                rows, target, alphas=levels, precompute=covariance * n, Xy=cross * n, tol=tolerance, max_iter=max_iter
            )
        except ConvergenceWarning as warning:
            raise RuntimeError(f"lasso_path: no convergence within {max_iter} sweeps") from warning
    return coefficients.T


def iterative_hard_thresholding(covariance, cross, kept: int, step: float, iterations: int = 50) -> np.ndarray:
    """Theta <- H_kept(theta - step (covariance theta - cross)), from 0.

    Args:
        covariance: (..., d, d), x^T x / n.
        cross: (..., d), x^T y / n.
        kept: entries that are kept.
        step: step size, 1 over the largest eigenvalue or less.
        iterations: steps.

    Returns:
        theta (..., d).
    """
    theta = np.zeros_like(cross)
    for _ in range(iterations):
        theta = hard_threshold(theta - step * (np.einsum("...ij,...j->...i", covariance, theta) - cross), kept)
    return theta
