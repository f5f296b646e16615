"""Needles in packings of sign vectors: how many directions hide one another, and when each search plays the secret."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.bandits.designs import coordinates_in_span
from lib.bandits.hard import is_permutation, pack
from lib.bandits.needles import SEARCHES, all_first_hits
from lib.progress import progress


def hide_in_packings(
    *, sizes: list[int], tau: float, tries: int, packings: int, needle_limit: int, root_seed: int
) -> xr.Dataset:
    """Return `count` and `largest (packing, size)`, and `first_hit (search, size, packing, secret)`.

    The best action is 1 / tau eps better than all others, whose rewards the model explains to eps. `first_hit` is -1
    where a packing has more than `needle_limit` actions, or fewer secrets than the largest.

    Args:
        sizes: dimensions s.
        tau: largest inner product.
        tries: candidates of each packing.
        packings: independent packings of each size.
        needle_limit: most actions of a packing in which every secret is searched for.
        root_seed: root of the random streams.
    """
    count = np.zeros((packings, len(sizes)), dtype=int)
    largest = np.zeros_like(count)
    hits = {}
    for p, k in progress([(p, k) for p in range(packings) for k in range(len(sizes))], "packings"):
        rng = generator(root_seed, "misspecified_bandits", "packing", tau, sizes[k], p)
        packing = pack(sizes[k], tau, tries, rng)
        count[p, k], largest[p, k] = len(packing.signs), packing.largest
        if count[p, k] <= needle_limit:
            hits[p, k] = all_first_hits(coordinates_in_span(packing.vectors), tau, rng)
    longest = max((rows.shape[1] for rows in hits.values()), default=0)
    first_hit = np.full((len(SEARCHES), len(sizes), packings, longest), -1, dtype=np.int32)
    exact = np.zeros((len(SEARCHES), len(sizes), packings), dtype=bool)
    for (p, k), rows in hits.items():
        first_hit[:, k, p, : rows.shape[1]] = rows
        exact[:, k, p] = [is_permutation(row) for row in rows]
    return xr.Dataset(
        {
            "count": (("packing", "size"), count, {"long_name": "actions"}),
            "largest": (("packing", "size"), largest, {"long_name": "largest inner product of sign vectors"}),
            "first_hit": (("search", "size", "packing", "secret"), first_hit, {"long_name": "query that plays it"}),
            "exact": (("search", "size", "packing"), exact, {"long_name": "first hits are 1 to N, each once"}),
        },
        coords={"search": list(SEARCHES), "size": sizes},
        attrs={"tau": tau, "tries": tries},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(hide_in_packings, snakemake)
