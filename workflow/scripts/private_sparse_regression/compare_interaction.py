"""Interaction against none at equal pure privacy, where the covariance is unknown and where it is the identity."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.privacy.moments import mean_noise, moment_noise
from lib.progress import progress
from lib.regression.designs import design_covariance, spread_parameter
from lib.regression.private import Rounds, limit_rounds, solve_private, theory_level
from lib.regression.sparse import best_threshold_error

DESIGNS = ("arsign", "rademacher")
METHODS = ("pure", "pure_oracle", "rounds", "few_rounds", "one_round")


def compare_interaction(
    *, dims: list[int], users: float, sparsity: int, epsilon: float, rounds: int, few_rounds: int, kept: int,
    seeds: int, noise: float, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return l2 errors (design, method, dim, seed); means over users are at their limits, noise is drawn.

    Args:
        dims: numbers of features.
        users: number n.
        sparsity: k of theta.
        epsilon: pure, of each user.
        rounds: of iterative hard thresholding.
        few_rounds: of the same, for `few_rounds`.
        kept: entries that it keeps; `one_round` keeps k.
        seeds: independent runs.
        noise: size C of the errors of y.
        root_seed: root of the random streams.
    """
    errors = np.zeros((len(DESIGNS), len(METHODS), len(dims), seeds))
    for j, dim in enumerate(progress(dims, "dimensions")):
        theta = spread_parameter(dim, sparsity)
        for i, design in enumerate(DESIGNS):
            covariance = design_covariance(design, dim)
            rng = generator(root_seed, "private_sparse_regression", "interaction", design, dim)
            noises = moment_noise("pure", dim, 1.0, 1 + noise, epsilon, 0.0)
            square, cross = mean_noise(noises, dim, users, (seeds,), rng)
            inverse_norm = np.abs(np.linalg.inv(covariance)).sum(axis=1).max()
            level = theory_level(dim, noises.diagonal**2 / users, noises.cross**2 / users, 0.0, inverse_norm)
            result = solve_private(covariance + square, covariance @ theta + cross, level, floor=0.05)
            errors[i, 0, j] = np.where(result.valid, np.linalg.norm(result.theta - theta, axis=1), np.nan)
            errors[i, 1, j] = np.where(result.valid, best_threshold_error(result.unpenalised, theta), np.nan)
            step = 1 / np.linalg.eigvalsh(covariance)[-1]
            schedules = (Rounds(rounds, kept, step), Rounds(few_rounds, kept, step), Rounds(1, sparsity, step))
            for m, settings in enumerate(schedules):
                path = limit_rounds(covariance, theta, settings, users, epsilon, 1.0, 1 + noise, seeds, rng)
                errors[i, 2 + m, j] = np.linalg.norm(path[:, -1] - theta, axis=1)
    return xr.Dataset(
        {"error": (("design", "estimator", "dim", "seed"), errors, {"long_name": "l2 error"})},
        coords={"design": list(DESIGNS), "estimator": list(METHODS), "dim": dims},
        attrs={"users": users, "sparsity": sparsity, "epsilon": epsilon, "rounds": rounds, "few_rounds": few_rounds},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(compare_interaction, snakemake)
