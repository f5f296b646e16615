"""Fewer evaluations: greedy removal of points from stable designs, and points that serve larger spaces again."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.problems import problem, space
from lib.regression.weighted import weighted_least_squares
from lib.sampling.designs import sample_blocks
from lib.sampling.measures import christoffel_measure
from lib.sampling.reduction import recycle_points, remove_points


def _fit(target, x, w, remaining):
    """|f - f_hat|^2 / e_m^2 of one fit for each design, on the points that remain."""
    phi, y = target.basis.evaluate(x), target.function(x)
    coef = np.stack(
        [weighted_least_squares(*(values[points] for values in (p, v, u)))
         for p, v, u, points in zip(phi, w, y, remaining)]
    )  # fmt: skip
    return 1 + target.excess(coef)


def save_evaluations(
    *,
    size: int,
    function: str,
    points: int,
    strategies: list[str],
    deltas: list[float],
    max_tries: int,
    repetitions: int,
    levels: list[int],
    multiple: int,
    runs: int,
    root_seed: int,
) -> xr.Dataset:
    """Return the points that remain after greedy removal with errors before and after, and evaluations by level.

    Args:
        size: number of functions m of the Legendre space for the removal.
        function: name of the function that is approximated.
        points: number of points n of the designs from which points are removed.
        strategies: names of strategies; their designs are conditioned.
        deltas: designs have lambda_min(G) >= 1 - delta, before and after.
        max_tries: at most so many draws of a design.
        repetitions: designs for each strategy and delta.
        levels: ascending numbers of functions m of nested spaces.
        multiple: number of points over m at every level.
        runs: sequences of designs through all levels.
        root_seed: root of the random streams.
    """
    target = problem(space("legendre", 1, size - 1), function)
    shape = (len(strategies), len(deltas), repetitions)
    left, before, after = np.zeros(shape, dtype=int), np.empty(shape), np.empty(shape)
    for s, k in progress(list(np.ndindex(shape[:2])), "strategies and thresholds"):
        strategy, delta = f"{strategies[s]}_cond", deltas[k]
        rng = generator(root_seed, "dpp_least_squares", "removal", size, points, strategy, str(delta))
        designs = sample_blocks(strategy, target.basis, points, rng, repetitions, delta=delta, max_tries=max_tries)
        for block, design in designs:
            remaining = remove_points(design.phi, design.w, delta)
            left[s, k, block] = remaining.sum(1)
            before[s, k, block] = _fit(target, design.x, design.w, np.ones_like(remaining))
            after[s, k, block] = _fit(target, design.x, design.w, remaining)
    spaces = [space("legendre", 1, m - 1) for m in levels]
    targets = [problem(basis, function) for basis in spaces]
    reused, error = np.zeros((len(levels), runs), dtype=int), np.empty((len(levels), runs))
    for r in progress(range(runs), "sequences of spaces"):
        rng = generator(root_seed, "dpp_least_squares", "recycling", r)
        x, _ = spaces[0].draw_christoffel(multiple * levels[0], rng)
        for i, basis in enumerate(spaces):
            if i:
                x, reused[i, r] = recycle_points(x, spaces[i - 1], basis, multiple * basis.size, rng)
                x = rng.permuted(x, axis=0)
            phi = basis.evaluate(x)
            w = christoffel_measure(basis).weight(x, phi)
            coef = weighted_least_squares(phi, w, targets[i].function(x))
            error[i, r] = 1 + targets[i].excess(coef[None])[0]
    over = ("strategy", "delta", "repetition")
    return xr.Dataset(
        {
            "left": (over, left, {"long_name": "points after greedy removal"}),
            "square_before": (over, before, {"long_name": "|f - f_hat|^2 / e_m^2 on all points"}),
            "square_after": (over, after, {"long_name": "|f - f_hat|^2 / e_m^2 on the points that remain"}),
            "reused": (("level", "run"), reused, {"long_name": "points of the level below that serve again"}),
            "square_recycled": (("level", "run"), error, {"long_name": "|f - f_hat|^2 / e_m^2 on recycled points"}),
        },
        coords={"strategy": strategies, "delta": deltas, "level": levels},
        attrs={"m": size, "n": points, "function": function, "multiple": multiple},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(save_evaluations, snakemake)
