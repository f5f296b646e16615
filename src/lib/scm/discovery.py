"""Causal discovery from exchangeable data by tests across samples (Guo et al. 2023).

The algorithm asks a function `ci(x, y, z)` for the p-value of "x independent of y given z", where x and y are
(variable, sample) pairs and z is a list of them, samples numbered 0 and 1. `from_data` makes such a function from data
and a test of `lib.scm.independence`, `oracle` makes one from a graph.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lib.graphs.dags import Dag, as_adjacency, as_dag, bits, d_separated, descendants, exchangeable_graph, mask_of
from lib.scm.independence import IndependenceTest

Query = Callable[[tuple[int, int], tuple[int, int], list[tuple[int, int]]], float]
Test = Callable[[np.ndarray, np.ndarray, np.ndarray | None], IndependenceTest]
VARIANTS = ("corrected", "released", "local", "first")


class Discovery(NamedTuple):
    """Adjacency (d, d) with (j, i) for j -> i, layer of each variable (1: sinks, 0: none), variables without a pass."""

    adjacency: np.ndarray
    layers: np.ndarray
    unplaced: int


class Direction(NamedTuple):
    """Index of the structure in x->y, y->x, none; p-values of the three tests."""

    choice: int
    p_forward: float
    p_backward: float
    p_none: float


def bivariate_rule(x: np.ndarray, y: np.ndarray, test: Test, alpha: float = 0.05) -> Direction:
    """Direction between two variables from two samples of each environment.

    X -> Y asks for X_1 independent of Y_2 given X_2, Y -> X for Y_1 independent of X_2 given Y_2, no edge for X_1
    independent of Y_1. Where no pattern of acceptances fits, the hypothesis of largest p-value wins.

    Args:
        x, y: (E, 2) data; environments are rows.
        test: `test(a, b, z)` tests vectors (E,), z perhaps None.
        alpha: level.

    Raises:
        ValueError: there are not two samples of each environment.
    """
    for name, data in (("x", x), ("y", y)):
        if np.ndim(data) != 2 or np.shape(data)[1] < 2:
            raise ValueError(f"{name}: got shape {np.shape(data)}, expected (environments, 2), two samples of each")
    forward = test(x[:, 0], y[:, 1], x[:, 1]).pvalue
    backward = test(y[:, 0], x[:, 1], y[:, 1]).pvalue
    none = test(x[:, 0], y[:, 0], None).pvalue
    accepted = (forward >= alpha, backward >= alpha, none >= alpha)
    patterns = {(True, False, False): 0, (False, True, False): 1, (True, True, True): 2}
    choice = patterns.get(accepted, int(np.argmax([forward, backward, none])))
    return Direction(choice, forward, backward, none)


def causal_de_finetti(variables: int, ci: Query, alpha: float = 0.05, variant: str = "corrected") -> Discovery:
    """Find the graph layer by layer from its sinks, then the edges between layers.

    A remaining variable i is a sink of the rest R when X_i of sample 1 is independent of every X_k of sample 2 given
    the rest of sample 1. Edges into a layer from the one above are tested given all higher layers; edges that skip
    layers given the higher layers, the coparents of the source in its layer, and the parents identified so far.

    Args:
        variables: number d.
        ci: p-values by variables and samples.
        alpha: level.
        variant: "corrected"; "released", which leaves out coparents, as the released code does by mistake, and leaves
            variables unplaced when no test passes; "local", which conditions on all layers above the target; "first",
            the authors' first release: with coparents, and with variables unplaced when no test passes.

    Raises:
        ValueError: an unknown variant.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant: got {variant!r}, expected one of {', '.join(VARIANTS)}")
    layers, unplaced = _find_layers(variables, ci, alpha, variant)
    edges = np.zeros((variables, variables), bool)
    height = max(layers, default=0)
    members = {n: [i for i in range(variables) if layers[i] == n] for n in range(1, height + 1)}
    for delta in range(1, height):
        for n in range(delta + 1, height + 1):
            higher = [i for m in range(n + 1, height + 1) for i in members[m]]
            for j in members[n]:
                for k in members[n - delta]:
                    condition = set(higher)
                    if variant == "local":
                        condition |= {i for m in range(n - delta + 1, n + 1) for i in members[m]} - {j}
                    elif delta > 1:
                        if variant != "released":
                            condition |= {i for i in members[n] if i != j and edges[i, edges[j]].any()}
                        condition |= {i for i in np.flatnonzero(edges[:, k]).tolist() if layers[i] < n}
                    if ci((j, 0), (k, 0), [(i, 0) for i in sorted(condition)]) <= alpha:
                        edges[j, k] = True
    return Discovery(edges, np.array(layers), unplaced)


def _find_layers(variables: int, ci: Query, alpha: float, variant: str) -> tuple[list[int], int]:
    layers = [0] * variables
    rest, level, unplaced = list(range(variables)), 0, 0
    while rest:
        level += 1
        least = {}
        for i in rest:
            others = [k for k in rest if k != i]
            condition = [(k, 0) for k in others]
            least[i] = min((ci((i, 0), (k, 1), condition) for k in others), default=1.0)
        sinks = [i for i in rest if least[i] >= alpha]
        if not sinks and variant in ("released", "first"):
            return layers, len(rest)
        if not sinks:  # finite samples only: the variable that comes closest
            sinks, unplaced = [max(rest, key=least.get)], unplaced + 1
        for i in sinks:
            layers[i] = level
        rest = [i for i in rest if i not in sinks]
    return layers, unplaced


def oracle(graph) -> Query:
    """Answers 1 or 0 by d-separation in the graph of two samples with shared mechanisms.

    Args:
        graph: an acyclic graph in any form of `lib.graphs.dags`.

    Raises:
        ValueError: a graph with a cycle.
    """
    parents = as_dag(graph)
    samples = exchangeable_graph(parents, 2)
    d = len(parents)

    def ci(x, y, z) -> float:
        node = [1 << (variable + d * sample) for variable, sample in (x, y, *z)]
        return float(d_separated(samples, node[0], node[1], sum(node[2:])))

    return ci


def from_data(data: np.ndarray, test: Test) -> Query:
    """P-values of a test on data.

    Args:
        data: (d, E, 2), two samples of each environment.
        test: `test(a, b, z)` for vectors (E,) and z (E, k) or None.

    Raises:
        ValueError: there are not two samples of each environment.
    """
    data = np.asarray(data)
    if data.ndim != 3 or data.shape[2] < 2:
        raise ValueError(f"data: got shape {data.shape}, expected (variables, environments, 2), two samples of each")

    def ci(x, y, z) -> float:
        condition = np.stack([data[v, :, s] for v, s in z], axis=1) if z else None
        return test(data[x[0], :, x[1]], data[y[0], :, y[1]], condition).pvalue

    return ci


def theorem_statements(variables: int) -> list[tuple[int, int, int]]:
    """All (i, parents, other nondescendants) that the theorem can list, masks over the other variables."""
    statements = []
    for i in range(variables):
        others = ((1 << variables) - 1) ^ (1 << i)
        for above in _submasks(others):
            statements += [(i, above, beside) for beside in _submasks(others & ~above)]
    return statements


def theorem_holds(parents: Dag, statements: list[tuple[int, int, int]]) -> np.ndarray:
    """Which statements hold in the graph of two samples: (len(statements),) booleans.

    A statement says that X_i of sample 1 is independent of its other nondescendants of sample 1 and of all its
    nondescendants of sample 2 given its parents of sample 1 (multivariate theorem of Guo et al. 2023, from memory).
    """
    d = len(parents)
    graph = exchangeable_graph(parents, 2)

    def one(i: int, above: int, beside: int) -> bool:
        other = beside | ((above | beside) << d)
        return not other or d_separated(graph, 1 << i, other, above)

    return np.array([one(*statement) for statement in statements])


def theorem_list(parents: Dag) -> list[tuple[int, int, int]]:
    """The statements that the theorem lists for one graph, one for each variable."""
    nodes = (1 << len(parents)) - 1
    return [(i, mask, nodes & ~(1 << i) & ~descendants(parents, i) & ~mask) for i, mask in enumerate(parents)]


def theorem_mismatches(graphs: tuple[Dag, ...]) -> tuple[int, int]:
    """How often "the list of G' holds under G exactly when G is part of G'" fails.

    Args:
        graphs: acyclic graphs on the same nodes.

    Returns:
        Number of ordered pairs of graphs, and of those for which it fails.
    """
    statements = theorem_statements(len(graphs[0]))
    index = {statement: i for i, statement in enumerate(statements)}
    holds = np.stack([theorem_holds(graph, statements) for graph in graphs])
    listed = np.array([[index[statement] for statement in theorem_list(graph)] for graph in graphs])
    edges = np.stack([as_adjacency(graph).ravel() for graph in graphs])
    contained = ~(edges[:, None] & ~edges[None]).any(axis=2)
    return contained.size, int(np.sum(holds[:, listed].all(axis=2) != contained))


def _submasks(mask: int) -> list[int]:
    members = list(bits(mask))
    return [mask_of(members[k] for k in bits(subset)) for subset in range(1 << len(members))]
