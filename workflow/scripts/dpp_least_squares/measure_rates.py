"""Rates without conditioning: excess errors against n and against averaged projections, and tails of lambda_min."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.problems import problem, space
from lib.regression.repeated import fit_repeatedly
from lib.sampling.designs import sample_blocks

TAILS = ("iid", "rep")  # the conjecture compares independent points with determinantal ones


def measure_rates(
    *,
    size: int,
    function: str,
    multiples: list[int],
    draws: int,
    averaged_multiple: int,
    copies: list[int],
    averages: int,
    tail_sizes: list[int],
    tail_multiples: list[int],
    tail_draws: int,
    root_seed: int,
) -> xr.Dataset:
    """Return excess errors |c_hat - c|^2 / e_m^2 of volume sampling, and smallest eigenvalues, in Legendre spaces.

    Args:
        size: number of functions m for the excess errors.
        function: name of the function that is approximated.
        multiples: numbers of points over m.
        draws: designs of each number of points.
        averaged_multiple: number of points over m of the projections that are averaged.
        copies: numbers r of independent projections in an average.
        averages: averages for each r.
        tail_sizes: numbers of functions m for the tails.
        tail_multiples: numbers of points over m for the tails.
        tail_draws: designs for each tail.
        root_seed: root of the random streams.
    """
    target = problem(space("legendre", 1, size - 1), function)

    def stream(*key):
        return generator(root_seed, "dpp_least_squares", "rates", *key)

    excess, averaged = np.empty((len(multiples), draws)), np.empty((len(copies), averages))
    for k, multiple in progress(enumerate(multiples), "numbers of points", total=len(multiples)):
        fits = fit_repeatedly(target, "vol", multiple * size, draws, stream("excess", multiple))
        excess[k] = target.excess(fits.coef)
    for k, r in progress(enumerate(copies), "averages", total=len(copies)):
        fits = fit_repeatedly(target, "vol", averaged_multiple * size, averages * r, stream("average", r))
        averaged[k] = target.excess(fits.coef.reshape(averages, r, size).mean(1))
    smallest = np.empty((len(tail_sizes), len(TAILS), len(tail_multiples), tail_draws))
    for i, s, k in progress(list(np.ndindex(smallest.shape[:3])), "tails"):
        m, n = tail_sizes[i], tail_multiples[k] * tail_sizes[i]
        basis, rng = space("legendre", 1, m - 1), stream("tail", m, TAILS[s], n)
        for block, design in sample_blocks(TAILS[s], basis, n, rng, tail_draws):
            smallest[i, s, k, block] = design.eigenvalues[:, 0]
    return xr.Dataset(
        {
            "excess": (("multiple", "draw"), excess, {"long_name": "|c_hat - c|^2 / e_m^2"}),
            "averaged_excess": (
                ("copies", "average"),
                averaged,
                {"long_name": "|c_hat - c|^2 / e_m^2 of averaged projections"},
            ),
            "smallest": (
                ("tail_size", "strategy", "tail_multiple", "tail_draw"),
                smallest,
                {"long_name": "lambda_min(G)"},
            ),
        },
        coords={
            "multiple": multiples,
            "copies": copies,
            "tail_size": tail_sizes,
            "strategy": list(TAILS),
            "tail_multiple": tail_multiples,
        },
        attrs={"m": size, "function": function, "averaged_multiple": averaged_multiple},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_rates, snakemake)
