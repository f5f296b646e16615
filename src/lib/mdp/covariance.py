"""Regularised inverses of the covariance of features, from samples or from shares of visits."""

import math

import numpy as np


def _check(gamma: float) -> None:
    if not gamma > 0:
        raise ValueError(f"gamma: got {gamma}, expected a positive number")


def regularised_inverse(features, gamma: float, weights=None) -> np.ndarray:
    """(gamma I + sum_n w_n phi_n phi_n^T)^-1, (..., d, d); weights 1 / n where none are named.

    With W >= 4 d log(d / delta) / gamma^2 samples, G^1/2 (gamma I + Sigma) G^1/2 lies between (1 -+ 2 sqrt(gamma)) I
    with probability 1 - delta.

    Args:
        features: (..., n, d).
        gamma: regularisation.
        weights: (..., n), nonnegative.

    Raises:
        ValueError: gamma that is not positive.
    """
    _check(gamma)
    features = np.asarray(features, dtype=float)
    weighted = features / features.shape[-2] if weights is None else features * weights[..., None]
    covariance = np.matmul(np.swapaxes(weighted, -1, -2), features)
    return np.linalg.inv(covariance + gamma * np.eye(features.shape[-1]))


def resampling_steps(gamma: float, c: float) -> int:
    """Length N of a chain of matrix geometric resampling, ceil(log(1 / gamma) / (c gamma))."""
    _check(gamma)
    return max(1, math.ceil(math.log(1 / gamma) / (c * gamma)))


def matrix_geometric_resampling(features, gamma: float, c: float = 0.5) -> np.ndarray:
    """Estimate of (gamma I + Sigma)^-1 by matrix geometric resampling (Neu and Olkhovskaya 2020), (..., d, d).

    c sum_{n <= N} C_n with C_0 = I and C_n = C_{n-1} ((1 - c gamma) I - c phi_n phi_n^T), averaged over chains.
    Its mean is the inverse up to the cut at N.

    Args:
        features: independent draws of norm at most 1, (..., chains, N, d).
        gamma: regularisation.
        c: step, with c (1 + gamma) <= 1.

    Raises:
        ValueError: gamma that is not positive.
    """
    _check(gamma)
    features = np.asarray(features, dtype=float)
    *lead, steps, d = features.shape
    product = np.broadcast_to(np.eye(d), (*lead, d, d)).copy()
    total = product.copy()
    for n in range(steps):
        phi = features[..., n, :, None]
        moved = np.matmul(product, phi)
        product *= 1 - c * gamma
        product -= c * moved * np.swapaxes(phi, -1, -2)
        total += product
    return c * total.mean(axis=-3)


def relative_deviation(inverse, covariance, gamma: float) -> np.ndarray:
    """Largest |eigenvalue - 1| of G^1/2 (gamma I + Sigma) G^1/2, (...).

    Args:
        inverse: G, symmetric and positive, (..., d, d).
        covariance: Sigma, (..., d, d).
        gamma: regularisation.
    """
    root = np.linalg.cholesky(inverse)
    middle = covariance + gamma * np.eye(inverse.shape[-1])
    eigenvalues = np.linalg.eigvalsh(np.swapaxes(root, -1, -2) @ middle @ root)
    return np.abs(eigenvalues - 1).max(axis=-1)
