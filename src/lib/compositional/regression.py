"""Partial correlations by their definition, least-squares residuals: the slow route to check the precision.

Everything is batched over pairs of parts, references and leading axes, at O(D^2) regressions for each reference.
"""

from typing import NamedTuple

import numpy as np

from lib.stats.correlation import covariance, residuals


class PairResiduals(NamedTuple):
    """Residuals of the two log-ratios of each pair for each reference.

    Args:
        pairs: (pairs, 2), i < j.
        refs: reference parts of each pair (pairs, D - 2).
        values: (..., pairs, D - 2, n, 2).
    """

    pairs: np.ndarray
    refs: np.ndarray
    values: np.ndarray


def _others(parts: int, *excluded: np.ndarray) -> np.ndarray:
    """All parts but some: (m, parts - k) for k arrays of m distinct indices each."""
    m = len(excluded[0])
    mask = np.ones((m, parts), dtype=bool)
    for index in excluded:
        mask[np.arange(m), index] = False
    return np.nonzero(mask)[1].reshape(m, parts - len(excluded))


def _columns(L: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Columns of L (..., n, D) by index (*shape, k): (..., *shape, n, k)."""
    columns = np.take(L, index, axis=-1)  # (..., n, *shape, k)
    return np.moveaxis(columns, L.ndim - 2, -2)


def pair_residuals(L) -> PairResiduals:
    """Residuals of log(x_i / x_r) and log(x_j / x_r) given all log(x_k / x_r), k != i, j, r, for all i < j and all r.

    Args:
        L: logarithms of compositions (..., n, D), D at least 3.
    """
    L = np.asarray(L, dtype=float)
    d = L.shape[-1]
    pairs = np.stack(np.triu_indices(d, 1), axis=1)
    refs = _others(d, *pairs.T)
    flat_refs = refs.ravel()
    flat_pairs = np.repeat(pairs, d - 2, axis=0)
    controls = _others(d, *flat_pairs.T, flat_refs)
    base = _columns(L, flat_refs[:, None])
    flat = residuals(_columns(L, flat_pairs) - base, _columns(L, controls) - base)
    return PairResiduals(pairs, refs, flat.reshape(*flat.shape[:-3], len(pairs), d - 2, *flat.shape[-2:]))


def residual_correlation(values) -> np.ndarray:
    """Correlation of the two columns of residuals (..., n, 2), which have mean zero: (...)."""
    a, b = values[..., 0], values[..., 1]
    return np.sum(a * b, axis=-1) / np.sqrt(np.sum(a**2, axis=-1) * np.sum(b**2, axis=-1))


def pair_correlations(pair_residuals: PairResiduals) -> np.ndarray:
    """Correlations of the residuals of each pair for each reference (..., pairs, D - 2)."""
    return residual_correlation(pair_residuals.values)


def part_variances(L) -> np.ndarray:
    """Residual variances RSS / (n - 1) of log(x_i / x_r) given all log(x_k / x_r), k != i, r.

    Args:
        L: logarithms of compositions (..., n, D).

    Returns:
        (..., D, D - 1): part i, references r != i in ascending order.
    """
    L = np.asarray(L, dtype=float)
    n, d = L.shape[-2:]
    part, place = np.divmod(np.arange(d * (d - 1)), d - 1)
    ref = place + (place >= part)
    base = _columns(L, ref[:, None])
    flat = residuals(_columns(L, part[:, None]) - base, _columns(L, _others(d, part, ref)) - base)
    return (np.sum(flat**2, axis=(-2, -1)) / (n - 1)).reshape(*flat.shape[:-3], d, d - 1)


def normalise(L, inside) -> np.ndarray:
    """Logarithms over the geometric mean of some parts: Y = L B^T, B = I - 1 e_I^T / |I|.

    Args:
        L: logarithms of compositions (..., n, D).
        inside: which parts are in I, boolean (..., D), at least one.

    Raises:
        ValueError: I is empty.
    """
    L, inside = np.asarray(L, dtype=float), np.asarray(inside, dtype=bool)
    size = inside.sum(axis=-1)
    if not np.all(size > 0):
        raise ValueError("inside: got no part, expected at least one")
    return L - (L @ inside[..., :, None].astype(float)) / size[..., None, None]


def normalised_residuals(L, i, j, inside, controlled: bool = True) -> np.ndarray:
    """Residuals of the normalised parts i and j given the other normalised parts.

    Args:
        L: logarithms of compositions (..., n, D).
        i, j: the pair, (...) int.
        inside: I, the parts whose geometric mean is the size factor, boolean (..., D).
        controlled: whether the parts of I are among the controls.

    Returns:
        (..., n, 2). With I free of i and j and among the controls, the residuals of `pair_residuals`; with i alone in
        I, that of i is zero up to rounding, because the normalised parts of I sum to zero; with both in I, the two are
        opposite.
    """
    Y = normalise(L, inside)
    lead = Y.shape[:-2]
    pair = np.stack(np.broadcast_arrays(np.broadcast_to(i, lead), j), axis=-1)[..., None, :]
    target = np.take_along_axis(Y, pair, axis=-1)
    excluded = np.any(np.arange(Y.shape[-1])[:, None] == pair, axis=-1)  # (..., D)
    if not controlled:
        excluded = excluded | inside
    return residuals(target, np.where(excluded[..., None, :], 0.0, Y))


def normalised_precision(L, inside) -> np.ndarray:
    """Pseudo-inverse of the covariance of the normalised logarithms, by its rank D - 1.

    Args:
        L: logarithms of compositions (..., n, D).
        inside: I, the parts whose geometric mean is the size factor, boolean (..., D).

    Returns:
        (..., D, D). Equal to P where I holds all parts; otherwise its partial correlations are those of P only for
        pairs outside I.
    """
    values, vectors = np.linalg.eigh(covariance(normalise(L, inside)))
    return (vectors[..., 1:] / values[..., None, 1:]) @ np.swapaxes(vectors[..., 1:], -1, -2)
