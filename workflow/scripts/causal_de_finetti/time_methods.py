"""Seconds that each method takes on one data set, by number of samples."""

import time

import numpy as np
import xarray as xr

from lib.scm import baselines as b
from lib.scm.discovery import bivariate_rule
from lib.scm.exchangeable import bivariate
from lib.scm.independence import kernel_test

METHODS = ("causal de Finetti", "fci", "ges", "notears", "direct_lingam", "cd_nod")


def time_methods(*, environments: list[int], repeats: int, rng) -> xr.Dataset:
    """Return `seconds (algorithm, environments)`, the shortest of several runs.

    Args:
        environments: numbers E; two samples of each.
        repeats: runs.
        rng: draws the data.
    """
    seconds = np.zeros((len(METHODS), len(environments)))
    for j, number in enumerate(environments):
        data, _ = bivariate(number, 2, rng)
        pooled, index = data.reshape(2, -1).T, np.repeat(np.arange(number), 2)
        calls = (
            lambda data=data: bivariate_rule(data[0], data[1], kernel_test),
            lambda pooled=pooled: b.fci(pooled, "fisherz", 0.05),
            lambda pooled=pooled: b.ges(pooled),
            lambda pooled=pooled: b.notears_edges(pooled),
            lambda pooled=pooled: b.direct_lingam(pooled),
            lambda pooled=pooled, index=index: b.cd_nod(pooled, index, 0.05),
        )
        for i, call in enumerate(calls):
            best = np.inf
            for _ in range(repeats + 1):  # the first one imports
                start = time.perf_counter()
                call()
                best = min(best, time.perf_counter() - start)
            seconds[i, j] = best
    return xr.Dataset(
        {"seconds": (("algorithm", "environments"), seconds, {"units": "s"})},
        coords={"algorithm": list(METHODS), "environments": environments},
        attrs={"timing": True},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(time_methods, snakemake)
