"""OptCov: collect data until the feature expectations of all policies are known, without knowing how many episodes."""

from typing import NamedTuple

import numpy as np


class Collection(NamedTuple):
    """What OptCov collected in each replicate.

    Args:
        covariance: of the last round's data with what it began with, (B, d, d).
        largest: max phi^T covariance^-1 phi, (B,).
        episodes: of all rounds together, (B,).
        rounds: number of the last round, (B,).
    """

    covariance: np.ndarray
    largest: np.ndarray
    episodes: np.ndarray
    rounds: np.ndarray


def collect_covariance(features, covariances, play, offset, tolerance, *, most_rounds: int = 12) -> Collection:
    """Online Frank-Wolfe in rounds of 2^i steps of 2^i episodes, until the smoothed norm says that it is enough.

    In round i, with N = 4^i and A = Lambda + offset / N, each step plays the policy whose covariance has the largest
    product with minus the gradient of f(Lambda) = log(sum_phi exp(eta phi^T A^-1 phi)) / eta, eta = 2^(2i/5).
    Planning knows the true covariances; what is collected is sampled.

    Args:
        features: phi, (B, P, d), of one layer.
        covariances: true covariances of the policies at that layer, (B, J, d, d), by which policies are chosen.
        play: `play(rows, policies, episodes)`: sums of phi phi^T of so many episodes of one policy for each of some
            replicates, (len(rows), d, d).
        offset: regulariser and offline data, (B, d, d), positive definite.
        tolerance: (B,), positive.
        most_rounds: last round.

    Raises:
        ValueError: a tolerance that is not positive.
        RuntimeError: the tolerance is not reached.

    Source: Wagenmaker and Pacchiano 2022, as restated by Tan, Fan and Wei 2024, appendix F. Their planner is a
        reinforcement learner with low regret.
    """
    tolerance = np.asarray(tolerance, dtype=float)
    if not np.all(tolerance > 0):
        raise ValueError(f"tolerance: got {tolerance.min()}, expected positive numbers")
    size, _, d = features.shape
    flat = covariances.reshape(*covariances.shape[:2], -1)
    rows = np.arange(size)
    covariance, largest = np.full((size, d, d), np.nan), np.full(size, np.nan)
    episodes, rounds = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for number in range(1, most_rounds + 1):
        steps = each = 2**number
        total, eta = steps * each, 2 ** (2 * number / 5)
        first = play(rows, np.zeros(len(rows), np.int64), each)
        mean, collected = first / each, first
        for step in range(1, steps + 1):
            gradient = _smoothed(features[rows], mean + offset[rows] / total, eta)[1]
            chosen = (flat[rows] @ gradient.reshape(len(rows), -1, 1))[..., 0].argmax(axis=1)
            gain = play(rows, chosen, each)
            mean = (1 - 1 / (step + 1)) * mean + gain / ((step + 1) * each)
            collected = collected + gain
        episodes[rows] += (steps + 1) * each
        enough = _smoothed(features[rows], mean + offset[rows] / total, eta)[0] <= total * tolerance[rows]
        done = rows[enough]
        covariance[done] = collected[enough] + offset[done]
        largest[done] = _norms(features[done], covariance[done])[0].max(axis=1)
        rounds[done] = number
        rows = rows[~enough]
        if not len(rows):
            return Collection(covariance, largest, episodes, rounds)
    raise RuntimeError(
        f"collect_covariance: tolerance not reached in {most_rounds} rounds in {len(rows)} of {size} runs"
    )


def _norms(features, matrix):
    """phi^T A^-1 phi and A^-1 phi."""
    images = features @ np.linalg.inv(matrix)
    return np.sum(images * features, axis=-1), images


def _smoothed(features, matrix, eta: float):
    """The smoothed largest norm, and minus its gradient sum_phi q_phi A^-1 phi phi^T A^-1."""
    norms, images = _norms(features, matrix)
    top = norms.max(axis=-1, keepdims=True)
    weights = np.exp(eta * (norms - top))
    total = weights.sum(axis=-1, keepdims=True)
    weights /= total
    return top[..., 0] + np.log(total[..., 0]) / eta, images.swapaxes(-1, -2) @ (weights[..., None] * images)
