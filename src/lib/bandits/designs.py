"""Optimal designs on finite action sets, and least squares on them."""

from typing import NamedTuple

import numpy as np
from scipy import linalg

SPAN = 1e-10  # a direction shorter than this share of the longest action counts as missing


class Design(NamedTuple):
    """A design: weights on actions.

    Args:
        support: indices of the actions with positive weight, ascending.
        weights: of these, of sum 1.
        worst: max_a a^T V^-1 a with V = sum_a pi_a a a^T; d at the optimum.
        inverse: V^-1, (d, d).
    """

    support: np.ndarray
    weights: np.ndarray
    worst: float
    inverse: np.ndarray


def _spanning(actions: np.ndarray) -> np.ndarray:
    """Indices of d actions that span R^d, each the farthest from the span of those before it.

    Raises:
        ValueError: the actions do not span.
    """
    n, d = actions.shape
    if n < d:
        raise ValueError(f"actions: got {n} in dimension {d}, expected actions that span it")
    r, order = linalg.qr(actions.T, mode="r", pivoting=True)
    lengths = np.abs(np.diag(r[:, :d]))
    if not lengths[-1] > SPAN * lengths[0]:
        rank = int(np.sum(lengths > SPAN * lengths[0]))
        raise ValueError(f"actions: got rank {rank} in dimension {d}, expected actions that span it")
    return order[:d]


def coordinates_in_span(actions) -> np.ndarray:
    """Coordinates of actions in an orthonormal basis of their own span, so that they span their space.

    Args:
        actions: (N, d) of any rank r.

    Returns:
        (N, r); inner products are those of the actions.
    """
    u, lengths, _ = np.linalg.svd(np.asarray(actions, dtype=float), full_matrices=False)
    rank = int(np.sum(lengths > SPAN * lengths[0]))
    return u[:, :rank] * lengths[:rank]


def _measure(actions: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """V^-1 of a design and a^T V^-1 a of every action."""
    support = np.flatnonzero(weights)
    chosen = actions[support]
    inverse = np.linalg.inv(chosen.T @ (weights[support, None] * chosen))
    return inverse, np.einsum("nd,nd->n", actions @ inverse, actions)


def g_optimal_design(actions, tolerance: float = 0.05, max_iter: int = 100_000) -> Design:
    """G-optimal design by Frank-Wolfe with a sparse start: max_a a^T V^-1 a <= (1 + tolerance) d.

    From uniform weights on all actions every action would keep a positive weight, and the design would query all of
    them; the start is d actions that span. One step costs N d by rank-one updates, which are renewed now and then.

    Args:
        actions: (N, d), of rank d.
        tolerance: how far the worst variance may be above its optimum d, relatively.
        max_iter: most steps.

    Raises:
        ValueError: actions that do not span R^d, or a tolerance that is not positive.
        RuntimeError: the tolerance is not reached within `max_iter` steps.

    Source: Kiefer and Wolfowitz 1960; Fedorov 1972; Kumar and Yildirim 2005 for the sparse start.
    """
    actions = np.asarray(actions, dtype=float)
    if not tolerance > 0:
        raise ValueError(f"tolerance: got {tolerance}, expected a positive number")
    d = actions.shape[1]
    weights = np.zeros(len(actions))
    weights[_spanning(actions)] = 1 / d
    inverse, variance = _measure(actions, weights)
    for step in range(1, max_iter + 1):
        worst = int(variance.argmax())
        g = variance[worst]
        if g <= (1 + tolerance) * d:
            break
        gamma = (g / d - 1) / (g - 1)
        weights *= 1 - gamma
        weights[worst] += gamma
        if step % 100 == 0:
            inverse, variance = _measure(actions, weights)
        else:  # V <- (1 - gamma) V + gamma a a^T, by Sherman and Morrison
            direction = inverse @ actions[worst]
            factor = gamma / (1 - gamma + gamma * g)
            inverse = (inverse - factor * np.outer(direction, direction)) / (1 - gamma)
            variance = (variance - factor * (actions @ direction) ** 2) / (1 - gamma)
    else:
        raise RuntimeError(
            f"g_optimal_design: worst variance {g:.4g} after {max_iter} steps, wanted {(1 + tolerance) * d:.4g}"
        )
    weights[weights < 1e-6] = 0
    weights /= weights.sum()
    inverse, variance = _measure(actions, weights)
    support = np.flatnonzero(weights)
    return Design(support, weights[support], float(variance.max()), inverse)


def least_squares(actions, design: Design, rewards) -> np.ndarray:
    """Parameter fitted to the rewards of a design's actions: V^-1 sum_a pi_a r_a a.

    Args:
        actions: (N, d).
        design: of these actions.
        rewards: (..., n) of the actions of `design.support`, in its order.

    Returns:
        theta (..., d).

    Source: Lattimore, Szepesvari and Weisz 2020, section 3.
    """
    chosen = np.asarray(actions, dtype=float)[design.support]
    return (np.asarray(rewards, dtype=float) * design.weights) @ chosen @ design.inverse


def worst_misspecification(actions, design: Design, target) -> np.ndarray:
    """Signs of errors on a design's actions that move the prediction at a target the most: sign(b^T V^-1 a).

    Args:
        actions: (N, d).
        design: of these actions.
        target: b, (d,).

    Returns:
        (n,) of +-1 on `design.support`, in its order; 1 where the product is zero.
    """
    products = np.asarray(actions, dtype=float)[design.support] @ design.inverse @ np.asarray(target, dtype=float)
    return np.where(products >= 0, 1.0, -1.0)
