"""Average the draws of every seed."""

import numpy as np
import xarray as xr

from lib.toy.averages import average


def gather_means(draws: list[xr.Dataset]) -> xr.Dataset:
    """Return `mean: (seed,)`."""
    return xr.Dataset({"mean": ("seed", np.array([average(item.x.values) for item in draws]))})


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(gather_means, snakemake)
