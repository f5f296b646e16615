"""Estimators of scikit-learn's kind for compositions: partial correlations, and the graphical lasso.

Both score new samples by the mean Gaussian log-likelihood of their D - 1 orthonormal log-ratio coordinates, so that
`GridSearchCV` chooses intensities and penalties. Log-ratio coordinates in a pipeline are
`FunctionTransformer(lib.compositional.logratio.clr)`.
"""

import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.covariance import graphical_lasso
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data

from lib.compositional.logratio import check_composition, clr, clr_covariance, replace_zeros
from lib.compositional.partial import (
    degrees_of_freedom,
    partial,
    partial_from_precision,
    precision,
    precision_from_basis,
    unbiased_variance,
)
from lib.stats.correlation import correlation_pvalue, covariance, estimate_correlation
from lib.stats.intervals import Estimate
from lib.stats.shrinkage import shrink


def log_likelihood(X_clr, location, P) -> np.ndarray:
    """Gaussian log-density of log-ratios in orthonormal coordinates, one for each sample.

    Args:
        X_clr: centred log-ratios (n, D).
        location: their mean (D,).
        P: precision (D, D) of rank D - 1.
    """
    centred = X_clr - location
    d = P.shape[0]
    log_det = np.sum(np.log(np.linalg.eigvalsh(P)[1:]))
    return 0.5 * (log_det - (d - 1) * np.log(2 * np.pi) - np.sum((centred @ P) * centred, axis=-1))


class _Compositional(BaseEstimator):
    """Common to both estimators: the check of the input and the score."""

    def _positive(self, X, reset: bool):
        least = {"ensure_min_samples": 2, "ensure_min_features": 3} if reset else {}
        X = validate_data(self, X, reset=reset, dtype=np.float64, **least)
        check_non_negative(X, type(self).__name__)
        if self.zeros not in ("raise", "min", "multiplicative"):
            raise ValueError(f"zeros: got {self.zeros!r}, expected 'raise', 'min' or 'multiplicative'")
        if self.zeros != "raise":
            X = replace_zeros(X, self.zeros)
        return check_composition(X, least_parts=3)

    def score(self, X, y=None) -> float:
        """Mean log-likelihood of the compositions X (n, D), up to the choice of the orthonormal coordinates."""
        check_is_fitted(self)
        return float(np.mean(log_likelihood(clr(self._positive(X, reset=False)), self.location_, self.precision_)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags


class CompositionalPartialCorrelation(_Compositional):
    """Partial correlations of the parts of a composition, all other parts held fixed.

    Args:
        shrinkage: None, or `basis` to shrink the covariance of the logarithms of proportions first.
        correlation_intensity, variance_intensity: intensities in [0, 1] of the shrinkage, or None to estimate them.
        zeros: `raise`, or a method of `replace_zeros`.

    Attributes:
        partial_correlation_: (D, D), ones on the diagonal.
        partial_variance_: RSS / (n - 1), (D,).
        unbiased_partial_variance_: RSS / (n - D + 1), (D,); None with shrinkage.
        covariance_, precision_: of the centred log-ratios and its pseudo-inverse, (D, D).
        location_: mean of the centred log-ratios (D,).
        degrees_of_freedom_, pvalue_: of the t test of each correlation; None with shrinkage.
        shrinkage_, variance_shrinkage_: intensities used; 0 without shrinkage.
        n_features_in_: D.

    Source: Erb 2020, Applied Computing and Geosciences 6, 100026.
    """

    def __init__(self, *, shrinkage=None, correlation_intensity=None, variance_intensity=None, zeros="raise"):
        self.shrinkage = shrinkage
        self.correlation_intensity = correlation_intensity
        self.variance_intensity = variance_intensity
        self.zeros = zeros

    def fit(self, X, y=None):
        """Estimate from compositions X (n, D); y is not used.

        Raises:
            ValueError: an entry that is not finite and > 0, fewer than 3 parts, or n < D without shrinkage.
        """
        X = self._positive(X, reset=True)
        n, d = X.shape
        if self.shrinkage not in (None, "basis"):
            raise ValueError(f"shrinkage: got {self.shrinkage!r}, expected None or 'basis'")
        self.location_ = clr(X).mean(axis=0)
        if self.shrinkage is None:
            estimate = partial(X)
            self.covariance_ = clr_covariance(X)
            self.shrinkage_ = self.variance_shrinkage_ = 0.0
            self.degrees_of_freedom_ = degrees_of_freedom(n, d)
            self.pvalue_ = correlation_pvalue(estimate.correlation, self.degrees_of_freedom_)
            self.unbiased_partial_variance_ = unbiased_variance(estimate.variance, n)
        else:
            self.degrees_of_freedom_ = self.pvalue_ = self.unbiased_partial_variance_ = None
            logs = np.log(X / X.sum(axis=1, keepdims=True))
            shrunk = shrink(logs, self.correlation_intensity, self.variance_intensity)
            self.covariance_ = clr_covariance(S=shrunk.covariance)
            self.shrinkage_, self.variance_shrinkage_ = float(shrunk.shrinkage), float(shrunk.variance_shrinkage)
            estimate = partial_from_precision(precision(self.covariance_))
        self.partial_correlation_, self.partial_variance_, self.precision_ = estimate
        return self

    def interval(self, level: float = 0.95) -> Estimate:
        """Fisher's interval of every partial correlation, (D, D); without shrinkage only.

        Raises:
            ValueError: fitted with shrinkage, or a level outside (0, 1).
        """
        check_is_fitted(self)
        if self.degrees_of_freedom_ is None:
            raise ValueError(
                "shrinkage: got a fit with 'basis', expected None: shrunk correlations have no such interval"
            )
        return estimate_correlation(self.partial_correlation_, self.degrees_of_freedom_, level)


class CompositionalGraphicalLasso(_Compositional):
    """Sparse precision of an unobserved basis from compositions, by penalised maximum likelihood.

    Maximises log det Omega - log(1^T Omega 1) - tr(Gamma P) - alpha sum_{i != j} |Omega_ij| with
    P = Omega - Omega 1 1^T Omega / (1^T Omega 1), so that P 1 = 0. The size of each sample is the missing datum: given
    Omega it is Gaussian around -1^T Omega z / (1^T Omega 1) with variance 1 / (1^T Omega 1), which completes the
    covariance, and the graphical lasso of the completed covariance cannot lower the objective. The objective is not
    concave and its rounds are slow along the common size: the estimate is the one reached from the identity.

    Args:
        alpha: penalty >= 0, in units of the mean clr variance tr Gamma / (D - 1).
        max_iter: rounds of completion and graphical lasso.
        tol: largest relative change of Omega at which the rounds end.
        zeros: `raise`, or a method of `replace_zeros`.

    Attributes:
        basis_precision_: Omega, (D, D).
        basis_partial_correlation_: its partial correlations, zeros where there is no edge.
        precision_, covariance_: P and the clr covariance of the model, (D, D).
        location_: mean of the centred log-ratios (D,).
        objective_: objective after each round.
        n_iter_: rounds done.
        n_features_in_: D.
    """

    def __init__(self, alpha=0.1, *, max_iter=50, tol=1e-3, zeros="raise"):
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.zeros = zeros

    def fit(self, X, y=None):
        """Estimate from compositions X (n, D); y is not used.

        Raises:
            ValueError: an entry that is not finite and > 0, fewer than 3 parts, or alpha < 0.
        """
        X = self._positive(X, reset=True)
        self.location_ = clr(X).mean(axis=0)
        self.fit_covariance(covariance(clr(X)))
        return self

    def fit_covariance(self, cov_clr, start=None):
        """Estimate from a clr covariance (D, D) alone, which has no location to score with.

        Args:
            cov_clr: (D, D), rows of sum zero.
            start: first guess of the basis precision; the identity, scaled, by default.

        Raises:
            ValueError: alpha < 0, max_iter < 1, or no variance.
        """
        if not self.alpha >= 0:
            raise ValueError(f"alpha: got {self.alpha}, expected a number >= 0")
        if self.max_iter < 1:
            raise ValueError(f"max_iter: got {self.max_iter}, expected at least 1")
        d = len(cov_clr)
        scale = np.trace(cov_clr) / (d - 1)
        if not scale > 0:
            raise ValueError("X: got compositions without variance, expected some")
        gamma = np.asarray(cov_clr, dtype=float) / scale
        omega = np.eye(d) if start is None else np.asarray(start, dtype=float) * scale
        self.objective_ = []
        for _ in range(self.max_iter):
            row = omega.sum(axis=0)
            total = row.sum()
            complete = np.eye(d) - row / total
            completed = complete @ gamma @ complete.T + 1 / total
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # inner rounds need not be exact
                _, new = graphical_lasso((completed + completed.T) / 2, self.alpha)
            change = np.max(np.abs(new - omega)) / np.max(np.abs(omega))
            omega = new
            self.objective_.append(self._objective(gamma, omega))
            if change < self.tol:
                break
        else:
            warnings.warn(
                f"{self.max_iter} rounds changed Omega by {change:.2g} in the last, more than tol = {self.tol}",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.n_iter_ = len(self.objective_)
        self.basis_precision_ = omega / scale
        self.basis_partial_correlation_ = partial_from_precision(omega).correlation
        self.precision_ = precision_from_basis(self.basis_precision_)
        self.covariance_ = clr_covariance(S=np.linalg.inv(self.basis_precision_))
        return self

    def _objective(self, gamma: np.ndarray, omega: np.ndarray) -> float:
        fit = np.linalg.slogdet(omega)[1] - np.log(omega.sum()) - np.sum(gamma * precision_from_basis(omega))
        return float(fit - self.alpha * (np.abs(omega).sum() - np.abs(np.diag(omega)).sum()))


def lasso_path_scores(cov_clr, penalties: list[float], rounds: int) -> np.ndarray:
    """Scores of edges by the graphical lasso: absolute basis partial correlations, summed over a path of penalties.

    Args:
        cov_clr: (D, D), rows of sum zero.
        penalties: fitted from the largest to the smallest, each from the estimate before it.
        rounds: rounds of completion for each penalty, however few; there is no warning that they did not converge.

    Returns:
        (D, D), larger where an edge appears early and strongly; the diagonal has no meaning.
    """
    total, start = np.zeros_like(cov_clr), None
    for penalty in sorted(penalties, reverse=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = CompositionalGraphicalLasso(penalty, max_iter=rounds).fit_covariance(cov_clr, start)
        start = model.basis_precision_
        total += np.abs(model.basis_partial_correlation_)
    return total
