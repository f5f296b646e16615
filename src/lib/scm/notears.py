"""NOTEARS: a linear structural model by smooth optimisation under an acyclicity constraint (Zheng et al. 2018)."""

import numpy as np
from scipy.linalg import expm
from scipy.optimize import minimize


def acyclicity(weights: np.ndarray) -> tuple[float, np.ndarray]:
    """h(W) = tr exp(W o W) - d, zero exactly for acyclic W, and its gradient (d, d)."""
    exponential = expm(weights * weights)
    return float(np.trace(exponential) - len(weights)), exponential.T * weights * 2


def notears(x: np.ndarray, *, tolerance: float = 1e-8, rounds: int = 100, largest_rho: float = 1e16) -> np.ndarray:
    """Weights W (d, d), entry (j, i) for j -> i, of min |X - X W|^2 / 2n subject to h(W) = 0.

    Augmented Lagrangian with L-BFGS-B inside; rho grows tenfold until h falls to a quarter. Weights are not cut off: it
    is for the caller to decide below which weight there is no edge.

    Args:
        x: (n, d); columns are centred here.
        tolerance: of h.
        rounds: outer iterations.
        largest_rho: rho at which the search ends.
    """
    x = np.asarray(x, float)
    x = x - x.mean(axis=0)
    n, d = x.shape
    gram = x.T @ x / n
    off = ~np.eye(d, dtype=bool)

    def full(flat: np.ndarray) -> np.ndarray:
        w = np.zeros((d, d))
        w[off] = flat
        return w

    def objective(flat, rho, multiplier):
        w = full(flat)
        residual = np.eye(d) - w
        h, slope = acyclicity(w)
        value = 0.5 * np.trace(residual.T @ gram @ residual) + 0.5 * rho * h * h + multiplier * h
        gradient = -gram @ residual + (rho * h + multiplier) * slope
        return value, gradient[off]

    flat, rho, multiplier, h = np.zeros(d * (d - 1)), 1.0, 0.0, np.inf
    for _ in range(rounds):
        while True:
            candidate = minimize(objective, flat, (rho, multiplier), jac=True, method="L-BFGS-B").x
            candidate_h = acyclicity(full(candidate))[0]
            if candidate_h <= 0.25 * h or rho >= largest_rho:
                break
            rho *= 10
        flat, h = candidate, candidate_h
        multiplier += rho * h
        if h <= tolerance or rho >= largest_rho:
            break
    return full(flat)
