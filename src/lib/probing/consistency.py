"""Excess risks of the logistic and the 0-1 loss, and the bound of one by the other.

At a point with class probabilities p and scores h, the excess of the logistic loss is KL(p | softmax h), that of the
0-1 loss t = max p - p_j with j the class of the largest score. Then Psi(t) <= KL, hence t <= sqrt(2 KL): with q =
softmax h, q_j >= q_i gives t <= p_i - p_j - (q_i - q_j) <= |p - q|_1, and the smallest KL at a given t is that of two
classes.
"""

import numpy as np
from scipy import special

CONSTANT = np.sqrt(2)  # of the bound t <= CONSTANT sqrt(KL), natural logarithms; no smaller one holds


def zero_one_excess(p, scores) -> np.ndarray:
    """Largest p less p_j, with j the class of the largest score; of equal scores the worst class.

    Args:
        p: (..., K) class probabilities.
        scores: (..., K).
    """
    p, scores = np.asarray(p, float), np.asarray(scores, float)
    chosen = scores == scores.max(axis=-1, keepdims=True)
    return p.max(axis=-1) - np.where(chosen, p, np.inf).min(axis=-1)


def logistic_excess(p, scores) -> np.ndarray:
    """KL(p | softmax(scores)) in nats, without cancellation where the two are close.

    Args:
        p: (..., K) class probabilities.
        scores: (..., K).
    """
    p = np.asarray(p, float)
    log_q = special.log_softmax(np.asarray(scores, float), axis=-1)
    positive = p > 0
    difference = log_q - np.log(np.where(positive, p, 1.0))
    # sum p log(p / q) = sum of p (exp(d) - 1 - d), d = log(q / p), each term at least 0, and of q where p = 0
    return np.where(positive, p * _exp_remainder(difference), np.exp(log_q)).sum(axis=-1)


def _exp_remainder(d: np.ndarray) -> np.ndarray:
    """exp(d) - 1 - d."""
    with np.errstate(over="ignore"):
        direct = np.expm1(d) - d
    near = np.clip(d, -0.1, 0.1)
    series = sum(near**k / special.factorial(k) for k in range(10, 1, -1))
    return np.where(np.abs(d) < 0.1, series, direct)


def psi_transform(t) -> np.ndarray:
    """Psi(t) = (1 + t) / 2 log(1 + t) + (1 - t) / 2 log(1 - t), for t in [0, 1].

    Raises:
        ValueError: t outside [0, 1].
    """
    t = np.asarray(t, float)
    if np.any((t < 0) | (t > 1)):
        raise ValueError(f"t: got {t[(t < 0) | (t > 1)].flat[0]}, expected numbers in [0, 1]")
    small = np.minimum(t, 0.5)
    near = small * np.arctanh(small) + 0.5 * np.log1p(-(small**2))  # the same number, whose terms do not cancel
    return np.where(t < 0.5, near, 0.5 * (special.xlog1py(1 + t, t) + special.xlog1py(1 - t, -t)))


def psi_inverse(excess) -> np.ndarray:
    """The largest t in [0, 1] with Psi(t) <= excess, by bisection to 1e-15."""
    excess = np.asarray(excess, float)
    low, high = np.zeros_like(excess), np.ones_like(excess)
    for _ in range(60):
        middle = 0.5 * (low + high)
        inside = psi_transform(middle) <= excess
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return high
