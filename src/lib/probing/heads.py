"""Linear heads of frozen features: logistic regression by cross-validation, gradient descent from zero, random ones."""

from typing import NamedTuple

import numpy as np
from scipy import linalg, special

STRENGTHS = np.logspace(-4, 4, 10)  # C of the penalty |V|^2 / (2 C)
FOLDS = 5
RANDOM_SIZE = 0.02  # standard deviation of RoBERTa's initial weights


class Head(NamedTuple):
    """Scores `weights @ x + bias` of C classes.

    Attributes:
        weights: (C, h).
        bias: (C,).
        strength: C that cross-validation chose; not a number for others.
    """

    weights: np.ndarray
    bias: np.ndarray
    strength: float = np.nan

    def scaled(self, factor: float) -> "Head":
        """The head times a factor, which predicts the same classes."""
        return self._replace(weights=factor * self.weights, bias=factor * self.bias)

    def norm(self) -> float:
        """Frobenius norm of the weights."""
        return float(np.linalg.norm(self.weights))

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Outputs (n, C) for features (n, h)."""
        return features @ self.weights.T + self.bias


def random_head(classes: int, width: int, rng: np.random.Generator) -> Head:
    """A head as fine-tuning without probing starts from: normal weights of deviation 0.02, no bias."""
    return Head(RANDOM_SIZE * rng.standard_normal((classes, width)), np.zeros(classes))


def probe_head(features: np.ndarray, labels: np.ndarray, strengths=STRENGTHS) -> Head:
    """Multinomial logistic regression whose penalty five-fold cross-validation chooses.

    Of two classes the one row w of scikit-learn becomes the rows -w/2 and w/2, so that the difference of both scores is
    its decision function.

    Args:
        features: (n, h).
        labels: (n,) integers 0 .. C - 1, of which each occurs.
        strengths: C of the penalties, ten from 1e-4 to 1e4 in scikit-learn.

    Raises:
        ValueError: one class, or one that does not occur.
    """
    from sklearn.linear_model import LogisticRegressionCV

    classes = int(labels.max()) + 1
    if classes < 2 or len(np.unique(labels)) < classes:
        raise ValueError(f"labels: got {np.unique(labels)}, expected each of 0 .. C - 1, C at least 2")
    model = LogisticRegressionCV(
        Cs=strengths,
        cv=FOLDS,
        max_iter=5000,
        tol=1e-4,
        scoring="accuracy",
        l1_ratios=(0.0,),
        use_legacy_attributes=False,
    )
    model.fit(features, labels)
    weights, bias = two_rows(model.coef_), two_rows(model.intercept_)
    return Head(weights, bias, float(model.C_))


def two_rows(parameters: np.ndarray) -> np.ndarray:
    """Parameters of one score between two classes, w, as those of two: -w/2 and w/2; others as they are."""
    return np.concatenate([-parameters / 2, parameters / 2]) if len(parameters) == 1 else parameters


def penalised_norms(features: np.ndarray, labels: np.ndarray, strengths=STRENGTHS) -> np.ndarray:
    """Norm of the head that minimises the penalised cross-entropy, for each C.

    Raises:
        ValueError: a minimisation that did not converge.
    """
    from lib.probing.logistic import fit_logistic

    rules = fit_logistic(features, labels, strengths, tol=1e-6, max_iter=20000)
    if not all(rule.converged for rule in rules):
        raise ValueError("logistic regression: got no convergence, expected a minimum")
    return np.array([np.linalg.norm(two_rows(rule.weights)) for rule in rules])


def _with_ones(features: np.ndarray) -> np.ndarray:
    return np.append(features, np.ones((*features.shape[:-1], 1)), axis=-1)


def descend_cross_entropy(features: np.ndarray, labels: np.ndarray, marks: list[int]) -> np.ndarray:
    """Norm of a head from zero by gradient descent on the mean cross-entropy, after some numbers of steps.

    The step is 2 over the largest eigenvalue of the second moment of the features with a one.

    Args:
        features: (sets, n, h).
        labels: (sets, n) integers.
        marks: numbers of steps.

    Returns:
        Norms (sets, marks).
    """
    x = _with_ones(np.asarray(features, dtype=float))
    second = x.mT @ x / x.shape[1]
    step = 2 / np.linalg.eigvalsh(second)[:, -1, None, None]
    indicators = np.eye(int(labels.max()) + 1)[labels]
    weights = np.zeros((len(x), x.shape[2], indicators.shape[2]))
    scaled = step / x.shape[1] * x.mT
    norms = {}
    for number in range(1, max(marks) + 1):
        weights -= scaled @ (special.softmax(x @ weights, axis=2) - indicators)
        if number in marks:
            norms[number] = np.linalg.norm(weights[:, :-1], axis=(1, 2))
    return np.stack([norms[mark] for mark in marks], axis=1)


def descend_squares(features: np.ndarray, labels: np.ndarray, marks: list[int]) -> np.ndarray:
    """The same for half the mean squared error of indicators, at step 1 over that eigenvalue, in closed form.

    After t steps the component of the optimum along an eigenvector of eigenvalue e has the share 1 - (1 - e step)^t.
    """
    return np.stack([_descended(x, y, np.array(marks, dtype=float)) for x, y in zip(features, labels)])


def least_squares_norm(features: np.ndarray, labels: np.ndarray) -> float:
    """Norm of the head that minimises the squared error of indicators, bias included; the least of all minima."""
    return float(_descended(features, labels, np.array([np.inf]))[0])


def _descended(features: np.ndarray, labels: np.ndarray, marks: np.ndarray) -> np.ndarray:
    x = _with_ones(np.asarray(features, dtype=float))
    u, s, vt = linalg.svd(x, full_matrices=False)
    real = s > s[0] * max(x.shape) * np.finfo(float).eps
    u, s, vt = u[:, real], s[real], vt[real]
    coefficients = (u.T @ np.eye(int(labels.max()) + 1)[labels]) / s[:, None]
    shares = 1 - (1 - (s / s[0])[:, None] ** 2) ** marks
    return np.array([np.linalg.norm((vt.T @ (share[:, None] * coefficients))[:-1]) for share in shares.T])
