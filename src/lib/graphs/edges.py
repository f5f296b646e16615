"""Scores of recovered edges against a known undirected graph."""

import numpy as np


def edge_auroc(score, adjacency) -> np.ndarray:
    """Area under the ROC curve of edge scores over all pairs of nodes.

    Args:
        score: (..., D, D) symmetric, larger where an edge is more likely; the diagonal is not read.
        adjacency: (..., D, D) boolean, of the same leading axes.

    Returns:
        (...), the probability that an edge has a larger score than a pair without one, ties counted half.

    Raises:
        ValueError: shapes differ, a score is not finite, or a graph has no edges or no missing ones.
    """
    from sklearn.metrics import roc_auc_score

    score, adjacency = np.asarray(score, dtype=float), np.asarray(adjacency, dtype=bool)
    if score.shape != adjacency.shape or score.ndim < 2 or score.shape[-1] != score.shape[-2]:
        raise ValueError(f"score, adjacency: got shapes {score.shape} and {adjacency.shape}, expected both (..., D, D)")
    upper = np.triu_indices(score.shape[-1], 1)
    pairs = score[..., upper[0], upper[1]].reshape(-1, len(upper[0]))
    edges = adjacency[..., upper[0], upper[1]].reshape(-1, len(upper[0]))
    if not np.isfinite(pairs).all():
        raise ValueError("score: got entries that are not finite, expected finite ones off the diagonal")
    if np.any(edges.all(axis=1) | ~edges.any(axis=1)):
        raise ValueError("adjacency: got a graph that is empty or complete, expected edges and missing edges")
    area = np.array([roc_auc_score(e, p) for e, p in zip(edges, pairs)])
    return area.reshape(score.shape[:-2])
