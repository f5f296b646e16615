"""Exploration designs: how often to play each policy so that the feature expectations of all policies become known.

A design plays policy j x_j times; layer h then has the covariance M_h = offset_h + sum_j x_j C_jh, where C_jh is the
covariance of the features under policy j. What counts is phi^T M_h^-1 phi for the feature expectation phi of each
policy (an XY design), not the mean of phi^T M_h^-1 phi (a G-optimal design), which is larger.

Where features are one-hot (`one_hot`), covariances are diagonals and have one axis less.
"""

from typing import NamedTuple

import numpy as np

from lib.mdp.interior_point import Batch, Task, make_batch, measure, minimise, nonzero, prices_of_play


class Exploration(NamedTuple):
    """An exploration design.

    Args:
        episodes: x, (..., J), how often to play each policy.
        value: the objective, (...): the sum of x, or the largest squared norm.
        bound: (...), no design has a smaller objective (weak duality).
    """

    episodes: np.ndarray
    value: np.ndarray
    bound: np.ndarray


def squared_norms(features, covariance, *, one_hot: bool = False) -> np.ndarray:
    """phi^T M^-1 phi of each policy and layer, (..., P, H).

    Args:
        features: phi, (..., P, H, d).
        covariance: M, (..., H, d, d).
        one_hot: whether covariances are diagonals, (..., H, d).
    """
    features, covariance = np.asarray(features, dtype=float), np.asarray(covariance, dtype=float)
    if one_hot:
        return np.sum(features**2 / covariance[..., None, :, :], axis=-1)
    layered = features.swapaxes(-2, -3)
    return np.sum((layered @ np.linalg.inv(covariance)) * layered, axis=-1).swapaxes(-1, -2)


def play(offset, covariances, episodes, *, one_hot: bool = False) -> np.ndarray:
    """Covariance of each layer after playing policies: offset_h + sum_j x_j C_jh.

    Args:
        offset: (..., H, d, d).
        covariances: (..., J, H, d, d).
        episodes: x, (..., J).
        one_hot: whether covariances are diagonals.
    """
    covariances, episodes = np.asarray(covariances, dtype=float), np.asarray(episodes, dtype=float)
    shape = covariances.shape[-2 if one_hot else -3 :]
    flat = covariances.reshape(*covariances.shape[: -len(shape)], -1)
    gain = (episodes[..., None, :] @ flat)[..., 0, :]
    return offset + gain.reshape(*gain.shape[:-1], *shape)


def fewest_episodes(
    features, covariances, offset, tolerances, *, one_hot: bool = False, precision: float = 0.003, max_steps: int = 300
) -> Exploration:
    """Fewest episodes after which phi^T M_h^-1 phi <= tolerance for each policy and layer, and whom to play.

    Args:
        features: phi, (..., P, H, d), of the policies whose values are to be known.
        covariances: C, (..., J, H, d, d), of the policies that can be played.
        offset: M_h of the data at hand with the regulariser, (..., H, d, d), positive definite.
        tolerances: (..., P), positive; infinite where a policy need not be known.
        one_hot: whether covariances are diagonals, (..., J, H, d) and (..., H, d).
        precision: relative gap between the episodes and their lower bound.
        max_steps: most Newton steps.

    Returns:
        The design; `value` is the number of episodes, not rounded. The constraints hold.

    Raises:
        ValueError: shapes that do not fit, no policy, values that are not finite, tolerances that are not positive, or
            an offset that is not positive definite.
        RuntimeError: a feature that no policy excites, or a gap that stays open.
    """
    tolerances = np.asarray(tolerances, dtype=float)
    batch, lead = make_batch(features, covariances, offset, one_hot, tolerances.shape[:-1])
    tolerances = np.broadcast_to(tolerances, lead + np.shape(features)[-3:-2]).reshape(len(batch.offset), -1)
    _check(batch, tolerances)
    size, arms = len(batch.offset), batch.covariances.shape[2]
    batch = batch._replace(features=batch.features / np.sqrt(tolerances)[:, None, :, None])
    counted = nonzero(batch)
    episodes, value, bound = np.zeros((size, arms)), np.zeros(size), np.zeros(size)
    need = np.flatnonzero((measure(batch, episodes)[2] > 1).any(axis=(1, 2)))
    if len(need):
        # in units of the episodes of a start that meets all constraints twice over
        part, counts = batch.take(need), np.ones((len(need), arms))
        for _ in range(200):
            short = (measure(part, counts)[2] > 0.5).any(axis=(1, 2))
            if not short.any():
                break
            counts[short] *= 2
        else:
            raise RuntimeError("fewest_episodes: a feature expectation that no policy excites")
        result = minimise(Task(part, counted[need], None), counts, precision, max_steps)
        episodes[need], value[need], bound[need] = result
    return Exploration(episodes.reshape(*lead, arms), value.reshape(lead)[()], bound.reshape(lead)[()])


def best_mixture(
    features, covariances, offset, episodes, *, one_hot: bool = False, precision: float = 0.003, max_steps: int = 300
) -> Exploration:
    """How to spend a number of episodes so that the largest phi^T M_h^-1 phi of all policies and layers is least.

    Args:
        features, covariances, offset, one_hot, precision, max_steps: as of `fewest_episodes`.
        episodes: T, positive; one number, or (...).

    Returns:
        The design; `value` is the largest squared norm.

    Raises:
        ValueError, RuntimeError: as of `fewest_episodes`.
    """
    batch, lead = make_batch(features, covariances, offset, one_hot, np.shape(episodes))
    size, arms = len(batch.offset), batch.covariances.shape[2]
    budget = np.broadcast_to(np.asarray(episodes, dtype=float), lead).reshape(size)
    if not np.all((budget > 0) & np.isfinite(budget)):
        raise ValueError(f"episodes: got {budget.min()}, expected a positive number")
    _check(batch, np.ones((size, 1)))
    counted = nonzero(batch)
    start = np.repeat(0.9 * budget[:, None] / arms, arms, axis=1)
    x, value, bound = minimise(Task(batch, counted, budget), start, precision, max_steps)
    return Exploration(x.reshape(*lead, arms), value.reshape(lead)[()], bound.reshape(lead)[()])


def fewest_episodes_of_many(
    features, covariances, offset, tolerances, *, columns: int = 40, precision: float = 0.01, most_rounds: int = 60
) -> Exploration:
    """`fewest_episodes` of one problem with thousands of policies: few at a time, chosen by their dual prices.

    Policies are added whose play would pay at the prices of the last solution, and constraints that it breaks, until
    there is neither; the bound is that of the whole problem.

    Args:
        features: (P, H, d).
        covariances: (J, H, d, d).
        offset: (H, d, d).
        tolerances: (P,).
        columns: policies to begin with, and most to add in a round.
        precision: relative gap to stop at.
        most_rounds: most rounds.

    Raises:
        ValueError, RuntimeError: as of `fewest_episodes`.
    """
    tolerances = np.asarray(tolerances, dtype=float)
    batch, _ = make_batch(features, covariances, offset, False)
    _check(batch, tolerances)
    scaled = np.asarray(features, dtype=float) / np.sqrt(tolerances)[:, None, None]
    layers, arms = scaled.shape[1], len(covariances)
    flat = np.asarray(covariances, dtype=float).reshape(arms, -1)
    norms = squared_norms(scaled, offset)
    if norms.max() <= 1:
        return Exploration(np.zeros(arms), np.float64(0), np.float64(0))
    # a start: greedy play, each time of the policy that lowers the norms the most, with twice the covariance each time
    chosen, binding, covariance, size = [], set(), np.asarray(offset, dtype=float), 1.0
    while len(chosen) < columns or norms.max() > 1:
        binding.update(np.argsort(norms.max(axis=1))[-columns:].tolist())
        weights = np.where(norms > 0.5 * norms.max(), norms, 0)
        best = int((flat @ _prices(scaled, covariance, weights)).argmax())
        chosen.append(best)
        size = 1.05 * size if norms.max() <= 1 else 2 * size
        covariance = covariance + size * np.asarray(covariances[best], dtype=float)
        norms = squared_norms(scaled, covariance)
        if len(chosen) > 20 * columns:
            raise RuntimeError("fewest_episodes: a feature expectation that no policy excites")
    chosen, bound = sorted(set(chosen)), -np.inf
    for _ in range(most_rounds):
        rows = sorted(binding)
        part = fewest_episodes(scaled[rows], covariances[chosen], offset, np.ones(len(rows)), precision=precision / 2)
        covariance = play(offset, covariances[chosen], part.episodes)
        norms = squared_norms(scaled, covariance)
        weights = np.zeros_like(norms)
        weights[rows] = 1 / np.maximum(1 - norms[rows], 1e-12)
        prices = flat @ _prices(scaled, covariance, weights)
        # the dual bound of `certify`, with the dearest of all policies
        at = (weights * norms).sum() + prices[chosen] @ part.episodes
        bound = max(bound, (at - weights.sum()) / prices.max())
        broken = np.flatnonzero(norms.max(axis=1) > 1 + precision / 4)
        if not len(broken) and part.value - bound <= precision * part.value:
            episodes = np.zeros(arms)
            episodes[chosen] = part.episodes * max(1.0, norms.max())
            return Exploration(episodes, episodes.sum(), bound)
        binding.update(broken[np.argsort(norms.max(axis=1)[broken])[-columns:]].tolist())
        dear = np.argsort(prices)[-columns:]
        chosen = sorted({*chosen, *dear[prices[dear] > (1 + precision / 4) * prices[chosen].max()].tolist()})
    raise RuntimeError(f"fewest_episodes_of_many: gap open after {most_rounds} rounds of {layers} layers")


def _prices(features, covariance, weights):
    """sum_c weights_c (M^-1 phi_c)(M^-1 phi_c)^T of each layer, as one row: its product with C_j is the price of j."""
    layered = features.swapaxes(0, 1) @ np.linalg.inv(covariance)
    return (layered.swapaxes(-1, -2) @ (weights.T[..., None] * layered)).ravel()


def frank_wolfe_mixture(
    features, covariances, offset, episodes, *, one_hot: bool = False, precision: float = 0.01, max_steps: int = 20_000
) -> Exploration:
    """`best_mixture` by Frank-Wolfe on the smoothed maximum, which plays one policy more in each step.

    The smoothed norm is log(sum exp(eta phi^T M^-1 phi)) / eta; eta is so large that smoothing costs half the
    precision. The bound is that of the norm itself, not of its smoothed form. The interior point of `best_mixture` is
    faster where policies are few; this one needs no Hessian, and few policies get weight.

    Args:
        features, covariances, offset, episodes, one_hot: as of `best_mixture`.
        precision: relative gap to stop at.
        max_steps: most steps of size 2 / (k + 3).

    Raises:
        ValueError: as of `best_mixture`.
        RuntimeError: the gap is not closed.
    """
    batch, lead = make_batch(features, covariances, offset, one_hot, np.shape(episodes))
    _check(batch, np.ones((len(batch.offset), 1)))
    size, arms = len(batch.offset), batch.covariances.shape[2]
    budget = np.broadcast_to(np.asarray(episodes, dtype=float), lead).reshape(size)
    x = np.zeros((size, arms))
    best = np.full(size, np.inf), np.full(size, -np.inf)
    result = x.copy()
    sharpness = 2 * np.log(batch.features.shape[1] * batch.features.shape[2] + 1) / precision
    for step in range(max_steps):
        _, images, norms = measure(batch, x)
        value = norms.max(axis=(1, 2))
        weights = np.exp(sharpness * (norms / value[:, None, None] - 1))
        weights /= weights.sum(axis=(1, 2), keepdims=True)
        pull = -prices_of_play(batch, images, weights)
        bound = (weights * norms).sum(axis=(1, 2)) - (pull * x).sum(axis=1) + budget * pull.min(axis=1)
        better = value < best[0]
        result[better] = x[better]
        best = np.minimum(best[0], value), np.maximum(best[1], bound)
        if step and np.all(best[0] - best[1] <= precision * best[0]):
            return Exploration(result.reshape(*lead, arms), best[0].reshape(lead)[()], best[1].reshape(lead)[()])
        gamma = 2 / (step + 3) if step else 1.0
        x *= 1 - gamma
        x[np.arange(size), pull.argmin(axis=1)] += gamma * budget
    raise RuntimeError(f"frank_wolfe_mixture: gap open after {max_steps} steps")


def _check(batch: Batch, tolerances) -> None:
    if 0 in (batch.features.shape[2], batch.covariances.shape[2]):
        raise ValueError("features, covariances: got no policy, expected at least one")
    if not (np.isfinite(batch.features).all() and np.isfinite(batch.covariances).all()):
        raise ValueError("features, covariances: got values that are not finite")
    if not np.all(tolerances > 0):
        raise ValueError(f"tolerances: got {tolerances.min()}, expected positive numbers")
    d = batch.features.shape[-1]
    spectrum = batch.offset if batch.one_hot else np.linalg.eigvalsh(batch.offset.reshape(-1, d, d))
    if not np.all(spectrum > 0):
        raise ValueError(f"offset: got an eigenvalue {spectrum.min():.4g}, expected a positive definite covariance")
