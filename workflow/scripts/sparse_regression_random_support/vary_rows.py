"""Errors on the rows of a fit and on fresh ones, where rows are independent: ours beside least squares on more rows."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.regression.comparison import PENALTIES, errors_of
from lib.regression.greedy import ridge_path
from lib.regression.ill_conditioned import cancelling_signal, factor_rows, factor_scales, random_support
from lib.regression.preconditioner import factorise, precondition
from lib.regression.random_support import fit_preconditioned, noise_level

PAPER = "sparse_regression_random_support"


def vary_rows(
    *,
    cases: list[dict],
    dim: int,
    sparsity: int,
    size: int,
    spread: float,
    noise: float,
    factor: float,
    fresh: int,
    seeds: int,
    root_seed: int,
) -> xr.Dataset:
    """Return errors (case, seed) in the sample and on fresh rows of the same Gaussian law with a common factor.

    Args:
        cases: name, method (`ours`, `ridge` at its best penalty, `least_squares`) and rows n of each.
        dim: d.
        sparsity: k.
        size: r.
        spread: ratio of the scales of the columns' own parts.
        noise: deviation of the noise.
        factor: of noise sqrt(2 log(2 d) / n), the level of ours.
        fresh: rows on which the coefficients are tried.
        seeds: independent problems.
        root_seed: root of the random streams.
    """
    errors = np.full((2, len(cases), seeds), np.nan)
    for c, case in enumerate(cases):
        n = case["rows"]
        for seed in range(seeds):
            streams = {
                part: generator(root_seed, PAPER, "rows", part, n, seed)
                for part in ("scales", "rows", "support", "signal", "noise", "preconditioner")
            }
            drawn = factor_rows(n + fresh, factor_scales(dim, spread, streams["scales"]), streams["rows"])
            drawn *= np.sqrt(n) / np.linalg.norm(drawn[:n], axis=0)
            x, new = drawn[:n], drawn[n:]
            support = random_support(dim, sparsity, streams["support"])
            weights, signal = cancelling_signal(x, support, streams["signal"])
            y = signal + noise * streams["noise"].standard_normal(n)
            if case["method"] == "ridge":
                errors[0, c, seed] = errors_of(ridge_path(x, y, PENALTIES), signal).min()
                continue
            if case["method"] == "ours":
                chosen = np.sort(streams["preconditioner"].choice(dim, size, replace=False))
                estimate, fit = fit_preconditioned(x, y, precondition(x, chosen), noise_level(noise, n, dim, factor))
            else:
                factors = factorise(x, 1e-14)
                products = factors.basis.T @ y
                fit, estimate = factors.basis @ products, np.zeros(dim)
                estimate[factors.places] = np.linalg.solve(factors.triangle, products)
            errors[0, c, seed] = errors_of(fit, signal)
            errors[1, c, seed] = errors_of(new @ estimate, new[:, support] @ weights)
    words = {"units": "1", "long_name": "mean square of prediction less signal"}
    return xr.Dataset(
        {
            "error": (("case", "seed"), errors[0], words),
            "fresh": (("case", "seed"), errors[1], words),
            "rows": ("case", [case["rows"] for case in cases]),
        },
        coords={"case": [case["name"] for case in cases], "seed": np.arange(seeds)},
        attrs={"dim": dim, "noise": noise},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(vary_rows, snakemake)
