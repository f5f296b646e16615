"""Generalised approximate message passing for a symmetric matrix seen through random linear measurements.

GAMP-RIE of Maillard et al. (2024, arXiv:2408.03733) when the denoiser is the rotationally invariant estimator. The
normalisation is that of the reduced linear model y = tr(Phi S) + noise; the start from the prior mean is ours (the
authors' random start freezes near the recovery threshold).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lib.linalg.random_matrix import rie_denoise, rie_mse


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
    """Start from the prior: mean I, variance 2 / kappa."""
    return State(np.eye(d), 2 / kappa, 2 / kappa, np.zeros(n), np.zeros(n), 0)


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
    """A finished run: last state, last denoised matrix and its noise variance, and errors by iteration."""

    state: State
    observed: np.ndarray
    t: float
    errors: np.ndarray


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
    """Iterate GAMP-RIE until the estimate converges, `iterations` times at most.

    Args:
        sensing: measurements (see `step`).
        y: labels of the reduced model (n,).
        kappa: ratio m / d of the prior.
        noise: variance of the labels' noise, >= 0.
        error: error of an estimate, recorded after each iteration.
        iterations: at most this many.
        damping: weight of the old messages, in [0, 1).
        tolerance: stop when |change|_F^2 / d falls below.
        onsager: False leaves out the Onsager correction.

    Raises:
        ValueError: shapes that do not fit, noise < 0 or damping outside [0, 1).
    """
    if y.shape != (sensing.n,):
        raise ValueError(f"y: got shape {y.shape}, expected ({sensing.n},)")
    if noise < 0 or not 0 <= damping < 1:
        raise ValueError(f"noise, damping: got {noise}, {damping}, expected >= 0 and in [0, 1)")
    state, observed, t = init(sensing.d, sensing.n, kappa), np.eye(sensing.d), np.inf
    denoise, errors = rie(kappa), [error(np.eye(sensing.d))]
    for _ in range(iterations):
        previous = state.estimate
        state, observed, t = step(state, sensing, y, noise, denoise, damping, onsager)
        errors.append(error(state.estimate))
        if np.sum((state.estimate - previous) ** 2) / sensing.d < tolerance:
            break
    return Run(state, observed, t, np.array(errors))


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
