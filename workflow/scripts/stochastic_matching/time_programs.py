"""Solve times of the path program and of the stochastic configuration program on the same graphs."""

import time
from fractions import Fraction

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.matching.benchmarks import path_program, stochastic_configuration_program
from lib.matching.linear import solve_lp
from lib.progress import progress

BUILD = {"path": path_program, "stochastic configuration": stochastic_configuration_program}


def time_programs(*, graphs: int, repeats: int, widest: dict[str, int], time_limit: float, root_seed: int):
    """Return `seconds (program, graph)`, the shortest of repeats that take turns, and `largest (program)`.

    The graphs have three vertices on each side and 8 edges. `largest` is the number of edges of the largest graph of
    two offline vertices, each next to all online ones, whose program was solved within the limit.

    Args:
        graphs: number of graphs.
        repeats: of each solution; building the matrix is not timed.
        widest: for each program, most online vertices that are tried in the search for the largest graph.
        time_limit: seconds for one solution.
        root_seed: root of the random streams.
    """
    seconds = np.full((len(BUILD), graphs), np.inf)
    for g in progress(range(graphs), "graphs of 8 edges"):
        rng = generator(root_seed, "stochastic_matching", "time", g)
        twentieths = rng.integers(1, 20, (3, 3))
        twentieths.flat[rng.integers(9)] = 0
        p = [[Fraction(int(x), 20) for x in row] for row in twentieths]
        built = [build(p).arrays() for build in BUILD.values()]
        for _ in range(repeats):
            for i, arrays in enumerate(built):
                start = time.perf_counter()
                solve_lp(*arrays)
                seconds[i, g] = min(seconds[i, g], time.perf_counter() - start)
    largest = np.zeros(len(BUILD), dtype=np.int64)
    rng = generator(root_seed, "stochastic_matching", "largest")
    table = rng.integers(1, 20, (2, max(widest.values())))
    for i, (name, build) in enumerate(BUILD.items()):
        for width in range(1, widest[name] + 1):
            program = build([[Fraction(int(x), 20) for x in row[:width]] for row in table])
            try:
                solve_lp(*program.arrays(), time_limit=time_limit)
            except TimeoutError:
                break
            largest[i] = 2 * width
    return xr.Dataset(
        {
            "seconds": (("program", "graph"), seconds, {"units": "s"}),
            "largest": ("program", largest, {"long_name": "edges of the largest graph that was solved"}),
        },
        coords={"program": list(BUILD)},
        attrs={"timing": True, "time_limit": time_limit},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(time_programs, snakemake)
