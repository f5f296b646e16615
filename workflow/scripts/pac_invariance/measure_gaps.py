"""Empirical against population gradients, at the true parents."""

import numpy as np
import xarray as xr
from scipy import stats

from lib.atlas.job.seeds import generator
from lib.invariance.families import random_family
from lib.invariance.gradients import subset_moments


def measure_gaps(
    *, dim: int, sites: int, samples: list[int], draws: int, environments: int, root_seed: int
) -> xr.Dataset:
    """Return the largest error of the gradient, mean over environments, (samples, draw).

    Second moments of n Gaussian samples are drawn from Wishart's law, which they have exactly.

    Args:
        dim: number d of covariates.
        sites: number s.
        samples: numbers n in each environment.
        draws: independent models.
        environments: of each model.
        root_seed: root of the random streams.
    """
    gaps = np.zeros((len(samples), draws))
    for t in range(draws):
        rng = generator(root_seed, "pac_invariance", "gaps", t)
        family = random_family("random", dim, sites, rng)
        parents = family.sem.parents(family.target)
        effects = family.sem.coefficients[family.target, parents]
        nodes = [*parents, family.target]
        covariances = family.draw(environments, rng)[:, np.array(nodes)[:, None], nodes]
        for i, n in enumerate(samples):
            for covariance in covariances:
                drawn = stats.wishart.rvs(n, covariance / n, random_state=rng).reshape(covariance.shape)
                square, cross = subset_moments(drawn[None], np.arange(len(parents)), len(parents))
                gaps[i, t] += np.abs(square[0] @ effects - cross[0]).max() / environments
    return xr.Dataset(
        {"gap": (("samples", "draw"), gaps, {"long_name": "largest error of the gradient"})},
        coords={"samples": samples},
        attrs={"dim": dim, "environments": environments},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_gaps, snakemake)
