"""Free trees as arrays of parents, and homomorphisms of a tree into itself.

The fibre type of an endomorphism f is the partition of n made of the sizes of its non-empty fibres; h_lambda counts the
endomorphisms of type lambda. The self-chromatic symmetric function of a tree carries the same information as the vector
(h_lambda) (our reconstruction from the definition of Eagles, Foley, Huang, Karangozishvili and Yu, arXiv:2011.06063).
"""

from collections.abc import Iterator
from functools import cache

import numpy as np

PRIMES = (2147483629, 2147483587)  # below 2^31, so that products fit into 64 bits


def parents(n: int) -> Iterator[list[int]]:
    """Every free tree on n vertices once, as parents in breadth-first order (the root's parent is -1).

    The trees come from networkx's generator of Wright, Richmond, Odlyzko and McKay.

    Raises:
        ValueError: n < 1.
    """
    import networkx as nx

    if n < 1:
        raise ValueError(f"n: got {n}, expected at least 1")
    if n == 1:
        yield [-1]
        return
    for tree in nx.nonisomorphic_trees(n):
        yield breadth_first(tree.edges, n)


def breadth_first(edges, n: int) -> list[int]:
    """Parents of a tree's vertices, renumbered in breadth-first order from vertex 0.

    Raises:
        ValueError: the edges do not form a tree on n vertices 0..n-1.
    """
    adjacent: list[list[int]] = [[] for _ in range(n)]
    number = 0
    for a, b in edges:
        adjacent[a].append(b)
        adjacent[b].append(a)
        number += 1
    order, seen, parent = [0], {0: 0}, [-1]
    for v in order:
        for w in sorted(adjacent[v]):
            if w not in seen:
                seen[w] = len(order)
                order.append(w)
                parent.append(seen[v])
    if number != n - 1 or len(order) != n:
        raise ValueError(f"edges: got {number} edges reaching {len(order)} of {n} vertices, expected a tree")
    return parent


def adjacency(parent: list[int]) -> list[list[int]]:
    """Neighbours of each vertex."""
    lists: list[list[int]] = [[] for _ in parent]
    for v, p in enumerate(parent):
        if p >= 0:
            lists[v].append(p)
            lists[p].append(v)
    return lists


def degrees(parent: list[int]) -> list[int]:
    """Degree of each vertex."""
    return [len(x) for x in adjacency(parent)]


def canonical(adjacent: list[list[int]]) -> tuple:
    """Canonical form of a free tree: the least nested-tuple code over its one or two centres."""
    n = len(adjacent)
    if n == 1:
        return ()
    degree = [len(x) for x in adjacent]
    layer, left = [v for v in range(n) if degree[v] == 1], n
    while left > 2:
        left -= len(layer)
        following = []
        for v in layer:
            for w in adjacent[v]:
                degree[w] -= 1
                if degree[w] == 1:
                    following.append(w)
        layer = following

    def code(v, up):
        return tuple(sorted(code(w, v) for w in adjacent[v] if w != up))

    return min(code(v, -1) for v in layer)


def special_point(parent: list[int], t: int, prime: int) -> int:
    """S_T(t) modulo a prime: the sum over endomorphisms f and vertices h of t^|f^-1(h)|.

    Up to a factor this is X_T^T at x_1 = t and all other variables 1: different values prove different functions, equal
    values prove nothing. The weights of all n special vertices h are carried along as one axis: O(n^3).
    """
    n = len(parent)
    a, b = np.array(parent[1:], dtype=np.int64), np.arange(1, n)
    weights = np.ones((n, n), dtype=np.uint64)
    np.fill_diagonal(weights, t % prime)
    partial = [weights.copy() for _ in range(n)]
    p = np.uint64(prime)
    for v in range(n - 1, 0, -1):
        spread = np.zeros((n, n), dtype=np.uint64)
        np.add.at(spread, a, partial[v][b])
        np.add.at(spread, b, partial[v][a])
        partial[parent[v]] = partial[parent[v]] * (spread % p) % p
    return int(np.sum(partial[0] % p, dtype=np.uint64) % p)


def endomorphisms(parent: list[int]) -> int:
    """Number of homomorphisms of the tree into itself, exactly."""
    adjacent = adjacency(parent)
    n = len(parent)
    partial = [[1] * n for _ in range(n)]
    for v in range(n - 1, 0, -1):
        up = partial[parent[v]]
        for x in range(n):
            up[x] *= sum(partial[v][y] for y in adjacent[x])
    return sum(partial[0])


def quotients(parent: list[int]) -> dict[tuple, dict[tuple[int, ...], int]]:
    """Quotients of a tree that are trees: isomorphism class to type to number of set partitions.

    Vertices are added in breadth-first order; each joins a block next to its parent's block, or opens a new one there.
    """
    n = len(parent)
    found: dict[tuple, dict] = {}
    block, size, adjacent = [0] * n, [1], [[]]

    @cache
    def shape(edges: tuple) -> tuple:
        lists: list[list[int]] = [[] for _ in range(len(edges) + 1)]
        for v, p in enumerate(edges, 1):
            lists[v].append(p)
            lists[p].append(v)
        return canonical(lists)

    ups: list[int] = []

    def visit(i):
        if i == n:
            types = found.setdefault(shape(tuple(ups)), {})
            key = tuple(sorted(size, reverse=True))
            types[key] = types.get(key, 0) + 1
            return
        at = block[parent[i]]
        for b in adjacent[at]:
            block[i] = b
            size[b] += 1
            visit(i + 1)
            size[b] -= 1
        new = len(size)
        block[i] = new
        size.append(1)
        adjacent[at].append(new)
        adjacent.append([at])
        ups.append(at)
        visit(i + 1)
        ups.pop()
        adjacent.pop()
        adjacent[at].pop()
        size.pop()

    visit(1)
    return found


def _permanent(rows: list[list[int]]) -> int:
    """Sum over injective choices of a column for each row of the product of the entries, by dynamic programming."""
    states = {0: 1}
    for row in rows:
        following: dict[int, int] = {}
        for used, value in states.items():
            for column, entry in enumerate(row):
                if entry and not used >> column & 1:
                    key = used | 1 << column
                    following[key] = following.get(key, 0) + value * entry
        states = following
    return sum(states.values())


def injective(shape: tuple, target: list[list[int]]) -> int:
    """Number of injective homomorphisms of a tree, given as nested tuples, into a tree given by neighbours.

    Branches of a tree cannot meet, so injectivity at every vertex is injectivity.
    """
    memory: dict = {}

    def ways(code, x, up):
        key = (code, x, up)
        if key not in memory:
            free = [y for y in target[x] if y != up]
            memory[key] = (
                _permanent([[ways(child, y, x) for y in free] for child in code]) if len(code) <= len(free) else 0
            )
        return memory[key]

    return sum(ways(shape, x, -1) for x in range(len(target)))


def endomorphism_types(parent: list[int]) -> dict[tuple[int, ...], int]:
    """h_lambda of a tree: the self-chromatic symmetric function, exactly (quotients times injections)."""
    target = adjacency(parent)
    types: dict[tuple[int, ...], int] = {}
    for shape, counted in quotients(parent).items():
        ways = injective(shape, target)
        if ways:
            for kind, number in counted.items():
                types[kind] = types.get(kind, 0) + number * ways
    return types


def spider(legs: list[int]) -> list[int]:
    """Parents of the spider with the given leg lengths.

    Raises:
        ValueError: fewer than three legs, or an empty one.
    """
    if len(legs) < 3 or min(legs) < 1:
        raise ValueError(f"legs: got {legs}, expected at least three lengths of at least 1")
    edges, number = [], 1
    for leg in legs:
        last = 0
        for _ in range(leg):
            edges.append((last, number))
            last, number = number, number + 1
    return breadth_first(edges, number)
