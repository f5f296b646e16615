"""How far a representation with its head is from invariance, from second moments alone."""

import numpy as np
from scipy import optimize


def split(covariance, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Second moments of the covariates (..., d, d), with the target (..., d), and of the target (...,).

    Args:
        covariance: (..., n, n) of all nodes.
        target: which of them is predicted.
    """
    covariance = np.asarray(covariance, float)
    others = np.delete(np.arange(covariance.shape[-1]), target)
    square = covariance[..., others[:, None], others]
    return square, covariance[..., others, target], covariance[..., target, target]


def gradient(covariance, target: int, representation, head) -> np.ndarray:
    """Half the derivative of the risk in the head, Phi Sigma Phi^T w - Phi sigma, in each environment.

    Args:
        covariance: (E, n, n) second moments of all nodes.
        target: which of them is predicted.
        representation: Phi (k, d) of the others.
        head: w (k,).

    Returns:
        (E, k); the representation is eps-invariant where no entry exceeds eps.

    Source: stationarity of Arjovsky et al. 2019, arXiv 1907.02893; the maximum norm is our choice.
    """
    square, cross, _ = split(covariance, target)
    representation = np.atleast_2d(representation)
    predictor = representation.T @ np.asarray(head, float)
    return (square @ predictor - cross) @ representation.T


def subset_moments(covariance, subset, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Second moments (E, k, k) of a subset of nodes, and with the target (E, k)."""
    subset = np.asarray(subset, int)
    return covariance[..., subset[:, None], subset], covariance[..., subset, target]


def violated_share(square, cross, heads, tolerance: float, slack: float = 1e-4) -> np.ndarray:
    """Share of environments in which each head violates invariance.

    Args:
        square: (E, k, k).
        cross: (E, k).
        heads: (H, k).
        tolerance: eps.
        slack: relative; a vertex touches constraints that are the same in every environment.

    Returns:
        (H,).
    """
    heads = np.atleast_2d(heads)
    environments, k = cross.shape
    values = (square.reshape(-1, k) @ heads.T).reshape(environments, k, -1) - cross[:, :, None]
    return (np.abs(values).max(axis=1) > tolerance * (1 + slack)).mean(axis=0)


def stability_weights(train, new) -> np.ndarray | None:
    """Weights c of least l1 norm with new = sum_j c_j train_j, by HiGHS; None where there are none.

    The gradient is linear in the second moments, so that for every representation and head the violation in the new
    environment is at most |c|_1 times the largest in the training environments.

    Args:
        train: (m, n, n) second moments.
        new: (n, n).
    """
    train, new = np.asarray(train, float), np.asarray(new, float)
    rows, columns = np.triu_indices(new.shape[-1])
    matrix, right = train[:, rows, columns].T, new[rows, columns]
    scale = np.abs(matrix).max(axis=1)
    matrix, right = matrix / scale[:, None], right / scale
    # rows that depend on others up to rounding would make the programme infeasible: keep their span alone
    left, values, _ = np.linalg.svd(matrix, full_matrices=False)
    kept = left[:, values > 1e-9 * values[0]]
    if np.linalg.norm(right - kept @ (kept.T @ right)) > 1e-7 * np.linalg.norm(right):
        return None
    matrix, right = kept.T @ matrix, kept.T @ right
    result = optimize.linprog(
        np.ones(2 * len(train)), A_eq=np.hstack([matrix, -matrix]), b_eq=right, bounds=(0, None), method="highs"
    )
    if result.status != 0:
        return None
    return result.x[: len(train)] - result.x[len(train) :]
