"""Exact draws of projection determinantal point processes of an orthonormal basis, many at a time."""

import numpy as np

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
    chance = 1 - np.sum((phi @ q) ** 2, axis=-1) / np.sum(phi**2, axis=-1)
    if chance.size and (least := chance.min()) < -1e-12:
        raise RuntimeError(f"acceptance probability {least:.3g} is below 0: columns have lost their orthogonality")
    return np.maximum(chance, 0)


def sample_projection_dpp(basis: OrthonormalBasis, rng: np.random.Generator, size: int = 1) -> np.ndarray:
    """Draw projection DPPs: m points with density det[K(x_i, x_j)] / m! with respect to mu^m.

    The chain rule: point k+1 has density (|phi(x)|^2 - |Q_k^T phi(x)|^2) / (m - k) dmu, where Q_k spans the values at
    the first k points. Proposals of the Christoffel density are accepted with `acceptance`, at rate (m - k) / m. All
    draws advance together; each takes the first of its accepted proposals.

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

    return 2 * np.linalg.slogdet(basis.evaluate(x))[1] - gammaln(basis.size + 1)
