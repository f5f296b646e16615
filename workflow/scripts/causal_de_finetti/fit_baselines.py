"""Baselines on the same pairs of variables, pooled over environments, for one number of environments."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.scm import baselines as b
from lib.scm.exchangeable import bivariate, random_scales
from lib.scm.scores import structure

METHODS = {
    "pc": lambda x, environment, alpha: b.pc(x, "fisherz", alpha),
    "fci": lambda x, environment, alpha: b.fci(x, "fisherz", alpha),
    "ges": lambda x, environment, alpha: b.ges(x),
    "notears": lambda x, environment, alpha: b.notears_edges(x),
    "notears_cut": lambda x, environment, alpha: b.notears_edges(x, 0.3),
    "notears_cut_standardised": lambda x, environment, alpha: b.notears_edges(
        (x - x.mean(axis=0)) / x.std(axis=0), 0.3
    ),
    "by_variance": lambda x, environment, alpha: b.by_variance(x, alpha),
    "direct_lingam": lambda x, environment, alpha: b.direct_lingam(x),
    "cd_nod": b.cd_nod,
}
SEE_SCALES = ("notears", "notears_cut", "by_variance")  # the others give the same in any units


def fit_baselines(*, environments: int, seeds: int, alpha: float, root_seed: int) -> xr.Dataset:
    """Return `choice (algorithm, seed)`: 0 for x->y, 1 for y->x, 2 for no edge, 3 for an edge without a direction.

    Args:
        environments: number E; 2 E pooled samples.
        seeds: data sets, those of `find_directions`.
        alpha: level of the tests.
        root_seed: root of the random streams.

    `choice_in_random_units (control, seed)` holds those that see scales, on the same data in random units.
    """
    choice = np.zeros((len(METHODS), seeds), int)
    in_random_units = np.zeros((len(SEE_SCALES), seeds), int)
    truth = np.zeros(seeds, int)
    environment = np.repeat(np.arange(environments), 2)
    for seed in progress(range(seeds), f"data sets of {environments} environments"):
        rng = generator(root_seed, "causal_de_finetti", "bivariate", environments, seed)
        data, truth[seed] = bivariate(environments, 2, rng)
        pooled = data.reshape(2, -1).T
        for i, method in enumerate(METHODS.values()):
            choice[i, seed] = structure(method(pooled, environment, alpha))
        units = generator(root_seed, "causal_de_finetti", "units", environments, seed)
        pooled = random_scales(data, units).reshape(2, -1).T
        for i, name in enumerate(SEE_SCALES):
            in_random_units[i, seed] = structure(METHODS[name](pooled, environment, alpha))
    return xr.Dataset(
        {
            "choice": (("algorithm", "seed"), choice),
            "choice_in_random_units": (("control", "seed"), in_random_units),
            "truth": ("seed", truth),
        },
        coords={"algorithm": list(METHODS), "control": list(SEE_SCALES)},
        attrs={"environments": environments},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(fit_baselines, snakemake)
