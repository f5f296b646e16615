"""The almost-linear recurrent network (Brenner, Hemmer, Monfared and Durstewitz 2024).

z_{t+1} = A * z_t + W phi(z_t) + h, where phi rectifies the last P of M units and passes the others through. The first N
units are the observations. Inside one linear region, named by which of the P units are active, the map is z -> J z + h
with J = diag(A) + W D.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

BOUND = 1e4


class AlmostLinearRNN(NamedTuple):
    """Parameters: a (M,), w (M, M), h (M,), lift (M - N, N), and the number P of rectified units."""

    a: np.ndarray
    w: np.ndarray
    h: np.ndarray
    lift: np.ndarray
    rectified: int

    @property
    def units(self) -> int:
        """M."""
        return len(self.a)

    @property
    def observed(self) -> int:
        """N."""
        return self.lift.shape[1]

    def astype(self, dtype) -> "AlmostLinearRNN":
        """The same model in another precision."""
        return AlmostLinearRNN(*(np.asarray(v, dtype) for v in self[:4]), self.rectified)


def check_sizes(units: int, observed: int, rectified: int) -> None:
    """Refuse numbers of units M, observations N and rectified units P that do not make a model.

    Raises:
        ValueError: sizes out of range, or observed units among the rectified ones although not all are rectified.
    """
    if not 0 < observed < units:
        raise ValueError(f"observed: got {observed}, expected between 1 and units - 1 = {units - 1}")
    if not 0 <= rectified <= units:
        raise ValueError(f"rectified: got {rectified}, expected between 0 and units = {units}")
    if units - observed < rectified < units:
        raise ValueError(
            f"rectified: got {rectified}, expected at most units - observed = {units - observed}, or all {units}"
        )


def initialise(units: int, observed: int, rectified: int, rng: np.random.Generator) -> AlmostLinearRNN:
    """Random parameters in float32 (authors' code): A from a normalised positive matrix, W small, h = 0.

    Args:
        units, observed, rectified: M, N, P.
        rng: source of randomness.

    Raises:
        ValueError: see `check_sizes`.
    """
    check_sizes(units, observed, rectified)
    r = rng.standard_normal((units, units))
    k = r.T @ r / units + np.eye(units)
    w = 0.01 * rng.standard_normal((units, units))
    limit = np.sqrt(6 / units)  # Glorot for a matrix of M - N by N
    lift = rng.uniform(-limit, limit, (units - observed, observed))
    a = np.diag(k) / np.linalg.eigvalsh(k)[-1]
    return AlmostLinearRNN(a, w, np.zeros(units), lift, rectified).astype(np.float32)


def lifted(model: AlmostLinearRNN, x: np.ndarray) -> np.ndarray:
    """State (..., M) that starts a run from observations (..., N): (x, L x)."""
    return np.concatenate([x, x @ model.lift.T], axis=-1).astype(model.a.dtype)


def activation(model: AlmostLinearRNN, z: np.ndarray) -> np.ndarray:
    """phi(z): the last P of the last axis rectified."""
    linear = model.units - model.rectified
    return np.concatenate([z[..., :linear], np.maximum(z[..., linear:], 0)], axis=-1)


def step(model: AlmostLinearRNN, z: np.ndarray) -> np.ndarray:
    """One step of the map on states (..., M)."""
    return model.a * z + activation(model, z) @ model.w.T + model.h


@njit(cache=True)
def _generate(a, w, h, start, rectified, steps, bound):
    units = a.size
    z, phi, new = start.copy(), start.copy(), start.copy()
    out = np.empty((steps, units), a.dtype)
    for t in range(steps):
        inside = True
        for i in range(units):
            out[t, i] = z[i]
            phi[i] = max(z[i], 0) if i >= units - rectified else z[i]
            inside = inside and abs(z[i]) < bound  # false for NaN, which a largest size would pass over
        if not inside:
            return out[:t]
        np.dot(w, phi, new)
        for i in range(units):
            z[i] = a[i] * z[i] + new[i] + h[i]
    return out


def generate(model: AlmostLinearRNN, start: np.ndarray, steps: int, bound: float = BOUND) -> np.ndarray:
    """Free run from a state.

    Args:
        model: the model; its precision is that of the run.
        start: `(M,)`.
        steps: states to return, the start included.
        bound: a run has diverged and ends where a coordinate reaches this size or is not a number.

    Returns:
        `(steps, M)`, or fewer rows when the run diverged.
    """
    start = np.ascontiguousarray(start, model.a.dtype)
    return _generate(model.a, np.ascontiguousarray(model.w), model.h, start, model.rectified, steps, bound)


def free_run(model: AlmostLinearRNN, observation: np.ndarray, steps: int, transient: int = 0) -> np.ndarray:
    """States of a free run that starts from one observation.

    Args:
        model: the model.
        observation: `(N,)`, lifted to the state that the run starts from.
        steps: states to return.
        transient: states to discard before them.

    Returns:
        `(steps, M)`, or fewer rows when the run diverged.
    """
    return generate(model, lifted(model, observation), steps + transient)[transient:]


def reset_run(model: AlmostLinearRNN, x: np.ndarray, interval: int) -> np.ndarray:
    """Predictions of a run whose observed units are reset to the data every few steps: forcing without training.

    Args:
        model: the model.
        x: observations `(time, N)`; the run starts from the first.
        interval: steps between two resets.

    Returns:
        `(time, N)`, the first observation and what the run says of the others before it is reset; fewer rows where it
        diverged.

    Raises:
        ValueError: an interval below 1.
    """
    if interval < 1:
        raise ValueError(f"interval: got {interval}, expected at least 1")
    predictions = np.empty((len(x), model.observed))
    predictions[0] = x[0]
    z = lifted(model, x[0])
    for t in range(1, len(x)):
        z = step(model, z)
        if not np.abs(z).max() < BOUND:
            return predictions[:t]
        predictions[t] = z[: model.observed]
        if t % interval == 0:
            z[: model.observed] = x[t]
    return predictions


def codes(model: AlmostLinearRNN, z: np.ndarray) -> np.ndarray:
    """Symbols of states (..., M): which of the P rectified units are active, as the bits of an integer.

    Raises:
        ValueError: a model of more than 32 rectified units.
    """
    if model.rectified > 32:
        raise ValueError(f"model: got {model.rectified} rectified units, expected at most 32 for a symbol")
    active = z[..., model.units - model.rectified :] > 0
    return (
        active @ (1 << np.arange(model.rectified, dtype=np.int64)) if model.rectified else np.zeros(z.shape[:-1], int)
    )


def jacobian(model: AlmostLinearRNN, code: int) -> np.ndarray:
    """J = diag(A) + W D of the linear region with this symbol, (M, M)."""
    mask = np.ones(model.units, model.w.dtype)
    mask[model.units - model.rectified :] = (int(code) >> np.arange(model.rectified)) & 1
    return np.diag(model.a) + model.w * mask
