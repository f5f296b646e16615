"""End to end with finite samples: heads found on data, judged on unseen populations."""

import numpy as np
import xarray as xr
from scipy import stats

from lib.atlas.job.seeds import generator
from lib.invariance.fixed import draw_programme
from lib.invariance.gradients import subset_moments, violated_share
from lib.invariance.heads import feasible_heads
from lib.progress import progress


def search_samples(
    *,
    dim: int,
    interventions: int,
    tolerance: float,
    samples: list[int],
    sems: int,
    sets: int,
    tests: int,
    root_seed: int,
) -> xr.Dataset:
    """Return the share of unseen populations violated `share (rule, samples, sem, set)`, NaN where no head is feasible.

    `samples` 0 stands for the population. Rule `half` searches at eps / 2, the control `whole` at eps.

    Args:
        dim: number d of covariates.
        interventions: training environments.
        tolerance: eps, at which unseen populations are judged.
        samples: numbers n in each environment.
        sems: models, with a subset and an objective each.
        sets: training sets of each number.
        tests: unseen interventions.
        root_seed: root of the random streams.
    """
    rules = {"half": tolerance / 2, "whole": tolerance}
    share = np.full((len(rules), len(samples), sems, sets), np.nan)
    for t in progress(range(sems), "models"):
        rng = generator(root_seed, "pac_invariance", "samples", t)
        programme = draw_programme(dim, rng)
        target = programme.family.target
        unseen = subset_moments(programme.family.draw(tests, rng), programme.subset, target)
        nodes = np.array([*programme.subset, target])
        places, last = np.arange(len(nodes) - 1), len(nodes) - 1
        for k in range(sets):
            population = programme.family.draw(interventions, rng)[:, nodes[:, None], nodes]
            for i, n in enumerate(samples):
                moments = population
                if n:  # Gaussian samples' second moments have Wishart's law
                    moments = np.stack([stats.wishart.rvs(n, one / n, random_state=rng) for one in population])
                for r, limit in enumerate(rules.values()):
                    heads, _ = feasible_heads(*subset_moments(moments, places, last), limit, programme.objective[None])
                    if np.isfinite(heads).all():
                        share[r, i, t, k] = violated_share(*unseen, heads, tolerance)[0]
    return xr.Dataset(
        {"share": (("rule", "samples", "sem", "set"), share, {"long_name": "share of unseen populations violated"})},
        coords={"rule": list(rules), "samples": samples},
        attrs={"interventions": interventions, "tolerance": tolerance},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(search_samples, snakemake)
