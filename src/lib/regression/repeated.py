"""Least squares repeated on independent designs: coefficients, conditioning and bias."""

from typing import NamedTuple

import numpy as np

from lib.regression.problems import Problem
from lib.regression.weighted import inverse_gram_mean, weighted_least_squares
from lib.sampling.designs import sample_blocks
from lib.stats.intervals import estimate_mean


class Fits(NamedTuple):
    """Coefficients (draws, m) of all fits, smallest eigenvalues of the Gram matrices and tries of the designs (draws,).

    `inverse` (draws,) is (n - m + 1) times the mean of the diagonal of (Phi^T W Phi)^-1, or None.
    """

    coef: np.ndarray
    smallest: np.ndarray
    tries: np.ndarray
    inverse: np.ndarray | None


def fit_repeatedly(
    approximation: Problem,
    strategy: str,
    n: int,
    draws: int,
    rng: np.random.Generator,
    *,
    inverse: bool = False,
    **conditions,
) -> Fits:
    """Fit a function on independent designs of one strategy.

    Args:
        approximation: function and space.
        strategy, n: strategy and number of points of the designs.
        draws: number of designs.
        rng: generator.
        inverse: whether the inverse Gram matrices are asked for as well.
        conditions: further keyword arguments of `lib.sampling.designs.sample_design`.

    Raises:
        ValueError, ConditioningFailed: as `sample_design`.
    """
    m = approximation.basis.size
    coef, smallest, tries = np.empty((draws, m)), np.empty(draws), np.zeros(draws, dtype=int)
    inverses = np.empty(draws) if inverse else None
    for block, design in sample_blocks(strategy, approximation.basis, n, rng, draws, **conditions):
        coef[block] = weighted_least_squares(design.phi, design.w, approximation.function(design.x))
        smallest[block], tries[block] = design.eigenvalues[:, 0], design.tries
        if inverse:
            inverses[block] = (n - m + 1) * inverse_gram_mean(design.phi, design.w)
    return Fits(coef, smallest, tries, inverses)


def estimate_bias(approximation: Problem, coef: np.ndarray) -> tuple[float, float]:
    """Bias |mean of c_hat - c| / e_m of fits (draws, m), and its error: the root of the summed squared standard errors.

    Raises:
        ValueError: fewer than two draws.
    """
    mean, se, *_ = estimate_mean(coef)
    return (
        float(np.linalg.norm(mean - approximation.coef) / approximation.best),
        float(np.linalg.norm(se) / approximation.best),
    )
