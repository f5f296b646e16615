"""H-chromatic polynomials: classes over trees, the complete target, and ties for complete bipartite targets."""

from math import factorial

import networkx as nx
import numpy as np
import xarray as xr

from lib.graphs.homomorphisms import adjacency_matrix, all_graphs, connected_bipartite_graphs, fibre_counts
from lib.symmetric.partitions import parse_partition, polynomial_values


def tie_polynomials(types, *, graph_vertices: int, tie_vertices: int, targets: list[list[int]]) -> xr.Dataset:
    """Return the number of classes over trees, agreement with the chromatic polynomial, and ties.

    Args:
        types: h_lambda of all small trees.
        graph_vertices: all graphs up to this size are compared with networkx's chromatic polynomial.
        tie_vertices: connected bipartite graphs up to this size are compared in pairs.
        targets: rows (a, b) of the complete bipartite targets.
    """
    import sympy

    classes = []
    for n in range(types.smallest, types.largest + 1):
        # the polynomial carries the same information as the numbers of endomorphisms by size of the image
        by_image = np.zeros((types.sizes[f"tree_{n}"], n + 1), dtype=np.int64)
        for column, label in enumerate(types[f"partition_{n}"].values):
            by_image[:, len(parse_partition(label))] += types[f"h_{n}"].values[:, column]
        classes.append((n, len(np.unique(by_image, axis=0)), len(by_image)))
    agree = []
    for n in range(1, graph_vertices + 1):
        for source in all_graphs(n):
            graph = nx.from_numpy_array(source)
            polynomial = nx.chromatic_polynomial(graph)
            x = next(iter(polynomial.free_symbols), sympy.Symbol("x"))
            for size in (n, n + 1):
                counts = fibre_counts(source, ~np.eye(size, dtype=bool))
                expected = [factorial(size) * int(polynomial.subs(x, k)) for k in range(n + 2)]
                agree.append(polynomial_values(counts, size, n + 2) == expected)
    equal = []
    for n in range(2, tie_vertices + 1):
        first: dict = {}
        for source, side, _ in connected_bipartite_graphs(n):
            for a, b in targets:
                counts = fibre_counts(source, adjacency_matrix(nx.complete_bipartite_graph(a, b)))
                values = polynomial_values(counts, a + b, n + 2)
                if (side, a, b) in first:
                    equal.append(first[side, a, b] == values)
                else:
                    first[side, a, b] = values
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
