"""H-chromatic polynomials: classes over trees, the complete target, and ties for complete bipartite targets."""

from math import factorial

import networkx as nx
import numpy as np
import xarray as xr

from lib.graphs.homomorphisms import adjacency_matrix, all_graphs, fibre_types
from lib.symmetric.partitions import partitions


def _values(types: dict, vertices: int, points: int) -> list[int]:
    """The polynomial at k = 0..points-1: sum over types of (N - l)! h k (k - 1) ... (k - l + 1)."""

    def falling(k, length):
        value = 1
        for i in range(length):
            value *= k - i
        return value

    return [
        sum(factorial(vertices - len(t)) * c * falling(k, len(t)) for t, c in types.items() if c) for k in range(points)
    ]


def tie_polynomials(types, *, graph_vertices: int, tie_vertices: int, targets: list[list[int]]) -> xr.Dataset:
    """Return the number of classes over trees, agreement with the chromatic polynomial, and ties.

    Args:
        types: h_lambda of all small trees.
        graph_vertices: all graphs up to this size are held against networkx's chromatic polynomial.
        tie_vertices: connected bipartite graphs up to this size are compared in pairs.
        targets: rows (a, b) of the complete bipartite targets.
    """
    import sympy

    classes = []
    for n in range(types.smallest, types.largest + 1):
        length = [text.count(",") + 1 for text in types[f"partition_{n}"].values]
        sizes = np.zeros((types.sizes[f"tree_{n}"], n + 1), dtype=np.int64)
        for j, size in enumerate(length):
            sizes[:, size] += types[f"h_{n}"].values[:, j]
        classes.append((n, len({tuple(row) for row in sizes.tolist()}), len(sizes)))
    agree = []
    for n in range(1, graph_vertices + 1):
        for source in all_graphs(n):
            graph = nx.from_numpy_array(source)
            polynomial = nx.chromatic_polynomial(graph)
            x = next(iter(polynomial.free_symbols), sympy.Symbol("x"))
            for size in (n, n + 1):
                counts = dict(zip(partitions(n), fibre_types(source, ~np.eye(size, dtype=bool)).tolist()))
                expected = [factorial(size) * int(polynomial.subs(x, k)) for k in range(n + 2)]
                agree.append(_values(counts, size, n + 2) == expected)
    equal = []
    for n in range(2, tie_vertices + 1):
        seen: dict = {}
        for source in all_graphs(n):
            graph = nx.from_numpy_array(source)
            if not (nx.is_connected(graph) and nx.is_bipartite(graph)):
                continue
            side = sum(nx.bipartite.color(graph).values())
            for a, b in targets:
                counts = fibre_types(source, adjacency_matrix(nx.complete_bipartite_graph(a, b))).tolist()
                values = _values(dict(zip(partitions(n), counts)), a + b, n + 2)
                key = (min(side, n - side), a, b)
                if key in seen:
                    equal.append(seen[key] == values)
                seen.setdefault(key, values)
    return xr.Dataset(
        {
            "classes": ("degree", np.array([c[1] for c in classes])),
            "trees": ("degree", np.array([c[2] for c in classes])),
            "complete_agrees": ("case", np.array(agree)),
            "tie_holds": ("pair", np.array(equal)),
        },
        coords={"degree": [c[0] for c in classes]},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(tie_polynomials, snakemake)
