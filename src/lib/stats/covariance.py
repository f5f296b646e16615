"""Covariance estimators of scikit-learn's kind, beside its `LedoitWolf` and `OAS`."""

import numpy as np
from sklearn.covariance import EmpiricalCovariance
from sklearn.utils.validation import validate_data

from lib.stats.shrinkage import shrink


class SchaferStrimmer(EmpiricalCovariance):
    """Covariance with correlations shrunk to the identity and variances to their median.

    Args:
        shrinkage: intensity for the correlations in [0, 1], or None to estimate it.
        variance_shrinkage: intensity for the variances in [0, 1], or None to estimate it.
        store_precision: whether `precision_` is computed.

    Attributes:
        covariance_, precision_: (D, D).
        location_: means (D,).
        shrinkage_, variance_shrinkage_: the intensities used.

    Source: Schäfer and Strimmer 2005, Statistical Applications in Genetics and Molecular Biology 4, 32; Opgen-Rhein
    and Strimmer 2007, same journal 6, 9.
    """

    def __init__(self, *, shrinkage=None, variance_shrinkage=None, store_precision=True):
        super().__init__(store_precision=store_precision, assume_centered=False)
        self.shrinkage = shrinkage
        self.variance_shrinkage = variance_shrinkage

    def fit(self, X, y=None):
        """Estimate the covariance of X, (n, D) with n at least 3; y is not used."""
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=3)
        self.location_ = X.mean(axis=0)
        shrunk = shrink(X, self.shrinkage, self.variance_shrinkage)
        self.shrinkage_, self.variance_shrinkage_ = float(shrunk.shrinkage), float(shrunk.variance_shrinkage)
        self._set_covariance(shrunk.covariance)
        return self
