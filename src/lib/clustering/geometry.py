"""How linear features are: cosines between classes, spectra and ranks of classes, linear classifiers."""

import numpy as np

from lib.clustering.spectral import unit_rows


def class_cosines(features, classes) -> tuple[float, float]:
    """Mean |cosine| of pairs in different classes, and of different samples of one class.

    Args:
        features: (n, d), scaled to length 1 here.
        classes: (n,).
    """
    z = unit_rows(np.asarray(features, float))
    cosines = np.abs(z @ z.T)
    same = np.asarray(classes)[:, None] == np.asarray(classes)
    off = ~np.eye(len(z), dtype=bool)
    return float(cosines[~same].mean()), float(cosines[same & off].mean())


def class_spectra(features, classes) -> np.ndarray:
    """Singular values (classes, d) of each class's features about the origin, the first scaled to 1."""
    features = np.asarray(features, float)
    names = np.unique(classes)
    result = np.zeros((len(names), features.shape[1]))
    for i, name in enumerate(names):
        values = np.linalg.svd(features[classes == name], compute_uv=False)
        result[i, : len(values)] = values / values[0]
    return result


def energy_rank(spectra, energy: float = 0.95) -> np.ndarray:
    """Fewest directions that carry a share of the energy, for singular values along the last axis; NaN of NaN."""
    squares = np.asarray(spectra, float) ** 2
    share = np.cumsum(squares, -1) / squares.sum(-1, keepdims=True)
    return np.where(np.isnan(share[..., -1]), np.nan, (share < energy).sum(-1) + 1.0)


def linear_probe(features, classes, inverse_penalties, folds: int = 5) -> float:
    """Accuracy of logistic regression in cross-validation, at the best of several inverse penalties.

    Args:
        features: (n, d), standardised within each fold.
        classes: (n,).
        inverse_penalties: scikit-learn's C; the best mean accuracy counts, for every kind of features alike.
        folds: of the stratified cross-validation.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    split = StratifiedKFold(folds, shuffle=True, random_state=0)
    return max(
        cross_val_score(
            make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=300, tol=1e-3)),
            features,
            classes,
            cv=split,
        ).mean()
        for c in inverse_penalties
    )
