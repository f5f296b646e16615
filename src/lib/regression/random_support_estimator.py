"""Sparse regression behind random columns, as an estimator of scikit-learn's kind."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from lib.regression.ill_conditioned import unit_columns
from lib.regression.preconditioner import default_size, failure_bound, precondition, spanning_basis
from lib.regression.random_support import (
    error_bound,
    fit_preconditioned,
    levels_outside,
    noise_level,
    outside,
    validation_errors,
)


class RandomSupportRegression(RegressorMixin, BaseEstimator):
    """Sparse linear regression that no condition number of the design spoils, without intercept.

    Columns drawn at random span a space that is fitted freely; all others are projected out of it, made equally long,
    and fitted by the Lasso. Columns may have any length: it does not change the fit.

    Args:
        sparsity: number k of columns that the signal is supposed to have, for the size and the certificate.
        size: columns r that span; by default min(2 k^2, n / 4), d at most.
        noise: deviation of the noise, which sets the level; None chooses it by cross-validation.
        factor: level over noise sqrt(2 log(2 d) / n); the certificate wants more than 1, smaller ones often err less.
        tries: sets of columns that are drawn; the best one by cross-validation is used.
        folds: of cross-validation.
        levels: of a path that cross-validation chooses from.
        random_state: seed of the columns and the folds; it must not depend on the data.

    Attributes:
        coef_: (d,).
        columns_: places of the columns that span.
        distances_: (d,) of all columns, of length sqrt(n), from the span.
        level_: penalty.
        noise_: deviation of the noise: the one that was given, or the root of the least validation error.
        failure_bound_: probability, at most, that a random support of k columns violates the lemma.
        error_bound_: bound on the prediction error (1 / n) |X w - X coef|^2 for a signal with the mean square of y.
        error_bound_failure_: probability, at most, that it fails; 1 where the level is too small for a proof.
        validation_error_: least mean square on rows that were left out; None where nothing was chosen by it.
        n_features_in_: d.

    Source: after Chandrasekaran, Meka and Stavropoulos 2025, arXiv 2511.06211; the preconditioner is our own.
    """

    def __init__(
        self, sparsity=3, *, size=None, noise=None, factor=1.0, tries=1, folds=5, levels=60, random_state=None
    ):  # fmt: skip
        self.sparsity = sparsity
        self.size = size
        self.noise = noise
        self.factor = factor
        self.tries = tries
        self.folds = folds
        self.levels = levels
        self.random_state = random_state

    def fit(self, X, y):
        """Draw columns, and fit.

        Args:
            X: (n, d).
            y: (n,).

        Raises:
            ValueError: entries that are not finite, fewer rows than folds, or parameters out of range.
        """
        X, y = validate_data(self, X, y, dtype=float, y_numeric=True, ensure_min_samples=2)
        rows, dim = X.shape
        size = min(default_size(rows, self.sparsity), dim, rows - 1) if self.size is None else self.size
        if not 1 <= self.sparsity <= dim:
            raise ValueError(f"sparsity: got {self.sparsity}, expected 1 to the {dim} columns")
        if not 0 <= size <= min(dim, rows - 1):
            raise ValueError(f"size: got {size}, expected 0 to {min(dim, rows - 1)}, fewer than rows")
        if self.tries < 1:
            raise ValueError(f"tries: got {self.tries}, expected at least 1")
        validated = self.noise is None or self.tries > 1
        if validated and not 2 <= self.folds <= rows:
            raise ValueError(f"folds: got {self.folds}, expected 2 to the {rows} rows")
        x, lengths = unit_columns(X)
        random = check_random_state(self.random_state)
        candidates = [np.sort(random.permutation(dim)[:size]) for _ in range(self.tries)]
        folds = np.array_split(random.permutation(rows), self.folds) if validated else []
        scored = [self._score(x, y, columns, folds) for columns in candidates]
        best = int(np.argmin([error for error, _ in scored]))
        error, self.level_ = scored[best]
        self.validation_error_ = error if validated else None
        self.noise_ = self.noise if self.noise is not None else max(np.sqrt(error), np.finfo(float).tiny)
        chosen = precondition(x, candidates[best])
        self.columns_, self.distances_ = chosen.columns, chosen.distances
        weights, _ = fit_preconditioned(x, y, chosen, self.level_)
        self.coef_ = np.divide(weights, lengths, out=np.zeros(dim), where=lengths > 0)
        self.failure_bound_ = min(failure_bound(self.sparsity, size), 1.0) if size >= self.sparsity - 1 else 1.0
        power = float(np.mean(y**2))
        self.error_bound_, self.error_bound_failure_ = error_bound(
            self.noise_, rows, dim, self.sparsity, size, power, self.level_
        )
        return self

    def _score(self, x, y, columns, folds) -> tuple[float, float]:
        """Least validation error and its level; without folds the level that the noise sets."""
        if self.noise is not None:
            levels = np.array([noise_level(self.noise, *x.shape, self.factor)])
        else:
            rest = outside(x, spanning_basis(x[:, columns]))
            levels = levels_outside(rest, y, self.levels, 1e-4)
        if not folds:
            return 0.0, float(levels[0])
        errors = validation_errors(x, y, columns, levels, folds)
        best = int(np.argmin(errors))
        return float(errors[best]), float(levels[best])

    def predict(self, X):
        """Predictions (n,)."""
        check_is_fitted(self)
        return validate_data(self, X, dtype=float, reset=False) @ self.coef_
