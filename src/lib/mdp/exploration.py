"""Exploration designs: how often to play each policy so that the feature expectations of all policies become known.

A design plays policy j x_j times; layer h then has the covariance M_h = offset_h + sum_j x_j C_jh, where C_jh is the
covariance of the features under policy j. What counts is phi^T M_h^-1 phi for the feature expectation phi of each
policy (an XY design), not the mean of phi^T M_h^-1 phi (a G-optimal design), which is larger.

Where features are one-hot (`one_hot`), covariances are diagonals and have one axis less.
"""

from typing import NamedTuple

import numpy as np

GROWTH = 10.0  # of the barrier's sharpness, once a problem is centred
PATIENCE = 10  # Newton steps until centred
LEAST_GAP = 0.05  # episodes: an optimum below this needs no relative precision


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


class _Batch(NamedTuple):
    """Problems side by side: features (B, H, P, d), covariances as rows (B or 1, H, J, K), offset (B, H, K).

    K is d where features are one-hot, and d^2 otherwise.
    """

    features: np.ndarray
    covariances: np.ndarray
    offset: np.ndarray
    one_hot: bool

    def take(self, index) -> "_Batch":
        """Some of the problems."""
        one = len(self.covariances) == 1
        return self._replace(
            features=self.features[index],
            covariances=self.covariances if one else self.covariances[index],
            offset=self.offset[index],
        )


def _batch(features, covariances, offset, one_hot: bool, more=()) -> tuple[_Batch, tuple[int, ...]]:
    """The problems as a batch, and the shape of the batch."""
    features, covariances, offset = (np.asarray(one, dtype=float) for one in (features, covariances, offset))
    inner = 1 if one_hot else 2
    lead = np.broadcast_shapes(features.shape[:-3], covariances.shape[: -2 - inner], offset.shape[: -1 - inner], more)
    size, (layers, d) = int(np.prod(lead, dtype=int)), features.shape[-2:]
    if offset.shape[-1 - inner :] != (layers, *[d] * inner) or covariances.shape[-1 - inner :] != (
        layers,
        *[d] * inner,
    ):
        raise ValueError(
            f"features, covariances, offset: got shapes {features.shape}, {covariances.shape} and {offset.shape}, "
            "expected (..., P, H, d), (..., J, H, d, d) and (..., H, d, d), with one d where features are one-hot"
        )
    features = np.broadcast_to(features, lead + features.shape[-3:]).reshape(size, *features.shape[-3:])
    offset = np.broadcast_to(offset, lead + offset.shape[-1 - inner :]).reshape(size, layers, -1)
    if covariances.ndim == 2 + inner:
        covariances = covariances[None]
    else:
        covariances = np.broadcast_to(covariances, lead + covariances.shape[-2 - inner :])
        covariances = covariances.reshape(size, *covariances.shape[-2 - inner :])
    covariances = covariances.reshape(*covariances.shape[:3], -1).swapaxes(1, 2)
    return _Batch(features.swapaxes(1, 2), covariances, offset, one_hot), lead


def _norms(batch: _Batch, x):
    """M^-1 (B, H, K), M^-1 phi (B, H, P, d) and phi^T M^-1 phi (B, H, P) after playing x (B, J)."""
    covariance = batch.offset + (x[:, None, None, :] @ batch.covariances)[:, :, 0]
    if batch.one_hot:
        inverse = 1 / covariance
        images = batch.features * inverse[:, :, None]
    else:
        d = batch.features.shape[-1]
        square = np.linalg.inv(covariance.reshape(*covariance.shape[:2], d, d))
        images, inverse = batch.features @ square, square.reshape(covariance.shape)
    return inverse, images, np.sum(images * batch.features, axis=-1)


def _slopes(batch: _Batch, images):
    """Derivatives of phi^T M^-1 phi in x: -(M^-1 phi)^T C_j (M^-1 phi), (B, H, P, J)."""
    if batch.one_hot:
        squares = images**2
    else:
        squares = (images[..., :, None] * images[..., None, :]).reshape(*images.shape[:3], -1)
    return -squares @ batch.covariances.swapaxes(-1, -2)


def _curvature(batch: _Batch, inverse, images, weights):
    """Hessian of sum_c weights_c phi_c^T M^-1 phi_c in x, (B, J, J): 2 tr(C_i M^-1 C_j sum_c weights_c u_c u_c^T)."""
    covariances = batch.covariances
    if batch.one_hot:
        scaled = covariances * (inverse * np.sum(weights[..., None] * images**2, axis=2))[:, :, None]
    else:
        d = images.shape[-1]
        moments = images.swapaxes(-1, -2) @ (weights[..., None] * images)  # (B, H, d, d)
        square = covariances.reshape(*covariances.shape[:3], d, d)
        scaled = inverse.reshape(*inverse.shape[:2], 1, d, d) @ square @ moments[:, :, None]
        scaled = scaled.reshape(*scaled.shape[:3], -1)
    return 2 * (scaled @ covariances.swapaxes(-1, -2)).sum(axis=1)


def _play_prices(batch: _Batch, images, weights):
    """sum_c weights_c (M^-1 phi_c)^T C_j (M^-1 phi_c), (B, J), without the slope of each norm."""
    if batch.one_hot:
        moments = np.sum(weights[..., None] * images**2, axis=2)
    else:
        moments = images.swapaxes(-1, -2) @ (weights[..., None] * images)
    return (batch.covariances @ moments.reshape(*moments.shape[:2], -1, 1))[..., 0].sum(axis=1)


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


def _barrier(batch: _Batch, counted, start, budget, precision: float, max_steps: int):
    """Interior points of both problems, by Newton's method on a logarithmic barrier.

    Without a budget: minimise sum x subject to v_c(x) <= 1. With one: minimise tau subject to v_c(x) <= tau and
    sum x <= budget. Everything is scaled so that x and tau are of order one.

    Args:
        batch: features scaled by the roots of the tolerances; those that do not count are zero.
        counted: (B, H, P), which of them count.
        start: (B, J), strictly feasible.
        budget: (B,) or None.
        precision: relative gap to stop at.
        max_steps: most Newton steps.

    Returns:
        x, objective, bound.

    Raises:
        RuntimeError: the gap is not closed.
    """
    size, arms = start.shape
    minimax = budget is not None
    x = start.copy()
    results = np.full((size, arms), np.nan), np.full(size, np.nan), np.full(size, np.nan)
    rows = np.arange(size)
    number = counted.sum(axis=(1, 2)) + arms + minimax
    tau = _norms(batch, x)[2].max(axis=(1, 2)) * 2 if minimax else np.ones(size)
    sharpness = number / (tau if minimax else x.sum(axis=1))
    growth, age = np.full(size, GROWTH), np.zeros(size)

    def slacks(batch, x, tau, budget):
        inverse, images, norms = _norms(batch, x)
        return inverse, images, norms, tau[:, None, None] - norms, (budget - x.sum(axis=1)) if minimax else None

    def merit(x, tau, gaps, room, sharpness, counted):
        inside = (x > 0).all(axis=1) & np.where(counted, gaps > 0, True).all(axis=(1, 2))
        if minimax:
            inside &= room > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            total = sharpness * (tau if minimax else x.sum(axis=1)) - np.log(x).sum(axis=1)
            total -= np.where(counted, np.log(np.where(counted, gaps, 1)), 0).sum(axis=(1, 2))
            if minimax:
                total -= np.log(room)
        return np.where(inside, total, np.inf)

    for _ in range(max_steps):
        inverse, images, norms, gaps, room = slacks(batch, x, tau, budget)
        weights = np.where(counted, 1 / np.where(counted, gaps, 1), 0)
        slopes = _slopes(batch, images)
        pull = (weights[..., None] * slopes).sum(axis=(1, 2))  # sum_c grad v_c / slack_c
        # dual certificate at weights lambda_c = weights_c / sharpness, scaled to be feasible
        at = (weights * norms).sum(axis=(1, 2)) - (pull * x).sum(axis=1)
        if minimax:
            bound = (at + budget * pull.min(axis=1)) / weights.sum(axis=(1, 2))
            value = np.where(counted, norms, -np.inf).max(axis=(1, 2))
        else:
            bound = (at - weights.sum(axis=(1, 2))) / (-pull).max(axis=1)
            value = x.sum(axis=1)
        finished = value - bound <= precision * value
        if not minimax:
            finished |= value - bound <= LEAST_GAP
        if finished.any():
            done = rows[finished]
            results[0][done], results[1][done], results[2][done] = x[finished], value[finished], bound[finished]
            rest = ~finished
            if not rest.any():
                return results
            rows, x, tau, sharpness, growth, age = (one[rest] for one in (rows, x, tau, sharpness, growth, age))
            batch, counted = batch.take(rest), counted[rest]
            inverse, images, gaps, weights, slopes, pull = (
                one[rest] for one in (inverse, images, gaps, weights, slopes, pull)
            )
            if minimax:
                budget, room = budget[rest], room[rest]
        flat, level = slopes.reshape(len(x), -1, arms), weights.reshape(len(x), -1)
        hessian = _curvature(batch, inverse, images, weights) + (flat * (level**2)[..., None]).swapaxes(1, 2) @ flat
        hessian[:, np.arange(arms), np.arange(arms)] += 1 / x**2
        gradient = pull - 1 / x
        if minimax:
            hessian += (1 / room**2)[:, None, None]
            gradient += (1 / room)[:, None]
            border = -(flat * (level**2)[..., None]).sum(axis=1)
            corner = (level**2).sum(axis=1)
            hessian = np.block([[hessian, border[:, :, None]], [border[:, None, :], corner[:, None, None]]])
            gradient = np.concatenate([gradient, (sharpness - level.sum(axis=1))[:, None]], axis=1)
        else:
            gradient += sharpness[:, None]
        scale = np.concatenate([x, tau[:, None]], axis=1) if minimax else x
        scaled = hessian * scale[:, :, None] * scale[:, None, :]
        scaled += 1e-13 * np.trace(scaled, axis1=1, axis2=2)[:, None, None] * np.eye(scale.shape[1])
        direction = -scale * np.linalg.solve(scaled, (scale * gradient)[..., None])[..., 0]
        decrement = -(direction * gradient).sum(axis=1)
        dx, dtau = direction[:, :arms], direction[:, arms] if minimax else 0 * tau
        before = merit(x, tau, gaps, room, sharpness, counted)
        step = np.ones(len(x))
        shrink = np.where(dx < 0, -x / np.where(dx < 0, dx, 1), np.inf).min(axis=1)
        step = np.minimum(step, 0.95 * shrink)
        for _ in range(40):
            trial, trial_tau = x + step[:, None] * dx, tau + step * dtau
            _, _, _, trial_gaps, trial_room = slacks(batch, trial, trial_tau, budget)
            after = merit(trial, trial_tau, trial_gaps, trial_room, sharpness, counted)
            short = ~(after <= before - 0.1 * step * decrement + 1e-9 * np.abs(before))
            if not short.any():
                break
            step = np.where(short, step / 2, step)
        step = np.where(short, 0, step)
        x, tau = x + step[:, None] * dx, tau + step * dtau
        # a sharpness that was raised too far makes many short steps: go half of the way back, and on more slowly
        centred, age = (decrement < 0.01) | short, age + 1
        stuck = ~centred & (age > PATIENCE)
        slower = np.where(stuck, np.maximum(np.sqrt(growth), 1.3), growth)
        sharpness = sharpness * np.where(centred, growth, np.where(stuck, 1 / slower, 1))
        growth, age = slower, np.where(centred | stuck, 0, age)
    raise RuntimeError(f"exploration design: gap open after {max_steps} Newton steps in {len(rows)} of {size} problems")


def _nonzero(batch: _Batch):
    """Which features are not zero, (B, H, P): the others, and those of infinite tolerance, constrain nothing."""
    return np.abs(batch.features).max(axis=-1) > 0


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
        ValueError: shapes that do not fit, no policy, tolerances that are not positive, or an offset that is not
            positive definite.
        RuntimeError: a feature that no policy excites, or a gap that stays open.
    """
    tolerances = np.asarray(tolerances, dtype=float)
    batch, lead = _batch(features, covariances, offset, one_hot, tolerances.shape[:-1])
    tolerances = np.broadcast_to(tolerances, lead + np.shape(features)[-3:-2]).reshape(len(batch.offset), -1)
    _check(batch, tolerances)
    size, arms = len(batch.offset), batch.covariances.shape[2]
    batch = batch._replace(features=batch.features / np.sqrt(tolerances)[:, None, :, None])
    counted = _nonzero(batch)
    episodes, value, bound = np.zeros((size, arms)), np.zeros(size), np.zeros(size)
    need = np.flatnonzero((_norms(batch, episodes)[2] > 1).any(axis=(1, 2)))
    if len(need):
        # in units of the episodes of a start that meets all constraints twice over
        part, counts = batch.take(need), np.ones((len(need), arms))
        for _ in range(200):
            short = (_norms(part, counts)[2] > 0.5).any(axis=(1, 2))
            if not short.any():
                break
            counts[short] *= 2
        else:
            raise RuntimeError("fewest_episodes: a feature expectation that no policy excites")
        result = _barrier(part, counted[need], counts, None, precision, max_steps)
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
    batch, lead = _batch(features, covariances, offset, one_hot, np.shape(episodes))
    size, arms = len(batch.offset), batch.covariances.shape[2]
    budget = np.broadcast_to(np.asarray(episodes, dtype=float), lead).reshape(size)
    if not np.all((budget > 0) & np.isfinite(budget)):
        raise ValueError(f"episodes: got {budget.min()}, expected a positive number")
    _check(batch, np.ones((size, 1)))
    counted = _nonzero(batch)
    start = np.repeat(0.9 * budget[:, None] / arms, arms, axis=1)
    x, value, bound = _barrier(batch, counted, start, budget, precision, max_steps)
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
    batch, _ = _batch(features, covariances, offset, False)
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
    chosen = sorted(set(chosen))
    for _ in range(most_rounds):
        rows = sorted(binding)
        part = fewest_episodes(scaled[rows], covariances[chosen], offset, np.ones(len(rows)), precision=precision / 4)
        covariance = play(offset, covariances[chosen], part.episodes)
        norms = squared_norms(scaled, covariance)
        weights = np.zeros_like(norms)
        weights[rows] = 1 / np.maximum(1 - norms[rows], 1e-12)
        prices = flat @ _prices(scaled, covariance, weights)
        # the dual bound of `_barrier`, with the dearest of all policies
        at = (weights * norms).sum() + prices[chosen] @ part.episodes
        bound = (at - weights.sum()) / prices.max()
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
    batch, lead = _batch(features, covariances, offset, one_hot, np.shape(episodes))
    _check(batch, np.ones((len(batch.offset), 1)))
    size, arms = len(batch.offset), batch.covariances.shape[2]
    budget = np.broadcast_to(np.asarray(episodes, dtype=float), lead).reshape(size)
    x = np.zeros((size, arms))
    best = np.full(size, np.inf), np.full(size, -np.inf)
    result = x.copy()
    sharpness = 2 * np.log(batch.features.shape[1] * batch.features.shape[2] + 1) / precision
    for step in range(max_steps):
        _, images, norms = _norms(batch, x)
        value = norms.max(axis=(1, 2))
        weights = np.exp(sharpness * (norms / value[:, None, None] - 1))
        weights /= weights.sum(axis=(1, 2), keepdims=True)
        pull = -_play_prices(batch, images, weights)
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


def _check(batch: _Batch, tolerances) -> None:
    if 0 in (batch.features.shape[2], batch.covariances.shape[2]):
        raise ValueError("features, covariances: got no policy, expected at least one")
    if not np.all(tolerances > 0):
        raise ValueError(f"tolerances: got {tolerances.min()}, expected positive numbers")
    d = batch.features.shape[-1]
    spectrum = batch.offset if batch.one_hot else np.linalg.eigvalsh(batch.offset.reshape(-1, d, d))
    if not np.all(spectrum > 0):
        raise ValueError(f"offset: got an eigenvalue {spectrum.min():.4g}, expected a positive definite covariance")
