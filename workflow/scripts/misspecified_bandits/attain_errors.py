"""How much of the bound eps sqrt(d) least squares on a G-optimal design can be made to lose."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.bandits.designs import g_optimal_design, least_squares, worst_misspecification
from lib.bandits.instances import sparse_parameter, sphere_actions


def attain_errors(*, dims: list[int], actions: int, eps: float, draws: int, root_seed: int) -> xr.Dataset:
    """Return `error (draw, dim)`: |prediction error at the worst action| over eps sqrt(d).

    Args:
        dims: dimensions d.
        actions: number N of actions on the sphere.
        eps: misspecification, on the design's actions with the signs that hurt the worst action most.
        draws: independent action sets.
        root_seed: root of the random streams.
    """
    error, support = np.zeros((draws, len(dims))), np.zeros((draws, len(dims)), dtype=int)
    for t in range(draws):
        for k, d in enumerate(dims):
            rng = generator(root_seed, "misspecified_bandits", "attain", d, t)
            features, theta = sphere_actions(actions, d, rng), sparse_parameter(d, 1, rng)
            design = g_optimal_design(features)
            target = features[np.einsum("nd,nd->n", features @ design.inverse, features).argmax()]
            rewards = features[design.support] @ theta + eps * worst_misspecification(features, design, target)
            fitted = least_squares(features, design, rewards)
            error[t, k] = abs(target @ (fitted - theta)) / (eps * np.sqrt(d))
            support[t, k] = len(design.support)
    return xr.Dataset(
        {
            "error": (
                ("draw", "dim"),
                error,
                {"long_name": "prediction error at the worst action", "units": "eps sqrt(d)"},
            ),
            "support": (("draw", "dim"), support, {"long_name": "actions of the design"}),
        },
        coords={"dim": dims},
        attrs={"actions": actions, "eps": eps},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(attain_errors, snakemake)
