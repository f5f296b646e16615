"""Central privacy by peeling, beside the same selection without privacy."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.designs import draw_design, spread_parameter
from lib.regression.private import peel
from lib.regression.sparse import hard_threshold


def peel_centrally(
    *, rows: int, dims: list[int], sparsity: int, epsilon: float, seeds: int, noise: float, root_seed: int
) -> xr.Dataset:
    """Return l2 errors `peeling` and `top (dim, seed)` on the Rademacher design.

    Args:
        rows: number n of records.
        dims: numbers d of features.
        sparsity: k of theta, and coordinates that are kept.
        epsilon: of the whole release.
        seeds: independent data sets.
        noise: size C of the errors of y.
        root_seed: root of the random streams.
    """
    errors = np.zeros((2, len(dims), seeds))
    for j, dim in enumerate(progress(dims, "dimensions")):
        theta = spread_parameter(dim, sparsity)
        for seed in range(seeds):
            rng = generator(root_seed, "private_sparse_regression", "peeling", dim, seed)
            x = draw_design("rademacher", rows, dim, rng)
            cross = (x @ theta + rng.choice([-noise, noise], rows)) @ x / rows
            estimates = (peel(cross, sparsity, rows, epsilon, 1 + noise, rng), hard_threshold(cross, sparsity))
            errors[:, j, seed] = [np.linalg.norm(one - theta) for one in estimates]
    return xr.Dataset(
        {
            "peeling": (("dim", "seed"), errors[0], {"long_name": "l2 error of private peeling"}),
            "top": (("dim", "seed"), errors[1], {"long_name": "l2 error of the largest coordinates, no privacy"}),
        },
        coords={"dim": dims},
        attrs={"rows": rows, "epsilon": epsilon},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(peel_centrally, snakemake)
