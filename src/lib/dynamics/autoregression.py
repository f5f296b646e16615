"""Linear vector autoregression by least squares, the linear baseline of reconstruction."""

import numpy as np


def fit_var(x: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares of x_t on a constant and the last `order` values.

    Args:
        x: `(time, N)`.
        order: lags.

    Returns:
        Constant (N,), coefficients (order, N, N) with the nearest lag first, covariance (N, N) of the residuals.

    Raises:
        ValueError: an order below 1, or half the length of the series and more.
    """
    if not 1 <= order < len(x) // 2:
        raise ValueError(f"order: got {order}, expected between 1 and {len(x) // 2 - 1}")
    x = np.asarray(x, np.float64)
    lags = [x[order - k - 1 : len(x) - k - 1] for k in range(order)]
    design = np.hstack([np.ones((len(x) - order, 1)), *lags])
    solution = np.linalg.lstsq(design, x[order:], rcond=None)[0]
    residual = x[order:] - design @ solution
    n = x.shape[1]
    return solution[0], solution[1:].reshape(order, n, n).transpose(0, 2, 1), residual.T @ residual / len(residual)


def run_var(
    constant: np.ndarray,
    coefficients: np.ndarray,
    start: np.ndarray,
    steps: int,
    noise: np.ndarray | None = None,
    bound: float = 1e4,
) -> np.ndarray:
    """Free run of an autoregression.

    Args:
        constant, coefficients: of `fit_var`.
        start: the first `order` values `(order, N)`.
        steps: values after the start.
        noise: innovations `(steps, N)`; None runs the mean.
        bound: a run whose largest coordinate reaches this size has diverged and ends there.

    Returns:
        `(steps, N)`, or fewer rows when the run diverged.
    """
    order, n = len(coefficients), len(constant)
    flat = coefficients.transpose(1, 0, 2).reshape(n, order * n)
    recent = start[::-1].ravel().astype(np.float64)
    out = np.empty((steps, n))
    for t in range(steps):
        value = constant + flat @ recent
        if noise is not None:
            value = value + noise[t]
        if not np.abs(value).max() < bound:
            return out[:t]
        out[t] = value
        recent = np.concatenate([value, recent[:-n]])
    return out


def free_var_runs(x: np.ndarray, order: int, steps: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Free runs of the autoregression of a series: its mean, and with Gaussian innovations like its residuals.

    Args:
        x: `(time, N)`; the runs start from its first `order` values.
        order: lags.
        steps: values after the start.
        rng: draws the innovations.

    Returns:
        The run of the mean and the run with innovations, each `(steps, N)`, or fewer rows where it diverged.

    Raises:
        ValueError: see `fit_var`.
    """
    constant, coefficients, covariance = fit_var(x, order)
    n = len(covariance)
    factor = np.linalg.cholesky(covariance + 1e-15 * np.trace(covariance) * np.eye(n))
    innovations = rng.standard_normal((steps, n)) @ factor.T
    mean, noisy = (run_var(constant, coefficients, x[:order], steps, noise) for noise in (None, innovations))
    return mean, noisy
