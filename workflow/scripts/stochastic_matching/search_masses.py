"""Search for masses of nested families at which Stochastic Balance is worst against a benchmark."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.matching.search import worst_masses
from lib.progress import progress


def search_masses(*, sizes: list[int], starts: int, evaluations: int, benchmark: str, root_seed: int) -> xr.Dataset:
    """Return the least `ratio (size, start)`, and the `masses` where it is; the first start is all ones.

    Args:
        sizes: numbers n of offline vertices; the neighbourhoods have n, n - 1, ..., 1.
        starts: random starts besides all ones.
        evaluations: of the ratio, at most, from each start.
        benchmark: `matching` or `configuration`, the program that the value is divided by.
        root_seed: root of the random streams.
    """
    ratio = np.full((len(sizes), starts + 1), np.nan)
    masses = np.full((len(sizes), starts + 1, max(sizes)), np.nan)
    for i, n in enumerate(progress(sizes, f"search against {benchmark}")):
        rng = generator(root_seed, "stochastic_matching", "search", benchmark, n)
        for j in range(starts + 1):
            start = np.ones(n) if j == 0 else rng.lognormal(0, 0.7, n)
            ratio[i, j], masses[i, j, :n] = worst_masses(np.arange(n, 0, -1), start, benchmark, evaluations)
    return xr.Dataset(
        {"ratio": (("size", "start"), ratio), "masses": (("size", "start", "class"), masses)}, coords={"size": sizes}
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(search_masses, snakemake)
