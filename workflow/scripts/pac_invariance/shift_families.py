"""Heads that are invariant for one family, on a wider one, and the certificate that holds for any environment."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.invariance.families import random_family
from lib.invariance.gradients import gradient, stability_weights
from lib.invariance.search import candidate_subsets, worst_violation
from lib.progress import progress


def shift_families(
    *, dim: int, sites: int, interventions: int, tolerance: float, wider: float, sems: int, tests: int, certified: int,
    root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return the worst share of unseen environments violated in the family and in a wider one, and certificates.

    Args:
        dim: number d of covariates.
        sites: number s.
        interventions: training environments.
        tolerance: eps.
        wider: bound on the coefficients of the wider family; 2 in the family itself.
        sems: models.
        tests: unseen environments of each family.
        certified: environments of the wider family whose certificate is compared with a violation.
        root_seed: root of the random streams.
    """
    same, shifted, feasible = (np.zeros(sems) for _ in range(3))
    ratio, weight = (np.full((sems, certified), np.nan) for _ in range(2))
    for t in progress(range(sems), "models"):
        rng = generator(root_seed, "pac_invariance", "shift", t)
        family = random_family("random", dim, sites, rng)
        train = family.draw(interventions, rng)
        unseen, other = family.draw(tests, rng), family.draw(tests, rng, wider)
        subsets = candidate_subsets(family.covariates(), family.sem.parents(family.target), rng)
        same[t], feasible[t], shifted[t] = worst_violation(
            train, unseen, family.target, subsets, tolerance, rng, other=other
        )
        for e in range(certified):
            weights = stability_weights(train, other[e])
            phi = rng.standard_normal((2, dim))
            head = rng.standard_normal(2)
            seen = np.abs(gradient(train, family.target, phi, head)).max()
            new = np.abs(gradient(other[e : e + 1], family.target, phi, head)).max()
            if weights is not None:
                weight[t, e] = np.abs(weights).sum()
                ratio[t, e] = new / (weight[t, e] * seen)
    return xr.Dataset(
        {
            "same": ("sem", same, {"long_name": "worst share violated in the family"}),
            "shifted": ("sem", shifted, {"long_name": "worst share violated in the wider family"}),
            "feasible": ("sem", feasible, {"long_name": "subsets with an invariant head"}),
            "ratio": (("sem", "environment"), ratio, {"long_name": "violation over its certificate"}),
            "weight": (("sem", "environment"), weight, {"long_name": "l1 norm of the weights"}),
        },
        attrs={"wider": wider, "interventions": interventions},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(shift_families, snakemake)
