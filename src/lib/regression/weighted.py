"""Weighted least squares on random designs: batched solutions, and the bounds that theory gives them."""

import numpy as np

from lib.sampling.basis import OrthonormalBasis

SINGULAR = 1e-12  # a smallest singular value below this share of the largest counts as zero


def weighted_least_squares(phi: np.ndarray, w: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Minimise sum_i w_i (y_i - phi_i^T c)^2 by QR of sqrt(w) [phi, y], for many designs and right-hand sides at once.

    Args:
        phi: values of the m functions at the points, (..., n, m), n >= m.
        w: weights > 0, (..., n).
        y: observations, (..., n) or (..., n, targets).

    Returns:
        Coefficients (..., m) or (..., m, targets); NaN where the design is singular: the smallest singular value of
        sqrt(w) phi is at most `SINGULAR` times the largest.

    Raises:
        ValueError: fewer points than functions, shapes that do not fit, or weights that are not positive.
    """
    phi, w, y = (np.asarray(v, dtype=float) for v in (phi, w, y))
    n, m = phi.shape[-2:]
    if n < m:
        raise ValueError(f"phi: got {n} points for {m} functions, expected at least as many points")
    if w.shape != phi.shape[:-1] or y.shape[: w.ndim] != w.shape or y.ndim > w.ndim + 1:
        raise ValueError(
            f"w, y: got shapes {w.shape} and {y.shape}, expected {phi.shape[:-1]} and that or one axis more"
        )
    if not np.all(w > 0):
        raise ValueError(f"w: got {np.min(w)}, expected weights > 0")
    one = y.ndim == w.ndim
    # one function after the other in memory, as polynomials are evaluated
    together = np.moveaxis(np.empty((m + (1 if one else y.shape[-1]), *w.shape)), 0, -1)
    root = np.sqrt(w)[..., None]
    np.multiply(root, phi, out=together[..., :m])
    np.multiply(root, y[..., None] if one else y, out=together[..., m:])
    factor = np.linalg.qr(together, mode="r")  # the right-hand sides become Q^T y without a Q
    r, rotated = factor[..., :m, :m], factor[..., :m, m:]
    bad = _singular(r)
    coef = _solve_triangular(r, rotated)
    coef[bad] = np.nan
    return coef[..., 0] if one else coef


def _solve_triangular(r: np.ndarray, y: np.ndarray) -> np.ndarray:
    """R^-1 y for upper triangular R (..., m, m) and y (..., m, targets), row by row for all matrices at once."""
    x, rows = np.moveaxis(y, -2, 0).copy(), np.moveaxis(r, -2, 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for i in range(r.shape[-1] - 1, -1, -1):
            x[i] /= rows[i, ..., i, None]
            x[:i] -= rows[:i, ..., i, None] * x[i]
    return np.moveaxis(x, 0, -2)


def _singular(r: np.ndarray) -> np.ndarray:
    """Whether the smallest singular value of triangular matrices (..., m, m) is at most `SINGULAR` times the largest.

    |det R| ((m - 1) / |R|_F^2)^((m - 1) / 2) is below the smallest (Yu and Gu 1997) and |R|_F above the largest;
    singular values are computed where these bounds do not decide.
    """
    m = r.shape[-1]
    diagonal = np.diagonal(r, axis1=-2, axis2=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_norm = np.log(np.einsum("...ij,...ij->...", r, r)) / 2
        log_least = np.sum(np.log(np.abs(diagonal)), axis=-1) + (m - 1) * (np.log(max(m - 1, 1)) / 2 - log_norm)
        bad = np.asarray(~(log_least - log_norm > np.log(SINGULAR)))
    if bad.any():
        singular = np.linalg.svd(r[bad], compute_uv=False)
        bad[bad] = singular[..., -1] <= SINGULAR * singular[..., 0]
    return bad


def gram_eigenvalues(phi: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Ascending eigenvalues (..., m) of G = sum_i w_i phi_i phi_i^T / n, by singular values of sqrt(w) phi.

    Squares of singular values keep twice the digits that eigenvalues of G itself do.

    Args:
        phi: values (..., n, m), n >= m.
        w: weights (..., n).
    """
    singular = np.linalg.svd(np.sqrt(w)[..., None] * phi, compute_uv=False)
    return singular[..., ::-1] ** 2 / phi.shape[-2]


def inverse_gram_mean(phi: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Mean of the diagonal of (Phi^T W Phi)^{-1}, (...,): 1 / (n - m + 1) in expectation under volume sampling.

    Args:
        phi: values (..., n, m).
        w: weights (..., n).
    """
    r = np.linalg.qr(np.sqrt(w)[..., None] * phi, mode="r")
    return np.sum(np.linalg.inv(r) ** 2, axis=(-1, -2)) / phi.shape[-1]


def concentration_constant(delta: float) -> float:
    """c_delta = delta + (1 - delta) ln(1 - delta) of the matrix Chernoff bound.

    Raises:
        ValueError: delta outside (0, 1).
    """
    if not 0 < delta < 1:
        raise ValueError(f"delta: got {delta}, expected a number between 0 and 1")
    return delta + (1 - delta) * np.log(1 - delta)


def iid_failure_bound(n, m: int, delta: float) -> np.ndarray:
    """Bound m exp(-n c_delta / m), at most 1, of Pr(lambda_min(G) < 1 - delta) for n points of k_m / m dmu."""
    return np.minimum(1.0, m * np.exp(-np.asarray(n) * concentration_constant(delta) / m))


def conditioned_error_bound(n, m: int, delta: float, failure) -> np.ndarray:
    """Bound of E|f - f_hat|^2 / e_m^2 for designs conditioned on lambda_min(G) >= 1 - delta.

    1 + (m / n) / ((1 - delta)^2 (1 - eta)), eta = Pr(lambda_min < 1 - delta) before conditioning; it holds for
    independent, volume and repeated determinantal points of the Christoffel density.
    """
    return 1 + m / np.asarray(n) / ((1 - delta) ** 2 * (1 - np.asarray(failure)))


def uniform_error_constant(delta: float) -> float:
    """1 + sqrt(2 / (1 - delta)): |f - f_hat| is at most that times the best uniform error, almost surely.

    It holds for designs with weights of at most 2 (`lib.sampling.measures.damped_measure`) that are conditioned on
    lambda_min(G) >= 1 - delta. With |f - v| <= sqrt(tau) |f - v|_H it serves an RKHS of trace tau and its density too.

    Raises:
        ValueError: delta outside (0, 1).
    """
    if not 0 < delta < 1:
        raise ValueError(f"delta: got {delta}, expected a number between 0 and 1")
    return 1 + np.sqrt(2 / (1 - delta))


def projection(function, basis: OrthonormalBasis, nodes: int | None = None) -> tuple[np.ndarray, float]:
    """Coefficients of the L^2 projection of a function on the space, and the best error e_m = |f - P f|.

    Args:
        function: points (..., dim) to values (...,).
        basis: orthonormal basis.
        nodes: nodes of the basis's quadrature.

    Returns:
        Coefficients (m,) and e_m, by integrating the square of the residual: no digits cancel.
    """
    x, weight = basis.quadrature() if nodes is None else basis.quadrature(nodes)
    phi, y = basis.evaluate(x), function(x)
    coef = phi.T @ (weight * y)
    coef += phi.T @ (weight * (y - phi @ coef))
    return coef, float(np.sqrt(np.sum(weight * (y - phi @ coef) ** 2)))


def best_uniform_error(function, basis: OrthonormalBasis, x: np.ndarray) -> float:
    """Smallest max |f - v| over a set of points, v in the space: a linear programme, solved by HiGHS.

    Args:
        function: points (..., dim) to values (...,).
        basis: basis of the space.
        x: points (k, dim); the result is a lower bound of the infimum over the whole space, close for a fine set.

    Raises:
        RuntimeError: the solver did not succeed.
    """
    from scipy.optimize import linprog  # takes a third of a second to import, and one stage needs it

    phi, y = basis.evaluate(x), function(x)
    ones = np.ones((len(y), 1))
    upper = np.block([[phi, -ones], [-phi, -ones]])
    cost = np.zeros(basis.size + 1)
    cost[-1] = 1
    bounds = [(None, None)] * basis.size + [(0, None)]
    solution = linprog(cost, A_ub=upper, b_ub=np.concatenate([y, -y]), bounds=bounds, method="highs")
    if not solution.success:
        raise RuntimeError(f"best uniform approximation: {solution.message}")
    return float(solution.fun)
