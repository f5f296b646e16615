"""Bases from complete multipartite graphs: their self-functions, and fixed targets that are not complete.

Row lambda of a matrix belongs to the complete multipartite graph K_lambda, whose parts have the sizes lambda, in the
order of `partitions(n)`; column mu to the homomorphisms of type mu. Determinants and ranks are exact. The matrices are
our reconstruction of those of Eagles, Foley, Huang, Karangozishvili and Yu (arXiv:2011.06063).
"""

from itertools import combinations
from math import factorial, prod

import networkx as nx
import numpy as np

from lib.graphs.homomorphisms import adjacency_matrix, all_graphs, fibre_types
from lib.linalg.exact import determinant, rank_mod_p
from lib.symmetric.partitions import multipartite_types, partitions


def complete_multipartite(sizes: tuple[int, ...]) -> np.ndarray:
    """Boolean adjacency matrix of the complete multipartite graph with parts of these sizes; no edges for one part."""
    return adjacency_matrix(nx.complete_multipartite_graph(*sizes))


def self_matrix(n: int) -> list[list[int]]:
    """h_mu(K_lambda, K_lambda) for all partitions lambda and mu of n, in closed form."""
    kinds = partitions(n)
    rows = [multipartite_types(sizes) for sizes in kinds]
    return [[row.get(kind, 0) for kind in kinds] for row in rows]


def target_matrix(n: int, target: np.ndarray) -> list[list[int]]:
    """h_mu(K_lambda, H) for all partitions lambda and mu of n and one target H, by brute force."""
    return [fibre_types(complete_multipartite(sizes), target).tolist() for sizes in partitions(n)]


def target_rank(n: int, target: np.ndarray) -> int:
    """Dimension of the span of X_G^H over all graphs G on n vertices, for one target H."""
    return rank_mod_p([fibre_types(source, target).tolist() for source in all_graphs(n)])


def clique_extensions(n: int) -> dict[str, np.ndarray]:
    """Targets with an n-clique that are not complete: one more vertex, isolated, pendant, or joined to all but one.

    For n = 2 the last two are the same graph.
    """
    targets = {}
    for name, neighbours in (("isolated", 0), ("pendant", 1), ("missing edge", n - 1)):
        matrix = np.zeros((n + 1, n + 1), dtype=bool)
        matrix[:n, :n] = ~np.eye(n, dtype=bool)
        matrix[n, :neighbours] = matrix[:neighbours, n] = True
        targets[name] = matrix
    return targets


def count_cliques(graph: np.ndarray, size: int) -> int:
    """Number of cliques with that number of vertices in a graph (n, n)."""
    return sum(
        all(graph[a, b] for a, b in combinations(vertices, 2)) for vertices in combinations(range(len(graph)), size)
    )


def target_determinant(n: int, target: np.ndarray) -> int:
    """Absolute value of the determinant of `target_matrix`, exactly."""
    return abs(determinant(target_matrix(n, target)))


def determinant_formula(n: int, target: np.ndarray) -> int:
    """Closed form of `target_determinant`: the product over partitions of l! times the number of l-cliques of H."""
    return prod(factorial(len(sizes)) * count_cliques(target, len(sizes)) for sizes in partitions(n))
