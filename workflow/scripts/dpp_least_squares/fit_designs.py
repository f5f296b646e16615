"""Weighted least squares on designs of several strategies and sizes: conditioning and errors of each repetition."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.problems import problems, space
from lib.regression.weighted import weighted_least_squares
from lib.sampling.designs import has_designs, sample_blocks


def fit_designs(
    *,
    size: int,
    strategies: list[str],
    sizes: list[int],
    functions: list[str],
    repetitions: int,
    delta: float,
    max_tries: int,
    grid: int,
    shown: int,
    root_seed: int,
) -> xr.Dataset:
    """Return errors and extreme eigenvalues, `(strategy, n, repetition)`, in the Legendre space.

    NaN stands where a strategy has no designs of n points (repeated processes where n is no multiple of m), and for
    conditioned repetitions without success, which `accepted` marks.

    Args:
        size: number of functions m.
        strategies: names of `lib.sampling.designs.STRATEGIES`, `_cond` after them for conditioned ones.
        sizes: numbers of points n.
        functions: names of functions; all are fitted on the same points.
        repetitions: independent designs for each strategy and n.
        delta: conditioned designs have lambda_min(G) >= 1 - delta.
        max_tries: at most so many draws of a conditioned design.
        grid: points of the grid on which the supremum of the error is taken.
        shown: first repetitions, whose points are stored.
        root_seed: root of the random streams.
    """
    basis = space("legendre", 1, size - 1)
    targets = problems(basis, functions)
    line = np.linspace(-1, 1, grid)[:, None]
    values, on_line = basis.evaluate(line), targets.observe(line)
    shape = (len(strategies), len(sizes), repetitions)
    l2, sup = np.full((2, *shape, len(functions)), np.nan)
    low, high = np.full((2, *shape), np.nan)
    tries, accepted = np.zeros(shape, dtype=int), np.zeros(shape, dtype=bool)
    points = np.full((len(strategies), len(sizes), shown, max(sizes)), np.nan)
    pairs = [(s, i) for s in range(len(strategies)) for i in range(len(sizes))]
    conditions = {"delta": delta, "max_tries": max_tries, "on_failure": "keep"}
    for s, i in progress(pairs, "designs"):
        strategy, n = strategies[s], sizes[i]
        if not has_designs(strategy, size, n):
            continue
        rng = generator(root_seed, "dpp_least_squares", "designs", size, strategy, n)
        for block, design in sample_blocks(strategy, basis, n, rng, repetitions, **conditions):
            coef = weighted_least_squares(design.phi, design.w, targets.observe(design.x))
            good = design.accepted
            l2[s, i, block] = np.where(good[:, None], targets.errors(coef), np.nan)
            sup[s, i, block] = np.where(good[:, None], np.max(np.abs(values @ coef - on_line), axis=1), np.nan)
            low[s, i, block] = np.where(good, design.eigenvalues[:, 0], np.nan)
            high[s, i, block] = np.where(good, design.eigenvalues[:, -1], np.nan)
            tries[s, i, block], accepted[s, i, block] = design.tries, good
            first = slice(block.start, min(shown, block.stop))
            count = max(0, first.stop - first.start)
            points[s, i, first, :n] = np.where(good[:count, None], design.x[:count, :, 0], np.nan)
    over = ("strategy", "n", "repetition")
    return xr.Dataset(
        {
            "l2_error": ((*over, "function"), l2, {"long_name": "|f - f_hat| in L^2"}),
            "sup_error": ((*over, "function"), sup, {"long_name": "max |f - f_hat| on a grid"}),
            "lambda_min": (over, low, {"long_name": "smallest eigenvalue of the Gram matrix"}),
            "lambda_max": (over, high, {"long_name": "largest eigenvalue of the Gram matrix"}),
            "tries": (over, tries, {"long_name": "draws until a design was accepted, 0 where there is none"}),
            "accepted": (over, accepted),
            "x": (("strategy", "n", "shown", "point"), points, {"long_name": "points of the first repetitions"}),
            "best_error": ("function", targets.best, {"long_name": "e_m"}),
        },
        coords={"strategy": strategies, "n": sizes, "repetition": np.arange(repetitions), "function": functions},
        attrs={"family": "legendre", "m": size, "delta": delta, "max_tries": max_tries},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(fit_designs, snakemake)
