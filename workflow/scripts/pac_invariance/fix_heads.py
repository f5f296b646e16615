"""Violation of the head of one fixed convex programme: a bound that is sharp where the programme is fully supported."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.invariance.fixed import draw_programme
from lib.invariance.gradients import subset_moments, violated_share
from lib.invariance.heads import feasible_heads
from lib.progress import progress


def fix_heads(
    *, dim: int, numbers: list[int], tolerance: float, sems: int, sets: int, tests: int, root_seed: int
) -> xr.Dataset:
    """Return the share violated `share (sem, number, set)`, and how many environments hold each head.

    Args:
        dim: number d of covariates.
        numbers: m of training interventions.
        tolerance: eps.
        sems: models, with a subset and an objective each.
        sets: training sets of each number.
        tests: unseen interventions.
        root_seed: root of the random streams.
    """
    share, support = (np.full((sems, len(numbers), sets), np.nan) for _ in range(2))
    widths = np.zeros(sems)
    for t in progress(range(sems), "models"):
        rng = generator(root_seed, "pac_invariance", "fixed heads", t)
        programme = draw_programme(dim, rng)
        target = programme.family.target
        widths[t] = len(programme.subset)
        unseen = subset_moments(programme.family.draw(tests, rng), programme.subset, target)
        for i, m in enumerate(numbers):
            train = subset_moments(programme.family.draw(m * sets, rng), programme.subset, target)
            heads = np.full((sets, len(programme.subset)), np.nan)
            for k in range(sets):
                rows = slice(k * m, (k + 1) * m)
                found, holding = feasible_heads(train[0][rows], train[1][rows], tolerance, programme.objective[None])
                heads[k] = found[0]
                support[t, i, k] = len(set(holding[0].tolist()) - {-1})
            known = np.isfinite(heads).all(axis=1)
            if known.any():
                share[t, i, known] = violated_share(*unseen, heads[known], tolerance)
    dims = ("sem", "number", "set")
    return xr.Dataset(
        {
            "share": (dims, share, {"long_name": "share of unseen interventions violated"}),
            "support": (dims, support, {"long_name": "environments that hold the head"}),
            "width": ("sem", widths, {"long_name": "entries k of the head"}),
        },
        coords={"number": numbers},
        attrs={"tolerance": tolerance, "dim": dim},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(fix_heads, snakemake)
