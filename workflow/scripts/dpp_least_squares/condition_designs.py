"""Conditioning by rejection: failure probabilities against the matrix bound, and errors against theirs."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.problems import problem, space
from lib.regression.repeated import fit_repeatedly
from lib.regression.weighted import conditioned_error_bound, iid_failure_bound


def condition_designs(
    *,
    size: int,
    function: str,
    sizes: list[int],
    strategies: list[str],
    bound_sizes: list[int],
    draws: int,
    repetitions: int,
    delta: float,
    max_tries: int,
    root_seed: int,
) -> xr.Dataset:
    """Return failure probabilities without, and errors with and without conditioning, in the Legendre space.

    Args:
        size: number of functions m.
        function: name of the function to approximate.
        sizes: numbers of points n where designs are conditioned.
        strategies: names without `_cond`.
        bound_sizes: numbers of points where the failures of independent points are compared with their bound.
        draws: unconditioned designs.
        repetitions: conditioned designs.
        delta: designs fail when lambda_min(G) < 1 - delta.
        max_tries: at most so many draws of a conditioned design.
        root_seed: root of the random streams.
    """
    approximation = problem(space("legendre", 1, size - 1), function)

    def fit(strategy, n, count):
        """Smallest eigenvalue, squared error over e_m^2 and tries of `count` designs, each (count,)."""
        rng = generator(root_seed, "dpp_least_squares", "conditioning", size, strategy, n)
        fits = fit_repeatedly(approximation, strategy, n, count, rng, delta=delta, max_tries=max_tries)
        return fits.smallest, 1 + approximation.excess(fits.coef), fits.tries

    shape = (len(strategies), len(sizes))
    failed, free = np.zeros((*shape, draws), dtype=bool), np.zeros((*shape, draws))
    error, tries = np.zeros((*shape, repetitions)), np.zeros((*shape, repetitions), dtype=int)
    for s, i in progress(list(np.ndindex(*shape)), "conditioned designs"):
        smallest, free[s, i], _ = fit(strategies[s], sizes[i], draws)
        failed[s, i] = smallest < 1 - delta
        _, error[s, i], tries[s, i] = fit(f"{strategies[s]}_cond", sizes[i], repetitions)
    sweep = progress(bound_sizes, "sizes of independent designs")
    iid_failure = [np.mean(fit("iid", n, draws)[0] < 1 - delta) for n in sweep]
    failure = failed.mean(-1)
    with np.errstate(divide="ignore"):
        bound = conditioned_error_bound(np.array(sizes), size, delta, failure)
    over = ("strategy", "n")
    return xr.Dataset(
        {
            "failure": (over, failure, {"long_name": "Pr(lambda_min < 1 - delta) before conditioning"}),
            "square_error": ((*over, "repetition"), error, {"long_name": "|f - f_hat|^2 / e_m^2, conditioned"}),
            "free_square_error": ((*over, "draw"), free, {"long_name": "|f - f_hat|^2 / e_m^2, not conditioned"}),
            "tries": ((*over, "repetition"), tries, {"long_name": "draws until accepted"}),
            "bound": (over, bound, {"long_name": "bound of the mean of square_error, by the estimated failure"}),
            "iid_failure": ("bound_n", iid_failure),
            "iid_bound": ("bound_n", iid_failure_bound(np.array(bound_sizes), size, delta)),
        },
        coords={"strategy": strategies, "n": sizes, "bound_n": bound_sizes},
        attrs={"m": size, "delta": delta, "draws": draws, "function": function},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(condition_designs, snakemake)
