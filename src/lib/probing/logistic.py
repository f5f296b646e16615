"""L2-penalised logistic regression, exact to a stated gradient, in coordinates in which the data are well conditioned.

The penalty does not change under rotations, so weights are sought in the basis of the principal axes of the centred
rows, of which there are min(m, n). There Boehning's bound on the Hessian, half of X^T X / m plus the penalty, is
diagonal, and L-BFGS on coordinates divided by its root needs few steps however features are scaled. Several penalties
share the axes, and each starts from the solution of the one before.
"""

import warnings
from typing import NamedTuple

import numpy as np
from scipy import linalg, optimize, special
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

NEGLIGIBLE = 1e-13  # axes whose variance is a smaller share of the largest are rounding


class LinearRule(NamedTuple):
    """Scores `weights @ x + intercepts` of K classes; of two classes one row, the score of the second.

    Args:
        weights: (K, n), or (1, n).
        intercepts: (K,), or (1,).
        steps: iterations of L-BFGS.
        converged: whether the gradient came below the tolerance.
    """

    weights: np.ndarray
    intercepts: np.ndarray
    steps: int
    converged: bool


def fit_logistic(
    x: np.ndarray, codes: np.ndarray, strengths, *, tol: float = 1e-4, max_iter: int = 1000, device: str = "cpu"
) -> list[LinearRule]:
    """Minimise the mean logistic loss plus |W|^2 / (2 C m) for each C; intercepts are not penalised.

    Of two classes the loss is binary, as scikit-learn's is; of more it is multinomial with a row for each class.

    Args:
        x: (m, n).
        codes: (m,) integers 0 .. K - 1, of which each occurs.
        strengths: the values of C; the smallest is solved first.
        tol: largest entry of the gradient in the scaled coordinates; below 1e-7 values of the loss no longer differ.
        max_iter: iterations of L-BFGS for each C.
        device: `cpu`, or where PyTorch evaluates the loss, such as `cuda`.

    Returns:
        A rule for each C, in the order of `strengths`.

    Raises:
        ValueError: fewer than two classes, or a class without a row.
    """
    classes = int(codes.max()) + 1
    if classes < 2 or len(np.unique(codes)) < classes:
        raise ValueError(f"codes: got {np.unique(codes)}, expected each of 0 .. K - 1, K at least 2")
    centre = x.mean(axis=0)
    axes = _principal_axes(x - centre)
    rows = 1 if classes == 2 else classes
    loss = _loss(axes.rows, codes, rows, device)
    solutions, start = {}, np.zeros((rows, axes.rows.shape[1] + 1))
    for strength in sorted(set(strengths)):
        curvature = np.append(axes.variances / 4 if rows == 1 else axes.variances / 2, 1.0)
        penalty = np.append(np.full(len(axes.variances), 1 / (strength * len(x))), 0.0)
        scale = np.sqrt(curvature + penalty)

        def objective(flat, scale=scale, penalty=penalty):
            parameters = flat.reshape(rows, -1) / scale
            value, gradient = loss(parameters)
            return value + 0.5 * np.sum(penalty * parameters**2), ((gradient + penalty * parameters) / scale).ravel()

        result = optimize.minimize(
            objective, (start * scale).ravel(), jac=True, method="L-BFGS-B",
            options={"gtol": tol, "ftol": 0.0, "maxiter": max_iter, "maxfun": 3 * max_iter, "maxls": 50},
        )  # fmt: skip
        start = result.x.reshape(rows, -1) / scale
        weights = start[:, :-1] @ axes.directions
        converged = bool(np.abs(result.jac).max() <= tol)
        solutions[strength] = LinearRule(weights, start[:, -1] - weights @ centre, int(result.nit), converged)
    return [solutions[strength] for strength in strengths]


class _Axes(NamedTuple):
    """Rows in principal coordinates (m, r), variances (r,) along the axes, and the axes (r, n)."""

    rows: np.ndarray
    variances: np.ndarray
    directions: np.ndarray


def _principal_axes(x: np.ndarray) -> _Axes:
    m, n = x.shape
    wide = n > m
    values, vectors = linalg.eigh(x @ x.T if wide else x.T @ x, driver="evd", check_finite=False)
    kept = values > NEGLIGIBLE * max(values[-1], np.finfo(float).tiny)
    values, vectors = values[kept], vectors[:, kept]
    if wide:
        root = np.sqrt(values)
        return _Axes(vectors * root, values / m, (vectors / root).T @ x)
    return _Axes(x @ vectors, values / m, vectors.T)


def _loss(z: np.ndarray, codes: np.ndarray, rows: int, device: str):
    """A function from parameters (rows, r + 1), the intercept last, to the mean loss and its gradient."""
    if device != "cpu":
        return _loss_on_device(z, codes, rows, device)
    m = len(z)
    if rows == 1:
        signs = 2.0 * codes - 1

        def binary(parameters):
            margins = signs * (z @ parameters[0, :-1] + parameters[0, -1])
            slopes = -signs * special.expit(-margins) / m
            return np.logaddexp(0, -margins).sum() / m, np.append(slopes @ z, slopes.sum())[None]

        return binary
    places = np.arange(m)

    def multinomial(parameters):
        scores = z @ parameters[:, :-1].T + parameters[:, -1]
        scores -= scores.max(axis=1, keepdims=True)
        own = scores[places, codes].copy()
        np.exp(scores, out=scores)
        total = scores.sum(axis=1)
        scores /= total[:, None]
        scores[places, codes] -= 1
        scores /= m
        return (np.log(total).sum() - own.sum()) / m, np.column_stack([scores.T @ z, scores.sum(axis=0)])

    return multinomial


def _loss_on_device(z: np.ndarray, codes: np.ndarray, rows: int, device: str):
    import torch  # a large import, for large problems alone

    rows_of = torch.as_tensor(z, device=device)
    targets = torch.as_tensor(codes, device=device)
    signs = 2.0 * targets.to(rows_of.dtype) - 1

    def evaluate(parameters):
        values = torch.as_tensor(parameters, device=device)
        scores = rows_of @ values[:, :-1].T + values[:, -1]
        if rows == 1:
            margins = signs * scores[:, 0]
            value = torch.nn.functional.softplus(-margins, threshold=1000).mean()
            slopes = (-signs * torch.sigmoid(-margins))[:, None] / len(z)
        else:
            logs = torch.log_softmax(scores, 1)
            value = -logs.gather(1, targets[:, None]).mean()
            slopes = (logs.exp() - torch.nn.functional.one_hot(targets, rows)) / len(z)
        gradient = torch.cat([slopes.T @ rows_of, slopes.sum(0)[:, None]], 1)
        return float(value), gradient.cpu().numpy()

    return evaluate


class LogisticProbe(LinearClassifierMixin, BaseEstimator):
    """Logistic regression with an L2 penalty, an estimator of scikit-learn's kind.

    The minimiser is that of scikit-learn's LogisticRegression; the way to it is shorter where there are fewer rows than
    features, or where features have different scales.

    Args:
        C: inverse strength of the penalty |W|^2 / (2 C).
        tol: largest entry of the gradient in the scaled coordinates.
        max_iter: iterations of L-BFGS.
        device: `cpu`, or where PyTorch evaluates the loss.

    Attributes:
        classes_: (K,) labels.
        coef_: (K, n), of two classes (1, n).
        intercept_: (K,), of two classes (1,).
        n_iter_: iterations.
        n_features_in_: n.
    """

    def __init__(self, C=1.0, *, tol=1e-4, max_iter=1000, device="cpu"):
        self.C = C
        self.tol = tol
        self.max_iter = max_iter
        self.device = device

    def fit(self, X, y):
        """Fit rows X (m, n) with labels y (m,); warn where the iterations did not converge.

        Raises:
            ValueError: numbers that are not finite, one class alone, or C not above zero.
        """
        X, y = validate_data(self, X, y, dtype=float)
        check_classification_targets(y)
        if not self.C > 0:
            raise ValueError(f"C: got {self.C!r}, expected a number above 0")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y: got one class, {self.classes_[0]!r}, expected at least two classes")
        (rule,) = fit_logistic(X, codes, [self.C], tol=self.tol, max_iter=self.max_iter, device=self.device)
        if not rule.converged:
            warnings.warn(f"not converged after {rule.steps} iterations", ConvergenceWarning, stacklevel=2)
        self.coef_, self.intercept_, self.n_iter_ = rule.weights, rule.intercepts, rule.steps
        return self

    def predict_proba(self, X):
        """Class probabilities (m, K)."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            second = special.expit(scores)
            return np.column_stack([special.expit(-scores), second])
        return special.softmax(scores, axis=1)
