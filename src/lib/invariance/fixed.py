"""One representation and one objective for each model: a convex programme whose violation a theorem bounds."""

from typing import NamedTuple

import numpy as np

from lib.invariance.families import Family, random_family


class FixedProgramme(NamedTuple):
    """A family whose sites lie before the target, a subset of three covariates, and the objective of its head."""

    family: Family
    subset: np.ndarray
    objective: np.ndarray


def draw_programme(dim: int, rng: np.random.Generator) -> FixedProgramme:
    """Draw one: the subset is the target's causes and the later site that is none, else another covariate before it.

    Args:
        dim: number d of covariates, 8 at least.
        rng: source of randomness.
    """
    family = random_family("random", dim, 2, rng, before_target=True)
    parents = family.sem.parents(family.target)
    further = [site for site in family.sites[::-1] if site not in parents]
    further = further or [node for node in range(family.target - 1, -1, -1) if node not in parents]
    subset = np.sort([*parents, further[0]])
    return FixedProgramme(family, subset, rng.standard_normal(len(subset)))
