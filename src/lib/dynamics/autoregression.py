"""Linear vector autoregression by least squares, the linear baseline of reconstruction."""

import numpy as np
from numba import njit


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


@njit(cache=True)
def _run(constant, coefficients, start, noise, bound):
    """Values of an autoregression (steps, N) with these innovations; fewer where one reaches the bound."""
    order, n, _ = coefficients.shape
    steps = len(noise)
    values = np.empty((order + steps, n))
    values[:order] = start
    for t in range(order, order + steps):
        for i in range(n):
            value = constant[i] + noise[t - order, i]
            for lag in range(order):
                for j in range(n):
                    value += coefficients[lag, i, j] * values[t - lag - 1, j]
            values[t, i] = value
            if not abs(value) < bound:
                return values[order:t]
    return values[order:]


def run_var(
    constant: np.ndarray, coefficients: np.ndarray, start: np.ndarray, noise: np.ndarray, bound: float = 1e4
) -> np.ndarray:
    """Free run of an autoregression.

    Args:
        constant, coefficients: of `fit_var`.
        start: the first `order` values `(order, N)`.
        noise: innovations `(steps, N)`; zeros run the mean.
        bound: a run whose largest coordinate reaches this size has diverged and ends there.

    Returns:
        `(steps, N)`, or fewer rows when the run diverged.
    """
    arrays = (np.ascontiguousarray(v, np.float64) for v in (constant, coefficients, start, noise))
    return _run(*arrays, bound)


def free_var_runs(x: np.ndarray, order: int, steps: int, draws: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Free runs of the autoregression of a series: its mean, and several with Gaussian innovations like its residuals.

    Args:
        x: `(time, N)`; the runs start from its first `order` values.
        order: lags.
        steps: values after the start.
        draws: runs with innovations.
        rng: draws the innovations.

    Returns:
        The run of the mean, then those with innovations, each `(steps, N)`, or fewer rows where it diverged.

    Raises:
        ValueError: see `fit_var`.
    """
    constant, coefficients, covariance = fit_var(x, order)
    n = len(covariance)
    factor = np.linalg.cholesky(covariance + 1e-15 * np.trace(covariance) * np.eye(n))
    noises = [np.zeros((steps, n))] + [rng.standard_normal((steps, n)) @ factor.T for _ in range(draws)]
    return [run_var(constant, coefficients, x[:order], noise) for noise in noises]
