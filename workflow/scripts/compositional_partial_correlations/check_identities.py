"""The identities of the paper on random compositions: references, invariances, normalisation, shrinkage."""

import numpy as np
import xarray as xr

from lib.compositional.identities import (
    normalisation_deviations,
    reference_deviations,
    reference_free_exactly,
    scaling_deviations,
    shrinkage_deviations,
)
from lib.compositional.logratio import clr_covariance
from lib.compositional.partial import partial
from lib.compositional.simulate import random_basis_logs


def _deviations(L, rng) -> dict[str, np.ndarray]:
    """Deviations and ranges of compositions of one number of parts, one value for each."""
    direct = partial(np.exp(L))
    by_reference = reference_deviations(np.exp(L), L)
    off = direct.correlation[:, *np.triu_indices(L.shape[-1], 1)]
    return {
        **{
            f"{name}_deviation": getattr(by_reference, name).max(axis=1)
            for name in ("residual", "correlation", "variance")
        },
        "alr_deviation": by_reference.additive.max(axis=1),
        "null_deviation": np.abs(direct.precision.sum(axis=-1)).max(axis=-1),
        "smallest": off.min(axis=1),
        "largest": off.max(axis=1),
        "invariance_deviation": scaling_deviations(L, rng),
        **normalisation_deviations(L, rng)._asdict(),
    }


def _rational(parts: int, rng) -> bool:
    """Whether a random integer covariance gives one precision for all references."""
    root = rng.integers(-3, 4, (parts, parts))
    return reference_free_exactly(root @ root.T + np.eye(parts, dtype=int))


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
        instances: number of random compositions; their numbers of parts cycle through `parts`.
        parts: numbers of parts D.
        samples_per_part: samples over D.
        shrinkage: instances, samples and parts of the compositions to shrink.
        independent_parts: first and last D of the independent basis.
        rational_parts: numbers of parts for exact arithmetic.
        rng: random generator.
    """
    dims = np.array([parts[k % len(parts)] for k in range(instances)])
    values: dict[str, np.ndarray] = {}
    for d in sorted(set(dims.tolist())):
        group = np.flatnonzero(dims == d)
        L = random_basis_logs(d, samples_per_part * d, rng, (len(group),))
        for name, value in _deviations(L, rng).items():
            values.setdefault(name, np.zeros(instances))[group] = value
    sizes = np.arange(independent_parts[0], independent_parts[1] + 1)
    independent = []
    for d in sizes:
        r = partial(cov_clr=clr_covariance(S=np.eye(d))).correlation
        independent.append(np.abs(r[~np.eye(d, dtype=bool)] - 1 / (d - 1)).max())
    few = random_basis_logs(shrinkage["parts"], shrinkage["samples"], rng, (shrinkage["instances"],))
    basis, naive = shrinkage_deviations(np.exp(few))
    return xr.Dataset(
        {
            **{name: ("instance", value) for name, value in values.items()},
            "basis_deviation": ("shrunk_instance", basis),
            "naive_deviation": ("shrunk_instance", naive),
            "parts": ("instance", dims),
            "independent_deviation": ("independent_parts", np.array(independent)),
            "rational": ("rational_parts", np.array([_rational(d, rng) for d in rational_parts])),
        },
        coords={"independent_parts": sizes, "rational_parts": rational_parts},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_identities, snakemake)
