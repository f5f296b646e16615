"""The linear space that the covariances of a family of interventions span, and what follows from its dimension."""

import math

import numpy as np

from lib.scm.linear import LinearSEM


def span_bound(sites: int, in_degree: int) -> int:
    """Largest dimension 1 + (q + 1) s (s + 1) / 2 for s sites of in-degree q, whatever the number of nodes."""
    return 1 + (in_degree + 1) * sites * (sites + 1) // 2


def explicit_basis(sem: LinearSEM, sites) -> np.ndarray:
    """Matrices (r, n, n) that span the covariances under every mechanism of the sites on their parents.

    With the sites cut out V = A N + C X_S, where A and C are fixed. A covariance is A Cov(N) A^T, plus symmetric parts
    of A u C_j^T, plus C_i C_j^T; for the j-th site in causal order u lies in the span of Cov(N) A_p^T over the parents
    p of the sites up to j.

    Args:
        sem: the model; sites in an order in which causes come first.
        sites: nodes that are intervened on.

    Source: our derivation.
    """
    order = np.argsort(_depth(sem)[np.asarray(sites, int)], kind="stable")
    sites = np.asarray(sites, int)[order]
    cut = sem.coefficients.copy()
    cut[sites] = 0
    effects = np.linalg.inv(np.eye(len(sem)) - cut)
    direct = effects.copy()
    direct[:, sites] = 0  # A, with columns of the sites' own noises left out
    from_sites = effects[:, sites]  # C
    noise = sem.variances.copy()
    noise[sites] = 0
    basis = [(direct * noise) @ direct.T]
    functionals: list[np.ndarray] = []
    for j, site in enumerate(sites):
        functionals += [noise * direct[p] for p in sem.parents(site) if np.any(direct[p])]
        for u in functionals:
            part = np.outer(direct @ u, from_sites[:, j])
            basis.append(part + part.T)
    for i in range(len(sites)):
        for j in range(i + 1):
            part = np.outer(from_sites[:, i], from_sites[:, j])
            basis.append(part + part.T)
    return np.array(basis)


def _depth(sem: LinearSEM) -> np.ndarray:
    """Length of the longest path into each node: an order in which causes come first."""
    depth, edges = np.zeros(len(sem), int), sem.coefficients != 0
    for _ in range(len(sem)):
        depth = np.where(edges.any(axis=1), np.where(edges, depth[None, :], -1).max(axis=1) + 1, 0)
    return depth


def residuals(covariances, basis) -> np.ndarray:
    """Relative distance (E,) of each covariance from the span of a basis, every node scaled to one size."""
    covariances = np.asarray(covariances, float)
    scale = np.sqrt(np.mean(np.einsum("enn->en", covariances), axis=0))
    weight = scale[:, None] * scale
    vectors, columns = (np.reshape(part / weight, (len(part), -1)) for part in (covariances, np.asarray(basis)))
    left, values, _ = np.linalg.svd(columns.T, full_matrices=False)
    left = left[:, values > 1e-12 * values[0]]
    rest = vectors - (vectors @ left) @ left.T
    return np.linalg.norm(rest, axis=1) / np.linalg.norm(vectors, axis=1)


def covariance_span(covariances, tolerance: float = 1e-9) -> tuple[np.ndarray, int, float]:
    """Basis of the span of covariances, its dimension, and the gap of singular values that tells it.

    Args:
        covariances: (E, n, n); nodes are scaled to one size.
        tolerance: singular values below this times the largest do not count.

    Returns:
        Matrices (r, n, n) of the scaled covariances, the dimension r, and the last singular value kept over the first
        dropped, infinite where none is dropped.
    """
    covariances = np.asarray(covariances, float)
    n = covariances.shape[-1]
    scale = np.sqrt(np.mean(np.einsum("enn->en", covariances), axis=0))
    rows, columns = np.triu_indices(n)
    weight = np.where(rows == columns, 1, math.sqrt(2)) / (scale[rows] * scale[columns])
    vectors = covariances[:, rows, columns] * weight
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    _, values, right = np.linalg.svd(vectors, full_matrices=False)
    rank = int(np.sum(values > tolerance * values[0]))
    gap = values[rank - 1] / max(values[rank], np.finfo(float).tiny) if rank < len(values) else math.inf
    basis = np.zeros((rank, n, n))
    basis[:, rows, columns] = right[:rank] / weight
    basis[:, columns, rows] = basis[:, rows, columns]
    return basis, rank, float(gap)


def vc_bound(width: int, rank: int) -> float:
    """Bound 4 k r log2(6 k) on the VC dimension of the sets of violated environments."""
    return 4 * width * rank * math.log2(6 * width)


def pac_sample_size(dimension: float, delta: float, zeta: float) -> int:
    """Number of training interventions that is enough, by the realisable PAC bound.

    max(4 / delta log2(2 / zeta), 8 v / delta log2(13 / delta)) for VC dimension v, share delta of violated environments
    and probability zeta of failure.

    Raises:
        ValueError: a share or a probability outside (0, 1).

    Source: Blumer, Ehrenfeucht, Haussler, Warmuth 1989.
    """
    for name, value in (("delta", delta), ("zeta", zeta)):
        if not 0 < value < 1:
            raise ValueError(f"{name}: got {value}, expected a number between 0 and 1")
    return math.ceil(max(4 / delta * math.log2(2 / zeta), 8 * dimension / delta * math.log2(13 / delta)))


def pac_share(dimension: float, interventions: int, zeta: float = 0.05) -> float:
    """Smallest share delta that the same bound certifies for a number of interventions; 1 where it certifies none."""
    low, high = 1e-9, 1 - 1e-9
    if pac_sample_size(dimension, high, zeta) > interventions:
        return 1.0
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if pac_sample_size(dimension, middle, zeta) > interventions else (low, middle)
    return high
