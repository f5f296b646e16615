"""Families of interventions that the paper's questions are asked of."""

from typing import NamedTuple

import numpy as np

from lib.scm.linear import LinearSEM, cancelling_sem, random_linear_sem

KINDS = ("random", "cancelling", "latent")


class Family(NamedTuple):
    """A model, the node that is predicted, the sites of the interventions, and what is observed of the covariates.

    `mixing` (p, d) is G of an indirect observation X = G Z, or None; the target then comes after the p observed ones.
    """

    sem: LinearSEM
    target: int
    sites: np.ndarray
    mixing: np.ndarray | None = None

    def draw(self, count: int, rng: np.random.Generator, coefficient: float = 2.0) -> np.ndarray:
        """Second moments (count, n, n) of what is observed, under random mechanisms of the sites."""
        return self.observe(self.sem.soft(self.sites, count, rng, coefficient=coefficient))

    def observe(self, covariance) -> np.ndarray:
        """Second moments of what is observed, from those of the nodes."""
        if self.mixing is None:
            return covariance
        others = np.delete(np.arange(len(self.sem)), self.target)
        p, d = self.mixing.shape
        image = np.zeros((p + 1, d + 1))
        image[:p, others] = self.mixing
        image[p, self.target] = 1
        return image @ covariance @ image.T

    @property
    def observed_target(self) -> int:
        """Place of the target among what is observed."""
        return self.target if self.mixing is None else len(self.mixing)

    def covariates(self) -> list[int]:
        """Places of all others."""
        size = len(self.sem) if self.mixing is None else len(self.mixing) + 1
        return [i for i in range(size) if i != self.observed_target]


def random_family(
    kind: str, dim: int, sites: int, rng: np.random.Generator, *, in_degree: int = 2, before_target: bool = False
) -> Family:
    """Draw a family.

    Args:
        kind: `random`, `cancelling` (the child that its target does not show is a site), or `latent` (observed through
            a Gaussian matrix with three times as many rows).
        dim: number d of covariates, latent ones where they are.
        sites: number s of sites, never the target.
        rng: source of randomness.
        in_degree: largest number of causes.
        before_target: sites are drawn among the nodes before the target.

    Raises:
        ValueError: another kind, or more sites than there are nodes to choose from.
    """
    if kind not in KINDS:
        raise ValueError(f"kind: got {kind!r}, expected one of {', '.join(KINDS)}")
    if kind == "cancelling":
        sem = cancelling_sem(dim + 1, rng, in_degree)
        chosen = [2, *rng.choice(np.arange(3, dim + 1), sites - 1, replace=False)]
        return Family(sem, 1, np.array(chosen, int))
    target = dim // 2
    sem = random_linear_sem(dim + 1, in_degree, rng)
    allowed = [node for node in range(2, target if before_target else dim + 1) if node != target]
    if sites > len(allowed):
        raise ValueError(f"sites: got {sites}, expected at most {len(allowed)} of {dim} covariates")
    chosen = np.sort(rng.choice(allowed, sites, replace=False))
    mixing = rng.standard_normal((3 * dim, dim)) if kind == "latent" else None
    return Family(sem, target, chosen, mixing)
