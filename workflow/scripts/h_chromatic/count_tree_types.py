"""The full self-chromatic symmetric functions of all trees up to a size, as exact integers h_lambda."""

import numpy as np
import xarray as xr

from lib.graphs.trees import endomorphism_types, parents
from lib.progress import progress
from lib.symmetric.partitions import partition_label, partitions


def count_tree_types(*, smallest: int, largest: int) -> xr.Dataset:
    """Return for each size n the table `h_n (tree_n, partition_n)` and the trees' parents.

    Args:
        smallest, largest: numbers of vertices.
    """
    variables, coords = {}, {}
    for n in range(smallest, largest + 1):
        kinds = partitions(n)
        trees = list(parents(n))
        rows = [endomorphism_types(parent) for parent in progress(trees, f"trees on {n} vertices")]
        table = np.array([[row.get(kind, 0) for kind in kinds] for row in rows], dtype=np.int64)
        variables[f"h_{n}"] = ((f"tree_{n}", f"partition_{n}"), table, {"long_name": "endomorphisms by fibre type"})
        variables[f"parent_{n}"] = ((f"tree_{n}", f"vertex_{n}"), np.array(trees, dtype=np.int8))
        coords[f"partition_{n}"] = [partition_label(kind) for kind in kinds]
    return xr.Dataset(variables, coords=coords, attrs={"smallest": smallest, "largest": largest})


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(count_tree_types, snakemake)
