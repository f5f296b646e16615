"""Partial variances and correlations of the parts of a composition (Erb 2020), over any number of leading axes.

With all other parts held fixed, the residual of log(x_i / x_r) is the same for every reference r: the controls
log(x_k / x_r), k != i, j, r, span all log-contrasts of the parts other than i and j, and changing the reference adds
one of those contrasts. Partial correlations belong to the two parts alone, and stand in the pseudo-inverse P of the clr
covariance.
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg
from scipy.special import logsumexp

from lib.compositional.logratio import alr_matrix, check_composition, clr_covariance, ref_index
from lib.stats.correlation import covariance, partial_correlation
from lib.stats.shrinkage import ShrunkFactors, shrink, shrunk_precision


class Partial(NamedTuple):
    """Partial correlations (..., D, D), partial variances (..., D), and the precision P (..., D, D) they stand in."""

    correlation: np.ndarray
    variance: np.ndarray
    precision: np.ndarray


def precision(cov_clr, noise=0.0) -> np.ndarray:
    """P, the pseudo-inverse of a clr covariance of rank D - 1, by (Gamma + c J)^-1 - J / c with J = 11^T / D.

    J is the projector on the null direction and c = tr Gamma / (D - 1) keeps the condition number that of Gamma on the
    contrasts.

    Args:
        cov_clr: (..., D, D), rows of sum zero.
        noise: standard deviation of the rounding errors in the log-ratios that it was taken from.

    Raises:
        ValueError: a log-contrast of the parts has no variance (rank below D - 1), none beyond rounding errors or a
            deviation below a hundred times the noise; or rows do not sum to zero.
    """
    gamma = np.asarray(cov_clr, dtype=float)
    scale = np.trace(gamma, axis1=-2, axis2=-1)[..., None, None] / (gamma.shape[-1] - 1)
    off = np.max(np.abs(gamma.sum(axis=-1, keepdims=True)), axis=-2, keepdims=True)
    if not np.all(off <= 1e-8 * np.abs(scale)) or not np.all(np.isfinite(scale)):
        raise ValueError(f"cov_clr: got a row of sum {np.max(off):.3g}, expected finite rows of sum zero")
    return _pseudo_inverse(gamma, noise)


def _norm(matrix: np.ndarray) -> np.ndarray:
    """Frobenius norms (..., D, D) -> (...,)."""
    return np.sqrt(np.einsum("...ij,...ij->...", matrix, matrix))


def _pseudo_inverse(gamma: np.ndarray, noise: float) -> np.ndarray:
    """`precision` of a matrix whose rows are known to have the sum zero."""
    d = gamma.shape[-1]
    scale = np.einsum("...ii->...", gamma)[..., None, None] / (d - 1)
    shifted = gamma + scale / d
    try:
        inverse = np.linalg.inv(shifted)
    except np.linalg.LinAlgError:
        condition, resolved = np.inf, False
    else:
        size = _norm(inverse)
        condition = (_norm(shifted) * size).max()
        resolved = size.max() * (100 * noise) ** 2 < 1
    if not (resolved and condition * np.finfo(float).eps * 32 * d < 1):
        raise ValueError(
            f"cov_clr: got a rank below D - 1 = {d - 1} (condition number {condition:.2g}), "
            "expected a variance in every log-ratio; shrinkage gives one when samples are few"
        )
    return inverse - 1 / (scale * d)


def precision_from_alr(cov_alr, ref: int = -1) -> np.ndarray:
    """P = F_r^T Sigma_r^-1 F_r from the covariance of the additive log-ratios.

    Args:
        cov_alr: (..., D - 1, D - 1), positive definite.
        ref: reference part.
    """
    F = alr_matrix(np.shape(cov_alr)[-1] + 1, ref)
    return F.T @ linalg.inv(cov_alr, assume_a="pos") @ F


def precision_from_basis(omega) -> np.ndarray:
    """P = Omega - Omega 1 1^T Omega / (1^T Omega 1) from the precision of a basis (..., D, D)."""
    omega = np.asarray(omega, dtype=float)
    row = omega.sum(axis=-1)
    return omega - row[..., :, None] * row[..., None, :] / row.sum(axis=-1)[..., None, None]


def partial_from_precision(P) -> Partial:
    """Partial variances 1 / P_ii and correlations -P_ij / sqrt(P_ii P_jj)."""
    return Partial(partial_correlation(P), 1 / np.diagonal(P, axis1=-2, axis2=-1), P)


def partial_from_factors(factors: ShrunkFactors) -> Partial:
    """Basis shrinkage from the factored shrunk covariance of the logarithms, for D in the thousands.

    Takes an n x n system and the rank-one correction instead of a D x D inverse.
    """
    return partial_from_precision(precision_from_basis(shrunk_precision(factors)))


def partial(X=None, *, cov_clr=None, ref: int | None = None, shrinkage: str | None = None, intensities=(None, None)):
    """Partial correlations and variances of parts.

    Args:
        X: compositions (..., n, D), D at least 3; or None with `cov_clr`.
        cov_clr: clr covariance (..., D, D).
        ref: go through the additive log-ratios of this reference instead of the centred ones.
        shrinkage: None; `basis`, shrink the covariance of the logarithms of proportions, then take log-ratios; `naive`,
            shrink the covariance of the log-ratio coordinates, which makes the result depend on the reference.
        intensities: shrinkage of correlations and of variances; None stands for an estimate.

    Returns:
        `Partial`. With naive shrinkage and a reference, the part `ref` is left out.

    Raises:
        ValueError: fewer than 3 parts, n at most D - 1 without shrinkage, neither or both of X and cov_clr, another
            shrinkage, or no variance in a log-ratio.
    """
    if (X is None) == (cov_clr is None):
        raise ValueError(f"X, cov_clr: got {'neither' if X is None else 'both'}, expected exactly one")
    if shrinkage not in (None, "basis", "naive"):
        raise ValueError(f"shrinkage: got {shrinkage!r}, expected None, 'basis' or 'naive'")
    if X is None:
        if shrinkage is not None:
            raise ValueError(f"shrinkage: got {shrinkage!r} without X, expected None")
        S, noise = clr_covariance(S=cov_clr), 0.0
    else:
        X = check_composition(X, least_parts=3)
        n, d = X.shape[-2:]
        if shrinkage is None and n <= d - 1:
            raise ValueError(f"X: got n = {n} samples of D = {d} parts, expected n >= D or shrinkage")
        L = np.log(X)
        noise = np.finfo(float).eps * max(1.0, L.max(), -L.min())
        if shrinkage is not None:  # logarithms of proportions; sums and ratios of X may leave double precision
            L = L - logsumexp(L, axis=-1, keepdims=True)
        if shrinkage == "naive":
            if ref is None:
                coordinates = L - L.mean(axis=-1, keepdims=True)
            else:
                coordinates = np.delete(L, ref_index(ref, d), axis=-1) - L[..., [ref]]
            return partial_from_precision(linalg.inv(shrink(coordinates, *intensities).covariance, assume_a="pos"))
        S = covariance(L) if shrinkage is None else shrink(L, *intensities).covariance
    if S.shape[-1] < 3:
        raise ValueError(f"cov_clr: got {S.shape[-1]} parts, expected at least 3")
    if ref is None:
        return partial_from_precision(_pseudo_inverse(clr_covariance(S=S), noise))
    F = alr_matrix(S.shape[-1], ref)
    _pseudo_inverse(clr_covariance(S=S), noise)  # raises where the rank is too low
    return partial_from_precision(precision_from_alr(F @ S @ F.T, ref))


def degrees_of_freedom(n: int, parts: int) -> int:
    """Degrees of freedom of the t test, n - 2 - (D - 3): the reference is one of the D - 2 other parts."""
    return n - 2 - (parts - 3)


def unbiased_variance(variance, n: int) -> np.ndarray:
    """RSS / (n - D + 1) from partial variances RSS / (n - 1), (..., D)."""
    variance = np.asarray(variance, dtype=float)
    return variance * (n - 1) / (n - variance.shape[-1] + 1)


def multiple_correlation(cov_clr, P) -> tuple[np.ndarray, np.ndarray]:
    """Squared multiple correlation of each part's log-ratio with all others, which does depend on the reference.

    Args:
        cov_clr: (..., D, D).
        P: its pseudo-inverse.

    Returns:
        `(by_part, by_mean)`: 1 - v_i / T_ir, (..., D, D) with NaN on the diagonal, for the reference part r; and
        1 - v_i / Gamma_ii, (..., D), for the geometric mean of all parts.
    """
    gamma = np.asarray(cov_clr, dtype=float)
    variance = np.diagonal(gamma, axis1=-2, axis2=-1)
    v = 1 / np.diagonal(P, axis1=-2, axis2=-1)
    T = variance[..., :, None] + variance[..., None, :] - 2 * gamma
    T[..., np.arange(T.shape[-1]), np.arange(T.shape[-1])] = np.nan
    return 1 - v[..., :, None] / T, 1 - v / variance


def drop_parts(P) -> np.ndarray:
    """Precisions of all D subcompositions of D - 1 parts: P - P_k P_k^T / P_kk for the dropped part k.

    P is a Laplacian with edges of either sign and the variation matrix its resistances, so that leaving a part out is
    the elimination of a node (Kron reduction): O(D^2) for each part.

    Args:
        P: (..., D, D).

    Returns:
        (..., D, D, D): the dropped part is the first of the last three axes; its own row and column are zero.
    """
    P = np.asarray(P, dtype=float)
    column = np.swapaxes(P, -1, -2)  # column[k, i] = P_ik
    diagonal = np.diagonal(P, axis1=-2, axis2=-1)[..., :, None, None]
    reduced = P[..., None, :, :] - column[..., :, :, None] * column[..., :, None, :] / diagonal
    k = np.arange(P.shape[-1])
    reduced[..., k, k, :] = 0
    reduced[..., k, :, k] = 0
    return reduced
