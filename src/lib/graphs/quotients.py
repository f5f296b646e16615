"""Quotients of graphs by set partitions, with loops where a block is not stable."""

from itertools import permutations

import numpy as np

from lib.linalg.exact import null_vectors
from lib.symmetric.partitions import partitions, set_partitions


def quotient(graph: np.ndarray, blocks) -> np.ndarray:
    """Quotient of a graph by blocks of its vertices: (k, k) boolean, true on the diagonal where a block has an edge."""
    member = np.zeros((len(graph), len(blocks)), dtype=np.int64)
    for i, block in enumerate(blocks):
        member[list(block), i] = 1
    return (member.T @ graph.astype(np.int64) @ member) > 0


def canonical_matrix(graph: np.ndarray) -> tuple[int, int]:
    """Canonical form of a small looped graph: its size, and the least adjacency code over orders that respect colours.

    Colours are refined by neighbourhoods first, so that few permutations remain.
    """
    k = len(graph)
    colour = np.array([2 * int(row.sum()) + int(row[i]) for i, row in enumerate(graph)])
    for _ in range(k):
        signatures = [(colour[v], tuple(sorted(colour[graph[v]]))) for v in range(k)]
        names = {s: i for i, s in enumerate(sorted(set(signatures)))}
        colour, old = np.array([names[s] for s in signatures]), colour
        if len(set(colour.tolist())) == len(set(old.tolist())):
            break
    cells = [np.flatnonzero(colour == c) for c in sorted(set(colour.tolist()))]
    orders = np.zeros((1, 0), dtype=np.int64)
    for cell in cells:
        arranged = np.array(list(permutations(cell.tolist())))
        orders = np.concatenate([np.repeat(orders, len(arranged), axis=0), np.tile(arranged, (len(orders), 1))], axis=1)
    i, j = np.tril_indices(k)
    powers = np.left_shift(np.int64(1), np.arange(len(i), dtype=np.int64))
    return k, int(np.min(graph[orders[:, i], orders[:, j]] @ powers))


def quotient_vectors(graph: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """w_Q for every isomorphism class Q of looped quotients: how many set partitions of each type give Q.

    The rank of these vectors is the dimension spanned by X_G^H over all H, loops allowed (our reconstruction from
    h_lambda(G, H) = sum over set partitions of injective homomorphisms of the quotient).

    Raises:
        ValueError: more than 10 vertices, where codes no longer fit into 64 bits.
    """
    n = len(graph)
    if n > 10:
        raise ValueError(f"graph: got {n} vertices, expected at most 10")
    index = {kind: i for i, kind in enumerate(partitions(n))}
    memory: dict[bytes, tuple[int, int]] = {}
    vectors: dict[tuple[int, int], np.ndarray] = {}
    for blocks in set_partitions(n):
        matrix = quotient(graph, blocks)
        raw = bytes([len(matrix)]) + matrix.tobytes()
        if raw not in memory:
            memory[raw] = canonical_matrix(matrix)
        row = vectors.setdefault(memory[raw], np.zeros(len(index), dtype=np.int64))
        row[index[tuple(sorted(map(len, blocks), reverse=True))]] += 1
    return vectors


def span_rank(graph: np.ndarray) -> tuple[int, int]:
    """Dimension of the span of X_G^H over all targets H, loops allowed, and the number of quotients of G.

    A star on n >= 4 vertices has 2n - 3.

    The rank is that over the rationals, by null vectors in integers.

    Args:
        graph: symmetric boolean adjacency matrix of G, (n, n) with n <= 10.

    Raises:
        ValueError: more than 10 vertices.
    """
    vectors = [vector.tolist() for vector in quotient_vectors(graph).values()]
    columns = len(partitions(len(graph)))
    return columns - len(null_vectors(vectors, columns)), len(vectors)


def large_target_rank(graph: np.ndarray) -> int:
    """Dimension of the span of X_G^H over the targets H with at least as many vertices as G, loops allowed.

    Each isolated vertex is a factor p_1, and multiplication by p_1 keeps dimensions; what remains has no image on an
    isolated vertex, so that small targets may be filled up and all of them count.

    Args:
        graph: as for `span_rank`.

    Raises:
        ValueError: more than 10 vertices.
    """
    joined = graph.any(axis=0)
    return span_rank(graph[np.ix_(joined, joined)])[0] if joined.any() else 1
