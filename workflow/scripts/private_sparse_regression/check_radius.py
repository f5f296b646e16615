"""How often gradients are longer than the earlier analysis assumed, and than the corrected one does."""

import math

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.privacy.local import l2_randomizer
from lib.regression.designs import draw_design, spread_parameter
from lib.regression.private import Rounds, user_gradients


def check_radius(
    *, kept: list[int], dim: int, sparsity: int, users: int, epsilon: float, noise: float, root_seed: int
) -> xr.Dataset:
    """Return shares (kept,) of gradients beyond each radius, the longest over the earlier one, and what was refused.

    The iterate has k' entries 1 / sqrt(k'), x is Rademacher.

    Args:
        kept: entries k' of the iterate.
        dim: number of features.
        sparsity: k of theta.
        users: gradients.
        epsilon: of the randomiser that must refuse.
        noise: size C of the errors of y.
        root_seed: root of the random streams.
    """
    earlier, corrected, longest, refused = (np.zeros(len(kept)) for _ in range(4))
    theta = spread_parameter(dim, sparsity)
    for i, size in enumerate(kept):
        rng = generator(root_seed, "private_sparse_regression", "radius", size)
        x = draw_design("rademacher", users, dim, rng)
        y = x @ theta + rng.choice([-noise, noise], users)
        iterate = np.where(np.arange(dim) < size, 1 / math.sqrt(size), 0.0)
        settings = Rounds(1, size, 1.0)
        gradients = user_gradients(x, y, iterate, settings, 1.0, 1 + noise)
        lengths = np.linalg.norm(gradients, axis=1)
        bound = math.sqrt(dim) * (2 + noise)
        beyond = lengths > bound * (1 + 1e-12)
        earlier[i] = beyond.mean()
        corrected[i] = (lengths > settings.radius(dim, 1.0, 1 + noise) * (1 + 1e-12)).mean()
        longest[i] = lengths.max() / bound
        refused[i] = _refuses(gradients[beyond], bound, epsilon, rng)
    return xr.Dataset(
        {
            "earlier": ("kept", earlier, {"long_name": "share longer than the earlier radius"}),
            "corrected": ("kept", corrected, {"long_name": "share longer than the corrected radius"}),
            "longest": ("kept", longest, {"long_name": "longest over the earlier radius"}),
            "refused": ("kept", refused, {"long_name": "1 if the randomiser refuses those beyond, or there are none"}),
        },
        coords={"kept": kept},
        attrs={"users": users, "dim": dim},
    )


def _refuses(gradients, radius, epsilon, rng) -> bool:
    if not len(gradients):
        return True
    try:
        l2_randomizer(gradients, radius, epsilon, rng)
    except ValueError:
        return True
    return False


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_radius, snakemake)
