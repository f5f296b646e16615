"""Times of the closed form and of the Lasso at equal tuning, which take turns."""

import time

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from lib.atlas.job.seeds import generator
from lib.regression.byproduct import Moments, fit
from lib.regression.designs import draw_design, random_parameter

PAIRS = ("closed_form_cv", "lasso_cv", "closed_form", "lasso_theory")


def time_byproduct(
    *, rows: list[int], dim: int, sparsity: int, noise: float, correlation: float, repeats: int, root_seed: int
) -> xr.Dataset:
    """Return times (method, rows, repeat) from data to estimate on one thread, sums of products included.

    Args:
        rows: numbers n of rows.
        dim: number d of features.
        sparsity: k of theta.
        noise: deviation of the errors of y.
        correlation: of neighbouring features.
        repeats: calls of each method after one that does not count.
        root_seed: root of the random streams.
    """
    times = np.zeros((len(PAIRS), len(rows), repeats))
    for i, n in enumerate(rows):
        rng = generator(root_seed, "private_sparse_regression", "times", n)
        theta = random_parameter(dim, sparsity, rng)
        x = draw_design("gaussian_ar", n, dim, rng, correlation)
        y = x @ theta + noise * rng.standard_normal(n)
        for repeat in range(-1, repeats):
            for m, method in enumerate(PAIRS):
                with threadpool_limits(limits=1):  # several threads cost such small products more than they gain
                    start = time.perf_counter()
                    fit(method, Moments.of(x, y, folds=5 if method.endswith("cv") else 1), noise, sparsity, theta)
                    spent = time.perf_counter() - start
                if repeat >= 0:
                    times[m, i, repeat] = spent
    return xr.Dataset(
        {"time": (("estimator", "rows", "repeat"), times, {"units": "s", "long_name": "wall time of one fit"})},
        coords={"estimator": list(PAIRS), "rows": rows},
        attrs={"dim": dim},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(time_byproduct, snakemake)
