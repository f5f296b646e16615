"""Screening variables on the data that judge them: Freedman's regressions, and the same through a mechanism."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.privacy.analysts import random_bits
from lib.privacy.queries import Gaussian, Naive
from lib.privacy.selection import ROUTES, screened_regressions, vote_query
from lib.progress import progress

MEASURES = ("r2", "p_value", "significant", "fresh_r2")


def screen(
    *,
    size: int,
    variables: int,
    level: float,
    fresh: int,
    runs: int,
    query_size: int,
    query_variables: int,
    kept: int,
    sigma: float,
    query_runs: int,
    root_seed: int,
) -> xr.Dataset:
    """Return `report (route, measure, run)` of regressions on pure noise, and `gap (mechanism, run)` in query form.

    Args:
        size, variables: n and p of the regressions; X and y are independent N(0, 1).
        level: a variable is selected when its two-sided p-value is below it.
        fresh: size of the fresh sample that scores a fit.
        runs: repetitions of the regressions.
        query_size, query_variables: n and d of the query form, fair signs and labels.
        kept: features that vote there, those whose answers lie furthest from 1/2.
        sigma: noise of the Gaussian mechanism.
        query_runs: repetitions of the query form.
        root_seed: root of the random streams.
    """
    report = np.zeros((len(ROUTES), len(MEASURES), runs))
    selected = np.zeros(runs, int)
    for run in progress(range(runs), "regressions"):
        rng = generator(root_seed, "adaptive_data_analysis", "screen", run)
        data, second, scoring = [
            (rng.standard_normal((n, variables)), rng.standard_normal(n)) for n in (size, size, fresh)
        ]
        reports, selected[run] = screened_regressions(data, second, scoring, level)
        report[:, :, run] = [[reports[route][name] for name in MEASURES] for route in ROUTES]
    gap = np.zeros((2, query_runs))
    for run in range(query_runs):
        key = ("adaptive_data_analysis", "screen_queries", run)
        bits = random_bits(query_variables, query_size, generator(root_seed, *key)).astype(np.float32)
        samples = np.arange(query_size)
        oracles = (
            Naive(samples, query_size),
            Gaussian(samples, query_size, sigma, generator(root_seed, *key, "noise")),
        )
        for i, oracle in enumerate(oracles):
            gap[i, run] = oracle.answer(vote_query(bits, oracle.answer(bits), kept)[None])[0] - 0.5
    return xr.Dataset(
        {
            "report": (("route", "measure", "run"), report),
            "kept": ("run", selected, {"long_name": "variables kept"}),
            "gap": (("mechanism", "query_run"), gap, {"long_name": "reported accuracy minus 1/2"}),
        },
        coords={"route": list(ROUTES), "measure": list(MEASURES), "mechanism": ["naive", "gaussian"]},
        attrs={"n": size, "p": variables, "level": level, "sigma": sigma},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(screen, snakemake)
