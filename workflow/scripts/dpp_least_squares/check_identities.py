"""Exact identities of determinantal and volume sampling, checked on many draws of each basis."""

import itertools

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.problems import problem, space
from lib.regression.repeated import estimate_bias, fit_repeatedly
from lib.sampling.designs import blocks
from lib.sampling.dpp import sample_projection_dpp
from lib.sampling.moments import MOMENTS, draw_moments, exact_moments, point_p_value
from lib.stats.intervals import estimate_mean

INVERSES = ("vol", "vol_mu", "iid")
BIASES = ("vol", "rep", "iid", "mc")


def check_identities(
    *,
    bases: list[dict],
    draws: int,
    iid_draws: int,
    multiples: list[int],
    root_seed: int,
) -> xr.Dataset:
    """Return, by basis: moments of the process, mean inverses, biases and root mean square errors.

    Args:
        bases: `name`, `family`, `dim`, `degree`, `index_set`, `atoms`, `function`, and `cut`, below which points are
            counted.
        draws: independent draws for each identity.
        iid_draws: draws of independent designs, whose means are heavy-tailed.
        multiples: numbers of points over m for the inverses; the first serves the biases.
        root_seed: root of the random streams.
    """
    names = [spec["name"] for spec in bases]
    shape = (len(names), len(MOMENTS))
    moment, moment_se, moment_exact = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    p_value, sizes, best = np.zeros(len(names)), np.zeros(len(names), dtype=int), np.zeros(len(names))
    inverse = np.zeros((3, len(names), len(INVERSES), len(multiples)))
    bias, bias_se = np.zeros((2, len(names), len(BIASES)))
    strategies = list(dict.fromkeys((*INVERSES, *BIASES)))
    rms = np.zeros((len(names), len(strategies), len(multiples)))
    for b, name in progress(enumerate(names), "bases", total=len(names)):
        basis = space(**{key: value for key, value in bases[b].items() if key not in ("name", "cut", "function")})
        approximation, cut = problem(basis, bases[b]["function"]), bases[b]["cut"]
        sizes[b], best[b] = basis.size, approximation.best

        def stream(*key, name=name):
            return generator(root_seed, "dpp_least_squares", "identities", name, *key)

        rng = stream("process")
        x = np.concatenate([sample_projection_dpp(basis, rng, i.stop - i.start) for i in blocks(draws, basis.size**2)])
        moment[b], moment_se[b], *_ = estimate_mean(draw_moments(basis, x, cut), axis=1)
        moment_exact[b], p_value[b] = exact_moments(basis, cut), point_p_value(basis, x, rng)
        for (s, strategy), (k, multiple) in itertools.product(enumerate(strategies), enumerate(multiples)):
            count, rng = iid_draws if strategy == "iid" else draws, stream(strategy, multiple)
            fits = fit_repeatedly(approximation, strategy, multiple * basis.size, count, rng, inverse=True)
            rms[b, s, k] = np.sqrt(1 + np.mean(approximation.excess(fits.coef)))
            if strategy in INVERSES:
                inverse[:, b, s, k] = *estimate_mean(fits.inverse)[:2], np.median(fits.inverse)
            if strategy in BIASES and k == 0:
                j = BIASES.index(strategy)
                bias[b, j], bias_se[b, j] = estimate_bias(approximation, fits.coef)
    grid = ("basis", "inverse_strategy", "multiple")
    return xr.Dataset(
        {
            "moment": (("basis", "moment_name"), moment, {"long_name": "moment of draws of the projection DPP"}),
            "moment_se": (("basis", "moment_name"), moment_se),
            "moment_exact": (("basis", "moment_name"), moment_exact),
            "point_p_value": ("basis", p_value, {"long_name": "Kolmogorov-Smirnov p-value of one point of each draw"}),
            "inverse": (grid, inverse[0], {"long_name": "mean of (n - m + 1) diag (Phi^T W Phi)^-1"}),
            "inverse_se": (grid, inverse[1]),
            "inverse_median": (grid, inverse[2]),
            "bias": (("basis", "bias_strategy"), bias, {"long_name": "|mean of c_hat - c| / e_m"}),
            "bias_se": (("basis", "bias_strategy"), bias_se, {"long_name": "root of summed squared standard errors"}),
            "size": ("basis", sizes, {"long_name": "number of functions m"}),
            "best_error": ("basis", best, {"long_name": "e_m"}),
            "rms": (("basis", "strategy", "multiple"), rms, {"long_name": "root mean square of |f - f_hat| / e_m"}),
        },
        coords={
            "basis": names,
            "moment_name": list(MOMENTS),
            "inverse_strategy": list(INVERSES),
            "bias_strategy": list(BIASES),
            "strategy": strategies,
            "multiple": multiples,
        },
        attrs={"draws": draws, "iid_draws": iid_draws},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_identities, snakemake)
