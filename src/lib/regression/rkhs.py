"""Random functions of a reproducing kernel Hilbert space, and their errors in its norm.

The kernel is kappa(x, y) = sum_j a_j psi_j(x) psi_j(y) with orthonormal features psi_j; a function sum_j c_j psi_j has
the norm sqrt(sum_j c_j^2 / a_j). The approximation space is spanned by the first m features.
"""

import numpy as np

from lib.sampling.basis import OrthonormalBasis


def power_eigenvalues(size: int, decay: float) -> np.ndarray:
    """Eigenvalues a_j = (1 + j)^-decay, j = 0, ..., size - 1; their sum, the trace, is bounded for decay > 1."""
    return (1.0 + np.arange(size)) ** -decay


def sample_functions(eigenvalues: np.ndarray, smoothness: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Coefficients c_j = a_j^(1/2) (1 + j)^-smoothness N(0, 1) of random functions, (count, features).

    Their norm is finite as the number of features grows for smoothness > 1/2.
    """
    scale = np.sqrt(eigenvalues) * (1.0 + np.arange(len(eigenvalues))) ** -smoothness
    return scale * rng.standard_normal((count, len(eigenvalues)))


def evaluate_functions(features: OrthonormalBasis, c: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Values (count, n) of functions with coefficients c (count, features), each at its own points (count, n, dim)."""
    return np.einsum("rnj,rj->rn", features.evaluate(x), c)


def fit_errors(coef: np.ndarray, c: np.ndarray) -> np.ndarray:
    """|f - f_hat| in L^2, (count,), from fitted coefficients (count, m) and the functions' own, c (count, features)."""
    m = coef.shape[-1]
    return np.sqrt((c[:, m:] ** 2).sum(1) + np.sum((coef - c[:, :m]) ** 2, axis=1))


def best_norm_errors(c: np.ndarray, eigenvalues: np.ndarray, m: int) -> np.ndarray:
    """Smallest norm of f - v over v in the span of the first m features, (count,)."""
    return np.sqrt(np.sum(c[:, m:] ** 2 / eigenvalues[m:], axis=1))
