"""Compositions with known log-ratio covariances."""

import numpy as np

from lib.compositional.logratio import closure, clr_covariance
from lib.stats.correlation import residuals


def _root(cov: np.ndarray) -> np.ndarray:
    """Symmetric square root of a positive semi-definite matrix (..., D, D)."""
    values, vectors = np.linalg.eigh(cov)
    return (vectors * np.sqrt(np.maximum(values, 0))[..., None, :]) @ np.swapaxes(vectors, -1, -2)


def contrasts(parts: int) -> np.ndarray:
    """Orthonormal log-contrasts (D, D - 1), columns of sum zero."""
    basis = np.eye(parts) - 1 / parts
    return np.linalg.qr(basis)[0][:, : parts - 1]


def logistic_normal(cov, n: int, rng: np.random.Generator, size: tuple[int, ...] = ()) -> np.ndarray:
    """Logarithms of logistic-normal compositions, without closure.

    Args:
        cov: covariance of the logarithms, of a basis or clr, (D, D), positive semi-definite.
        n: samples in each data set.
        rng: random generator.
        size: leading axes.

    Returns:
        (*size, n, D).
    """
    cov = np.asarray(cov, dtype=float)
    return rng.standard_normal((*size, n, len(cov))) @ _root(cov)


def gaussian_basis(precision, n: int, rng: np.random.Generator) -> np.ndarray:
    """Logarithms of a Gaussian basis.

    Args:
        precision: of the logarithms (..., D, D), positive definite.
        n: samples.
        rng: random generator.

    Returns:
        (..., n, D).
    """
    precision = np.asarray(precision, dtype=float)
    white = rng.standard_normal((*precision.shape[:-2], n, precision.shape[-1]))
    return white @ np.linalg.inv(np.linalg.cholesky(precision))


def moment_matched(T, n: int, rng: np.random.Generator, total: float = 1.0) -> np.ndarray:
    """A composition whose sample variation matrix is exactly T, Gaussian in all other respects.

    A Gaussian sample of the D - 1 contrasts is centred, whitened to exact sample covariance and coloured.

    Args:
        T: variation matrix (D, D), of a positive semi-definite clr covariance.
        n: samples, at least D.
        rng: random generator.
        total: sum of each row.

    Returns:
        (n, D).

    Raises:
        ValueError: too few samples, or T is no variation matrix.
    """
    gamma = clr_covariance(T=T)
    d = len(gamma)
    values = np.linalg.eigvalsh(gamma)
    if values[0] < -1e-9 * values[-1]:
        raise ValueError(f"T: got a clr covariance with eigenvalue {values[0]:.3g}, expected none below zero")
    if n < d:
        raise ValueError(f"n: got {n}, expected at least D = {d}")
    basis = contrasts(d)
    sample = rng.standard_normal((n, d - 1))
    sample -= sample.mean(axis=0)
    white = np.linalg.qr(sample)[0] * np.sqrt(n - 1)
    return closure(np.exp(white @ _root(basis.T @ gamma @ basis) @ basis.T), total)


def random_basis_logs(parts: int, n: int, rng: np.random.Generator, size: tuple[int, ...] = ()) -> np.ndarray:
    """Logarithms of compositions with a random dense covariance: mixtures of D Gaussian sources and a size effect.

    Returns:
        (*size, n, D).
    """
    mixing = rng.standard_normal((*size, parts, parts)) / np.sqrt(parts)
    sources = rng.standard_normal((*size, n, parts))
    return sources @ mixing + rng.standard_normal((*size, n, 1))


def spurious_size(L, rng: np.random.Generator) -> np.ndarray:
    """Log-ratios with a size effect of variance 1 that is exactly uncorrelated with them: Cov = Gamma + 11^T.

    Args:
        L: logarithms of compositions (n, D), n more than D + 1.
        rng: random generator.

    Returns:
        Unconstrained logarithms (n, D).

    Raises:
        ValueError: too few samples.
    """
    n, d = np.shape(L)
    if n <= d + 1:
        raise ValueError(f"L: got {n} samples, expected more than D + 1 = {d + 1}")
    centred = L - np.mean(L, axis=1, keepdims=True)
    size = residuals(rng.standard_normal((n, 1)), centred)
    return centred + size / size.std(ddof=1)


def without_association(T, P, i: int, j: int) -> np.ndarray:
    """Variation matrix in which parts i and j have partial correlation zero and only T_ij differs.

    The residuals of i and j given the other parts have the inverse of [[P_ii, P_ij], [P_ij, P_jj]] as covariance.
    Without its off-diagonal entry, log(x_i / x_j) varies more or less, and no other log-ratio of two parts changes.

    Args:
        T: variation matrix (D, D).
        P: pseudo-inverse of its clr covariance (D, D).
        i, j: the pair.
    """
    changed = np.array(T, dtype=float)
    shared = -P[i, j] / (P[i, i] * P[j, j] - P[i, j] ** 2)
    changed[i, j] += 2 * shared
    changed[j, i] = changed[i, j]
    return changed
