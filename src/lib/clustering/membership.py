"""Doubly stochastic membership: the entropic projection of a similarity, by Sinkhorn's scaling.

The projection of K at temperature eta minimises -<K, P> + eta sum P log P over matrices with unit row and column sums;
it is diag(exp(u / eta)) exp(K / eta) diag(exp(v / eta)). Few half-steps are differentiated through in training;
converged projections are made by a symmetric update, u = v, that keeps the matrix symmetric at every step.

Source: Ding et al. 2023, section 3; the symmetric update is that of Knight, Ruiz and Ucar 2014 in logarithms.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy import sparse

RANGE = 600.0  # spread of exponents for which the kernel and its scaling stay inside double precision


class Projection(NamedTuple):
    """A projection: the matrix (n, n), the largest error of a row or column sum, and how many steps were made."""

    membership: np.ndarray
    error: float
    steps: int


def check_similarity(shape: tuple[int, ...], finite: bool, eta: float) -> None:
    """Check the arguments of a projection.

    Raises:
        ValueError: not square, entries that are not finite, or a temperature that is not positive.
    """
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        raise ValueError(f"similarity: got shape {tuple(shape)}, expected (n, n) with n >= 1")
    if not finite:
        raise ValueError("similarity: got entries that are not finite")
    if not eta > 0:
        raise ValueError(f"eta: got {eta}, expected a positive number")


def sinkhorn(similarity: torch.Tensor, eta: float, half_steps: int = 5) -> torch.Tensor:
    """Approximate projection by half-steps u, v, u, ... in logarithms, differentiable.

    Rows are scaled last where the number is odd: row sums are then 1 and column sums nearly so.

    Args:
        similarity: (n, n).
        eta: temperature.
        half_steps: number of scalings.

    Raises:
        ValueError: as of `check_similarity`, or no half-step.
    """
    check_similarity(tuple(similarity.shape), bool(torch.isfinite(similarity).all()), eta)
    if half_steps < 1:
        raise ValueError(f"half_steps: got {half_steps}, expected at least 1")
    scaled = similarity / eta
    u = scaled.new_zeros(len(scaled))
    v = scaled.new_zeros(len(scaled))
    for step in range(half_steps):
        if step % 2:
            v = -torch.logsumexp(scaled + u[:, None], 0)
        else:
            u = -torch.logsumexp(scaled + v, 1)
    return (scaled + u[:, None] + v).exp()


def marginal_error(membership) -> tuple[float, float]:
    """Mean and largest error of row and column sums, which should be 1."""
    errors = np.abs(np.concatenate([np.sum(np.asarray(membership, float), axis) - 1 for axis in (0, 1)]))
    return float(errors.mean()), float(errors.max())


def project(similarity, eta: float, *, tolerance: float = 1e-6, steps: int | None = None, most: int = 20000):
    """Projection of a symmetric similarity, in double precision, by u <- (u - eta log sum exp((K + u) / eta)) / 2.

    Where the exponents' range allows, the kernel is exponentiated once and a step is a product with a vector;
    otherwise every step is made in logarithms.

    Args:
        similarity: (n, n), symmetric.
        eta: temperature.
        tolerance: largest error of a row sum at which to stop.
        steps: a fixed number of steps, without a look at the error.
        most: steps after which a projection that does not reach the tolerance is refused.

    Returns:
        A `Projection`; the matrix is symmetric.

    Raises:
        ValueError: as of `check_similarity`, not symmetric, or not converged.
    """
    similarity = np.asarray(similarity, float)
    check_similarity(similarity.shape, bool(np.isfinite(similarity).all()), eta)
    if not np.allclose(similarity, similarity.T, rtol=0, atol=1e-6 * max(1.0, np.abs(similarity).max())):
        raise ValueError("similarity: got a matrix that is not symmetric")
    scaled = (similarity - similarity.max()) / eta
    logarithmic = -scaled.min() > RANGE
    kernel = scaled if logarithmic else np.exp(scaled)
    u = np.zeros(len(kernel))  # logarithms of the scaling
    done = 0
    while done < (most if steps is None else steps):
        row = _log_sums(kernel, u) if logarithmic else np.log(kernel @ np.exp(u - u.max())) + u.max()
        error = np.abs(np.expm1(u + row)).max()
        if steps is None and error < tolerance:
            break
        u = (u - row) / 2
        done += 1
    else:
        if steps is None:
            raise ValueError(f"most: got {most} steps, after which row sums are off by {error:.1e} at eta = {eta}")
    exponents = (scaled if logarithmic else np.log(kernel, out=kernel)) + (u[:, None] + u)
    membership = np.exp(exponents, out=exponents)
    return Projection(membership, marginal_error(membership)[1], done)


def _log_sums(scaled: np.ndarray, u: np.ndarray) -> np.ndarray:
    shifted = scaled + u
    top = shifted.max(1)
    return np.log(np.exp(shifted - top[:, None]).sum(1)) + top


def project_blocks(
    directions: torch.Tensor, eta: float, *, top: int, block: int = 2048, tolerance: float = 1e-6, most: int = 2000
) -> tuple[sparse.csr_array, float]:
    """Projection of C C' for more samples than a dense matrix holds, the largest entries of each row alone.

    The similarity is made anew in blocks of rows at every step and never stored: memory O(block n + n top).

    Args:
        directions: (n, d) unit rows C, on any device.
        eta: temperature; 2 / eta must stay within the range of exponents.
        top: entries of each row to keep, before the result is made symmetric by its mean with its transpose.
        block: rows at once.
        tolerance, most: as of `project`.

    Returns:
        Sparse symmetric matrix and the largest error of a row sum before entries were dropped.

    Raises:
        ValueError: no directions, not finite, a temperature that is too low, or not converged.
    """
    c = directions.double()
    n = len(c)
    check_similarity((n, n), bool(torch.isfinite(c).all()), eta)
    if 2 / eta > RANGE:
        raise ValueError(f"eta: got {eta}, expected at least {2 / RANGE:.2g} for rows that are not stored")
    u = c.new_zeros(n)

    def kernel(start: int) -> torch.Tensor:
        return ((c[start : start + block] @ c.T - 1) / eta).exp()

    for _ in range(most):
        top_u = u.max()
        weight = (u - top_u).exp()
        row = torch.cat([kernel(start) @ weight for start in range(0, n, block)]).log() + top_u
        error = float(torch.expm1(u + row).abs().max())
        if error < tolerance:
            break
        u = (u - row) / 2
    else:
        raise ValueError(f"most: got {most} steps, after which row sums are off by {error:.1e} at eta = {eta}")
    values, columns = [], []
    for start in range(0, n, block):
        part = kernel(start) * (u[start : start + block, None] + u).exp()
        largest = part.topk(min(top, n), dim=1)
        values.append(largest.values.cpu().numpy())
        columns.append(largest.indices.cpu().numpy())
    values, columns = np.concatenate(values), np.concatenate(columns)
    matrix = sparse.csr_array((values.ravel(), columns.ravel(), np.arange(n + 1) * values.shape[1]), shape=(n, n))
    return ((matrix + matrix.T) / 2).tocsr(), error
