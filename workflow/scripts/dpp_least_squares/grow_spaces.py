"""Errors while the Legendre space grows: n = c m log m with one constant, and n = 2m, 3m."""

import math

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.problems import problem, problems, space
from lib.regression.weighted import weighted_least_squares
from lib.sampling.designs import points_multiple, sample_blocks, sample_design


def grow_spaces(
    *,
    sizes: list[int],
    strategies: list[str],
    log_factors: list[float],
    multiples: list[int],
    functions: list[str],
    repetitions: int,
    interpolation_size: int,
    interpolation_draws: int,
    root_seed: int,
) -> xr.Dataset:
    """Return |f - f_hat| / e_m, `(size, strategy, rule, repetition, function)`.

    Args:
        sizes: numbers of functions m.
        strategies: names of strategies; n is rounded up to what a strategy can have (`rep`: multiples of m).
        log_factors: c of the rules n = ceil(c m ln m).
        multiples: k of the rules n = k m.
        functions: names of functions; `next` is the next basis function, of best error 1.
        repetitions: designs for each point.
        interpolation_size: m of the space in which the first function but `next` is interpolated at one projection DPP.
        interpolation_draws: draws of it.
        root_seed: root of the random streams.
    """
    rules = [f"{c:g} m ln m" for c in log_factors] + [f"{k} m" for k in multiples]
    shape = (len(sizes), len(strategies), len(rules))
    error = np.full((*shape, repetitions, len(functions)), np.nan)
    points = np.zeros(shape, dtype=int)
    best = np.zeros((len(sizes), len(functions)))
    for i, m in progress(enumerate(sizes), "sizes of the space", total=len(sizes)):
        basis = space("legendre", 1, m - 1)
        targets = problems(basis, functions)
        best[i] = targets.best
        least = [math.ceil(c * m * math.log(m)) for c in log_factors] + [k * m for k in multiples]
        for s, r in np.ndindex(*shape[1:]):
            strategy, multiple = strategies[s], points_multiple(strategies[s], m)
            n = points[i, s, r] = -(-max(m, least[r]) // multiple) * multiple
            rng = generator(root_seed, "dpp_least_squares", "growth", m, strategy, rules[r])
            for block, design in sample_blocks(strategy, basis, n, rng, repetitions):
                coef = weighted_least_squares(design.phi, design.w, targets.observe(design.x))
                error[i, s, r, block] = targets.relative_errors(coef)
    name = next(name for name in functions if name != "next")
    small = problem(space("legendre", 1, interpolation_size - 1), name)
    rng = generator(root_seed, "dpp_least_squares", "interpolation", interpolation_size)
    design = sample_design("dpp", small.basis, interpolation_size, rng, interpolation_draws)
    coef = weighted_least_squares(design.phi, design.w, small.function(design.x))
    return xr.Dataset(
        {
            "interpolation": (
                "draw",
                small.excess(coef),
                {"long_name": "|c_hat - c|^2 / e_m^2 at n = m points of one process"},
            ),
            "error": (
                ("size", "strategy", "rule", "repetition", "function"),
                error,
                {"long_name": "|f - f_hat| / e_m"},
            ),
            "points": (("size", "strategy", "rule"), points, {"long_name": "number of points n"}),
            "best_error": (("size", "function"), best, {"long_name": "e_m"}),
        },
        coords={"size": sizes, "strategy": strategies, "rule": rules, "function": functions},
        attrs={"interpolation_size": interpolation_size},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(grow_spaces, snakemake)
