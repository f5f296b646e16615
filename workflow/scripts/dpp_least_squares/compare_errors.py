"""Relative errors of one function on designs of several strategies, as the paper tabulates them."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.problems import problem, space
from lib.regression.repeated import fit_repeatedly


def compare_errors(
    *,
    family: str,
    function: str,
    sizes: list[int],
    multiples: list[int],
    strategies: list[str],
    draws: int,
    delta: float,
    max_tries: int,
    published: list[dict],
    root_seed: int,
) -> xr.Dataset:
    """Return |f - f_hat| / |f|, `(size, strategy, multiple, draw)`, the best relative error, and the paper's numbers.

    Args:
        family: univariate polynomials, by their reference measure.
        function: name of the function that is approximated.
        sizes: numbers of functions m.
        multiples: numbers of points over m.
        strategies: names of strategies, `_cond` after them for conditioned ones.
        draws: independent designs of each strategy and n.
        delta: conditioned designs have lambda_min(G) >= 1 - delta.
        max_tries: at most so many draws of a conditioned design; one that fails in all of them ends the stage.
        published: `size`, `strategy`, `multiple`, `rms` and `quantile` (of 95 %) as the paper prints them.
        root_seed: root of the random streams.
    """
    error = np.empty((len(sizes), len(strategies), len(multiples), draws))
    tries = np.empty(error.shape, dtype=int)
    best = np.empty(len(sizes))
    for i, m in progress(enumerate(sizes), "sizes of the space", total=len(sizes)):
        target = problem(space(family, 1, m - 1), function)
        norm = np.hypot(np.linalg.norm(target.coef), target.best)
        best[i] = target.best / norm
        for s, k in np.ndindex(error.shape[1:3]):
            strategy, n = strategies[s], multiples[k] * m
            rng = generator(root_seed, "dpp_least_squares", "errors", family, m, strategy, n)
            fits = fit_repeatedly(target, strategy, n, draws, rng, delta=delta, max_tries=max_tries)
            error[i, s, k] = best[i] * np.sqrt(1 + target.excess(fits.coef))
            tries[i, s, k] = fits.tries
    printed = np.full((2, *error.shape[:3]), np.nan)
    for entry in published:
        at = tuple(
            names.index(entry[key])
            for key, names in (("size", sizes), ("strategy", strategies), ("multiple", multiples))
            if entry[key] in names
        )
        if len(at) == 3:
            printed[:, *at] = entry["rms"], entry.get("quantile", np.nan)
    over = ("size", "strategy", "multiple", "draw")
    return xr.Dataset(
        {
            "relative_error": (over, error, {"long_name": "|f - f_hat| / |f|"}),
            "tries": (over, tries, {"long_name": "draws until a design was accepted"}),
            "printed_rms": (over[:3], printed[0], {"long_name": "root mean square of |f - f_hat| / |f| in the paper"}),
            "printed_quantile": (
                over[:3],
                printed[1],
                {"long_name": "95 % quantile of |f - f_hat| / |f| in the paper"},
            ),
            "best": ("size", best, {"long_name": "e_m / |f|"}),
        },
        coords={"size": sizes, "strategy": strategies, "multiple": multiples},
        attrs={"family": family, "function": function, "delta": delta},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(compare_errors, snakemake)
