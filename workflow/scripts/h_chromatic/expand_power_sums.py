"""Power-sum expansions of X_G^H for stars and complete bipartite H: brute force, closed form, signs, controls."""

import networkx as nx
import numpy as np
import xarray as xr

from lib.graphs.homomorphisms import adjacency_matrix, all_graphs, chromatic_power, connected_bipartite_graphs
from lib.symmetric.partitions import bipartite_power, is_monotone, omega, partition_label, partitions


def complete_bipartite(a: int, b: int) -> np.ndarray:
    """Adjacency matrix of K_{a,b}."""
    return adjacency_matrix(nx.complete_bipartite_graph(a, b))


def expand_power_sums(
    *,
    star_vertices: int,
    below: int,
    above: int,
    bipartite_vertices: int,
    target_vertices: int,
    controls: list[list[int]],
) -> xr.Dataset:
    """Return signs of omega(X) for stars `(case, partition)`, and comparisons of closed form and brute force.

    Args:
        star_vertices: every bipartite graph up to this size is mapped to stars.
        below, above: stars have n - below to n + above vertices.
        bipartite_vertices: connected bipartite graphs up to this size are mapped to complete bipartite graphs.
        target_vertices: sizes a + b of those, from r + s up.
        controls: rows (r, s, a, b): K_{r,s} into K_{a,b}, where monotonicity is expected to fail.
    """
    names, stars, monotone, signs = [], [], [], []
    for n in range(2, star_vertices + 1):
        for source in all_graphs(n):
            graph = nx.from_numpy_array(source)
            if not nx.is_bipartite(graph):
                continue
            for size in range(max(2, n - below), n + above + 1):
                power = omega(chromatic_power(source, adjacency_matrix(nx.star_graph(size - 1))))
                names.append(nx.to_graph6_bytes(graph, header=False).decode().strip())
                stars.append((n, size))
                monotone.append(is_monotone(power))
                if n == star_vertices:
                    signs.append([np.sign(power.get(kind, 0)) if size >= n else 9 for kind in partitions(n)])
                else:
                    signs.append([9] * len(partitions(star_vertices)))
    same, equal_classes, pairs = [], [], []
    for n in range(2, bipartite_vertices + 1):
        first: dict = {}
        for source, r, s in connected_bipartite_graphs(n):
            for total in range(n, target_vertices + 1):
                for a in range(1, total // 2 + 1):
                    pair = (r, s, a, total - a)
                    brute = chromatic_power(source, complete_bipartite(a, total - a))
                    same.append(brute == bipartite_power(*pair))
                    equal_classes.append(first.setdefault(pair, brute) == brute)
                    pairs.append(pair)
    control = [
        is_monotone(omega(chromatic_power(complete_bipartite(r, s), complete_bipartite(a, b))))
        for r, s, a, b in controls
    ]
    return xr.Dataset(
        {
            "star_monotone": ("case", np.array(monotone)),
            "star_vertices": (("case", "which"), np.array(stars)),
            "star_sign": (("case", "partition"), np.array(signs, dtype=np.int8), {"long_name": "9: not shown"}),
            "bipartite_same": ("pair", np.array(same)),
            "bipartite_equal": ("pair", np.array(equal_classes)),
            "bipartite_classes": (("pair", "class"), np.array(pairs)),
            "control_monotone": ("control", np.array(control)),
            "control_classes": (("control", "class"), np.array(controls)),
        },
        coords={
            "graph": ("case", names),
            "which": ["source", "target"],
            "partition": [partition_label(kind) for kind in partitions(star_vertices)],
            "class": ["r", "s", "a", "b"],
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(expand_power_sums, snakemake)
