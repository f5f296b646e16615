"""Sparse linear regression by the Lasso, and the interpolant of least norm beside it."""

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
