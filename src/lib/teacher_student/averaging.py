"""Gradient descent on quadratic networks from many initialisations, and averages of the matrices S that it ends at.

Source: Maillard, Troiani, Martin, Krzakala and Zdeborova (2024, arXiv:2408.03733), averaged gradient descent.
"""

from typing import NamedTuple

import numpy as np

from lib.training.quadratic import Descent, batched_quadratic_gd


class AveragedDescent(NamedTuple):
    """Estimates S_hat (B, d, d) of all runs, and the runs themselves."""

    estimates: np.ndarray
    descent: Descent


def averaged_descent(x: np.ndarray, y: np.ndarray, start: np.ndarray, **training) -> AveragedDescent:
    """Gradient descent from many initialisations on the same samples; S is estimated by W^T W / m of each run.

    Training runs in the precision of the starts, estimates are in double precision.

    Args:
        x: inputs (n, d).
        y: labels (n,) of a network that averages its m hidden units.
        start: weights (B, m, d).
        training: keyword arguments of `lib.training.quadratic.batched_quadratic_gd`.

    Raises:
        ValueError: as `batched_quadratic_gd`.
    """
    m = start.shape[1]
    descent = batched_quadratic_gd(x, np.sqrt(m) * y, start, **training)
    weights = descent.weights.astype(float)
    return AveragedDescent(weights.transpose(0, 2, 1) @ weights / m, descent)


def averages(estimates: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Means of the first `counts` of the estimates (B, d, d): (len(counts), d, d), counts between 1 and B."""
    return np.cumsum(estimates, axis=0)[counts - 1] / counts[:, None, None]


def averaging_counts(runs: int) -> np.ndarray:
    """Numbers of runs to average over: 1, 2, 4, ... up to `runs`, and `runs` itself."""
    return np.array(sorted({2**k for k in range(runs.bit_length()) if 2**k <= runs} | {runs}))


def infinite_average_error(single: np.ndarray, average: np.ndarray, runs: int) -> np.ndarray:
    """Error of the average of infinitely many runs, without bias.

    Runs on the same samples are independent, so the average of b of them has the error bias + variance / b: known at
    b = 1 and at b = `runs`, it follows at infinity.

    Args:
        single: mean error of the runs, of any shape.
        average: error of the average of all runs, of the same shape.
        runs: their number, at least 2.

    Raises:
        ValueError: fewer than two runs.
    """
    if runs < 2:
        raise ValueError(f"runs: got {runs}, expected at least 2")
    return single - (single - average) * runs / (runs - 1)
