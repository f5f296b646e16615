"""Screening variables on the data that judge them: Freedman's regressions, and the same through a mechanism."""

import numpy as np
import xarray as xr

from lib.atlas.progress import progress
from lib.atlas.seeds import generator
from lib.privacy.analysts import random_bits
from lib.privacy.queries import Gaussian, Naive
from lib.privacy.selection import freedman_selection, regression_report

ROUTES = ("same data", "fresh sample", "split sample")
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
        level: a variable is kept when its two-sided p-value is below it.
        fresh: fresh points that score a fit.
        runs: repetitions of the regressions.
        query_size, query_variables: n and d of the query form, fair signs and labels.
        kept: features kept there, those whose answers lie furthest from 1/2.
        sigma: noise of the Gaussian mechanism.
        query_runs: repetitions of the query form.
        root_seed: root of the random streams.
    """
    report = np.zeros((len(ROUTES), len(MEASURES), runs))
    kept_variables = np.zeros(runs, int)
    for run in progress(range(runs), "regressions"):
        rng = generator(root_seed, "adaptive_data_analysis", "screen", run)

        def draw(n, rng=rng):
            return rng.standard_normal((n, variables)), rng.standard_normal(n)

        (x, y), (x_new, y_new), (x_test, y_test) = draw(size), draw(size), draw(fresh)
        chosen = freedman_selection(x, y, level)
        kept_variables[run] = chosen.sum()
        # a half has fewer samples than variables + 1 when p = n/2: it is screened by correlation instead
        half = size // 2
        correlation = np.abs(y[:half] @ x[:half]) / np.linalg.norm(x[:half], axis=0) / np.linalg.norm(y[:half])
        chosen_half = correlation >= np.sort(correlation)[-max(1, min(int(chosen.sum()), half // 2))]
        fits = [(x[:, chosen], y), (x_new[:, chosen], y_new), (x[half:, chosen_half], y[half:])]
        tests = [x_test[:, chosen], x_test[:, chosen], x_test[:, chosen_half]]
        for i, (fit, test) in enumerate(zip(fits, tests)):
            found = regression_report(*fit, test, y_test)
            report[i, :, run] = [found[name] for name in MEASURES]
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
            answers = oracle.answer(bits) - 0.5
            best = np.argsort(-np.abs(answers), kind="stable")[:kept]
            votes = np.sign(answers[best]) @ (2 * bits[best] - 1)
            gap[i, run] = oracle.answer(0.5 * (1 + np.sign(votes))[None])[0] - 0.5
    return xr.Dataset(
        {
            "report": (("route", "measure", "run"), report),
            "kept": ("run", kept_variables, {"long_name": "variables kept"}),
            "gap": (("mechanism", "query_run"), gap, {"long_name": "reported accuracy minus 1/2"}),
        },
        coords={"route": list(ROUTES), "measure": list(MEASURES), "mechanism": ["naive", "gaussian"]},
        attrs={"n": size, "p": variables, "level": level, "sigma": sigma},
    )


if "snakemake" in globals():
    from lib.atlas.stage import run

    run(screen, snakemake)
