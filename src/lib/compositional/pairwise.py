"""Measures of association of two parts that do not hold the other parts fixed, all from the clr covariance."""

import numpy as np

from lib.compositional.logratio import check_composition, closure, variation_matrix
from lib.stats.correlation import correlation, covariance


def proportionality(cov_clr, kind: str = "rho_p") -> np.ndarray:
    """Proportionality of parts (Lovell et al. 2015; Erb and Notredame 2016).

    Args:
        cov_clr: (..., D, D).
        kind: `rho_p`, 1 - T_ij / (Gamma_ii + Gamma_jj), in [-1, 1]; `phi_s`, (1 - rho_p) / (1 + rho_p), from 0 on.

    Raises:
        ValueError: another kind.
    """
    gamma = np.asarray(cov_clr, dtype=float)
    variance = np.diagonal(gamma, axis1=-2, axis2=-1)
    rho = 1 - variation_matrix(S=gamma) / (variance[..., :, None] + variance[..., None, :])
    if kind == "rho_p":
        return rho
    if kind == "phi_s":
        with np.errstate(divide="ignore"):
            return (1 - rho) / (1 + rho)
    raise ValueError(f"kind: got {kind!r}, expected 'rho_p' or 'phi_s'")


def raw_correlation(X) -> np.ndarray:
    """Correlations of the proportions themselves, (..., D, D) of compositions (..., n, D)."""
    return correlation(covariance(closure(check_composition(X))))


def balance_coefficients(parts: int) -> tuple[float, float, float]:
    """Coefficients of a symmetric balance z_i of the pair (i, j): on log x_i, on log x_j, on each other log x_k.

    z_i = sqrt((D - 1 + rho) / 2D) (log x_i - log x_j / (D - 1 + rho) - beta sum_k log x_k), rho = sqrt(D (D - 2)).

    Source: Kynčlová, Hron and Filzmoser 2017, Mathematical Geosciences 49, 777-796.
    """
    if parts < 3:
        raise ValueError(f"parts: got {parts}, expected at least 3")
    width = parts - 1 + np.sqrt(parts * (parts - 2))
    front = np.sqrt(width / (2 * parts))
    return front, -front / width, -front * (1 - 1 / width) / (parts - 2)


def balance_correlation(cov_clr) -> np.ndarray:
    """Correlations of the symmetric balances of all pairs of parts, (..., D, D) of the clr covariance."""
    gamma = np.asarray(cov_clr, dtype=float)
    own, other, rest = balance_coefficients(gamma.shape[-1])
    a, b = (
        own - rest,
        other - rest,
    )  # the rows of Gamma sum to zero, so that subtracting a constant from all coefficients changes nothing
    variance = np.diagonal(gamma, axis1=-2, axis2=-1)
    first, second = variance[..., :, None], variance[..., None, :]
    cross = a * b * (first + second) + (a**2 + b**2) * gamma
    balance = a**2 * first + 2 * a * b * gamma + b**2 * second
    r = cross / np.sqrt(balance * np.swapaxes(balance, -1, -2))
    r[..., np.arange(gamma.shape[-1]), np.arange(gamma.shape[-1])] = 1
    return r
