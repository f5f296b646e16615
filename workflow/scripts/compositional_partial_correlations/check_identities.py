"""The identities of the paper on random compositions: references, invariances, normalisation, shrinkage."""

import numpy as np
import sympy
import xarray as xr

from lib.compositional.logratio import alr_matrix, clr_covariance
from lib.compositional.partial import partial, partial_from_precision
from lib.compositional.regression import (
    normalised_precision,
    normalised_residuals,
    pair_correlations,
    pair_residuals,
    part_variances,
)
from lib.compositional.simulate import random_basis_logs


def _pearson(left):
    """Correlation of the two columns of residuals (..., n, 2)."""
    a, b = left[..., 0], left[..., 1]
    return np.sum(a * b, axis=-1) / np.sqrt(np.sum(a**2, axis=-1) * np.sum(b**2, axis=-1))


def _references(L, found):
    """Largest deviations over all pairs and references, one for each instance."""
    pairs = pair_residuals(L)
    i, j = pairs.pairs.T
    by_alr = [np.abs(partial(np.exp(L), ref=r).correlation - found.correlation) for r in range(L.shape[-1])]
    return {
        "residual_deviation": np.ptp(pairs.values, axis=2).max(axis=(1, 2, 3)),
        "correlation_deviation": np.abs(pair_correlations(pairs) - found.correlation[:, i, j, None]).max(axis=(1, 2)),
        "variance_deviation": np.abs(part_variances(L) / found.variance[..., None] - 1).max(axis=(1, 2)),
        "alr_deviation": np.max(by_alr, axis=(0, 2, 3)),
        "null_deviation": np.abs(found.precision.sum(axis=-1)).max(axis=-1),
    }


def _ranges(L, found, rng):
    """Range of the correlations, and what scaling of samples and of parts changes."""
    off = found.correlation[:, *np.triu_indices(L.shape[-1], 1)]
    moved = L + rng.normal(0, 2, (*L.shape[:-1], 1)) + rng.normal(0, 2, (len(L), 1, L.shape[-1]))
    again = partial(np.exp(moved)).correlation
    return {
        "smallest": off.min(axis=1),
        "largest": off.max(axis=1),
        "invariance_deviation": np.abs(again - found.correlation).max(axis=(1, 2)),
    }


def _normalisation(L, found, rng):
    """Normalised regressions with the pair outside I, with one of it inside, and with both."""
    count, d = len(L), L.shape[-1]
    order = np.argsort(rng.random((count, d)), axis=1)
    i, j = order[:, 0], order[:, 1]
    each = np.arange(count)
    expected = found.correlation[each, i, j]

    def sets(least, *more):
        """Random subsets of the other parts, `least` or more of them, joined with some of the pair."""
        size = rng.integers(least, d - 1, count)
        inside = np.zeros((count, d), dtype=bool)
        np.put_along_axis(inside, order[:, 2:], np.arange(d - 2) < size[:, None], axis=1)
        for part in more:
            inside[each, part] = True
        return inside

    free, alone, both = sets(2), sets(1, i), sets(0, i, j)
    left = normalised_residuals(L, i, j, alone)
    inverse = {
        name: partial_from_precision(normalised_precision(L, inside)).correlation[each, i, j]
        for name, inside in (("free", free), ("alone", alone))
    }
    everything = np.ones((count, d), dtype=bool)
    rows, columns = np.triu_indices(d, 1)
    degenerate = [_pearson(normalised_residuals(L, a, b, everything)) for a, b in zip(rows, columns)]
    return {
        "free": np.abs(_pearson(normalised_residuals(L, i, j, free)) - expected),
        "free_inverse": np.abs(inverse["free"] - expected),
        "uncontrolled": np.abs(_pearson(normalised_residuals(L, i, j, free, controlled=False)) - expected),
        "inside_residual": left[..., 0].std(axis=1) / left[..., 1].std(axis=1),
        "inside_inverse": np.abs(inverse["alone"] - expected),
        "both": np.abs(_pearson(normalised_residuals(L, i, j, both)) + 1),
        "all": np.abs(np.array(degenerate) + 1).max(axis=0),
    }


def _shrinkage(shape, rng):
    """Centred against additive log-ratios under basis and naive shrinkage, one value for each instance."""
    L = random_basis_logs(shape["parts"], shape["samples"], rng, (shape["instances"],))
    X, d = np.exp(L), shape["parts"]
    basis, naive = partial(X, shrinkage="basis").correlation, partial(X, shrinkage="naive").correlation
    basis_deviation, naive_deviation = np.zeros((2, len(L)))
    for r in range(d):
        rest = np.delete(np.arange(d), r)
        alr = partial(X, ref=r, shrinkage="basis").correlation
        basis_deviation = np.maximum(basis_deviation, np.abs(alr - basis).max(axis=(1, 2)))
        alr = partial(X, ref=r, shrinkage="naive").correlation
        shared = naive[:, rest[:, None], rest]
        naive_deviation = np.maximum(naive_deviation, np.abs(alr - shared).max(axis=(1, 2)))
    return {"basis_deviation": basis_deviation, "naive_deviation": naive_deviation}


def _rational(d: int, rng) -> bool:
    """Whether F_r^T (F_r S F_r^T)^-1 F_r is the same for all r in exact arithmetic, S random."""
    root = sympy.Matrix(rng.integers(-3, 4, (d, d)))
    S = root * root.T + sympy.eye(d)
    forms = []
    for r in range(d):
        F = sympy.Matrix(alr_matrix(d, r).astype(int))
        forms.append(F.T * (F * S * F.T).inv() * F)
    return all(form == forms[0] for form in forms)


def check_identities(
    *,
    instances: int,
    parts: list[int],
    samples_per_part: int,
    shrinkage: dict,
    independent_parts: list[int],
    rational_parts: list[int],
    rng: np.random.Generator,
) -> xr.Dataset:
    """Return the deviation from each identity, `(instance)`, and those of exact cases.

    Args:
        instances: number of random compositions; their numbers of parts go round `parts`.
        parts: numbers of parts D.
        samples_per_part: samples over D.
        shrinkage: instances, samples and parts of the shrunk ones.
        independent_parts: first and last D of the independent basis.
        rational_parts: numbers of parts for exact arithmetic.
        rng: random generator.
    """
    dims = np.array([parts[k % len(parts)] for k in range(instances)])
    values: dict[str, np.ndarray] = {}
    for d in sorted(set(dims.tolist())):
        group = np.flatnonzero(dims == d)
        L = random_basis_logs(d, samples_per_part * d, rng, (len(group),))
        found = partial(np.exp(L))
        for part in (_references(L, found), _ranges(L, found, rng), _normalisation(L, found, rng)):
            for name, value in part.items():
                values.setdefault(name, np.zeros(instances))[group] = value
    sizes = np.arange(independent_parts[0], independent_parts[1] + 1)
    independent = []
    for d in sizes:
        r = partial(cov_clr=clr_covariance(S=np.eye(d))).correlation
        independent.append(np.abs(r[~np.eye(d, dtype=bool)] - 1 / (d - 1)).max())
    return xr.Dataset(
        {
            **{name: ("instance", value) for name, value in values.items()},
            **{name: ("shrunk_instance", value) for name, value in _shrinkage(shrinkage, rng).items()},
            "parts": ("instance", dims),
            "independent_deviation": ("independent_parts", np.array(independent)),
            "rational": ("rational_parts", np.array([_rational(d, rng) for d in rational_parts])),
        },
        coords={"independent_parts": sizes, "rational_parts": rational_parts},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_identities, snakemake)
