"""Spectral clustering of an affinity, graphs of nearest neighbours, and how well labels agree with classes."""

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.sparse.linalg import eigsh
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.neighbors import kneighbors_graph

DENSE = 400  # rows up to which all eigenvectors are computed at once


def clustering_accuracy(classes, labels) -> float:
    """Share of samples on the best one-to-one match of clusters to classes (Hungarian); their numbers may differ.

    Raises:
        ValueError: no samples, or different numbers of them.
    """
    classes, labels = np.asarray(classes), np.asarray(labels)
    if classes.shape != labels.shape or classes.ndim != 1 or len(classes) == 0:
        raise ValueError(f"labels: got shape {labels.shape} beside {classes.shape}, expected equal lengths above 0")
    table = contingency(classes, labels)
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / len(classes))


def contingency(classes, labels) -> np.ndarray:
    """Counts (classes, clusters) of samples in each class and cluster, in the order of their sorted values."""
    rows, columns = (np.unique(values, return_inverse=True)[1] for values in (classes, labels))
    table = np.zeros((rows.max() + 1, columns.max() + 1), int)
    np.add.at(table, (rows, columns), 1)
    return table


def match_clusters(classes, labels) -> np.ndarray:
    """For each sample, the class to which its cluster is matched; -1 where the cluster has none."""
    names = np.unique(classes)
    rows, columns = linear_sum_assignment(contingency(classes, labels), maximize=True)
    clusters = np.unique(labels, return_inverse=True)[1]
    result = np.full(clusters.max() + 1, -1, dtype=np.result_type(names, int))
    result[columns] = names[rows]
    return result[clusters]


def scores(classes, labels) -> tuple[float, float, float]:
    """Accuracy, normalised mutual information (arithmetic mean) and adjusted Rand index."""
    return (
        clustering_accuracy(classes, labels),
        float(normalized_mutual_info_score(classes, labels)),
        float(adjusted_rand_score(classes, labels)),
    )


def leading_eigenvectors(affinity, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k + 1 largest eigenvalues of D^-1/2 W D^-1/2, descending, and the vectors (n, k) of the first k.

    Args:
        affinity: (n, n) W, symmetric, not negative, dense or sparse.
        k: number of vectors, below n.

    Raises:
        ValueError: as of `affinity`, or k outside [1, n - 1].
    """
    n = affinity.shape[0]
    if affinity.shape != (n, n) or not 1 <= k < n:
        raise ValueError(f"k: got {k} of an affinity of shape {affinity.shape}, expected 1 to n - 1 of a square one")
    values = affinity.data if sparse.issparse(affinity) else affinity
    if not np.isfinite(values).all() or (values < 0).any():
        raise ValueError("affinity: got entries that are negative or not finite")
    degree = np.asarray(affinity.sum(1), float).ravel()
    scale = np.where(degree > 0, degree, 1) ** -0.5
    if sparse.issparse(affinity):
        normalised = sparse.diags_array(scale) @ affinity @ sparse.diags_array(scale)
    else:
        normalised = scale[:, None] * affinity * scale
    if n <= max(DENSE, 4 * (k + 1)):
        values, vectors = np.linalg.eigh(normalised.toarray() if sparse.issparse(normalised) else normalised)
        values, vectors = values[-k - 1 :], vectors[:, -k - 1 :]
    else:
        start = np.random.default_rng(0).standard_normal(n)
        values, vectors = eigsh(normalised, k + 1, which="LA", v0=start, ncv=min(n, 4 * (k + 1) + 20), tol=1e-8)
    order = np.argsort(values)[::-1]
    return values[order], vectors[:, order[:k]]


def unit_rows(x: np.ndarray) -> np.ndarray:
    """Rows of length 1; rows of zeros stay."""
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return x / np.where(length > 0, length, 1)


def kmeans_labels(x, k: int, seeds, n_init: int = 10) -> np.ndarray:
    """Labels (seeds, n) of k-means, the best of `n_init` starts for each seed."""
    return np.stack([KMeans(k, n_init=n_init, random_state=int(seed)).fit_predict(x) for seed in seeds])


def spectral_labels(affinity, k: int, seeds=(0,), n_init: int = 10) -> np.ndarray:
    """Labels (seeds, n) of spectral clustering: k leading eigenvectors, rows of length 1, k-means.

    The eigenvectors are computed once for all seeds.

    Args:
        affinity: (n, n), as of `leading_eigenvectors`.
        k: number of clusters.
        seeds: of k-means.
        n_init: starts for each seed.
    """
    return kmeans_labels(unit_rows(leading_eigenvectors(affinity, k)[1]), k, seeds, n_init)


def neighbour_affinity(x, neighbours: int) -> sparse.csr_array:
    """Mean of the graph of nearest neighbours and its transpose.

    Args:
        x: (n, d).
        neighbours: of each sample, itself not counted.
    """
    graph = sparse.csr_array(kneighbors_graph(x, neighbours))
    return ((graph + graph.T) / 2).tocsr()
