"""Closure, log-ratio coordinates and their covariances (Aitchison 1986), over any number of leading axes.

All covariances follow from the variation matrix T_ij = Var log(x_i / x_j), which neither closure nor units change.
"""

import numpy as np

from lib.stats.correlation import covariance


def check_composition(X, least_parts: int = 2) -> np.ndarray:
    """Return compositions as float64.

    Args:
        X: (..., n, D), finite and > 0.
        least_parts: smallest number of parts D.

    Raises:
        ValueError: another shape, or an entry that is not finite and positive.
    """
    X = np.asarray(X, dtype=float)
    if X.ndim < 2 or X.shape[-1] < least_parts:
        raise ValueError(f"X: got shape {X.shape}, expected (..., n, D) with at least {least_parts} parts D")
    if X.size and not (X.min() > 0 and X.max() < np.inf):  # NaN too
        wrong = ~(np.isfinite(X) & (X > 0))
        place = tuple(map(int, np.argwhere(wrong)[0]))
        raise ValueError(f"X: got {X[place]} at {place}, expected finite numbers > 0; zeros need replace_zeros")
    return X


def closure(X, total: float = 1.0) -> np.ndarray:
    """Scale each composition (..., D) to a constant sum.

    Raises:
        ValueError: total, or an entry of X, is not finite and positive.
    """
    if not (np.isfinite(total) and total > 0):
        raise ValueError(f"total: got {total}, expected a number > 0")
    X = check_composition(np.atleast_2d(X)).reshape(np.shape(X))
    return total * X / X.sum(axis=-1, keepdims=True)


def replace_zeros(X, method: str = "multiplicative", delta: float | None = None) -> np.ndarray:
    """Replace zeros, which changes all results that follow; no function of this library does it by itself.

    Args:
        X: compositions (n, D), >= 0, each row and each column with a positive entry.
        method: `min`, zeros become the smallest positive entry of X; `multiplicative` (Martín-Fernández et al. 2003),
            zeros become `delta` of their row's sum and the other parts shrink, so that sums and the ratios of the other
            parts stay.
        delta: share of the row's sum for `multiplicative`; (1 / D)^2 by default.

    Raises:
        ValueError: a negative or infinite entry or NaN, an empty row or column, or another method or delta.
    """
    X = np.asarray(X, dtype=float)
    if X.ndim != 2 or not np.all(np.isfinite(X) & (X >= 0)):
        raise ValueError(f"X: got shape {X.shape} with smallest entry {np.min(X)}, expected (n, D) of numbers >= 0")
    for axis, name in ((1, "row"), (0, "column")):
        empty = ~(X > 0).any(axis=axis)
        if empty.any():
            raise ValueError(f"X: got zeros only in {name} {int(np.argmax(empty))}, expected a positive entry")
    zero = X == 0
    if method == "min":
        return np.where(zero, X[~zero].min(), X)
    if method != "multiplicative":
        raise ValueError(f"method: got {method!r}, expected 'min' or 'multiplicative'")
    delta = X.shape[1] ** -2.0 if delta is None else delta
    lost = delta * zero.sum(axis=1, keepdims=True)
    if not (delta > 0 and np.all(lost < 1)):
        raise ValueError(f"delta: got {delta}, expected more than 0 and less than 1 over the zeros of a row")
    total = X.sum(axis=1, keepdims=True)
    return np.where(zero, delta * total, X * (1 - lost))


def clr(X) -> np.ndarray:
    """Centred log-ratios log(x_i / geometric mean) of compositions (..., n, D)."""
    L = np.log(check_composition(X))
    return L - L.mean(axis=-1, keepdims=True)


def alr(X, ref: int = -1) -> np.ndarray:
    """Additive log-ratios log(x_i / x_ref), i != ref: (..., n, D) to (..., n, D - 1).

    Raises:
        ValueError: `ref` is not a part, or X is not a composition.
    """
    L = np.log(check_composition(X))
    return np.delete(L, ref_index(ref, L.shape[-1]), axis=-1) - L[..., [ref]]


def ref_index(ref: int, parts: int) -> int:
    """Index of a reference part counted from 0.

    Raises:
        ValueError: it is not one of the parts.
    """
    if not -parts <= ref < parts:
        raise ValueError(f"ref: got {ref}, expected the index of one of {parts} parts")
    return int(ref) % parts


def alr_matrix(parts: int, ref: int = -1) -> np.ndarray:
    """F_r, (D - 1, D): F_r log x = alr(x)."""
    F = np.delete(np.eye(parts), ref_index(ref, parts), axis=0)
    F[:, ref] = -1
    return F


def clr_covariance(X=None, T=None, S=None) -> np.ndarray:
    """Covariance of the centred log-ratios, Gamma = G S G = -G T G / 2 with G = I - 11^T / D.

    Args: one of
        X: compositions (..., n, D).
        T: variation matrix (..., D, D).
        S: covariance of the logarithms, of any basis (..., D, D).

    Returns:
        (..., D, D), rows of sum zero.

    Raises:
        ValueError: none or several of them, or X is not a composition.
    """
    sources = [name for name, value in (("X", X), ("T", T), ("S", S)) if value is not None]
    if len(sources) != 1:
        raise ValueError(f"X, T, S: got {', '.join(sources) or 'none'}, expected exactly one of them")
    if X is not None:
        return covariance(clr(X))
    matrix = np.asarray(S, dtype=float) if T is None else -0.5 * np.asarray(T, dtype=float)
    d = matrix.shape[-1]
    matrix = matrix - matrix.sum(axis=-1, keepdims=True) / d
    matrix -= matrix.sum(axis=-2, keepdims=True) / d
    return matrix


def variation_matrix(X=None, S=None) -> np.ndarray:
    """Variances of all log-ratios, T_ij = Var log(x_i / x_j) = S_ii + S_jj - 2 S_ij.

    Args: one of
        X: compositions (..., n, D).
        S: covariance of the logarithms or of the centred log-ratios (..., D, D).

    Returns:
        (..., D, D), zero on the diagonal.

    Raises:
        ValueError: none or several of them, or X is not a composition.
    """
    if (X is None) == (S is None):
        raise ValueError(f"X, S: got {'none' if X is None else 'both'}, expected exactly one of them")
    S = clr_covariance(X) if S is None else np.asarray(S, dtype=float)
    variance = np.diagonal(S, axis1=-2, axis2=-1)
    T = variance[..., :, None] + variance[..., None, :] - 2 * S
    T[..., np.arange(T.shape[-1]), np.arange(T.shape[-1])] = 0
    return T


def total_variance(T) -> np.ndarray:
    """Total variance tr Gamma = sum_ij T_ij / (2 D) of a variation matrix (..., D, D)."""
    T = np.asarray(T, dtype=float)
    return T.sum(axis=(-2, -1)) / (2 * T.shape[-1])
