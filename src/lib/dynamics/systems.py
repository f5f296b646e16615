"""Chaotic systems as evenly sampled time series, the same to the last bit on every machine.

A chaotic trajectory multiplies a difference in the last bit until it is as large as the attractor. Series are
therefore made of sums, products, quotients and square roots of doubles in a fixed order, which IEEE 754 rounds alike
everywhere: Runge-Kutta steps of fixed length, compiled without fused multiply-add, and exactly rounded means.
"""

from math import fsum, sqrt
from typing import NamedTuple

import numpy as np
from numba import njit

LORENZ = {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3}
ROSSLER = {"a": 0.2, "b": 0.2, "c": 5.7}


class QuadraticFlow(NamedTuple):
    """x' = constant + linear x + products: weight k times x_i x_j is added to equation e for term k = (e, i, j)."""

    constant: np.ndarray
    linear: np.ndarray
    terms: np.ndarray
    weights: np.ndarray


@njit(cache=True, fastmath=False)
def _drift(state, constant, linear, terms, weights, out):
    n = state.size
    for i in range(n):
        total = constant[i]
        for j in range(n):
            total += linear[i, j] * state[j]
        out[i] = total
    for k in range(weights.size):
        out[terms[k, 0]] += weights[k] * (state[terms[k, 1]] * state[terms[k, 2]])


@njit(cache=True, fastmath=False)
def _runge_kutta(start, constant, linear, terms, weights, h, substeps, transient, steps):
    """Classical method of order 4: `steps` samples, `substeps` steps of length h apart, after `transient` samples."""
    n = start.size
    x, moved = start.copy(), np.empty(n)
    k1, k2, k3, k4 = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    out = np.empty((steps, n))
    for sample in range(transient + steps):
        if sample >= transient:
            out[sample - transient] = x
        for _ in range(substeps):
            _drift(x, constant, linear, terms, weights, k1)
            for i in range(n):
                moved[i] = x[i] + 0.5 * h * k1[i]
            _drift(moved, constant, linear, terms, weights, k2)
            for i in range(n):
                moved[i] = x[i] + 0.5 * h * k2[i]
            _drift(moved, constant, linear, terms, weights, k3)
            for i in range(n):
                moved[i] = x[i] + h * k3[i]
            _drift(moved, constant, linear, terms, weights, k4)
            for i in range(n):
                x[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i])
    return out


def sample(
    flow: QuadraticFlow, start: np.ndarray, steps: int, dt: float, transient: int = 1000, substeps: int = 10
) -> np.ndarray:
    """Trajectory of a quadratic flow by Runge-Kutta steps of order 4 and fixed length dt / substeps.

    Args:
        flow: the system.
        start: state at the beginning of the transient.
        steps: samples to return.
        dt: time between two samples.
        transient: samples to discard first.
        substeps: steps of the method between two samples.

    Returns:
        `(steps, dim)` float64.

    Raises:
        ValueError: sizes out of range, or a trajectory that does not stay finite.
    """
    if steps < 1 or transient < 0 or dt <= 0 or substeps < 1:
        raise ValueError(
            f"steps, transient, dt, substeps: got {steps}, {transient}, {dt}, {substeps}, "
            "expected >= 1, >= 0, > 0, >= 1"
        )
    trajectory = _runge_kutta(np.asarray(start, np.float64), *flow, dt / substeps, substeps, transient, steps)
    if not np.isfinite(trajectory).all():
        raise ValueError(f"flow: got a trajectory from {start} that does not stay finite")
    return trajectory


def lorenz63_flow(**parameters: float) -> QuadraticFlow:
    """Lorenz: x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z."""
    p = {**LORENZ, **parameters}
    linear = np.array([[-p["sigma"], p["sigma"], 0.0], [p["rho"], -1.0, 0.0], [0.0, 0.0, -p["beta"]]])
    return QuadraticFlow(np.zeros(3), linear, np.array([[1, 0, 2], [2, 0, 1]]), np.array([-1.0, 1.0]))


def rossler_flow(**parameters: float) -> QuadraticFlow:
    """Rössler: x' = -y - z, y' = x + a y, z' = b + z (x - c)."""
    p = {**ROSSLER, **parameters}
    linear = np.array([[0.0, -1.0, -1.0], [1.0, p["a"], 0.0], [0.0, 0.0, -p["c"]]])
    return QuadraticFlow(np.array([0.0, 0.0, p["b"]]), linear, np.array([[2, 2, 0]]), np.array([1.0]))


def lorenz63(steps: int, dt: float = 0.01, transient: int = 1000, **parameters: float) -> np.ndarray:
    """Lorenz's system of 1963, (steps, 3); parameters `sigma`, `rho`, `beta` (10, 28, 8/3)."""
    return sample(lorenz63_flow(**parameters), np.array([1.0, 1.0, 20.0]), steps, dt, transient)


def lorenz63_fixed_points(**parameters: float) -> np.ndarray:
    """The two fixed points inside the lobes of Lorenz's attractor, (2, 3)."""
    p = {**LORENZ, **parameters}
    r = sqrt(p["beta"] * (p["rho"] - 1))
    return np.array([[r, r, p["rho"] - 1], [-r, -r, p["rho"] - 1]])


def rossler(steps: int, dt: float = 0.08, transient: int = 1000, **parameters: float) -> np.ndarray:
    """Rössler's system of 1976, (steps, 3); parameters `a`, `b`, `c` (.2, .2, 5.7)."""
    return sample(rossler_flow(**parameters), np.array([1.0, 1.0, 0.0]), steps, dt, transient, substeps=20)


def standardise(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scale every coordinate of a series `(time, dim)` to mean 0 and standard deviation 1.

    Returns:
        The scaled series, and the means and standard deviations `(dim,)` of the original.

    Raises:
        ValueError: a coordinate that is constant or not finite.
    """
    x = np.asarray(x, np.float64)
    finite = np.isfinite(x).all(axis=0)
    mean = np.array([fsum(column) / len(x) if whole else np.nan for column, whole in zip(x.T, finite)])
    square = (x - mean) ** 2
    sd = np.array([sqrt(fsum(column) / len(x)) if whole else np.nan for column, whole in zip(square.T, finite)])
    if not finite.all() or np.any(sd == 0):
        raise ValueError(f"x: got standard deviations {sd}, expected finite and positive ones")
    return (x - mean) / sd, mean, sd
