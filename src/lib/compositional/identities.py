"""Identities of partial correlations (Erb 2020) as deviations on data: rounding alone where an identity holds."""

from typing import NamedTuple

import numpy as np

from lib.compositional.logratio import alr_matrix
from lib.compositional.partial import partial, partial_from_precision
from lib.compositional.regression import (
    normalised_precision,
    normalised_residuals,
    pair_correlations,
    pair_residuals,
    part_variances,
    residual_correlation,
)


class ReferenceDeviations(NamedTuple):
    """Largest deviations over all references.

    Args:
        pairs: (pairs, 2), i < j.
        residual: spread of the residuals of a pair, sample by sample (..., pairs).
        correlation: correlation of the residuals against that from the precision (..., pairs).
        variance: residual variance of a part against that from the precision, relative (..., D).
        additive: partial correlations by the additive against the centred log-ratios, by reference (..., D).
    """

    pairs: np.ndarray
    residual: np.ndarray
    correlation: np.ndarray
    variance: np.ndarray
    additive: np.ndarray

    def by_part(self, values: np.ndarray) -> np.ndarray:
        """Largest of the values of all pairs (..., pairs) that a part belongs to, (..., D)."""
        parts = range(int(self.pairs.max()) + 1)
        return np.stack([values[..., (self.pairs == part).any(axis=1)].max(axis=-1) for part in parts], axis=-1)


def reference_deviations(X, logarithms=None) -> ReferenceDeviations:
    """How far residuals, partial variances and partial correlations depend on the reference part.

    Args:
        X: compositions (..., n, D), n >= D >= 3.
        logarithms: log X, where X was made from them and rounding matters; computed by default.

    Raises:
        ValueError: not compositions, or too few samples or parts.
    """
    direct = partial(X)
    L = np.log(X) if logarithms is None else logarithms
    residuals = pair_residuals(L)
    i, j = residuals.pairs.T
    by_pair = np.abs(pair_correlations(residuals) - direct.correlation[..., i, j, None])
    by_part = np.abs(part_variances(L) / direct.variance[..., None] - 1)
    additive = [np.abs(partial(X, ref=r).correlation - direct.correlation) for r in range(np.shape(X)[-1])]
    return ReferenceDeviations(
        residuals.pairs,
        np.ptp(residuals.values, axis=-3).max(axis=(-2, -1)),
        by_pair.max(axis=-1),
        by_part.max(axis=-1),
        np.stack([one.max(axis=(-2, -1)) for one in additive], axis=-1),
    )


def scaling_deviations(L, rng: np.random.Generator, spread: float = 2.0) -> np.ndarray:
    """Largest change of a partial correlation when samples and parts are scaled at random.

    Args:
        L: logarithms of compositions (..., n, D).
        rng: draws the logarithms of the scales.
        spread: their standard deviation.

    Returns:
        (...).
    """
    *lead, n, d = np.shape(L)
    scaled = L + rng.normal(0, spread, (*lead, n, 1)) + rng.normal(0, spread, (*lead, 1, d))
    difference = partial(np.exp(scaled)).correlation - partial(np.exp(L)).correlation
    return np.abs(difference).max(axis=(-2, -1))


class NormalisationDeviations(NamedTuple):
    """Deviations of normalised regressions, one for each composition; I is the set of the normalising parts.

    Args:
        free: I without i and j: regression from r_ij.
        free_inverse: the same for the pseudo-inverse.
        uncontrolled: regression from r_ij where I is not among the controls.
        inside_residual: i in I: standard deviation of the residual of i, relative to that of j.
        inside_inverse: i in I: pseudo-inverse from r_ij.
        both: i and j in I: regression from -1.
        all: I = all parts: regression from -1, largest over all pairs.
    """

    free: np.ndarray
    free_inverse: np.ndarray
    uncontrolled: np.ndarray
    inside_residual: np.ndarray
    inside_inverse: np.ndarray
    both: np.ndarray
    all: np.ndarray


def normalisation_deviations(L, rng: np.random.Generator) -> NormalisationDeviations:
    """Normalised regressions of a random pair (i, j) of each composition, for random sets I.

    Args:
        L: logarithms of compositions (m, n, D), D at least 4.
        rng: draws the pairs and the sets.
    """
    count, d = len(L), L.shape[-1]
    order = np.argsort(rng.random((count, d)), axis=1)
    i, j = order[:, 0], order[:, 1]
    each = np.arange(count)
    expected = partial(np.exp(L)).correlation[each, i, j]

    def subset(least, *pair_members):
        """Random subsets of the other parts, at least `least` of them, joined with members of the pair."""
        size = rng.integers(least, d - 1, count)
        inside = np.zeros((count, d), dtype=bool)
        np.put_along_axis(inside, order[:, 2:], np.arange(d - 2) < size[:, None], axis=1)
        for part in pair_members:
            inside[each, part] = True
        return inside

    free, alone, both = subset(2), subset(1, i), subset(0, i, j)
    residuals = normalised_residuals(L, i, j, alone)

    def regression(inside, **options):
        return residual_correlation(normalised_residuals(L, i, j, inside, **options))

    def inverse(inside):
        return partial_from_precision(normalised_precision(L, inside)).correlation[each, i, j]

    every = np.ones((count, d), dtype=bool)
    degenerate = [residual_correlation(normalised_residuals(L, a, b, every)) for a, b in zip(*np.triu_indices(d, 1))]
    return NormalisationDeviations(
        free=np.abs(regression(free) - expected),
        free_inverse=np.abs(inverse(free) - expected),
        uncontrolled=np.abs(regression(free, controlled=False) - expected),
        inside_residual=residuals[..., 0].std(axis=1) / residuals[..., 1].std(axis=1),
        inside_inverse=np.abs(inverse(alone) - expected),
        both=np.abs(regression(both) + 1),
        all=np.abs(np.array(degenerate) + 1).max(axis=0),
    )


def shrinkage_deviations(X) -> tuple[np.ndarray, np.ndarray]:
    """Largest deviation of additive from centred log-ratios over all references, under basis and naive shrinkage.

    Args:
        X: compositions (m, n, D).

    Returns:
        `(basis, naive)`, (m,) each; for naive shrinkage over the pairs without the reference.
    """
    X = np.asarray(X, dtype=float)
    d = X.shape[-1]
    basis, naive = (partial(X, shrinkage=kind).correlation for kind in ("basis", "naive"))
    basis_deviation, naive_deviation = np.zeros((2, len(X)))
    for r in range(d):
        rest = np.delete(np.arange(d), r)
        alr = partial(X, ref=r, shrinkage="basis").correlation
        basis_deviation = np.maximum(basis_deviation, np.abs(alr - basis).max(axis=(1, 2)))
        alr = partial(X, ref=r, shrinkage="naive").correlation
        shared = naive[:, rest[:, None], rest]
        naive_deviation = np.maximum(naive_deviation, np.abs(alr - shared).max(axis=(1, 2)))
    return basis_deviation, naive_deviation


def reference_free_exactly(S) -> bool:
    """Whether F_r^T (F_r S F_r^T)^-1 F_r is the same for every reference r, in exact rational arithmetic.

    Args:
        S: positive definite covariance of the logarithms (D, D), integers or fractions.
    """
    import sympy

    S = sympy.Matrix(S)
    forms = []
    for r in range(S.shape[0]):
        F = sympy.Matrix(alr_matrix(S.shape[0], r).astype(int))
        forms.append(F.T * (F * S * F.T).inv() * F)
    return all(form == forms[0] for form in forms)
