"""Directed graphs: enumeration, d-separation, Markov classes, distances.

A graph on d nodes has three forms: a boolean matrix (d, d) whose entry (j, i) says that j -> i; a networkx `DiGraph`;
and, if it is acyclic, a tuple `parents` of d bit masks, bit j of `parents[i]` set when j -> i, which is compact to
enumerate. `as_adjacency` and `as_dag` take any of them.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import combinations

import numpy as np

Dag = tuple[int, ...]


def bits(mask: int) -> Iterator[int]:
    """Indices of the set bits of a mask, increasing."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def mask_of(nodes: Iterable[int]) -> int:
    """The mask of a set of nodes."""
    mask = 0
    for node in nodes:
        mask |= 1 << int(node)
    return mask


def descendants(parents: Dag, node: int) -> int:
    """Mask of the nodes that a directed path from `node` leads to, without `node` itself."""
    reached, growing = 1 << node, True
    while growing:
        more = mask_of(i for i, mask in enumerate(parents) if mask & reached)
        growing = bool(more & ~reached)
        reached |= more
    return reached ^ (1 << node)


@cache
def all_dags(nodes: int) -> tuple[Dag, ...]:
    """All labelled directed acyclic graphs: 1, 3, 25, 543, 29281 of them for 1 to 5 nodes.

    The last node joins each smaller graph with every pair of parents and children that closes no cycle.

    Raises:
        ValueError: fewer than 1 or more than 5 nodes.
    """
    if not 1 <= nodes <= 5:
        raise ValueError(f"nodes: got {nodes}, expected 1 to 5")
    if nodes == 1:
        return ((0,),)
    new = nodes - 1
    graphs = []
    for smaller in all_dags(new):
        below = [descendants(smaller, i) | (1 << i) for i in range(new)]
        for above in range(1 << new):
            forbidden = mask_of(i for i in range(new) if below[i] & above)
            for children in range(1 << new):
                if not children & forbidden:
                    grown = [mask | ((children >> i & 1) << new) for i, mask in enumerate(smaller)]
                    graphs.append((*grown, above))
    return tuple(graphs)


def ancestral(parents: Dag, mask: int) -> int:
    """Nodes of a mask together with all their ancestors."""
    closed, rest = mask, mask
    while rest:
        more = 0
        for node in bits(rest):
            more |= parents[node]
        rest = more & ~closed
        closed |= more
    return closed


def d_separated(parents: Dag, x: int, y: int, z: int) -> bool:
    """Whether masks x and y are d-separated by z, in the moral graph of their ancestors (Lauritzen et al. 1990).

    Args:
        parents: the graph.
        x, y, z: disjoint masks of nodes.
    """
    neighbours = [0] * len(parents)
    for node in bits(ancestral(parents, x | y | z)):
        family = parents[node]
        for parent in bits(family):
            neighbours[parent] |= (1 << node) | (family & ~(1 << parent))
        neighbours[node] |= family
    reached = rest = x
    while rest:
        more = 0
        for node in bits(rest):
            more |= neighbours[node]
        rest = more & ~reached & ~z
        if rest & y:
            return False
        reached |= rest
    return True


def separations(parents: Dag, nodes: int | None = None) -> tuple[bool, ...]:
    """All statements "i and j are d-separated by Z" among the first `nodes` nodes, in a fixed order.

    Two graphs have the same answers exactly when they are Markov equivalent on these nodes.
    """
    nodes = len(parents) if nodes is None else nodes
    answers = []
    for i, j in combinations(range(nodes), 2):
        others = [k for k in range(nodes) if k not in (i, j)]
        for subset in range(1 << len(others)):
            z = mask_of(others[k] for k in bits(subset))
            answers.append(d_separated(parents, 1 << i, 1 << j, z))
    return tuple(answers)


def skeleton_and_colliders(parents: Dag) -> tuple[frozenset, frozenset]:
    """Adjacencies and unshielded colliders: two graphs are Markov equivalent when both agree (Verma and Pearl 1990)."""
    adjacent = frozenset(frozenset((i, j)) for i, mask in enumerate(parents) for j in bits(mask))
    colliders = frozenset(
        (frozenset((a, b)), i)
        for i, mask in enumerate(parents)
        for a, b in combinations(bits(mask), 2)
        if frozenset((a, b)) not in adjacent
    )
    return adjacent, colliders


def exchangeable_graph(parents: Dag, samples: int) -> Dag:
    """The graph of several samples with shared mechanisms: a copy for each sample, and one more parent per variable.

    Node i + d n is variable i of sample n; node d N + i is the mechanism parameter of variable i, a parent of that
    variable in every sample (the ICM graph of Guo et al. 2023; our reconstruction).
    """
    d = len(parents)
    copies = [(mask << (d * n)) | (1 << (d * samples + i)) for n in range(samples) for i, mask in enumerate(parents)]
    return (*copies, *([0] * d))


def as_adjacency(graph) -> np.ndarray:
    """Boolean matrix (d, d) of a directed graph in any form; entry (j, i) says that j -> i.

    Args:
        graph: parent masks, a matrix (d, d), or a networkx `DiGraph`, nodes in its order.

    Raises:
        ValueError: another shape.
    """
    if hasattr(graph, "adj"):
        import networkx as nx

        return nx.to_numpy_array(graph, dtype=bool)
    if isinstance(graph, tuple) and all(isinstance(mask, int) for mask in graph):
        return np.array([[bool(mask >> j & 1) for mask in graph] for j in range(len(graph))]).reshape((len(graph),) * 2)
    matrix = np.asarray(graph, bool)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"graph: got shape {matrix.shape}, expected (d, d)")
    return matrix


def as_dag(graph) -> Dag:
    """Parent masks of a directed acyclic graph in any form.

    Raises:
        ValueError: another shape, or a graph with a cycle.
    """
    dag = tuple(mask_of(np.flatnonzero(column)) for column in as_adjacency(graph).T)
    for node, mask in enumerate(dag):
        if (descendants(dag, node) | 1 << node) & mask:
            raise ValueError(f"graph: got a cycle through node {node}, expected an acyclic graph")
    return dag


def layers(graph) -> np.ndarray:
    """Layer of each node of an acyclic graph, (d,): 1 + the longest directed path from it to a sink."""
    import networkx as nx

    reverse = nx.DiGraph(as_adjacency(graph).T)
    layer = {node: n for n, nodes in enumerate(nx.topological_generations(reverse), 1) for node in nodes}
    return np.array([layer[node] for node in range(len(layer))])


def edge_distance(truth, estimate) -> float:
    """Directed edges in one graph only, over the edges of both: 0 for equal graphs, 1 when `estimate` alone is empty.

    The metric of the released code of Guo et al. 2023, a Jaccard-type distance and not the structural Hamming distance.

    Args:
        truth, estimate: graphs in any form; an edge in both directions counts as two.
    """
    truth, estimate = as_adjacency(truth), as_adjacency(estimate)
    if not estimate.any():
        return float(truth.any())
    return float(np.sum(truth != estimate) / (truth.sum() + estimate.sum()))


def structural_hamming_distance(truth, estimate) -> int:
    """Edges to insert, delete or turn round between two graphs in any form: a reversed edge counts once."""
    truth, estimate = as_adjacency(truth), as_adjacency(estimate)
    upper = np.triu_indices(len(truth), 1)
    return int(np.sum((truth[upper] != estimate[upper]) | (truth.T[upper] != estimate.T[upper])))
