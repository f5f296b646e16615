"""Errors of two estimates of a regularised inverse covariance from the same number of samples."""

import numpy as np
import xarray as xr

from lib.mdp.covariance import matrix_geometric_resampling, regularised_inverse, resampling_steps

CONCENTRATION = 0.3


def dirichlet_covariance(dim: int) -> np.ndarray:
    """E[phi phi^T] of phi with the symmetric Dirichlet law."""
    total = dim * CONCENTRATION
    alpha = np.full(dim, CONCENTRATION)
    return (np.outer(alpha, alpha) + np.diag(alpha)) / (total * (total + 1))


def compare_inverses(
    *,
    gammas: list[float],
    budgets: list[int],
    steps: list[float],
    dim: int,
    repetitions: int,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Return `error (algorithm, gamma, budget, rep)`: spectral norm of (G - (gamma I + Sigma)^-1) Sigma.

    Args:
        gammas: regularisations.
        budgets: numbers of samples.
        steps: c of matrix geometric resampling; a budget below one of its chains is left out (NaN).
        dim: d of features with a Dirichlet law.
        repetitions: independent samples.
        rng: random generator.
    """
    sigma = dirichlet_covariance(dim)
    methods = ["inverse", *(f"mgr {c:g}" for c in steps)]
    error = np.full((len(methods), len(gammas), len(budgets), repetitions), np.nan)
    for b, budget in enumerate(budgets):
        for r in range(repetitions):
            samples = rng.dirichlet(np.full(dim, CONCENTRATION), size=budget)
            for g, gamma in enumerate(gammas):
                true = np.linalg.inv(gamma * np.eye(dim) + sigma)
                estimates = {0: regularised_inverse(samples, gamma)}
                for m, c in enumerate(steps, 1):
                    length = resampling_steps(gamma, c)
                    chains = budget // length
                    if chains:
                        used = samples[: chains * length].reshape(chains, length, dim)
                        estimates[m] = matrix_geometric_resampling(used, gamma, c)
                for m, estimate in estimates.items():
                    error[m, g, b, r] = np.linalg.norm((estimate - true) @ sigma, 2)
    return xr.Dataset(
        {"error": (("algorithm", "gamma", "budget", "rep"), error, {"long_name": "spectral norm of the error"})},
        coords={"algorithm": methods, "gamma": gammas, "budget": budgets},
        attrs={"dim": dim},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(compare_inverses, snakemake)
