"""How many adaptive queries a mechanism answers to accuracy tau before the sign attack breaks it, for one n."""

from functools import partial

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.privacy.analysts import SignAttack
from lib.privacy.capacity import geometric_grid, tolerated_queries, tolerated_queries_known_in_advance
from lib.privacy.queries import Gaussian, Laplace, Naive, SampleSplit
from lib.progress import progress


def count_queries(
    *,
    size: int,
    tau: float,
    noises: list[float],
    laplace_noises: list[float],
    growth: float,
    success: float,
    repetitions: int,
    largest_ratio: float,
    root_seed: int,
) -> xr.Dataset:
    """Return `tolerated (row)` and `censored (row)`, a row for each mechanism at each of its noises.

    A run succeeds at m when its first m - 1 answers and the last query are all within tau. Sample splitting must know
    m, so that each m has runs of its own.

    Args:
        size: number n of samples.
        tau: accuracy.
        noises, laplace_noises: standard deviations of Gaussian and Laplace noise over tau.
        growth: ratio of the grid of m.
        success: share of runs that must succeed.
        repetitions: runs.
        largest_ratio: m / n at which the search ends (reported as censored).
        root_seed: root of the random streams.
    """
    stream = partial(generator, root_seed, "adaptive_data_analysis", "count_queries", size)
    grid = geometric_grid(4, largest_ratio * size, growth)
    samples = np.arange(size)
    names = [("naive", 0.0), *(("gaussian", c) for c in noises), *(("laplace", c) for c in laplace_noises)]

    def oracle(name: str, noise: float, run: int):
        rng = stream(name, noise, run)
        if name == "gaussian":
            return Gaussian(samples, size, noise * tau, rng)
        if name == "laplace":
            return Laplace(samples, size, noise * tau / np.sqrt(2), rng)
        return Naive(samples, size)

    def split_attack(m: int, run: int) -> SignAttack:
        return SignAttack(size, {"split": SampleSplit(samples, size, m)}, stream("split", m, run))

    attacks = [
        SignAttack(size, {pair: oracle(*pair, run) for pair in names}, stream(run)) for run in range(repetitions)
    ]
    tolerated, censored = tolerated_queries(attacks, progress(grid, f"numbers of queries, n = {size}"), tau, success)
    split = tolerated_queries_known_in_advance(split_attack, [m for m in grid if m <= size], tau, success, repetitions)
    rows = [*names, ("split", 0.0)]
    return xr.Dataset(
        {
            "tolerated": ("row", np.array([*tolerated.values(), split]), {"long_name": "queries tolerated"}),
            "censored": ("row", np.array([*censored.values(), False])),
        },
        coords={
            "mechanism": ("row", [name for name, _ in rows]),
            "noise": ("row", [noise for _, noise in rows], {"long_name": "standard deviation over tau"}),
        },
        attrs={"n": size, "tau": tau, "repetitions": repetitions},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(count_queries, snakemake)
