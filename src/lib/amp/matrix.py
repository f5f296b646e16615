"""Generalised approximate message passing for a symmetric matrix seen through random linear measurements.

GAMP-RIE of Maillard et al. (2024, arXiv:2408.03733) when the denoiser is the rotationally invariant estimator. The
normalisation is that of the reduced linear model y = tr(Phi S) + noise.

A run can end in three ways: at a fixed point; wandering about one by a few per cent of its posterior variance, as
small matrices do where data are few; or frozen, its variance collapsed while the labels are far from explained. The
last is no result. `gamp` tells them apart without the truth: by how far the estimate still moves, and by whether the
labels' residuals are as large as the variance says.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lib.linalg.random_matrix import rie_denoise, rie_mse

MOVEMENT, CONSISTENCY, WATCHED = 0.1, 3.0, 10


class State(NamedTuple):
    """State of the iteration: estimate (d, d), its variance, and the messages of the measurements (n,)."""

    estimate: np.ndarray
    variance: float
    smoothed: float
    omega: np.ndarray
    g: np.ndarray
    iteration: int


class Denoised(NamedTuple):
    """What a denoiser returns: the estimate (d, d) and its expected squared error per d."""

    estimate: np.ndarray
    error: float


def rie(kappa: float, floor: float = 1e-7, nodes: int = 200) -> Callable[[np.ndarray, float], Denoised]:
    """The optimal denoiser of a Wishart matrix with ratio kappa; noise variances below `floor` are raised to it."""

    def denoise(observed: np.ndarray, t: float) -> Denoised:
        t = t + floor
        return Denoised(rie_denoise(observed, kappa, t), float(rie_mse(kappa, t, nodes)))

    return denoise


def init(d: int, n: int, kappa: float) -> State:
    """Start from the prior: mean I, variance 2 / kappa, messages of their first values."""
    return State(np.eye(d), 2 / kappa, 2 / kappa, np.zeros(n), np.zeros(n), 0)


def damped_init(d: int, n: int, kappa: float) -> State:
    """Start from the prior with messages far from their values, damped from the first iteration, as the authors do."""
    return State(np.eye(d), 2 / kappa, 10.0, np.full(n, 10.0), np.zeros(n), 1)


def step(state: State, sensing, y: np.ndarray, noise: float, denoise, damping: float = 0.5, onsager: bool = True):
    """One iteration.

    Args:
        state: of the last iteration, from `init` at first.
        sensing: measurements with `forward(S) -> (n,)`, `adjoint(g) -> (d, d)` and `d`.
        y: labels of the reduced model (n,).
        noise: variance of their noise.
        denoise: `(observed, t) -> Denoised`.
        damping: weight of the old messages (none in the first iteration).
        onsager: False leaves out the Onsager correction (an ablation).

    Returns:
        `(state, observed, t)`: the new state, the matrix that was denoised, and its effective noise variance.
    """
    d, n = sensing.d, len(y)
    omega = sensing.forward(state.estimate)
    if onsager:
        omega = omega - state.g * state.variance  # the old g with the new variance
    keep = damping if state.iteration else 0.0
    smoothed = (1 - keep) * state.variance + keep * state.smoothed
    omega = (1 - keep) * omega + keep * state.omega
    g = (y - omega) / (noise + smoothed)
    precision = 2 * n / d**2 * np.mean(g**2)
    observed = state.estimate + sensing.adjoint(g) / (precision * d)
    t = 1 / (2 * precision)
    estimate, error = denoise(observed, t)
    variance = 2 * max(error, 1e-9)
    return State(estimate, variance, smoothed, omega, g, state.iteration + 1), observed, t


class Run(NamedTuple):
    """A finished run.

    Args:
        state: last one.
        observed: last denoised matrix.
        t: its noise variance.
        errors: by iteration.
        movement: largest |change|_F^2 / d of the last `WATCHED` iterations over the posterior variance.
        consistency: mean squared residual of the labels over what noise and variance predict: 1 at a fixed point.
    """

    state: State
    observed: np.ndarray
    t: float
    errors: np.ndarray
    movement: float
    consistency: float

    @property
    def converged(self) -> bool:
        """Whether the run rests, or wanders by little, where its variance agrees with the labels.

        Of 44 teachers (d = 40 to 100, kappa = 1/2, alpha = .05 to .43) from two starts, runs that end near the Bayes
        error move by .05 at most and are consistent within .88 to 2.2; frozen runs are inconsistent by 1e6 and more.
        """
        return bool(self.movement < MOVEMENT and 1 / CONSISTENCY < self.consistency < CONSISTENCY)


def gamp(
    sensing,
    y: np.ndarray,
    kappa: float,
    noise: float,
    *,
    error: Callable[[np.ndarray], float],
    iterations: int = 150,
    damping: float = 0.5,
    tolerance: float = 1e-9,
    onsager: bool = True,
) -> Run:
    """Iterate GAMP-RIE until the estimate rests, `iterations` times at most, from the prior.

    A run that does not converge (`Run.converged`) is started again with damped messages. Of two runs that do not, the
    more consistent one is returned. The error decides nothing.

    Args:
        sensing: measurements (see `step`).
        y: labels of the reduced model (n,).
        kappa: ratio m / d of the prior.
        noise: variance of the labels' noise, >= 0.
        error: error of an estimate, recorded after each iteration.
        iterations: at most this many.
        damping: weight of the old messages, in [0, 1).
        tolerance: stop when |change|_F^2 / d falls below.
        onsager: False leaves out the Onsager correction, after which residuals say nothing: there is no second start.

    Raises:
        ValueError: shapes that do not fit, noise < 0 or damping outside [0, 1).
    """
    if y.shape != (sensing.n,):
        raise ValueError(f"y: got shape {y.shape}, expected ({sensing.n},)")
    if noise < 0 or not 0 <= damping < 1:
        raise ValueError(f"noise, damping: got {noise}, {damping}, expected >= 0 and in [0, 1)")

    def run(state: State) -> Run:
        observed, t, denoise = np.eye(sensing.d), np.inf, rie(kappa)
        errors, changes = [error(state.estimate)], []
        for _ in range(iterations):
            previous = state.estimate
            state, observed, t = step(state, sensing, y, noise, denoise, damping, onsager)
            errors.append(error(state.estimate))
            changes.append(np.sum((state.estimate - previous) ** 2) / sensing.d)
            if changes[-1] < tolerance:
                break
        movement = max(changes[-WATCHED:] if changes[-1] >= tolerance else changes[-1:]) / state.variance
        return Run(state, observed, t, np.array(errors), movement, _consistency(state, noise))

    first = run(init(sensing.d, sensing.n, kappa))
    if first.converged or not onsager:
        return first
    second = run(damped_init(sensing.d, sensing.n, kappa))
    if second.converged:
        return second
    return min((first, second), key=lambda one: abs(np.log(one.consistency)))


def _consistency(state: State, noise: float) -> float:
    """Mean squared residual of the labels over the variance that was predicted for it."""
    return float(np.mean(state.g**2) * (noise + state.smoothed))


def state_evolution(alpha: float, kappa: float, noise: float, iterations: int, nodes: int = 200) -> np.ndarray:
    """Errors of undamped GAMP-RIE in the limit of large d, iteration by iteration.

    t = (noise + c) / (4 alpha), c' = 2 F(t), from c = 2 / kappa; the error is kappa c / 2.

    Returns:
        (iterations + 1,), beginning with the error 1 of the prior mean.
    """
    c = 2 / kappa
    errors = [kappa * c / 2]
    for _ in range(iterations):
        c = 2 * max(float(rie_mse(kappa, (noise + c) / (4 * alpha), nodes)), 1e-15)
        errors.append(kappa * c / 2)
    return np.array(errors)
