"""Probability that a design is stable, over the size of the space and the number of points."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.problems import space
from lib.sampling.designs import growing_gram


def map_stability(
    *,
    families: list[str],
    sizes: list[int],
    points: list[int],
    strategies: list[str],
    repetitions: int,
    delta: float,
    root_seed: int,
) -> xr.Dataset:
    """Return the share of designs with lambda_min(G) >= 1 - delta, `(family, strategy, size, n)`; NaN where n < m.

    Designs of one strategy and size grow with n, so that neighbours along n are dependent.

    Args:
        families: univariate polynomials, by their reference measures.
        sizes: numbers of functions m.
        points: ascending numbers of points n.
        strategies: names of strategies that have designs of any n.
        repetitions: designs for each strategy and size.
        delta: a stable design has lambda_min(G) >= 1 - delta.
        root_seed: root of the random streams.
    """
    stable = np.full((len(families), len(strategies), len(sizes), len(points)), np.nan)
    cells = list(np.ndindex(stable.shape[:3]))
    for f, s, i in progress(cells, "strategies and sizes of the space"):
        m = sizes[i]
        rng = generator(root_seed, "dpp_least_squares", "stability", families[f], strategies[s], m)
        basis, enough = space(families[f], 1, m - 1), [n for n in points if n >= m]
        for n, matrices in growing_gram(strategies[s], basis, enough, rng, repetitions):
            stable[f, s, i, points.index(n)] = np.mean(np.linalg.eigvalsh(matrices)[:, 0] >= 1 - delta)
    return xr.Dataset(
        {"stable": (("family", "strategy", "size", "n"), stable, {"long_name": "Pr(lambda_min >= 1 - delta)"})},
        coords={"family": families, "strategy": strategies, "size": sizes, "n": points},
        attrs={"delta": delta, "repetitions": repetitions},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(map_stability, snakemake)
