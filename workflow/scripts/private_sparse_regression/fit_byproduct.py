"""Sparse regression without privacy: the closed form beside least squares, the Lasso and hard thresholding."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.byproduct import METHODS, Moments, fit
from lib.regression.designs import draw_design, random_parameter


def fit_byproduct(
    *, rows: list[int], dims: list[int], sparsity: int, noise: float, correlation: float, seeds: int, root_seed: int
) -> xr.Dataset:
    """Return l2 errors (method, dim, rows, seed) on autoregressive Gaussian designs.

    Args:
        rows: numbers n of rows.
        dims: numbers d of features.
        sparsity: k of theta, +-1 / k at random places.
        noise: deviation of the Gaussian errors of y.
        correlation: of neighbouring features.
        seeds: independent data sets.
        root_seed: root of the random streams.
    """
    errors = np.zeros((len(METHODS), len(dims), len(rows), seeds))
    for j, dim in enumerate(dims):
        for i, n in enumerate(progress(rows, f"sizes at d = {dim}")):
            for seed in range(seeds):
                rng = generator(root_seed, "private_sparse_regression", "byproduct", dim, n, seed)
                theta = random_parameter(dim, sparsity, rng)
                x = draw_design("gaussian_ar", n, dim, rng, correlation)
                y = x @ theta + noise * rng.standard_normal(n)
                moments = Moments.of(x, y)
                for m, method in enumerate(METHODS):
                    errors[m, j, i, seed] = np.linalg.norm(fit(method, moments, noise, sparsity, theta) - theta)
    return xr.Dataset(
        {"error": (("estimator", "dim", "rows", "seed"), errors, {"long_name": "l2 error"})},
        coords={"estimator": list(METHODS), "dim": dims, "rows": rows},
        attrs={"sparsity": sparsity, "noise": noise, "correlation": correlation},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(fit_byproduct, snakemake)
