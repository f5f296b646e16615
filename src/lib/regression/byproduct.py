"""Sparse estimators without privacy that see the data through sums of products, tuned alike on the same folds."""

import math
from typing import NamedTuple

import numpy as np
from scipy import linalg

from lib.regression.sparse import (
    iterative_hard_thresholding,
    lasso_path,
    soft_threshold,
)

METHODS = (
    "closed_form", "closed_form_cv", "closed_form_oracle", "least_squares", "lasso_theory", "lasso_cv", "lasso_oracle",
    "hard_thresholding",
)  # fmt: skip
LEVELS, SPAN, FOLDS = 100, 1e-3, 5
TOLERANCE = 1e-5


class Moments(NamedTuple):
    """Sums over the rows of each fold: x^T x (folds, d, d), x^T y (folds, d), y^T y (folds,), and the rows (folds,)."""

    square: np.ndarray
    cross: np.ndarray
    length: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, folds: int = FOLDS) -> "Moments":
        """Sums over consecutive folds of rows, which are assumed to be exchangeable."""
        parts = [slice(*ends) for ends in zip(*(np.arange(folds + k)[k : k + folds] * len(y) // folds for k in (0, 1)))]
        return cls(
            np.stack([x[part].T @ x[part] for part in parts]),
            np.stack([x[part].T @ y[part] for part in parts]),
            np.array([y[part] @ y[part] for part in parts]),
            np.array([part.stop - part.start for part in parts]),
        )

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """x^T x / n and x^T y / n of all rows."""
        n = self.rows.sum()
        return self.square.sum(axis=0) / n, self.cross.sum(axis=0) / n

    def without(self, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """The same without the rows of a fold."""
        n = self.rows.sum() - self.rows[fold]
        square, cross = self.square.sum(axis=0) - self.square[fold], self.cross.sum(axis=0) - self.cross[fold]
        return square / n, cross / n

    def squared_errors(self, fold: int, candidates: np.ndarray) -> np.ndarray:
        """Sum of squared residuals on a fold for each of (L, d) coefficients."""
        products = candidates @ self.square[fold]
        return np.sum(candidates * products, axis=1) - 2 * candidates @ self.cross[fold] + self.length[fold]


def _solve(square, cross) -> np.ndarray:
    return linalg.solve(square, cross, assume_a="pos")


def _levels(largest: float) -> np.ndarray:
    return np.geomspace(largest, SPAN * largest, LEVELS)


def _thresholds(solution: np.ndarray, levels: np.ndarray) -> np.ndarray:
    return soft_threshold(solution[None], levels[:, None])


def theory_threshold(inverse: np.ndarray, rows: int, noise: float) -> float:
    """Threshold sigma sqrt(2 log d / n) times the root of the inverse covariance's largest diagonal entry."""
    return noise * math.sqrt(2 * math.log(len(inverse)) / rows * np.diag(inverse).max())


def _cross_validated(moments: Moments, levels: np.ndarray, path) -> int:
    """Position of the level with the smallest squared error over the folds."""
    folds = range(len(moments.rows))
    return int(np.argmin(sum(moments.squared_errors(f, path(*moments.without(f), levels)) for f in folds)))


def fit(method: str, moments: Moments, noise: float, sparsity: int, theta: np.ndarray) -> np.ndarray:
    """Coefficients (d,) of one of `METHODS`; those that end in `oracle` choose their level by the truth.

    Args:
        method: name.
        moments: of the data; those that end in `cv` need two folds at least.
        noise: deviation of the errors, for theoretical levels.
        sparsity: for hard thresholding, which keeps twice as many.
        theta: (d,) the truth, for oracles alone.

    Raises:
        ValueError: another method.
    """
    square, cross = moments.means()
    rows, dim = int(moments.rows.sum()), len(cross)
    if method == "least_squares":
        return _solve(square, cross)
    if method == "hard_thresholding":
        step = 1 / linalg.eigvalsh(square, subset_by_index=[dim - 1, dim - 1])[0]
        return iterative_hard_thresholding(square, cross, 2 * sparsity, step)
    if method.startswith("closed_form"):
        if method == "closed_form":
            inverse = linalg.inv(square)
            return soft_threshold(inverse @ cross, theory_threshold(inverse, rows, noise))
        solution = _solve(square, cross)
        levels = _levels(np.abs(solution).max())
        if method == "closed_form_oracle":
            candidates = _thresholds(solution, levels)
            return candidates[np.argmin(np.linalg.norm(candidates - theta, axis=1))]
        chosen = _cross_validated(moments, levels, lambda s, c, grid: _thresholds(_solve(s, c), grid))
        return soft_threshold(solution, levels[chosen])
    levels = _levels(np.abs(cross).max())
    if method == "lasso_theory":
        level = noise * math.sqrt(2 * math.log(dim) / rows)
        return lasso_path(square, cross, [level], tolerance=TOLERANCE)[0]
    if method == "lasso_oracle":
        candidates = lasso_path(square, cross, levels, tolerance=TOLERANCE)
        return candidates[np.argmin(np.linalg.norm(candidates - theta, axis=1))]
    if method == "lasso_cv":
        chosen = _cross_validated(moments, levels, lambda s, c, grid: lasso_path(s, c, grid, tolerance=TOLERANCE))
        return lasso_path(square, cross, levels[: chosen + 1], tolerance=TOLERANCE)[-1]
    raise ValueError(f"method: got {method!r}, expected one of {', '.join(METHODS)}")
