"""CPU times of ours and of trying all subsets, on one thread, in turns."""

import time
from functools import partial

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from lib.atlas.job.seeds import generator
from lib.regression.comparison import FIXED
from lib.regression.greedy import best_subset
from lib.regression.ill_conditioned import draw_problem
from lib.regression.preconditioner import precondition
from lib.regression.random_support import fit_preconditioned, noise_level

PAPER = "sparse_regression_random_support"


def _fit(problem, chosen, level):
    return fit_preconditioned(problem.x, problem.y, precondition(problem.x, chosen), level)


def time_methods(
    *, series: list[dict], rows: int, spread: float, repeats: int, least_seconds: float, root_seed: int
) -> xr.Dataset:
    """Return CPU seconds (case, repeat) of one call, from the design to the fit.

    Args:
        series: name, method (`ours` or `brute_force`), sparsity k, size r and numbers of columns of each.
        rows: n.
        spread: ratio of scales of the common-factor design.
        repeats: timed runs of each case, which take turns.
        least_seconds: a run has as many calls as last so long.
        root_seed: root of the random streams.
    """
    cases = [(entry, dim) for entry in series for dim in entry["dims"]]
    calls, counts = [], np.ones(len(cases), int)
    for entry, dim in cases:
        key = ("factor", rows, dim, spread, entry["sparsity"], 1.0)

        def stream(part, key=key):
            return generator(root_seed, PAPER, "times", part, *key)

        problem = draw_problem(*key, stream)
        if entry["method"] == "ours":
            chosen = np.sort(stream("preconditioner").choice(dim, entry["size"], replace=False))
            level = noise_level(1.0, rows, dim, FIXED["ours"])
            calls.append(partial(_fit, problem, chosen, level))
        else:
            calls.append(partial(best_subset, problem.x, problem.y, entry["sparsity"]))
    times = np.zeros((len(cases), repeats))
    with threadpool_limits(limits=1):
        for c, call in enumerate(calls):
            call()  # may compile
            start = time.process_time()
            call()
            counts[c] = max(1, int(np.ceil(least_seconds / max(time.process_time() - start, 1e-6))))
        for repeat in range(repeats):
            for c, call in enumerate(calls):
                start = time.process_time()
                for _ in range(counts[c]):
                    call()
                times[c, repeat] = (time.process_time() - start) / counts[c]
    return xr.Dataset(
        {
            "time": (("case", "repeat"), times, {"units": "s", "long_name": "CPU time of one call"}),
            "calls": ("case", counts, {"long_name": "calls of each timed run"}),
            "dim": ("case", [dim for _, dim in cases]),
            "series": ("case", [entry["name"] for entry, _ in cases]),
        },
        coords={"case": [f"{entry['name']}, d = {dim}" for entry, dim in cases]},
        attrs={"rows": rows, "timing": True},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(time_methods, snakemake)
