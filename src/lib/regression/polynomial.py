"""A scikit-learn estimator: weighted least squares in a polynomial space, on points that it can choose itself."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from lib.regression.weighted import gram_eigenvalues, weighted_least_squares
from lib.sampling.bases import FAMILIES
from lib.sampling.designs import sample_design, strategy_measure
from lib.sampling.multivariate import INDEX_SETS, polynomial_basis

_REFERENCE = {"legendre": (-1.0, 1.0), "chebyshev": (-1.0, 1.0), "trigonometric": (0.0, 1.0), "hermite": (0.0, 1.0)}


class PolynomialLeastSquares(RegressorMixin, BaseEstimator):
    """Weighted least squares in a space of polynomials (or trigonometric functions), orthonormal for a known measure.

    `sample` chooses points at which to observe the target; `fit` gives them the weights dmu/dnu that belong to the way
    they were chosen. Data of any other origin can be fitted too: `strategy="mc"` gives all points the same weight.

    Args:
        family: `legendre` (uniform measure on a box), `chebyshev` (arcsine on a box), `trigonometric` (uniform on a
            period) or `hermite` (normal).
        degree: highest degree.
        index_set: `total_degree`, `hyperbolic_cross` or `tensor`, for several features.
        strategy: how the points are drawn and weighted, a key of `lib.sampling.designs.STRATEGIES`, with `_cond` after
            it to draw again until the Gram matrix is well conditioned.
        domain: lower and upper ends of the box or period (means and standard deviations for `hermite`), (2,) or
            (2, n_features); by default `fit` takes it from the data. `sample` needs it.
        delta: conditioned strategies reach lambda_min(G) >= 1 - delta.

    Attributes:
        coef_: coefficients in the orthonormal basis, (m,) or (n_targets, m).
        basis_: the orthonormal basis on its own domain.
        domain_: the domain in use, (2, n_features).
        gram_eigenvalues_: ascending eigenvalues (m,) of the empirical Gram matrix; near 1 when the design is good.
        n_features_in_: number of features.

    Example: a function of two variables on a box, observed at 60 points.

        model = PolynomialLeastSquares(degree=4, strategy="rep_cond", domain=[[0, -5], [10, 5]])
        X = model.sample(60, n_features=2, random_state=0)
        model.fit(X, observe(X)).predict(X_new)

    Source: Cohen and Migliorati (2017) for the weights, Nouy and Michel (2023, arXiv 2312.14057) for the designs.
    """

    def __init__(self, family="legendre", degree=2, *, index_set="total_degree", strategy="mc", domain=None, delta=0.5):
        self.family = family
        self.degree = degree
        self.index_set = index_set
        self.strategy = strategy
        self.domain = domain
        self.delta = delta

    def _make_basis(self, features: int):
        for name, known in (("family", FAMILIES), ("index_set", INDEX_SETS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}: got {getattr(self, name)!r}, expected one of {', '.join(known)}")
        if not isinstance(self.degree, Integral) or self.degree < 0:
            raise ValueError(f"degree: got {self.degree!r}, expected an integer of at least 0")
        degree = self.degree * (2 if self.family == "trigonometric" and features == 1 else 1)  # sine and cosine
        return polynomial_basis(self.family, features, int(degree), self.index_set)

    def _stated_domain(self, features: int) -> np.ndarray:
        domain = np.asarray(self.domain, dtype=float)
        if domain.shape not in ((2,), (2, features)) or not np.all(np.isfinite(domain)):
            raise ValueError(
                f"domain: got shape {domain.shape}, expected finite numbers of shape (2,) or (2, {features})"
            )
        domain = np.broadcast_to(domain.reshape(2, -1), (2, features))
        if not np.all(domain[1] > (0 if self.family == "hermite" else domain[0])):
            expected = "standard deviations > 0" if self.family == "hermite" else "upper ends above the lower ends"
            raise ValueError(f"domain: got {domain.tolist()}, expected {expected}")
        return domain

    def _domain_of(self, X: np.ndarray, weight: np.ndarray) -> np.ndarray:
        if self.family == "hermite":
            mean = np.average(X, axis=0, weights=weight)
            deviation = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weight))
            return np.stack([mean, np.where(deviation > 0, deviation, 1.0)])
        low, high = X.min(0), X.max(0)
        flat = high <= low
        return np.stack([low - 0.5 * flat, high + 0.5 * flat])

    def _slopes(self, domain: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """`(origin, length, low)` of the affine map z = low + (x - origin) / length onto the reference domain."""
        if self.family == "hermite":
            return domain[0], domain[1], 0.0
        low, high = _REFERENCE[self.family]
        return domain[0], (domain[1] - domain[0]) / (high - low), low

    def _to_reference(self, X: np.ndarray, domain: np.ndarray) -> np.ndarray:
        origin, length, low = self._slopes(domain)
        return low + (X - origin) / length

    def sample(self, n_samples: int, n_features: int = 1, random_state=None) -> np.ndarray:
        """Points at which to observe the target.

        Args:
            n_samples: number of points; `rvol` takes multiples of twice the number of basis functions.
            n_features: number of features.
            random_state: seed or generator, as everywhere in scikit-learn.

        Returns:
            X, (n_samples, n_features), in the units of `domain`.

        Raises:
            ValueError: no `domain`, or a number of points that the strategy cannot have.
            lib.sampling.designs.ConditioningFailed: a conditioned strategy found no good design.
        """
        if self.domain is None:
            raise ValueError("domain: got None, expected the domain of the points; there are no data to take it from")
        basis, domain = self._make_basis(n_features), self._stated_domain(n_features)
        rng = np.random.default_rng(check_random_state(random_state).randint(2**31, size=4))
        design = sample_design(self.strategy, basis, n_samples, rng, delta=self.delta)
        origin, length, low = self._slopes(domain)
        X = origin + (design.x[0] - low) * length
        return X if self.family == "hermite" else np.clip(X, *domain)  # rounding must not leave the domain

    def fit(self, X, y, sample_weight=None):
        """Fit the coefficients.

        Args:
            X: points (n_samples, n_features).
            y: observations (n_samples,) or (n_samples, n_targets).
            sample_weight: further weights >= 0, multiplied with those of the strategy; points of weight 0 do not count.

        Raises:
            ValueError: points outside the stated domain, fewer points than basis functions, or points that do not
                determine the coefficients.
        """
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, dtype=np.float64)
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        positive = weight > 0
        X, y, weight = X[positive], y[positive], weight[positive]
        basis = self._make_basis(X.shape[1])
        if len(X) < basis.size:
            raise ValueError(
                f"n_samples={len(X)} is less than the {basis.size} basis functions; expected at least as many"
            )
        domain = self._domain_of(X, weight) if self.domain is None else self._stated_domain(X.shape[1])
        if self.family != "hermite" and (np.any(domain[0] > X) or np.any(domain[1] < X)):
            raise ValueError(f"X: got points outside the domain {domain.tolist()}, expected points inside it")
        x = self._to_reference(X, domain)
        phi = basis.evaluate(x)
        measure = strategy_measure(self.strategy, basis)
        w = weight * measure.weight(x, phi)
        coef = weighted_least_squares(phi, w, y.astype(float))
        if not np.all(np.isfinite(coef)):
            raise ValueError("X: got points that do not determine the coefficients, expected a design of full rank")
        self.basis_, self.domain_, self.coef_ = basis, domain, coef.T
        self.gram_eigenvalues_ = gram_eigenvalues(phi, w)
        return self

    def predict(self, X) -> np.ndarray:
        """Values of the fitted function, (n_samples,) or (n_samples, n_targets); beyond the domain it extrapolates."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return self.basis_.evaluate(self._to_reference(X, self.domain_)) @ self.coef_.T

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags
