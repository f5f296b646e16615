"""What a tangent kernel predicts of training: regression with it, gradient descent in the linear regime, its ranks.

Kernels are arrays (n, C, m, C), as in `lib.ntk.empirical`; outputs are (n, C).
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg, optimize, special


class Prediction(NamedTuple):
    """Outputs (n, C) after regression on training samples and (m, C) on test samples."""

    train: np.ndarray
    test: np.ndarray


def flat_kernel(kernel: np.ndarray) -> np.ndarray:
    """(n, C, m, C) as a matrix (n C, m C)."""
    n, c, m, d = kernel.shape
    return np.asarray(kernel).reshape(n * c, m * d)


def residuals(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """softmax(f) - e_y, the gradient (n, C) of the cross-entropy at the outputs (n, C)."""
    return special.softmax(outputs, axis=1) - np.eye(outputs.shape[1])[labels]


def tuned_ratio(pretrained: np.ndarray, tuned: np.ndarray, slopes: np.ndarray) -> float:
    """Share of the first step that comes from moving features, the FT ratio.

    Mean over training samples of |sum_i F(x, x_i) d_i| / |sum_i (P + F)(x, x_i) d_i|, d the residuals.

    Args:
        pretrained, tuned: P and F, (n, C, n, C).
        slopes: residuals (n, C); their sign does not matter.

    Source: Tomihari and Sato 2024, section 5.2.
    """
    moved = np.einsum("ncmd,md->nc", tuned, slopes)
    both = moved + np.einsum("ncmd,md->nc", pretrained, slopes)
    return float(np.mean(np.linalg.norm(moved, axis=1) / np.linalg.norm(both, axis=1)))


def singular_values(kernel: np.ndarray) -> np.ndarray:
    """Singular values of a kernel as a matrix, largest first."""
    return linalg.svdvals(flat_kernel(kernel))


def numerical_rank(values: np.ndarray, size: int, dtype=np.float64) -> int:
    """Number of singular values above size times the spacing of a dtype times the largest."""
    return int(np.sum(values > size * np.finfo(dtype).eps * values[0]))


def kernel_regression(
    kernel: np.ndarray, cross: np.ndarray, start: np.ndarray, cross_start: np.ndarray, labels: np.ndarray,
    ridge: float = 1e-3,
) -> Prediction:  # fmt: skip
    """Ridge regression of indicators from the outputs at the start: f0 + K (K + rho I)^-1 (Y - f0).

    Args:
        kernel: (n, C, n, C) of the training samples.
        cross: (m, C, n, C) of test and training samples.
        start, cross_start: outputs before training, (n, C) and (m, C).
        labels: (n,) integers.
        ridge: rho over the mean of the kernel's diagonal.

    Raises:
        ValueError: a kernel that is not finite.
    """
    matrix = flat_kernel(kernel)
    if not (np.isfinite(matrix).all() and np.isfinite(cross).all()):
        raise ValueError("kernel: got numbers that are not finite")
    targets = np.eye(start.shape[1])[labels] - start
    shifted = matrix + ridge * np.trace(matrix) / len(matrix) * np.eye(len(matrix))
    weights = linalg.solve(shifted, targets.ravel(), assume_a="pos")
    return _predict(matrix, cross, start, cross_start, weights)


def kernel_logistic(
    kernel: np.ndarray, cross: np.ndarray, start: np.ndarray, cross_start: np.ndarray, labels: np.ndarray,
    ridge: float = 1e-3,
) -> Prediction:  # fmt: skip
    """The same with the cross-entropy: minimise its mean plus rho a^T K a / (2 n) over a, f = f0 + K a.

    Arguments as of `kernel_regression`. Solved by L-BFGS in the coordinates K^(1/2) a.
    """
    matrix = flat_kernel(kernel)
    n, c = start.shape
    values, vectors = linalg.eigh(matrix)
    root = vectors * np.sqrt(values.clip(0))
    rho = ridge * np.trace(matrix) / len(matrix)
    indicators = np.eye(c)[labels]

    def objective(z):
        outputs = start + (root @ z).reshape(n, c)
        loss = special.logsumexp(outputs, axis=1).sum() - (outputs * indicators).sum()
        slope = root.T @ (special.softmax(outputs, axis=1) - indicators).ravel()
        return (loss + rho * z @ z / 2) / n, (slope + rho * z) / n

    z = optimize.minimize(objective, np.zeros(len(matrix)), jac=True, method="L-BFGS-B", options={"maxiter": 2000}).x
    slope = residuals(start + (root @ z).reshape(n, c), labels).ravel()
    return _predict(matrix, cross, start, cross_start, -slope / rho)  # at the minimum rho a = -(softmax(f) - e_y)


def _predict(matrix, cross, start, cross_start, weights) -> Prediction:
    return Prediction(
        start + (matrix @ weights).reshape(start.shape),
        cross_start + (flat_kernel(cross) @ weights).reshape(cross_start.shape),
    )


def linearised_descent(kernel: np.ndarray, start: np.ndarray, labels: np.ndarray, step: float, steps: int):
    """Gradient descent on the mean cross-entropy in the linear regime, outputs f0 + K a.

    a(t + 1) = a(t) - step / n (softmax(f0 + K a(t)) - e_y).

    Args:
        kernel: (n, C, n, C).
        start: outputs before training, (n, C).
        labels: (n,) integers.
        step, steps: size and number of steps.

    Yields:
        a, (n, C), after each step.
    """
    matrix, weights = flat_kernel(kernel), np.zeros(start.shape)
    for _ in range(steps):
        outputs = start + (matrix @ weights.ravel()).reshape(start.shape)
        weights = weights - step / len(start) * residuals(outputs, labels)
        yield weights
