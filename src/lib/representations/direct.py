"""Regressions of the outcome on the actions alone: what extrapolation without a representation gives."""

from itertools import product

import numpy as np

from lib.representations.extrapolation import fit_additive

GRID = {"hidden": (16, 64), "learning_rate": (1e-3, 1e-2), "share": (0.25, 1.0)}  # share: of the epochs
MOST_ROWS = 2000  # of kernel ridge regression, whose cost is cubic in them


def ols_effect(actions: np.ndarray, outcome: np.ndarray, queries: np.ndarray, degree: int = 1) -> np.ndarray:
    """Least squares on polynomials of the actions: predictions (Q,) at queries (Q, k)."""
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    model = make_pipeline(PolynomialFeatures(degree, include_bias=False), LinearRegression())
    return model.fit(actions, outcome).predict(queries)


def kernel_ridge_effect(actions: np.ndarray, outcome: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Gaussian kernel ridge regression on at most 2000 rows, width and penalty by cross-validation on half of these."""
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.model_selection import GridSearchCV

    a, mean = actions[:MOST_ROWS], outcome.mean()
    y = outcome[:MOST_ROWS] - mean
    scale = a.std()
    grid = {"gamma": [g / scale**2 for g in (0.03, 0.1, 0.3, 1.0)], "alpha": [0.1, 1.0, 10.0]}
    search = GridSearchCV(KernelRidge(kernel="rbf"), grid, scoring="neg_mean_squared_error", cv=3, refit=False)
    search.fit(a[: len(a) // 2], y[: len(a) // 2])
    return KernelRidge(kernel="rbf", **search.best_params_).fit(a, y).predict(queries) + mean


def mlp_effect(
    actions: np.ndarray,
    outcome: np.ndarray,
    queries: np.ndarray,
    seeds,
    *,
    epochs: int,
    batch: int,
    device: str = "cpu",
) -> np.ndarray:
    """Perceptrons on the actions, of the width, rate and epochs with the smallest error on a held-out fifth.

    The support of the held-out fifth is that of the training actions: nothing outside it takes part in the choice.

    Args:
        actions, outcome: (data sets, n, k) and (data sets, n).
        queries: (data sets, Q, k).
        seeds: one for each data set.
        epochs: the larger of the two numbers tried.
        batch: rows of a minibatch.
        device: where to compute.

    Returns:
        Predictions (data sets, Q) of the choice of each data set, fitted on four fifths.
    """
    n = outcome.shape[1]
    own = n - n // 5
    errors, predictions = [], []
    for hidden, learning_rate, share in product(*GRID.values()):
        fits = fit_additive(
            [actions[:, :own]],
            outcome[:, :own],
            seeds,
            hidden=hidden,
            epochs=max(1, round(share * epochs)),
            batch=min(batch, own),
            learning_rate=learning_rate,
            device=device,
        )
        errors.append(((fits.predict(actions[:, own:]) - outcome[:, own:]) ** 2).mean(axis=1))
        predictions.append(fits.predict(queries))
    best = np.argmin(errors, axis=0)
    return np.stack(predictions)[best, np.arange(len(best))]
