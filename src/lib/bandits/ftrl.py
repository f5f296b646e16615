"""Follow the regularised leader on the simplex, and what its two regularisers can stand.

The state is the sum of the losses; the loop is the caller's:

    state = init((rows, actions))
    for ...:
        p = log_barrier_leader(state.losses, eta)
        state = step(state, loss)
"""

from typing import NamedTuple

import numpy as np
from numba import njit

NEWTON_STEPS = 100


class Leader(NamedTuple):
    """Sums of the losses so far, (..., A)."""

    losses: np.ndarray


def init(shape: tuple[int, ...]) -> Leader:
    """Leader before the first loss: it plays uniformly."""
    return Leader(np.zeros(shape))


def step(state: Leader, loss) -> Leader:
    """Leader after one more loss (..., A).

    Raises:
        ValueError: a loss that is not a number.
    """
    losses = state.losses + loss
    if np.isnan(losses).any():
        raise ValueError("loss: got NaN, expected numbers")
    return Leader(losses)


def entropy_leader(losses, eta: float) -> np.ndarray:
    """argmin_p eta <p, losses> + sum_a p_a log p_a, which is exponential weights, (..., A).

    Args:
        losses: sums of losses, (..., A).
        eta: learning rate.
    """
    losses = np.asarray(losses, dtype=float)
    weights = np.exp(-eta * (losses - losses.min(axis=-1, keepdims=True)))
    return weights / weights.sum(axis=-1, keepdims=True)


@njit(cache=True)
def _barrier_multiplier(excess):
    """Root lam in [1, A] of sum_a 1 / (excess_a + lam) = 1, for excess >= 0 with smallest entry 0.

    The sum is convex and falls in lam, and lam = 1 is left of the root: Newton's steps rise to it and never pass it.
    """
    lam = 1.0
    for _ in range(NEWTON_STEPS):
        value, slope = -1.0, 0.0
        for x in excess:
            p = 1.0 / (x + lam)
            value += p
            slope += p * p
        move = value / slope
        if not move > 1e-15 * lam:
            break
        lam += move
    return lam


@njit(cache=True)
def _barrier_rows(excess, out):
    for i in range(excess.shape[0]):
        lam = _barrier_multiplier(excess[i])
        total = 0.0
        for a in range(excess.shape[1]):
            out[i, a] = 1.0 / (excess[i, a] + lam)
            total += out[i, a]
        for a in range(excess.shape[1]):
            out[i, a] /= total


def log_barrier_leader(losses, eta: float) -> np.ndarray:
    """argmin_p eta <p, losses> + sum_a log(1 / p_a) over the simplex, (..., A).

    p_a = 1 / (eta (losses_a - min losses) + lam), with lam from Newton's method.

    Args:
        losses: sums of losses, (..., A).
        eta: learning rate.

    Raises:
        ValueError: losses that are not a number.
    """
    losses = np.asarray(losses, dtype=float)
    if np.isnan(losses).any():
        raise ValueError("losses: got NaN, expected numbers")
    excess = eta * (losses - losses.min(axis=-1, keepdims=True))
    rows = np.ascontiguousarray(excess.reshape(-1, excess.shape[-1]))
    leader = np.empty_like(rows)
    _barrier_rows(rows, leader)
    return leader.reshape(excess.shape)


def log_barrier_gain(p, losses, eta) -> np.ndarray:
    """max_q <p - q, l> - D(q, p) / eta, with D the divergence of the log-barrier, sum_a q_a / p_a - 1 - log(q_a / p_a).

    The maximum is at q_a = p_a / (1 + u_a), u_a = p_a (eta l_a + mu). In r = q / p - 1 = -u / (1 + u) nothing cancels.
    It is at most eta sum_a p_a l_a^2, whatever the signs of l.

    Args:
        p: points of the simplex, positive, (..., A).
        losses: any real numbers, (..., A).
        eta: learning rates, broadcast against the leading axes.
    """
    p, losses, eta = (
        np.asarray(p, dtype=float),
        np.asarray(losses, dtype=float),
        np.asarray(eta, dtype=float)[..., None],
    )
    tilt = 1 / p + eta * losses
    low = tilt.min(axis=-1, keepdims=True)
    excess = np.ascontiguousarray((tilt - low).reshape(-1, p.shape[-1]))
    multiplier = np.array([_barrier_multiplier(row) for row in excess]).reshape(low.shape)
    r = -p * (eta * losses + multiplier - low) * _ratio(p, tilt, low, multiplier)
    return -np.sum(p * r * losses, axis=-1) - np.sum(_above_logarithm(r), axis=-1) / eta[..., 0]


def _above_logarithm(r) -> np.ndarray:
    """What r is above log(1 + r), by its series where the difference cancels."""
    series = r**2 * (1 / 2 + r * (-1 / 3 + r * (1 / 4 + r * (-1 / 5 + r * (1 / 6 - r / 7)))))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.abs(r) < 1e-3, series, r - np.log1p(r))


def _ratio(p, tilt, low, multiplier) -> np.ndarray:
    """Q / p of the maximum."""
    return 1 / (p * (tilt - low + multiplier))


def entropy_gain(p, losses, eta) -> np.ndarray:
    """max_q <p - q, l> - KL(q, p) / eta = <p, l> + log(sum_a p_a exp(-eta l_a)) / eta.

    It is at most eta sum_a p_a l_a^2 where eta l_a >= -1, and far above it where a loss is very negative. Arguments as
    of `log_barrier_gain`.
    """
    p, losses, eta = (
        np.asarray(p, dtype=float),
        np.asarray(losses, dtype=float),
        np.asarray(eta, dtype=float)[..., None],
    )
    centre = np.sum(p * losses, axis=-1, keepdims=True)
    exponent = -eta * (losses - centre)
    top = exponent.max(axis=-1, keepdims=True)
    small = np.log1p(np.sum(p * np.expm1(np.minimum(exponent, 1)), axis=-1))
    large = top[..., 0] + np.log(np.sum(p * np.exp(exponent - top), axis=-1))
    return np.where(top[..., 0] <= 1, small, large) / eta[..., 0]


def log_barrier(p) -> np.ndarray:
    """sum_a log(1 / p_a)."""
    return -np.log(p).sum(axis=-1)


def negative_entropy(p) -> np.ndarray:
    """sum_a p_a log p_a."""
    p = np.asarray(p, dtype=float)
    return np.sum(p * np.log(np.where(p > 0, p, 1)), axis=-1)


REGULARISERS = {"log_barrier": (log_barrier_leader, log_barrier), "entropy": (entropy_leader, negative_entropy)}


class RegretBound(NamedTuple):
    """Regret of a leader against a fixed point, and the bound of the lemma.

    Args:
        regret: sum_t <x_t - y, l_t>, (...).
        bound: (Psi(y) - Psi(x_1)) / eta + eta sum_t sum_a x_ta l_ta^2, (...).
    """

    regret: np.ndarray
    bound: np.ndarray


def regret_and_bound(losses, eta, comparator, regulariser: str) -> RegretBound:
    """Play follow the regularised leader on whole sequences.

    Args:
        losses: l_t, (T, N, A), of N sequences; zeros behind the end of a sequence change nothing.
        eta: learning rates, (N,).
        comparator: y, (N, A), inside the simplex.
        regulariser: "log_barrier" or "entropy".
    """
    leader, potential = REGULARISERS[regulariser]
    eta = np.asarray(eta, dtype=float)
    state = init(np.shape(losses)[1:])
    regret = np.zeros(len(eta))
    stability = np.zeros(len(eta))
    first = leader(state.losses, 1.0)
    for loss in losses:
        x = leader(eta[:, None] * state.losses, 1.0)
        regret += np.sum((x - comparator) * loss, axis=-1)
        stability += np.sum(x * loss**2, axis=-1)
        state = step(state, loss)
    return RegretBound(regret, (potential(comparator) - potential(first)) / eta + eta * stability)
