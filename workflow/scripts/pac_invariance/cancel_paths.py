"""A child that its parent does not show: the empty head on it is invariant until somebody intervenes on the child."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.invariance.gradients import gradient
from lib.scm.linear import cancelling_sem

PLACES = ("observational", "another node", "the child", "variance of the common cause")


def cancel_paths(*, dim: int, interventions: int, root_seed: int) -> xr.Dataset:
    """Return gradients of the head 0 on the child alone, (place, intervention).

    Args:
        dim: number d of covariates.
        interventions: of each kind.
        root_seed: root of the random streams.
    """
    rng = generator(root_seed, "pac_invariance", "cancel")
    sem = cancelling_sem(dim + 1, rng)
    child, target, cause = 2, 1, 0
    rows = np.zeros((interventions, 1, dim + 1))
    environments = (
        np.broadcast_to(sem.covariance(), (interventions, dim + 1, dim + 1)),
        sem.soft([dim], interventions, rng),
        sem.soft([child], interventions, rng),
        sem.intervened([cause], rows, rng.uniform(0.5, 2, (interventions, 1))),
    )
    place = child - 1  # among the covariates, from which the target is left out
    phi = np.eye(dim)[[place]]
    gradients = [gradient(one, target, phi, np.zeros(1))[:, 0] for one in environments]
    return xr.Dataset(
        {"gradient": (("place", "intervention"), gradients, {"long_name": "gradient of the empty head on the child"})},
        coords={"place": list(PLACES)},
        attrs={"dim": dim},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(cancel_paths, snakemake)
