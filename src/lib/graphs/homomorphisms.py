"""Homomorphisms between small graphs, counted by fibre type.

h_lambda(G, H) is the number of homomorphisms G -> H whose non-empty fibres have the sizes lambda. The H-chromatic
symmetric function is X_G^H = sum over lambda of (N - l(lambda))! h_lambda m~_lambda with N = |H| (our reconstruction
from the definition).
"""

from collections.abc import Iterator
from functools import cache

import networkx as nx
import numpy as np
from numba import njit

from lib.symmetric.partitions import augmented_to_power, chromatic, partitions


@njit(cache=True)
def _count(before, target, weights, slots, places, kinds, n, size):
    """Back-tracking over the vertices of G; `before[v, u]` marks neighbours u < v (and a loop at v)."""
    counts = np.zeros(kinds, dtype=np.int64)
    last = len(slots) - 1
    image = np.full(n, -1, dtype=np.int64)
    fibre = np.zeros(size, dtype=np.int64)
    v = 0
    while v >= 0:
        if image[v] >= 0:
            fibre[image[v]] -= 1
        image[v] += 1
        x = image[v]
        if x == size:
            image[v] = -1
            v -= 1
            continue
        fibre[x] += 1
        fits = True
        for u in range(v + 1):
            if before[v, u] and not target[x, image[u]]:
                fits = False
                break
        if not fits:
            continue
        if v == n - 1:
            key = np.uint64(0)
            for y in range(size):
                key += weights[fibre[y]]
            slot = np.int64(key >> np.uint64(1)) & last
            while slots[slot] != key:
                slot = (slot + 1) & last
            counts[places[slot]] += 1
        else:
            v += 1
    return counts


@cache
def _keys(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights of fibre sizes whose sums modulo 2^64 differ for different partitions of n, and a hash table of the sums.

    Returns:
        Weights (n + 1,), the sums in their slots (a power of two; 0: empty), and the partition's index in each slot.
    """
    kinds = partitions(n)
    rng = np.random.default_rng(n)
    mask = 2**64 - 1
    while True:
        weights = [0, *(int(w) for w in rng.integers(1, mask, n, dtype=np.uint64, endpoint=True))]
        sums = [sum(weights[part] for part in kind) & mask for kind in kinds]
        if len(set(sums)) == len(kinds) and 0 not in sums:
            break
    size = 1 << (2 * len(kinds)).bit_length()
    slots, places = [0] * size, np.zeros(size, dtype=np.int64)
    for index, key in enumerate(sums):
        slot = key >> 1 & size - 1
        while slots[slot]:
            slot = slot + 1 & size - 1
        slots[slot], places[slot] = key, index
    return np.array(weights, dtype=np.uint64), np.array(slots, dtype=np.uint64), places


def fibre_types(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """h_lambda(G, H) for all partitions lambda of n in the order of `partitions(n)`.

    Args:
        source: symmetric boolean adjacency matrix of G, (n, n); a true diagonal entry is a loop.
        target: that of H, (N, N).

    Returns:
        int64 array (number of partitions of n,).

    Raises:
        ValueError: a matrix that is not square and symmetric, or a source without vertices.
    """
    source, target = np.asarray(source), np.asarray(target)
    for name, matrix in (("source", source), ("target", target)):
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.array_equal(matrix, matrix.T):
            raise ValueError(f"{name}: expected a symmetric square matrix, got shape {matrix.shape}")
    n = len(source)
    if n == 0:
        raise ValueError("source: got a graph without vertices, expected at least one")
    kinds = len(partitions(n))
    return _count(np.tril(source).astype(np.bool_), target.astype(np.bool_), *_keys(n), kinds, n, len(target))


def fibre_counts(source: np.ndarray, target: np.ndarray) -> dict[tuple[int, ...], int]:
    """h_lambda(G, H) by partition, zeros included; arguments and errors as for `fibre_types`."""
    return dict(zip(partitions(len(source)), fibre_types(source, target).tolist()))


def chromatic_power(source: np.ndarray, target: np.ndarray) -> dict[tuple[int, ...], int]:
    """Power-sum expansion of X_G^H by brute force; arguments and errors as for `fibre_types`."""
    return augmented_to_power(chromatic(fibre_counts(source, target), len(target)))


def adjacency_matrix(graph: nx.Graph) -> np.ndarray:
    """Boolean adjacency matrix of a networkx graph, vertices in the order of its nodes."""
    return nx.to_numpy_array(graph, dtype=bool)


@cache
def all_graphs(n: int) -> tuple:
    """Every graph on n vertices once, as boolean adjacency matrices: networkx's atlas to 7, Sage's nauty beyond.

    Raises:
        ValueError: n < 1.
    """
    if n < 1:
        raise ValueError(f"n: got {n}, expected at least 1")
    if n <= 7:
        from networkx.generators.atlas import graph_atlas_g

        return tuple(adjacency_matrix(g) for g in graph_atlas_g() if g.number_of_nodes() == n)
    from sage.graphs.graph_generators import graphs

    return tuple(adjacency_matrix(g.networkx_graph()) for g in graphs.nauty_geng(str(n)))


def connected_bipartite_graphs(n: int) -> Iterator[tuple[np.ndarray, int, int]]:
    """Every connected bipartite graph on n vertices once: its adjacency matrix and the sizes r <= s of its classes.

    Raises:
        ValueError: n < 1.
    """
    for matrix in all_graphs(n):
        graph = nx.from_numpy_array(matrix)
        if nx.is_connected(graph) and nx.is_bipartite(graph):
            side = sum(nx.bipartite.color(graph).values())
            yield matrix, min(side, n - side), max(side, n - side)
