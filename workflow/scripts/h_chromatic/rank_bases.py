"""Bases of symmetric functions: complete multipartite graphs into themselves, and targets that are not complete."""

from itertools import combinations
from math import comb, factorial

import networkx as nx
import numpy as np
import xarray as xr

from lib.graphs.homomorphisms import adjacency_matrix, all_graphs, fibre_types
from lib.linalg.exact import determinant, rank_mod_p
from lib.symmetric.partitions import multipartite_types, partition_count, partitions


def _multipartite(sizes: tuple[int, ...]) -> np.ndarray:
    if len(sizes) == 1:
        return np.zeros((sizes[0], sizes[0]), dtype=bool)
    return adjacency_matrix(nx.complete_multipartite_graph(*sizes))


def _self_types(sizes: tuple[int, ...]) -> dict:
    if len(sizes) > 1:
        return multipartite_types(sizes)
    n = sizes[0]  # no edges: every map counts
    return {k: partition_count(k) * factorial(len(k)) * comb(n, len(k)) for k in partitions(n)}


def _families(n: int) -> dict[str, np.ndarray]:
    """Targets with an n-clique that are not complete: a vertex more, alone, pendant, or joined to all but one."""
    targets = {}
    for name, joined in (("isolated", 0), ("pendant", 1), ("missing edge", n - 1)):
        matrix = np.zeros((n + 1, n + 1), dtype=bool)
        matrix[:n, :n] = ~np.eye(n, dtype=bool)
        matrix[n, :joined] = matrix[:joined, n] = True
        if name == "missing edge" or joined < n:
            targets[name] = matrix
    return targets


def _cliques(matrix: np.ndarray, size: int) -> int:
    return sum(all(matrix[a, b] for a, b in combinations(c, 2)) for c in combinations(range(len(matrix)), size))


def rank_bases(
    *, largest: int, brute_largest: int, target_largest: int, target_extra: int, family_largest: int
) -> xr.Dataset:
    """Return ranks of the multipartite matrices, of all non-complete targets, and determinants of explicit families.

    Args:
        largest: degree up to which the multipartite matrix is ranked.
        brute_largest: degree up to which its closed form is held against brute force.
        target_largest: degree n up to which all targets on n .. n + target_extra vertices are tried.
        target_extra: see above.
        family_largest: degree up to which the determinants of the explicit families are computed.
    """
    ranks, same = [], []
    for n in range(2, largest + 1):
        kinds = partitions(n)
        rows = [_self_types(sizes) for sizes in kinds]
        ranks.append((n, rank_mod_p([[row.get(k, 0) for k in kinds] for row in rows]), len(kinds)))
        if n <= brute_largest:
            for sizes, row in zip(kinds, rows):
                graph = _multipartite(sizes)
                same.append([row.get(k, 0) for k in kinds] == fibre_types(graph, graph).tolist())
    full = []
    for n in range(2, target_largest + 1):
        for size in range(n, n + target_extra + 1):
            for target in all_graphs(size):
                if target.sum() == size * (size - 1):
                    continue
                rank = rank_mod_p([fibre_types(source, target).tolist() for source in all_graphs(n)])
                full.append((n, size, rank, len(partitions(n))))
    names, families, agree = [], [], []
    for n in range(2, family_largest + 1):
        for name, target in _families(n).items():
            found = determinant([fibre_types(_multipartite(sizes), target).tolist() for sizes in partitions(n)])
            formula = 1
            for sizes in partitions(n):
                formula *= factorial(len(sizes)) * _cliques(target, len(sizes))
            names.append(name)
            families.append((n, str(abs(found)), str(formula)))
            agree.append(abs(found) == formula)
    return xr.Dataset(
        {
            "multipartite_rank": (("degree", "what"), np.array([r[1:] for r in ranks])),
            "multipartite_same": ("graph", np.array(same)),
            "target_rank": (("target", "which"), np.array(full)),
            "family_degree": ("family", np.array([f[0] for f in families])),
            "family_determinant": ("family", np.array([f[1] for f in families])),
            "family_formula": ("family", np.array([f[2] for f in families])),
            "family_agrees": ("family", np.array(agree)),
        },
        coords={
            "degree": [r[0] for r in ranks],
            "what": ["rank", "partitions"],
            "which": ["degree", "vertices", "rank", "partitions"],
            "family": names,
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(rank_bases, snakemake)
