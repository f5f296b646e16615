"""Private sparse regression as an estimator of scikit-learn's kind, and the table it reads."""

import math
from pathlib import Path

import numpy as np
from scipy import special
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from lib.privacy.local import check_bounded
from lib.privacy.local import clip as clip_to
from lib.privacy.moments import moment_noise, release_moments
from lib.regression.private import solve_private, theory_level


class PrivateSparseRegression(RegressorMixin, BaseEstimator):
    """Sparse linear regression from one private message of each row, without intercept.

    Every row's x x^T and x y are released with noise that makes them (epsilon, delta)-private together, whatever the
    other rows are; only their sums are kept. The rest is arithmetic on the sums, and costs no privacy.

    Args:
        epsilon: privacy of each row.
        delta: of each row; not used where `calibration` is `pure`.
        bound_x: bound on every |x_j|, stated without looking at the data.
        bound_y: bound on every |y|.
        length: bound on the length of the coefficients, for the threshold.
        calibration: `tight`, `classical` or `pure`, of `lib.privacy.moments`.
        clip: move entries beyond a bound to it; otherwise they are refused.
        random_state: seed or generator of the rows' noise.

    Attributes:
        coef_: (d,) after the threshold.
        unpenalised_: (d,) before it.
        standard_error_: (d,) of `unpenalised_`: the noise exactly to first order, sampling by its bound.
        level_: threshold.
        n_features_in_: d.

    Source: Zhu et al. 2023, arXiv 2310.07367, algorithm 1; constants and errors are our derivation.
    """

    def __init__(
        self, epsilon=1.0, delta=1e-6, bound_x=1.0, bound_y=1.0, *, length=1.0, calibration="tight", clip=False,
        random_state=None,
    ):  # fmt: skip
        self.epsilon = epsilon
        self.delta = delta
        self.bound_x = bound_x
        self.bound_y = bound_y
        self.length = length
        self.calibration = calibration
        self.clip = clip
        self.random_state = random_state

    def fit(self, X, y):
        """Release the rows' moments, and solve.

        Args:
            X: (n, d), entries within `bound_x`.
            y: (n,) within `bound_y`.

        Raises:
            ValueError: entries that are not finite or beyond their bounds, or too few rows for the noise.
        """
        X, y = validate_data(self, X, y, dtype=float, y_numeric=True)
        if self.clip:
            X, y = clip_to(X, self.bound_x), clip_to(y, self.bound_y)
        X, y = check_bounded(X, self.bound_x, "X"), check_bounded(y, self.bound_y, "y")
        n, dim = X.shape
        rng = self.random_state
        if not isinstance(rng, np.random.Generator):
            rng = np.random.default_rng(check_random_state(rng).randint(2**31))
        square, cross = release_moments(
            X, y, self.bound_x, self.bound_y, self.epsilon, self.delta, rng, calibration=self.calibration
        )
        noise = moment_noise(self.calibration, dim, self.bound_x, self.bound_y, self.epsilon, self.delta)
        spread = 2 * max(noise.diagonal, noise.off_diagonal) * math.sqrt(dim / n)  # operator norm of the noise
        smallest = np.linalg.eigvalsh(square / n)[0]
        if smallest <= spread:
            raise ValueError(
                f"X: got {n} rows, whose released covariance has smallest eigenvalue {smallest:.3g} under noise of "
                f"{spread:.3g}, expected more rows, fewer features or a larger epsilon"
            )
        result = solve_private(square / n, cross / n, 0.0)
        inverse = np.linalg.inv(square / n)
        sampling = (self.bound_x * self.bound_y) ** 2 / n
        self.level_ = theory_level(
            dim, max(noise.diagonal, noise.off_diagonal) ** 2 / n, noise.cross**2 / n, sampling,
            float(np.abs(inverse).sum(axis=1).max()), self.length,
        )  # fmt: skip
        self.unpenalised_ = result.unpenalised
        self.coef_ = np.sign(result.unpenalised) * np.maximum(np.abs(result.unpenalised) - self.level_, 0)
        covariance = _noise_covariance(result.unpenalised, noise, n) + sampling * np.eye(dim)
        self.standard_error_ = np.sqrt(np.diag(inverse @ covariance @ inverse.T))
        return self

    def predict(self, X):
        """Predictions (n,)."""
        check_is_fitted(self)
        return validate_data(self, X, dtype=float, reset=False) @ self.coef_

    def interval(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Ends (d,), (d,) of normal intervals of the coefficients, about the estimate before the threshold."""
        check_is_fitted(self)
        half = special.ndtri((1 + level) / 2) * self.standard_error_
        return self.unpenalised_ - half, self.unpenalised_ + half


def _noise_covariance(theta, noise, rows: int) -> np.ndarray:
    """Covariance (d, d) of the noise of the cross moment less the noise of the second moments times theta."""
    covariance = noise.off_diagonal**2 * np.outer(theta, theta)
    np.fill_diagonal(
        covariance, noise.diagonal**2 * theta**2 + noise.off_diagonal**2 * (theta @ theta - theta**2) + noise.cross**2
    )
    return covariance / rows


def read_table(file) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Features (n, d), response (n,) and names of the features of a CSV whose last column is the response.

    Raises:
        ValueError: fewer than two columns, no row, or an entry that is not a finite number.
    """
    import pandas as pd

    table = pd.read_csv(Path(file).expanduser())
    if table.shape[1] < 2 or not len(table):
        raise ValueError(f"{file}: got {len(table)} rows of {table.shape[1]} columns, expected features and a response")
    numbers = table.apply(pd.to_numeric, errors="coerce").to_numpy(float)
    wrong = np.argwhere(~np.isfinite(numbers))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"{file}: {table.columns[column]}, row {row + 1}: got {table.iat[row, column]!r}, expected a number"
        )
    return numbers[:, :-1], numbers[:, -1], list(map(str, table.columns[:-1]))
