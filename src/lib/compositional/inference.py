"""Inference on partial correlations: bootstrap, false discovery rates by permutation, levels of tests and intervals."""

import numpy as np

from lib.compositional.logratio import clr_covariance
from lib.compositional.partial import partial_from_precision, precision
from lib.compositional.simulate import contrasts, without_association
from lib.stats.bootstrap import bootstrap_counts
from lib.stats.correlation import correlation_pvalue, covariance, estimate_correlation


def bootstrap_correlations(L, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Partial correlations of resamples of the samples.

    Args:
        L: logarithms of compositions (n, D), n well above D: a resample has fewer distinct samples.
        resamples: number of resamples B.
        rng: random generator.

    Returns:
        (B, D, D).
    """
    gamma = clr_covariance(S=covariance(L, bootstrap_counts(len(L), resamples, rng)))
    return partial_from_precision(precision(gamma)).correlation


def sampled_correlations(cov_clr, white) -> np.ndarray:
    """Partial correlations of Gaussian samples with a clr covariance.

    Args:
        cov_clr: (D, D), rows of sum zero.
        white: sample covariances of D - 1 independent standard normal variables (R, D - 1, D - 1); the same ones for
            several `cov_clr` make the samples comparable.

    Returns:
        (R, D, D).
    """
    basis = contrasts(len(cov_clr))
    values, vectors = np.linalg.eigh(basis.T @ cov_clr @ basis)
    root = basis @ (vectors * np.sqrt(values))
    return partial_from_precision(precision(root @ white @ root.T)).correlation


def intervals_cover(r, sampled, df: int, level: float) -> np.ndarray:
    """Whether Fisher's interval of each sample covers the true partial correlation, by pair i < j.

    Args:
        r: true partial correlations (D, D).
        sampled: those of samples (R, D, D).
        df: degrees of freedom of the t test.
        level: of the intervals.

    Returns:
        (R, pairs) booleans.
    """
    i, j = np.triu_indices(len(r), 1)
    interval = estimate_correlation(sampled[:, i, j], df, level)
    return (interval.low <= r[i, j]) & (r[i, j] <= interval.high)


def null_rejections(T, P, white, df: int, alpha: float) -> np.ndarray:
    """Whether the t test rejects each pair i < j in samples whose covariance lacks the association of that pair.

    Args:
        T: variation matrix (D, D).
        P: pseudo-inverse of its clr covariance (D, D).
        white: see `sampled_correlations`; the same samples serve every pair, so that pairs depend on each other.
        df: degrees of freedom.
        alpha: level of the test.

    Returns:
        (R, pairs) booleans.
    """
    pairs = list(zip(*np.triu_indices(len(T), 1)))
    rejected = np.zeros((len(white), len(pairs)), dtype=bool)
    for column, pair in enumerate(pairs):
        null = sampled_correlations(clr_covariance(T=without_association(T, P, *pair)), white)
        rejected[:, column] = correlation_pvalue(null[:, *pair], df) < alpha
    return rejected


def permutation_null(L, permutations: int, rng: np.random.Generator) -> np.ndarray:
    """Partial correlations after the samples of each part are permuted on their own.

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
    copies = np.broadcast_to(L[..., None, :, :], (*L.shape[:-2], permutations, n, d))
    gamma = clr_covariance(S=covariance(rng.permuted(copies, axis=-2)))
    return partial_from_precision(precision(gamma)).correlation


def permutation_fdr(r, null) -> np.ndarray:
    """Smallest estimated false discovery rate at which each pair is called, as a q value.

    At a cut-off c the rate is the mean number of pairs with |r| >= c in a permuted data set over their number in the
    data, at most one.

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
