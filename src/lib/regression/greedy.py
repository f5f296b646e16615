"""Sparse and low-rank fits to compare with, each as a path: greedy choices, thresholding, shrinkage, components.

A path is an array of fits (steps, n), so that the best step can be named by whoever knows the truth, or by validation.
"""

from math import comb

import numpy as np
from numba import njit

from lib.regression.homotopy import LassoPath, lasso_homotopy
from lib.regression.preconditioner import distances_from, residualise
from lib.regression.sparse import hard_threshold


def greedy_path(x, y, steps: int, *, renormalise: bool) -> tuple[np.ndarray, np.ndarray]:
    """Fits of least squares on columns that are chosen one after the other.

    Each step takes the column with the largest inner product with the residual (orthogonal matching pursuit, for
    columns of equal length), or with `renormalise` the one that lowers the residual most, by the columns' parts outside
    what is chosen already (forward stepwise selection, orthogonal least squares).

    Args:
        x: (n, d).
        y: (n,).
        steps: most columns; fewer where no column is left outside the span of those chosen.
        renormalise: which of the two.

    Returns:
        Fits (steps, n) after 1, 2, ... columns, and the columns (steps,).

    Raises:
        ValueError: fewer than one step.
    """
    if steps < 1:
        raise ValueError(f"steps: got {steps}, expected at least 1")
    x, residual = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    rest, basis = x.copy(), np.zeros((len(y), 0))
    fits, chosen = [], []
    for _ in range(min(steps, len(y))):
        lengths = distances_from(x, rest)
        products = np.abs(rest.T @ residual if renormalise else x.T @ residual)
        score = np.divide(products, lengths if renormalise else 1.0, out=np.zeros_like(lengths), where=lengths > 0)
        best = int(np.argmax(score))
        if not score[best] > 0:
            break
        direction = residualise(x[:, best], basis)
        direction = residualise(direction / np.linalg.norm(direction), basis)
        direction /= np.linalg.norm(direction)
        basis = np.column_stack([basis, direction])
        rest -= np.outer(direction, direction @ rest)
        rest -= np.outer(direction, direction @ rest)
        residual = residual - direction * (direction @ residual)
        chosen.append(best)
        fits.append(y - residual)
    return np.reshape(fits, (-1, len(y))), np.array(chosen, int)


def hard_thresholding_path(x, y, sizes, iterations: int = 500) -> np.ndarray:
    """Fits (sizes, n) of least squares on the columns at which iterative hard thresholding from zero ends.

    Args:
        x, y: (n, d) and (n,).
        sizes: numbers of columns that are kept.
        iterations: steps of size 1 over the largest eigenvalue of x^T x.
    """
    x = np.asarray(x, dtype=float)
    step = 1 / max(np.linalg.norm(x, 2) ** 2, np.finfo(float).tiny)
    fits = []
    for size in sizes:
        beta = np.zeros(x.shape[1])
        for _ in range(iterations):
            beta = hard_threshold(beta + step * (x.T @ (y - x @ beta)), size)
        fits.append(project(x[:, np.flatnonzero(beta)], y))
    return np.array(fits)


def project(columns, y) -> np.ndarray:
    """Least-squares fit (n,) of y on columns, which may be dependent; zero on none."""
    if not columns.shape[1]:
        return np.zeros(len(y))
    left, values, _ = np.linalg.svd(columns, full_matrices=False)
    left = left[:, values > 1e-12 * values[0]] if values[0] > 0 else left[:, :0]
    return left @ (left.T @ y)


def ridge_path(x, y, penalties) -> np.ndarray:
    """Fits (penalties, n) of ridge regression, |y - x b|^2 / n + penalty |b|^2, by one singular value decomposition."""
    left, values, _ = np.linalg.svd(x, full_matrices=False)
    shares = values**2 / (values**2 + len(y) * np.asarray(penalties, dtype=float)[:, None])
    return (shares * (left.T @ y)) @ left.T


def component_path(x, y, counts) -> np.ndarray:
    """Fits (counts, n) on the first principal components, without centring; beyond the rank, on the whole span."""
    left, values, _ = np.linalg.svd(x, full_matrices=False)
    left = left[:, values > 1e-14 * values[0]]
    return np.array([left[:, :count] @ (left[:, :count].T @ y) for count in counts])


def elastic_net_path(x, y, levels, ridge: float, *, until: float = 0.0) -> LassoPath:
    """Minimisers of |y - x b|^2 / (2 n) + level |b|_1 + ridge |b|^2 / 2, as the Lasso with d more rows.

    Fits are of the first n rows; arguments and gaps as of `lasso_homotopy`, `until` of all rows together.

    Raises:
        ValueError: a ridge that is not positive.
    """
    if not ridge > 0:
        raise ValueError(f"ridge: got {ridge}, expected a positive number")
    n, dim = np.shape(x)
    taller = np.vstack([x, np.sqrt(n * ridge) * np.eye(dim)])
    share = n / (n + dim)
    path = lasso_homotopy(
        taller, np.concatenate([y, np.zeros(dim)]), share * np.asarray(levels, dtype=float), until=share * until
    )
    return path._replace(levels=np.asarray(levels, dtype=float), fits=path.fits[:, :n])


def leading_basis(x, count: int) -> np.ndarray:
    """First left singular vectors (n, count) of x."""
    return np.linalg.svd(x, full_matrices=False)[0][:, :count]


def deflating_basis(x, rounds: int) -> np.ndarray:
    """Basis (n, rounds): in each round the first singular vector of what is left of the columns, at equal lengths."""
    basis = np.zeros((len(x), 0))
    for _ in range(rounds):
        rest = residualise(x, basis)
        lengths = distances_from(x, rest)
        if not np.any(lengths > 0):
            break
        direction = leading_basis(rest[:, lengths > 0] / lengths[lengths > 0], 1)[:, 0]
        direction = residualise(direction, basis)
        basis = np.column_stack([basis, direction / np.linalg.norm(direction)])
    return basis


def best_subset(x, y, size: int, limit: float = 5e7) -> tuple[np.ndarray, np.ndarray]:
    """Columns whose least-squares fit is best among all subsets of one size, by trying all of them.

    The subsets are walked depth first; what remains of every later column beside the ones chosen (its length and its
    product with y) is kept at each depth, so that a subset costs one division. Columns whose square length beside the
    ones chosen is below 1e-13 of the whole, the rounding of the Gram matrix, count as dependent.

    Args:
        x: (n, d).
        y: (n,).
        size: k, 1 to d.
        limit: most subsets that are tried.

    Returns:
        Columns (k,) and their fit (n,).

    Raises:
        ValueError: a size out of its range, or more subsets than the limit.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    dim = x.shape[1]
    if not 1 <= size <= dim:
        raise ValueError(f"size: got {size}, expected 1 to {dim}")
    if comb(dim, size) > limit:
        raise ValueError(
            f"size: got {size} of {dim} columns, {comb(dim, size):.2g} subsets, expected {limit:.2g} at most"
        )
    chosen = _walk_subsets(x.T @ x, x.T @ y, size)
    return chosen, project(x[:, chosen], y)


@njit(cache=True)
def _walk_subsets(gram, cross, size):
    """Subset of `size` with the largest explained square, from x^T x and x^T y."""
    dim = cross.size
    factor = np.zeros((size, dim))  # row t: the Cholesky factor's entries of all columns with the t-th chosen one
    rest, product = np.zeros((size, dim)), np.zeros((size, dim))  # square lengths and products with y that are left
    for j in range(dim):
        rest[0, j], product[0, j] = gram[j, j], cross[j]
    chosen, best = np.zeros(size, np.int64), np.arange(size)
    gains = np.zeros(size)
    record, depth, start = -1.0, 0, 0
    while True:
        if depth == size - 1:
            for j in range(start, dim):
                if rest[depth, j] > 1e-13 * gram[j, j]:
                    total = product[depth, j] * product[depth, j] / rest[depth, j]
                    if depth > 0:
                        total += gains[depth - 1]
                    if total > record:
                        record = total
                        for t in range(depth):
                            best[t] = chosen[t]
                        best[depth] = j
            depth -= 1
            if depth < 0:
                break
            start = chosen[depth] + 1
            continue
        j = start
        while j <= dim - (size - depth) and rest[depth, j] <= 1e-13 * gram[j, j]:
            j += 1
        if j > dim - (size - depth):
            depth -= 1
            if depth < 0:
                break
            start = chosen[depth] + 1
            continue
        chosen[depth] = j
        root = np.sqrt(rest[depth, j])
        gains[depth] = (gains[depth - 1] if depth > 0 else 0.0) + product[depth, j] ** 2 / rest[depth, j]
        for i in range(j + 1, dim):
            entry = gram[j, i]
            for t in range(depth):
                entry -= factor[t, j] * factor[t, i]
            entry /= root
            factor[depth, i] = entry
            rest[depth + 1, i] = rest[depth, i] - entry * entry
            product[depth + 1, i] = product[depth, i] - entry * product[depth, j] / root
        depth += 1
        start = j + 1
    return best
