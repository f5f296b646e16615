"""Seconds that each method takes on one data set, by number of samples."""

import time

import numpy as np
import xarray as xr

from lib.scm import baselines as b
from lib.scm.discovery import bivariate_rule
from lib.scm.exchangeable import bivariate
from lib.scm.independence import kernel_test

BASELINES = {
    "pc": lambda x, environment: b.pc(x, "fisherz", 0.05),
    "fci": lambda x, environment: b.fci(x, "fisherz", 0.05),
    "ges": lambda x, environment: b.ges(x),
    "notears": lambda x, environment: b.notears_edges(x),
    "by_variance": lambda x, environment: b.by_variance(x, 0.05),
    "direct_lingam": lambda x, environment: b.direct_lingam(x),
    "cd_nod": lambda x, environment: b.cd_nod(x, environment, 0.05),
}
METHODS = ("causal_de_finetti", *BASELINES)


def time_methods(*, environments: list[int], repeats: int, rng) -> xr.Dataset:
    """Return `seconds (algorithm, environments, repeat)`; the methods take turns.

    Args:
        environments: numbers E; two samples of each.
        repeats: runs, each on a data set of its own, after one that does not count.
        rng: draws the data.
    """
    seconds = np.zeros((len(METHODS), len(environments), repeats))
    for j, number in enumerate(environments):
        index = np.repeat(np.arange(number), 2)
        for repeat in range(-1, repeats):  # the first one imports and compiles
            data, _ = bivariate(number, 2, rng)
            pooled = data.reshape(2, -1).T
            for i, method in enumerate(METHODS):
                start = time.perf_counter()
                if method == "causal_de_finetti":
                    bivariate_rule(data[0], data[1], kernel_test)
                else:
                    BASELINES[method](pooled, index)
                if repeat >= 0:
                    seconds[i, j, repeat] = time.perf_counter() - start
    return xr.Dataset(
        {"seconds": (("algorithm", "environments", "repeat"), seconds, {"units": "s"})},
        coords={"algorithm": list(METHODS), "environments": environments},
        attrs={"timing": True},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(time_methods, snakemake)
