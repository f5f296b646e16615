"""Representations of one dimension that are exactly invariant in training, on interventions not seen."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.invariance.families import random_family
from lib.invariance.gradients import split
from lib.invariance.search import invariant_directions
from lib.invariance.span import covariance_span
from lib.progress import progress

RESIDUAL, VIOLATION, SIZE = 1e-9, 1e-6, 0.1


def find_transitions(
    *, cases: list[dict], most: int, sems: int, draws: int, starts: int, tests: int, root_seed: int
) -> xr.Dataset:
    """Return the worst share of unseen interventions that are violated, and counts, (case, sem, number).

    Training interventions number 1 to `rank + 1`, at most `most`; entries beyond are NaN.

    Args:
        cases: `name`, `kind`, `dim`, `sites`.
        most: largest number of training interventions.
        sems: models of each case.
        draws: training sets of each number.
        starts: of the solver on each training set.
        tests: unseen interventions.
        root_seed: root of the random streams.
    """
    shape = (len(cases), sems, most)
    worst, accepted, predictive = (np.full(shape, np.nan) for _ in range(3))
    ranks = np.zeros((len(cases), sems))
    for c, case in enumerate(cases):
        for t in progress(range(sems), case["name"]):
            rng = generator(root_seed, "pac_invariance", "transitions", case["name"], t)
            family = random_family(case["kind"], case["dim"], case["sites"], rng)
            target = family.observed_target
            unseen = family.draw(tests, rng)
            ranks[c, t] = covariance_span(unseen)[1]
            square, cross, own = split(unseen, target)
            deviation = np.sqrt(np.mean(np.einsum("eii->ei", square), axis=0))
            # every covariate on one scale, for the solver alone
            square, cross = square / (deviation[:, None] * deviation), cross / deviation
            for m in range(1, min(int(ranks[c, t]) + 1, most) + 1):
                train = [split(family.draw(m, rng), target) for _ in range(draws)]
                squares = np.stack([one[0] / (deviation[:, None] * deviation) for one in train])[:, None]
                crosses = np.stack([one[1] / deviation for one in train])[:, None]
                begin = rng.standard_normal((draws, starts, len(deviation)))
                phi, residual = invariant_directions(squares, crosses, begin)
                good = (residual < RESIDUAL) & (np.linalg.norm(phi, axis=-1) > SIZE)
                accepted[c, t, m - 1] = good.sum()
                found = phi[good]
                images = np.einsum("eij,aj->eai", square, found)
                violation = np.abs(np.einsum("eai,ai->ea", images, found) - cross @ found.T)
                risk = own[:, None] + np.einsum("eai,ai->ea", images, found) - 2 * cross @ found.T
                worst[c, t, m - 1] = (violation > VIOLATION).mean(axis=0).max() if len(found) else np.nan
                predictive[c, t, m - 1] = int((risk.mean(axis=0) < 0.99 * own.mean()).sum())
    dims = ("case", "sem", "number")
    return xr.Dataset(
        {
            "worst": (dims, worst, {"long_name": "worst share of unseen interventions violated"}),
            "accepted": (dims, accepted, {"long_name": "representations that are invariant in training"}),
            "predictive": (dims, predictive, {"long_name": "of these, how many predict"}),
            "rank": (("case", "sem"), ranks, {"long_name": "dimension of the span of covariances"}),
            "sites": ("case", [case["sites"] for case in cases]),
        },
        coords={"case": [case["name"] for case in cases], "number": np.arange(1, most + 1)},
        attrs={"candidates": draws * starts},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(find_transitions, snakemake)
