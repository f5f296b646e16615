"""Partial correlations of a table of counts of many parts, by basis shrinkage."""

import numpy as np
import xarray as xr

from lib.compositional.partial import partial_from_factors
from lib.compositional.tables import read_composition
from lib.stats.shrinkage import shrink_factors


def estimate_counts(table, *, zeros: str) -> xr.Dataset:
    """Return `pcor (part, part2)`, `pvar (part)` and both intensities.

    Args:
        table: file of counts, a header of the parts and one row for each sample.
        zeros: method that replaces zeros (`lib.compositional.logratio.replace_zeros`).
    """
    X, names = read_composition(table, zeros=zeros)
    factors = shrink_factors(np.log(X / X.sum(axis=1, keepdims=True)))
    estimate = partial_from_factors(factors)
    return xr.Dataset(
        {
            "pcor": (("part", "part2"), estimate.correlation),
            "pvar": ("part", estimate.variance),
            "shrinkage": ((), float(factors.shrinkage)),
            "variance_shrinkage": ((), float(factors.variance_shrinkage)),
        },
        coords={"part": names, "part2": names},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(estimate_counts, snakemake)
