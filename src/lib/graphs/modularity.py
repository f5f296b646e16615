"""Modules of a layered graph of interactions: communities, their modularity, and how well they match planted blocks.

Source: weights that are logarithms of interactions after Bushnaq et al., arXiv 2405.10927, section 5; modularity after
Newman, Physical Review E 69 (2004) 066133.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def interaction_graph(
    strengths: Sequence[np.ndarray], thresholds: Sequence[float], logarithmic: bool = True
) -> np.ndarray:
    """Symmetric weights (nodes, nodes) of a layered graph, nodes in the order of the layers.

    Args:
        strengths: E of each layer, (k', k) to k' nodes of the next node layer from k of this one, not negative.
        thresholds: epsilon of each layer; weaker edges are left out.
        logarithmic: weights log10(E / epsilon); otherwise E itself.

    Raises:
        ValueError: layers that do not follow each other, or thresholds that are not positive.
    """
    for before, after in pairwise(strengths):
        if before.shape[0] != after.shape[1]:
            raise ValueError(
                f"strengths: got layers of shapes {before.shape} and {after.shape}, expected (k', k), (., k')"
            )
    if min(thresholds) <= 0:
        raise ValueError(f"thresholds: got {min(thresholds)}, expected positive ones")
    sizes = [strengths[0].shape[1], *(layer.shape[0] for layer in strengths)]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    graph = np.zeros((starts[-1], starts[-1]))
    for place, (layer, threshold) in enumerate(zip(strengths, thresholds)):
        ratio = np.maximum(layer / threshold, 1)
        weights = np.log10(ratio) if logarithmic else np.where(ratio > 1, layer, 0)
        here, following = slice(*starts[place : place + 2]), slice(*starts[place + 1 : place + 3])
        graph[following, here], graph[here, following] = weights, weights.T
    return graph


def modularity(weights: np.ndarray, labels: Sequence[int], resolution: float = 1.0) -> float:
    """Newman's modularity of a partition of an undirected weighted graph.

    Args:
        weights: symmetric (nodes, nodes).
        labels: community of each node.
        resolution: weight of what a random graph of the same degrees would have.

    Raises:
        ValueError: weights that are not symmetric, or a graph without edges.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.ndim != 2 or not np.array_equal(weights, weights.T):
        raise ValueError("weights: got a matrix that is not symmetric, expected an undirected graph")
    degree, total = weights.sum(axis=1), weights.sum()
    if total <= 0:
        raise ValueError("weights: got a graph without edges, expected some")
    same = np.equal.outer(labels, labels)
    return float(np.sum((weights - resolution * np.outer(degree, degree) / total) * same) / total)


def communities(weights: np.ndarray, seeds: Sequence[int] = range(5)) -> tuple[np.ndarray, float]:
    """Communities by Louvain's method of networkx, the best of several seeds, and their modularity.

    Args:
        weights: symmetric (nodes, nodes).
        seeds: of the order in which nodes are looked at.

    Returns:
        Labels (nodes,), and the modularity.

    Raises:
        ValueError: as `modularity`.
    """
    import networkx as nx

    graph = nx.from_numpy_array(np.asarray(weights, dtype=float))
    best, score = None, -np.inf
    for seed in seeds:
        labels = np.empty(len(weights), dtype=int)
        for label, members in enumerate(nx.community.louvain_communities(graph, seed=seed)):
            labels[list(members)] = label
        value = modularity(weights, labels)
        if value > score:
            best, score = labels, value
    return best, score


def purity(labels: np.ndarray, blocks: np.ndarray) -> float:
    """Share of nodes that belong to the majority block of their community, over communities of two nodes and more.

    Args:
        labels: community of each node.
        blocks: planted block of each node, from 0.

    Raises:
        ValueError: every community is a single node.
    """
    table = np.zeros((np.max(labels) + 1, np.max(blocks) + 1))
    np.add.at(table, (labels, blocks), 1)
    table = table[table.sum(axis=1) >= 2]
    if not len(table):
        raise ValueError("labels: got communities of single nodes, expected some of two nodes and more")
    return float(table.max(axis=1).sum() / table.sum())


def shuffled_purity(labels: np.ndarray, blocks: np.ndarray, rng: np.random.Generator, shuffles: int = 200) -> float:
    """Mean purity of the same communities when the blocks are dealt to the nodes at random."""
    return float(np.mean([purity(labels, rng.permutation(blocks)) for _ in range(shuffles)]))
