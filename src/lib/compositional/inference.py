"""False discovery rates of partial correlations by permutation."""

import numpy as np

from lib.compositional.logratio import clr_covariance
from lib.compositional.partial import partial_from_precision, precision
from lib.stats.correlation import covariance


def permutation_null(L, permutations: int, rng: np.random.Generator) -> np.ndarray:
    """Partial correlations after the samples of each part were permuted on their own.

    Independent parts have partial correlations of order 1 / (D - 1), not 0, and so has this null.

    Args:
        L: logarithms of compositions (..., n, D), n at least D.
        permutations: number of permutations B.
        rng: random generator.

    Returns:
        (..., B, D, D).
    """
    L = np.asarray(L, dtype=float)
    n, d = L.shape[-2:]
    several = np.broadcast_to(L[..., None, :, :], (*L.shape[:-2], permutations, n, d))
    gamma = clr_covariance(S=covariance(rng.permuted(several, axis=-2)))
    return partial_from_precision(precision(gamma)).correlation


def permutation_fdr(r, null) -> np.ndarray:
    """Smallest estimated false discovery rate at which each pair is called, as a q value.

    At a cut-off c the rate is the mean number of pairs of a permuted data set with |r| >= c over the number of pairs
    of the data, and never more than one.

    Args:
        r: partial correlations (D, D).
        null: those of B permuted data sets (B, D, D).

    Returns:
        (D, D), zero on the diagonal.
    """
    upper = np.triu_indices(np.shape(r)[-1], 1)
    observed = np.abs(np.asarray(r)[upper])
    pool = np.sort(np.abs(np.asarray(null)[..., upper[0], upper[1]]), axis=None)
    order = np.argsort(-observed, kind="stable")
    cut = observed[order]
    expected = (len(pool) - np.searchsorted(pool, cut, side="left")) / len(null)
    called = np.searchsorted(-cut, -cut, side="right")
    rate = np.minimum(np.minimum.accumulate((expected / called)[::-1])[::-1], 1)
    q = np.zeros(np.shape(r))
    q[upper[0][order], upper[1][order]] = rate
    return q + q.T
