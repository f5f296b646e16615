"""Linear rules learnt from a draw of a Gaussian mixture, each estimator from the same draw."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from lib.probing.mixtures import Mixture
from lib.probing.naive_bayes import PooledGaussianNB

ESTIMATORS = ("nb", "lr", "lr_exact", "lr_scaled", "ncm")
EXACT = {"tol": 1e-8, "max_iter": 20_000}
AUTHORS = {"tol": 1e-4, "max_iter": 1000}


def learn_rule(estimator: str, mixture: Mixture, labels, rng, *, C: float = 1.0, epsilon: float = 1e-9):
    """Weights (K, n) and intercepts (K,) of a rule learnt from rows of these labels; of two classes one row may come.

    `nb` is naive Bayes with pooled variances and `ncm` the nearest class mean; both read rows in blocks. `lr` is
    scikit-learn's logistic regression with L-BFGS as the authors run it, on features as they are; `lr_exact` the same
    at a tolerance 1e-8, `lr_scaled` after features are standardised on the rows.

    Args:
        estimator: one of `ESTIMATORS`.
        mixture: source of the rows.
        labels: (m,) classes of the rows, each at least once.
        rng: source of the rows; equal states give equal rows whatever the estimator.
        C: of logistic regression.
        epsilon: of naive Bayes.

    Raises:
        ValueError: another estimator.
    """
    if estimator in ("nb", "ncm"):
        model = PooledGaussianNB(epsilon)
        for block, x in mixture.draw_blocks(labels, rng):
            model.partial_fit(x, block, classes=np.arange(len(mixture.means)))
        means = model.theta_
        return model.linear_rule() if estimator == "nb" else (means, -0.5 * (means**2).sum(axis=1))
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimator: got {estimator!r}, expected one of {', '.join(ESTIMATORS)}")
    x = mixture.draw(labels, rng)
    model = LogisticRegression(C=C, **(EXACT if estimator == "lr_exact" else AUTHORS))
    if estimator != "lr_scaled":
        model.fit(x, labels)
        return model.coef_, model.intercept_
    scaler = StandardScaler().fit(x)
    model.fit(scaler.transform(x), labels)
    weights = model.coef_ / scaler.scale_
    return weights, model.intercept_ - weights @ scaler.mean_
