"""Exact draws of projection determinantal point processes of an orthonormal basis, many at a time."""

import numpy as np
from scipy.linalg import lapack

from lib.sampling.basis import OrthonormalBasis

VALUES_AT_ONCE = 4_000_000  # entries of phi that one round of proposals may hold


def orthogonal_part(q: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Component of vectors orthogonal to the columns of q, by two Gram-Schmidt passes.

    Args:
        q: orthonormal columns, (..., m, k).
        phi: vectors (..., m).
    """
    for _ in range(2):
        phi = phi - np.einsum("...mk,...k->...m", q, np.einsum("...mk,...m->...k", q, phi))
    return phi


def acceptance(q: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Probability 1 - |Q^T phi|^2 / |phi|^2 with which a proposal of the Christoffel density becomes the next point.

    Args:
        q: orthonormal columns spanning the values at the points drawn so far, (..., m, k).
        phi: values of the basis at the proposals, (..., proposals, m).

    Returns:
        Probabilities (..., proposals); what is below 0 by rounding (1e-12) is 0.

    Raises:
        RuntimeError: a probability further below 0: the columns have lost their orthogonality.
    """
    unit = phi / np.max(np.abs(phi), axis=-1, keepdims=True)  # squares of values far out need not fit
    chance = 1 - np.sum((unit @ q) ** 2, axis=-1) / np.sum(unit**2, axis=-1)
    if chance.size and (least := chance.min()) < -1e-12:
        raise RuntimeError(f"acceptance probability {least:.3g} is below 0: columns have lost their orthogonality")
    return np.maximum(chance, 0)


def sample_projection_dpp(basis: OrthonormalBasis, rng: np.random.Generator, size: int = 1) -> np.ndarray:
    """Draw projection DPPs: m points with density det[K(x_i, x_j)] / m! with respect to mu^m.

    Polynomials that know the law of their random recurrence are drawn as the eigenvalues of tridiagonal matrices in
    O(m^2) operations, others by `sample_by_chain_rule`.

    Args:
        basis: orthonormal basis of m functions.
        rng: generator.
        size: number of independent draws.

    Returns:
        Points (size, m, dim), exchangeable within each draw.

    Raises:
        ValueError: a negative size.
    """
    if size < 0:
        raise ValueError(f"size: got {size}, expected at least 0")
    if not hasattr(basis, "random_recurrence"):
        return sample_by_chain_rule(basis, rng, size)
    x = tridiagonal_eigenvalues(*basis.random_recurrence(size, rng))
    return rng.permuted(x, axis=1)[..., None]


def tridiagonal_eigenvalues(diagonal: np.ndarray, off: np.ndarray) -> np.ndarray:
    """Eigenvalues of symmetric tridiagonal matrices in ascending order, by LAPACK's root-free QL iteration.

    Args:
        diagonal: (count, m).
        off: entries beside it, (count, m - 1).

    Returns:
        (count, m).

    Raises:
        RuntimeError: the iteration did not converge.
    """
    values = np.empty(diagonal.shape)
    if diagonal.shape[1] == 1:
        values[:] = diagonal
        return values
    for i, (d, e) in enumerate(zip(diagonal, off)):
        values[i], failure = lapack.dsterf(d, e)
        if failure:
            raise RuntimeError(f"eigenvalues: {failure} entries of a tridiagonal matrix did not converge")
    return values


def sample_by_chain_rule(basis: OrthonormalBasis, rng: np.random.Generator, size: int = 1) -> np.ndarray:
    """Draw projection DPPs of any basis, point by point; arguments, result and errors as `sample_projection_dpp`.

    The chain rule: point k+1 has density (|phi(x)|^2 - |Q_k^T phi(x)|^2) / (m - k) dmu, where Q_k spans the values at
    the first k points. Proposals of the Christoffel density are accepted with `acceptance`, at rate (m - k) / m. All
    draws advance together; each takes the first of its accepted proposals.
    """
    if size < 0:
        raise ValueError(f"size: got {size}, expected at least 0")
    m = basis.size
    x = np.empty((size, m, basis.dim))
    columns = np.empty((size, m, m))  # row k is column k of Q: contiguous where it is written
    for k in range(m):
        waiting = np.arange(size)
        while waiting.size:
            proposals = max(1, min(-(-m // (m - k)), VALUES_AT_ONCE // (m * waiting.size)))
            points, phi = basis.draw_christoffel(waiting.size * proposals, rng)
            points = points.reshape(waiting.size, proposals, basis.dim)
            phi = phi.reshape(waiting.size, proposals, m)
            q = columns[waiting, :k].swapaxes(1, 2)
            accept = rng.random((waiting.size, proposals)) < acceptance(q, phi)
            first, success = np.argmax(accept, axis=1), np.flatnonzero(accept.any(axis=1))
            row = waiting[success]
            x[row, k] = points[success, first[success]]
            part = orthogonal_part(q[success], phi[success, first[success]])
            columns[row, k] = part / np.linalg.norm(part, axis=-1, keepdims=True)
            waiting = np.delete(waiting, success)
    return x


def counting_moments(matrix: np.ndarray) -> dict[str, float]:
    """Moments of the number N of points of a projection DPP that fall in a set A.

    N is a sum of independent Bernoulli variables with the eigenvalues of M_A = int_A phi phi^T dmu as probabilities.

    Args:
        matrix: M_A, (m, m); for half spaces the bases' `half_space_gram`.

    Returns:
        `mean` tr M, `variance` tr M(I - M), `pairs` E N(N-1) = (tr M)^2 - tr M^2, and `iid_variance`, the variance for
        m independent points of the Christoffel density.
    """
    mean, square = np.trace(matrix), np.sum(matrix**2)
    return {
        "mean": float(mean),
        "variance": float(mean - square),
        "pairs": float(mean**2 - square),
        "iid_variance": float(mean * (1 - mean / len(matrix))),
    }


def log_density(basis: OrthonormalBasis, x: np.ndarray) -> np.ndarray:
    """Logarithm of the density det[K(x_i, x_j)] / m! of a projection DPP with respect to mu^m.

    Args:
        basis: orthonormal basis of m functions.
        x: points (..., m, dim).

    Returns:
        Array (...,); minus infinity where two points coincide.
    """
    if x.shape[-2] != basis.size:
        raise ValueError(f"x: got {x.shape[-2]} points, expected {basis.size}, one for each function")
    from scipy.special import gammaln

    phi = basis.evaluate(x)
    # rows that differ by many powers of ten would spoil the elimination
    size = np.max(np.abs(phi), axis=-1, keepdims=True)
    return 2 * (np.linalg.slogdet(phi / size)[1] + np.sum(np.log(size[..., 0]), axis=-1)) - gammaln(basis.size + 1)
