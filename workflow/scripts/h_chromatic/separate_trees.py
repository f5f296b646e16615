"""All trees up to a size, with the one-point values of their self-chromatic symmetric functions.

S_T(t) modulo two primes at a random t: trees of equal size with different values have different functions, which is a
proof. Equal values prove nothing. The number of endomorphisms is t = 1, in exact integers.
"""

import numpy as np
import xarray as xr

from lib.graphs.trees import PRIMES, endomorphisms, parents, special_point
from lib.progress import progress


def separate_trees(*, smallest: int, largest: int, rng: np.random.Generator) -> xr.Dataset:
    """Return `residue (tree, prime)`, `endomorphisms (tree)` (text: exact integers), and the trees' parents.

    Args:
        smallest, largest: numbers of vertices.
        rng: draws the point t.
    """
    point = int(rng.integers(2, min(PRIMES)))
    sizes, residues, counts, up = [], [], [], []
    for n in range(smallest, largest + 1):
        for parent in progress(parents(n), f"trees on {n} vertices"):
            sizes.append(n)
            residues.append([special_point(parent, point, prime) for prime in PRIMES])
            counts.append(str(endomorphisms(parent)))
            up.append(parent + [-2] * (largest - n))
    return xr.Dataset(
        {
            "residue": (("tree", "prime"), np.array(residues, dtype=np.uint64)),
            "endomorphisms": ("tree", np.array(counts)),
            "parent": (("tree", "vertex"), np.array(up, dtype=np.int8), {"long_name": "-1: root, -2: no such vertex"}),
            "vertices": ("tree", np.array(sizes)),
        },
        coords={"prime": np.array(PRIMES)},
        attrs={"point": point},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(separate_trees, snakemake)
