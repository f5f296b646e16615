"""Optimum and benchmarks of small random graphs, each between two rational numbers that are proved."""

from fractions import Fraction

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.matching.benchmarks import (
    adaptive_optimum,
    configuration_program,
    matching_program,
    path_program,
    stochastic_configuration_program,
)
from lib.matching.linear import solve_certified
from lib.progress import progress

BENCHMARKS = {
    "path": path_program,
    "stochastic configuration": stochastic_configuration_program,
    "configuration": configuration_program,
    "matching": matching_program,
}


def enumerate_graphs(*, graphs: int, most: int, most_edges: int, root_seed: int) -> xr.Dataset:
    """Return `lower` and `upper (graph, benchmark)`, the `optimum`, sizes of the programs, and the `probabilities`.

    Probabilities are multiples of 1/20 between .05 and .95, and all programs are built in rational numbers.

    Args:
        graphs: number of graphs.
        most: most vertices of each side; at least two, and three edges.
        most_edges: most edges, since the path program grows like 2^edges.
        root_seed: root of the random streams.
    """
    shape = graphs, len(BENCHMARKS)
    lower, upper = np.zeros(shape), np.zeros(shape)
    columns, rows, nonzeros = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    optimum, probabilities = np.zeros(graphs), np.zeros((graphs, most, most))
    for g in progress(range(graphs), "graphs"):
        p = _draw(most, most_edges, generator(root_seed, "stochastic_matching", "graph", g))
        probabilities[g, : len(p), : len(p[0])] = [[float(x) for x in row] for row in p]
        optimum[g] = adaptive_optimum(p)
        for b, build in enumerate(BENCHMARKS.values()):
            program = build(p)
            lower[g, b], upper[g, b] = map(float, solve_certified(program))
            columns[g, b], rows[g, b] = len(program.columns), len(program.b)
            nonzeros[g, b] = program.nonzeros()
    dims = ("graph", "benchmark")
    return xr.Dataset(
        {
            "lower": (dims, lower, {"long_name": "proved lower bound of the optimum"}),
            "upper": (dims, upper, {"long_name": "proved upper bound of the optimum"}),
            "optimum": ("graph", optimum, {"long_name": "adaptive optimum"}),
            "columns": (dims, columns),
            "rows": (dims, rows),
            "nonzeros": (dims, nonzeros),
            "probabilities": (("graph", "offline", "online"), probabilities, {"long_name": "0 where there is no edge"}),
        },
        coords={"benchmark": list(BENCHMARKS)},
    )


def _draw(most: int, most_edges: int, rng) -> list[list[Fraction]]:
    """A graph of 2 to `most` vertices on each side, with 3 to `most_edges` edges."""
    while True:
        n, arrivals = rng.integers(2, most + 1, 2)
        edge = rng.random((n, arrivals)) < rng.uniform(0.5, 1)
        if 3 <= edge.sum() <= most_edges:
            twentieths = np.where(edge, rng.integers(1, 20, edge.shape), 0)
            return [[Fraction(int(x), 20) for x in row] for row in twentieths]


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(enumerate_graphs, snakemake)
