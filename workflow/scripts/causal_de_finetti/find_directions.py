"""Directions of pairs of variables from two samples of each environment, for one number of environments."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.scm.discovery import bivariate_rule
from lib.scm.exchangeable import MODES, bivariate, random_scales
from lib.scm.independence import kernel_test

TESTS = ("X1 | Y2 given X2", "Y1 | X2 given Y2", "X1 | Y1")


def find_directions(*, environments: int, seeds: int, permuted: bool, root_seed: int) -> xr.Dataset:
    """Return `truth (seed)`, `choice (arm, seed)` and `p_value (arm, test, seed)`.

    Args:
        environments: number E.
        seeds: data sets.
        permuted: whether to repeat the rule with second samples moved to other environments at random, and on the data
            in random units.
        root_seed: root of the random streams.
    """
    arms = ["as drawn", "permuted", "random units"] if permuted else ["as drawn"]
    choice = np.zeros((len(arms), seeds), int)
    p_value = np.zeros((len(arms), len(TESTS), seeds))
    truth = np.zeros(seeds, int)
    for seed in progress(range(seeds), f"data sets of {environments} environments"):
        # `fit_baselines` draws from the same streams and sees the same data sets
        rng = generator(root_seed, "causal_de_finetti", "bivariate", environments, seed)
        data, truth[seed] = bivariate(environments, 2, rng)
        order = generator(root_seed, "causal_de_finetti", "permutation", environments, seed).permutation(environments)
        units = generator(root_seed, "causal_de_finetti", "units", environments, seed)
        for i, arm in enumerate(arms):
            values = random_scales(data, units) if arm == "random units" else data
            second = values[:, order, 1] if arm == "permuted" else values[:, :, 1]
            x, y = (np.column_stack([values[k, :, 0], second[k]]) for k in (0, 1))
            direction = bivariate_rule(x, y, kernel_test)
            choice[i, seed], p_value[i, :, seed] = direction.choice, direction[1:]
    return xr.Dataset(
        {
            "choice": (("arm", "seed"), choice),
            "truth": ("seed", truth),
            "p_value": (("arm", "test", "seed"), p_value),
        },
        coords={"arm": arms, "test": list(TESTS)},
        attrs={"environments": environments, "structures": list(MODES)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(find_directions, snakemake)
