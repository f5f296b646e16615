"""Chaotic systems as evenly sampled time series."""

from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

LORENZ = {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3}
ROSSLER = {"a": 0.2, "b": 0.2, "c": 5.7}


def sample(
    drift: Callable, start: np.ndarray, steps: int, dt: float, transient: int = 1000, tolerance: float = 1e-8
) -> np.ndarray:
    """Trajectory of x' = drift(t, x) by the Dormand-Prince method of order 8 with adaptive steps.

    Args:
        drift: right-hand side.
        start: state at the beginning of the transient.
        steps: samples to return.
        dt: time between two samples.
        transient: samples to discard first.
        tolerance: relative and absolute error tolerance of a step.

    Returns:
        `(steps, dim)` float64.

    Raises:
        ValueError: sizes out of range, or an integration that fails.
    """
    if steps < 1 or transient < 0 or dt <= 0:
        raise ValueError(f"steps, transient, dt: got {steps}, {transient}, {dt}, expected >= 1, >= 0, > 0")
    times = dt * np.arange(transient, transient + steps)
    solution = solve_ivp(drift, (0, times[-1]), start, "DOP853", times, rtol=tolerance, atol=tolerance)
    if not solution.success:
        raise ValueError(f"drift: got a trajectory that cannot be followed, {solution.message}")
    return solution.y.T


def lorenz63(steps: int, dt: float = 0.01, transient: int = 1000, **parameters: float) -> np.ndarray:
    """Lorenz's system of 1963, (steps, 3); parameters `sigma`, `rho`, `beta` (10, 28, 8/3)."""
    p = {**LORENZ, **parameters}

    def drift(_, state):
        x, y, z = state
        return p["sigma"] * (y - x), x * (p["rho"] - z) - y, x * y - p["beta"] * z

    return sample(drift, np.array([1.0, 1.0, 20.0]), steps, dt, transient)


def lorenz63_fixed_points(**parameters: float) -> np.ndarray:
    """The two fixed points inside the lobes of Lorenz's attractor, (2, 3)."""
    p = {**LORENZ, **parameters}
    r = np.sqrt(p["beta"] * (p["rho"] - 1))
    return np.array([[r, r, p["rho"] - 1], [-r, -r, p["rho"] - 1]])


def rossler(steps: int, dt: float = 0.08, transient: int = 1000, **parameters: float) -> np.ndarray:
    """Rössler's system of 1976, (steps, 3); parameters `a`, `b`, `c` (.2, .2, 5.7)."""
    p = {**ROSSLER, **parameters}

    def drift(_, state):
        x, y, z = state
        return -y - z, x + p["a"] * y, p["b"] + z * (x - p["c"])

    return sample(drift, np.array([1.0, 1.0, 0.0]), steps, dt, transient)


def standardise(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scale every coordinate of a series `(time, dim)` to mean 0 and standard deviation 1.

    Returns:
        The scaled series, and the means and standard deviations `(dim,)` of the original.

    Raises:
        ValueError: a coordinate that is constant or not finite.
    """
    mean, sd = x.mean(axis=0), x.std(axis=0)
    if not np.all(np.isfinite(sd)) or np.any(sd == 0):
        raise ValueError(f"x: got standard deviations {sd}, expected finite and positive ones")
    return (x - mean) / sd, mean, sd
