"""The permutation test of the linear invariance constraint on affine maps and on other bijections."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.representations.interventions import shear
from lib.representations.mixing import orthonormal
from lib.representations.restriction import constraint_solutions, restriction_of, restriction_test


def _bend(z):
    return np.stack([z[..., 0] + 0.8 * np.sqrt(1 + z[..., 0] ** 2), z[..., 1]], axis=-1)


def _cubic(z):
    return np.stack([z[..., 0] + 0.1 * z[..., 0] ** 3, z[..., 1]], axis=-1)


def _twist(z):
    angle = 0.3 * np.linalg.norm(z, axis=-1)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * z[..., 0] - sin * z[..., 1], sin * z[..., 0] + cos * z[..., 1]], axis=-1)


BIJECTIONS = {
    "shear": shear,
    "weak shear": lambda z: shear(z, 0.15),
    "bend": _bend,
    "cubic": _cubic,
    "twist": _twist,
}


def check_constraint(
    *, strengths: list[float], half_width: float, rows: int, permutations: int, affine: int, others: int, root_seed: int
) -> xr.Dataset:
    """Return p-values of random affine maps and of other bijections, at several strengths of the action.

    Args:
        strengths: alpha, M = alpha times a rotation; the affine maps are tested at the largest.
        half_width: of the box of actions.
        rows: n.
        permutations: of each test.
        affine: data sets on which an affine map is tested.
        others: data sets on which each other bijection is tested; the same latent noise at each strength.
        root_seed: root of the random streams.
    """
    pvalue = np.full((len(BIJECTIONS), len(strengths), others), np.nan)
    affine_pvalue = np.full(affine, np.nan)
    strongest = int(np.argmax(strengths))
    for seed in progress(range(max(affine, others)), "data sets"):
        rng = generator(root_seed, "intervention_extrapolation", "constraint", seed)
        rotation, actions = orthonormal(2, 2, rng), rng.uniform(-half_width, half_width, (rows, 2))
        residual, mix = rng.standard_normal((rows, 2)), rng.standard_normal((2, 2))
        restriction = restriction_of(actions)
        for i, strength in enumerate(strengths):
            latent = strength * actions @ rotation.T + residual
            if i == strongest and seed < affine:
                affine_pvalue[seed] = restriction_test(latent @ mix + 1, restriction, permutations, rng).pvalue
            for j, bijection in enumerate(BIJECTIONS.values()):
                if seed < others:
                    test = restriction_test(bijection(latent), restriction, permutations, rng)
                    pvalue[j, i, seed] = test.pvalue
    rotation = orthonormal(2, 2, generator(root_seed, "intervention_extrapolation", "solutions"))
    return xr.Dataset(
        {
            "affine": ("affine_seed", affine_pvalue, {"long_name": "p-value of an affine map"}),
            "pvalue": (("bijection", "strength", "seed"), pvalue, {"long_name": "p-value of a bijection"}),
            "solutions": (
                "actions",
                [constraint_solutions(rotation[:, :k]) for k in (1, 2)],
                {"long_name": "dimension of the quadratic polynomials that satisfy the constraint"},
            ),
        },
        coords={"bijection": list(BIJECTIONS), "strength": strengths, "actions": [1, 2]},
        attrs={"rows": rows, "permutations": permutations},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_constraint, snakemake)
