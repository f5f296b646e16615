"""Offline-to-online concentrability: how many online episodes a policy within eps needs, given offline data."""

import numpy as np

from lib.mdp.counts import policy_covariances
from lib.mdp.exploration import fewest_episodes
from lib.mdp.pedel import Problem, true_prediction


def tolerances(values, eps: float, beta: float) -> np.ndarray:
    """Squared norms below which policies are told from the best one: max(V* - V, eps)^2 / beta.

    Args:
        values: V of each policy, (..., P).
        eps: accuracy, positive.
        beta: accuracy of features over that of values, positive.

    Raises:
        ValueError: an eps or beta that is not positive.
    """
    if not (0 < eps < np.inf and 0 < beta < np.inf):
        raise ValueError(f"eps, beta: got {eps} and {beta}, expected positive numbers")
    values = np.asarray(values, dtype=float)
    return np.maximum(values.max(axis=-1, keepdims=True) - values, eps) ** 2 / beta


def required_episodes(problem: Problem, offset, eps: float, beta: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """T_o2o: least T at which the concentrability C_o2o(D, eps, T) is at most 1 / beta.

    Args:
        problem: with true dynamics and rewards, the same for all replicates.
        offset: covariance of the offline data with the regulariser, (..., H, d, d), or (..., H, d) of one-hot features.
        eps: accuracy.
        beta: accuracy of features over that of values.

    Returns:
        Episodes of one mixture that serves all layers, the solver's lower bound of it, and the sum over layers of
        episodes that serve one layer each; (...) each.

    Source: Wagenmaker and Pacchiano 2022, definition of T_o2o, with the regulariser in the offset.
    """
    truth = true_prediction(problem)
    one_hot = problem.features is None
    covariances = policy_covariances(truth.occupancy, problem.policies, problem.features)
    limits = tolerances(truth.values, eps, beta)
    offset = np.asarray(offset, dtype=float)
    whole = fewest_episodes(truth.features, covariances, offset, limits, one_hot=one_hot)
    inner = 1 if one_hot else 2
    layered = 0.0
    for h in range(truth.features.shape[1]):
        at = np.take(offset, [h], axis=-1 - inner)
        one = fewest_episodes(truth.features[:, [h]], covariances[:, [h]], at, limits, one_hot=one_hot)
        layered = layered + one.value
    return whole.value, whole.bound, layered
