"""Free trees as lists of parents, and homomorphisms of a tree into graphs, itself above all.

The fibre type of an endomorphism f is the partition of n made of the sizes of its non-empty fibres; h_lambda counts the
endomorphisms of type lambda. The self-chromatic symmetric function of a tree carries the same information as the vector
(h_lambda) (our reconstruction from the definition of Eagles, Foley, Huang, Karangozishvili and Yu, arXiv:2011.06063).
"""

from collections.abc import Iterator
from functools import cache
from itertools import combinations

import networkx as nx
import numpy as np
from numba import njit

PRIMES = (2147483629, 2147483587)  # below 2^31, so that products fit into 64 bits


def parents(n: int) -> Iterator[list[int]]:
    """Every free tree on n vertices once, as parents in breadth-first order (the root's parent is -1).

    The trees come from networkx's generator of Wright, Richmond, Odlyzko and McKay.

    Raises:
        ValueError: n < 1.
    """
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
    order, place, parent = [0], {0: 0}, [-1]
    for v in order:
        for w in sorted(adjacent[v]):
            if w not in place:
                place[w] = len(order)
                order.append(w)
                parent.append(place[v])
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


def to_graph(parent: list[int]) -> nx.Graph:
    """The tree as a networkx graph on 0..n-1."""
    graph = nx.empty_graph(len(parent))
    graph.add_edges_from((v, p) for v, p in enumerate(parent) if p >= 0)
    return graph


def class_sizes(parent: list[int]) -> tuple[int, int]:
    """Sizes a >= b of the two classes of a tree: its vertices at even and at odd depth."""
    depth = [0] * len(parent)
    for v in range(1, len(parent)):
        depth[v] = 1 - depth[parent[v]]
    return max(sum(depth), len(depth) - sum(depth)), min(sum(depth), len(depth) - sum(depth))


def is_spider(parent: list[int]) -> bool:
    """Whether exactly one vertex has a degree of at least 3."""
    return sum(degree >= 3 for degree in degrees(parent)) == 1


def caterpillar_spine(parent: list[int]) -> int:
    """Number of vertices that are not leaves where they form a path, at least one vertex long; 0 for other trees."""
    graph = to_graph(parent)
    inner = graph.subgraph([v for v in graph if graph.degree(v) > 1])
    is_path = len(inner) and nx.is_connected(inner) and max(dict(inner.degree).values()) <= 2
    return len(inner) if is_path else 0


def degrees(parent: list[int]) -> list[int]:
    """Degree of each vertex."""
    return [len(x) for x in adjacency(parent)]


def canonical(adjacent: list[list[int]]) -> tuple:
    """Canonical form of a free tree: the least nested-tuple code over its one or two centres."""
    n = len(adjacent)
    if n == 1:
        return ()
    degree = [len(x) for x in adjacent]
    layer, remaining = [v for v in range(n) if degree[v] == 1], n
    while remaining > 2:
        remaining -= len(layer)
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
    values prove nothing. O(n^3).
    """
    return int(_special_point(np.array(parent, dtype=np.int64), np.uint64(t % prime), np.uint64(prime)))


@njit(cache=True)
def _special_point(parent, t, prime):
    """`special_point` for primes below 2^31, so that a product and a sum of n residues fit into 64 bits."""
    n = len(parent)
    total = np.uint64(0)
    partial, spread = np.empty((n, n), dtype=np.uint64), np.empty(n, dtype=np.uint64)
    for special in range(n):
        partial[:] = np.uint64(1)
        partial[:, special] = t
        for v in range(n - 1, 0, -1):
            spread[:] = np.uint64(0)
            for x in range(1, n):
                spread[parent[x]] += partial[v, x]
                spread[x] += partial[v, parent[x]]
            up = parent[v]
            for x in range(n):
                partial[up, x] = partial[up, x] * (spread[x] % prime) % prime
        for x in range(n):
            total += partial[0, x]
    return total % prime


def homomorphisms(parent: list[int], target: list[list[int]]) -> int:
    """Number of homomorphisms of a tree into a graph given by the neighbours of its vertices, exactly."""
    partial = [[1] * len(target) for _ in parent]
    for v in range(len(parent) - 1, 0, -1):
        up = partial[parent[v]]
        for x in range(len(target)):
            up[x] *= sum(partial[v][y] for y in target[x])
    return sum(partial[0])


def endomorphisms(parent: list[int]) -> int:
    """Number of homomorphisms of the tree into itself, exactly."""
    return homomorphisms(parent, adjacency(parent))


def homomorphisms_onto(parent: list[int], target: list[list[int]], image: list[int]) -> int:
    """Number of homomorphisms of a tree into a graph whose image is a set of vertices, by inclusion and exclusion.

    Args:
        parent: the tree.
        target: neighbours of the graph's vertices.
        image: the vertices, each once; 2^len(image) subgraphs are counted.
    """
    total = 0
    for size in range(1, len(image) + 1):
        for subset in combinations(image, size):
            inside = [[subset.index(y) for y in target[x] if y in subset] for x in subset]
            total += (-1) ** (len(image) - size) * homomorphisms(parent, inside)
    return total


def three_vertex_endomorphisms(parent: list[int]) -> int:
    """Number of endomorphisms whose image has three vertices, counted over every path y - v - z of the tree."""
    adjacent = adjacency(parent)
    paths = [[y, v, z] for v in range(len(parent)) for y in adjacent[v] for z in adjacent[v] if y < z]
    return sum(homomorphisms_onto(parent, adjacent, path) for path in paths)


def quotients(parent: list[int]) -> dict[tuple, dict[tuple[int, ...], int]]:
    """Quotients of a tree that are trees: isomorphism class to type to number of set partitions.

    Vertices are added in breadth-first order; each joins a block next to its parent's block, or opens a new one there.
    """
    n = len(parent)
    counts: dict[tuple, dict] = {}
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
            types = counts.setdefault(shape(tuple(ups)), {})
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
    return counts


@cache
def _branches(shape: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Children of a nested tuple's vertices in breadth-first order: vertex v has first[v] to first[v + 1] - 1."""
    order, first = [shape], [1]
    for code in order:
        order.extend(code)
        first.append(len(order))
    return np.array(first, dtype=np.int64), np.array([len(code) for code in order], dtype=np.int64)


@njit(cache=True)
def _injective(first, children, parent):
    """Injective homomorphisms of a rooted tree into a tree on n vertices, by dynamic programming from the leaves.

    ways[v, y, x] counts the maps of the branch at v with v at y that avoid y's neighbour x (x = n: no neighbour is
    avoided). Branches go to different neighbours of y: a permanent, built up over subsets of the neighbours.
    """
    n, size = len(parent), len(children)
    degree = np.zeros(n, dtype=np.int64)
    for v in range(1, n):
        degree[v] += 1
        degree[parent[v]] += 1
    near, filled = np.empty((n, degree.max() if n > 1 else 1), dtype=np.int64), np.zeros(n, dtype=np.int64)
    for v in range(1, n):
        up = parent[v]
        near[v, filled[v]], near[up, filled[up]] = up, v
        filled[v] += 1
        filled[up] += 1
    ways = np.zeros((size, n, n + 1), dtype=np.int64)
    states = np.zeros(1 << degree.max(), dtype=np.int64)
    for v in range(size - 1, -1, -1):
        below = children[v]
        for y in range(n):
            for place in range(degree[y] + 1):
                avoided = near[y, place] if place < degree[y] else n
                if below == 0:
                    ways[v, y, avoided] = 1
                    continue
                if below > degree[y] - (place < degree[y]):
                    continue
                if v > 0 and avoided == n:
                    continue
                if below == 1:
                    total = np.int64(0)
                    for k in range(degree[y]):
                        if k != place:
                            total += ways[first[v], near[y, k], y]
                    ways[v, y, avoided] = total
                    continue
                count = 1 << degree[y]
                states[:count] = 0
                states[0] = 1
                total = np.int64(0)
                # children in turn take a neighbour; a subset's number of elements tells whose turn it is
                for subset in range(count):
                    value = states[subset]
                    if value == 0:
                        continue
                    turn, rest = 0, subset
                    while rest:
                        rest &= rest - 1
                        turn += 1
                    if turn == below:
                        total += value
                        continue
                    child = first[v] + turn
                    for k in range(degree[y]):
                        if k != place and not (subset >> k) & 1:
                            states[subset | (1 << k)] += value * ways[child, near[y, k], y]
                ways[v, y, avoided] = total
    total = np.int64(0)
    for y in range(n):
        total += ways[0, y, n]
    return total


def injective(shape: tuple, parent: list[int]) -> int:
    """Number of injective homomorphisms of a tree, as nested tuples, into a tree, as parents.

    Branches of a tree cannot meet, so injectivity at every vertex is injectivity.

    Raises:
        ValueError: a target of more than 20 vertices, where counts may exceed 64 bits.
    """
    if len(parent) > 20:
        raise ValueError(f"parent: got a tree on {len(parent)} vertices, expected at most 20")
    return int(_injective(*_branches(shape), np.array(parent, dtype=np.int64)))


def endomorphism_types(parent: list[int]) -> dict[tuple[int, ...], int]:
    """h_lambda of a tree: the self-chromatic symmetric function, exactly (quotients times injections)."""
    types: dict[tuple[int, ...], int] = {}
    for shape, counts in quotients(parent).items():
        ways = injective(shape, parent)
        if ways:
            for kind, number in counts.items():
                types[kind] = types.get(kind, 0) + number * ways
    return types


def spider(legs: list[int]) -> list[int]:
    """Parents of the spider with these leg lengths.

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
