"""Violations in new environments over their certificates, at random and after an ascent."""

import numpy as np
import xarray as xr
from scipy import optimize

from lib.atlas.job.seeds import generator
from lib.invariance.families import random_family
from lib.invariance.gradients import gradient, split, stability_weights
from lib.progress import progress


def check_stability(
    *, dim: int, sites: int, interventions: int, draws: int, ascents: int, root_seed: int
) -> xr.Dataset:
    """Return ratios of the violation to its certificate: `random (draw)` and `climbed (ascent)`.

    Args:
        dim: number d of covariates.
        sites: number s.
        interventions: training environments, more than the covariances' span has dimensions.
        draws: random models, representations and environments.
        ascents: local ascents over representations of one dimension.
        root_seed: root of the random streams.
    """
    random, climbed = np.full(draws, np.nan), np.full(ascents, np.nan)
    for t in progress(range(draws), "draws"):
        rng = generator(root_seed, "pac_invariance", "stability", t)
        family = random_family("random", dim, sites, rng)
        train, new = family.draw(interventions, rng), family.draw(1, rng)
        weights = stability_weights(train, new[0])
        phi, head = rng.standard_normal((2, dim)), rng.standard_normal(2)
        seen, unseen = (np.abs(gradient(one, family.target, phi, head)).max() for one in (train, new))
        if weights is not None:
            random[t] = unseen / (np.abs(weights).sum() * seen)
            if t < ascents:
                climbed[t] = _climb(train, new, family.target, np.abs(weights).sum(), rng)
    return xr.Dataset(
        {
            "random": ("draw", random, {"long_name": "violation over its certificate"}),
            "climbed": ("ascent", climbed, {"long_name": "the same after an ascent"}),
        },
        attrs={"interventions": interventions},
    )


def _climb(train, new, target, weight, rng, starts: int = 4) -> float:
    """Largest ratio reached from a few starts; the maximum over environments is smoothed, then taken exactly."""
    square, cross, _ = split(np.concatenate([train, new]), target)

    def values(phi):
        return (square @ phi - cross) @ phi

    def objective(phi, power=16):
        # log |g_new| less the log of a p-norm of the training gradients, and its derivative
        g = values(phi)
        slopes = 2 * square @ phi - cross
        size = np.abs(g[:-1]).max()
        scaled = np.abs(g[:-1] / size) ** (power - 1)
        norm = np.sum(np.abs(g[:-1] / size) ** power)
        derivative = slopes[-1] / g[-1] - (scaled * np.sign(g[:-1]) / size) @ slopes[:-1] / norm
        return -(np.log(np.abs(g[-1])) - np.log(size) - np.log(norm) / power), -derivative

    best = 0.0
    for _ in range(starts):
        start = rng.standard_normal(cross.shape[1])
        phi = optimize.minimize(objective, start, jac=True, method="BFGS", options={"maxiter": 300}).x
        g = np.abs(values(phi))
        best = max(best, g[-1] / (weight * g[:-1].max()))
    return best


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_stability, snakemake)
