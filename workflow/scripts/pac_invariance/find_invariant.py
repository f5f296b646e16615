"""Which subsets of a user's own covariates have a head that is invariant in all environments of a table."""

import xarray as xr

from lib.invariance.advice import invariant_subsets, read_environments


def find_invariant(rows, *, target: str, environment: str, tolerance: float, largest: int) -> xr.Dataset:
    """Return subsets with an invariant head, their least-squares heads and largest gradients, best prediction first.

    Args:
        rows: CSV with a column for the environment and one for the target; all others are covariates.
        target: name of its column.
        environment: name of its column.
        tolerance: eps, for covariates and target scaled to deviation 1.
        largest: largest size of a subset.
    """
    moments, names, sizes = read_environments(rows, target, environment)
    result = invariant_subsets(moments, sizes, tolerance, largest)
    return xr.Dataset(
        {
            "chosen": (
                ("subset", "covariate"),
                result.chosen,
                {"long_name": "whether a covariate belongs to the subset"},
            ),
            "head": (("subset", "covariate"), result.heads, {"long_name": "invariant head, scaled covariates"}),
            "violation": ("subset", result.violation, {"long_name": "largest gradient in any environment"}),
            "noise": ("subset", result.noise, {"long_name": "standard error of a gradient, largest"}),
            "explained": ("subset", result.explained, {"long_name": "share of the variance in the worst environment"}),
        },
        coords={"covariate": names},
        attrs={"environments": len(sizes), "tolerance": tolerance},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(find_invariant, snakemake)
