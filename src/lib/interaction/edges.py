"""How many edges of a layer matter: by their sum, and by ablation."""

from collections.abc import Callable

import numpy as np


def edges_holding(strengths: np.ndarray, share: float) -> int:
    """Smallest number of largest edges whose sum reaches a share of the sum of all.

    Raises:
        ValueError: strengths that are negative, not finite or all zero.
    """
    ordered = np.sort(np.asarray(strengths, dtype=float).ravel())[::-1]
    if not np.isfinite(ordered).all() or ordered[-1] < 0 or ordered[0] == 0:
        raise ValueError("strengths: got negative, infinite or only zero strengths, expected some that are positive")
    return int(np.searchsorted(np.cumsum(ordered), share * ordered.sum() * (1 - 1e-12))) + 1


def threshold_holding(strengths: np.ndarray, share: float) -> float:
    """Strength of the weakest of the edges that `edges_holding` counts."""
    return float(np.sort(np.asarray(strengths).ravel())[::-1][edges_holding(strengths, share) - 1])


def largest_edges(strengths: np.ndarray, count: int) -> np.ndarray:
    """Mask of the `count` largest edges; of equal ones the first in order."""
    mask = np.zeros(strengths.size, dtype=bool)
    mask[np.argsort(-strengths.ravel(), kind="stable")[:count]] = True
    return mask.reshape(strengths.shape)


def bisect_edges(strengths: np.ndarray, good: Callable[[np.ndarray], bool]) -> int:
    """Smallest number of largest edges with which a network is still good, by bisection.

    Args:
        strengths: (k', k).
        good: takes the mask of the edges that stay; taken to hold for all more edges where it holds for some number.

    Returns:
        The number; that of all edges where nothing less will do, whether or not all of them do.
    """
    low, high = 0, strengths.size
    if good(np.zeros(strengths.shape, dtype=bool)):
        return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if good(largest_edges(strengths, middle)) else (middle, high)
    return high


def node_schedule(size: int, base: float = 1.05, every: int = 10) -> list[int]:
    """Numbers of directions to keep: all up to `every`, then growing by a factor, and the last is `size`."""
    numbers = list(range(1, min(every, size) + 1))
    value = float(every)
    while numbers[-1] < size:
        value *= base
        if int(value) > numbers[-1]:
            numbers.append(min(int(value), size))
    return numbers
