"""Interior points of exploration designs: Newton's method on a logarithmic barrier, for a batch of problems at once.

The constraints are squared norms v_c(x) = phi_c^T M(x)^-1 phi_c with M_h(x) = offset_h + sum_j x_j C_jh, convex in x.
"""

from typing import NamedTuple

import numpy as np

GROWTH = 10.0  # of the barrier's sharpness, once a problem is centred
PATIENCE = 10  # Newton steps until centred
HALVINGS = 40  # of a step that gains too little
LEAST_GAP = 0.05  # episodes: an optimum below this needs no relative precision


class Batch(NamedTuple):
    """Problems side by side: features (B, H, P, d), covariances as rows (B or 1, H, J, K), offset (B, H, K).

    K is d where features are one-hot, and d^2 otherwise.
    """

    features: np.ndarray
    covariances: np.ndarray
    offset: np.ndarray
    one_hot: bool

    def take(self, index) -> "Batch":
        """Some of the problems."""
        one = len(self.covariances) == 1
        return self._replace(
            features=self.features[index],
            covariances=self.covariances if one else self.covariances[index],
            offset=self.offset[index],
        )


def make_batch(features, covariances, offset, one_hot: bool, more=()) -> tuple[Batch, tuple[int, ...]]:
    """The problems as a batch, and the shape of the batch."""
    features, covariances, offset = (np.asarray(one, dtype=float) for one in (features, covariances, offset))
    inner = 1 if one_hot else 2
    lead = np.broadcast_shapes(features.shape[:-3], covariances.shape[: -2 - inner], offset.shape[: -1 - inner], more)
    size, (layers, d) = int(np.prod(lead, dtype=int)), features.shape[-2:]
    own = (layers, *[d] * inner)
    if offset.shape[-1 - inner :] != own or covariances.shape[-1 - inner :] != own:
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
    return Batch(features.swapaxes(1, 2), covariances, offset, one_hot), lead


def measure(batch: Batch, x):
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


def slopes_of(batch: Batch, images):
    """Derivatives of phi^T M^-1 phi in x: -(M^-1 phi)^T C_j (M^-1 phi), (B, H, P, J)."""
    if batch.one_hot:
        squares = images**2
    else:
        squares = (images[..., :, None] * images[..., None, :]).reshape(*images.shape[:3], -1)
    return -squares @ batch.covariances.swapaxes(-1, -2)


def curvature(batch: Batch, inverse, images, weights):
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


def prices_of_play(batch: Batch, images, weights):
    """sum_c weights_c (M^-1 phi_c)^T C_j (M^-1 phi_c), (B, J), without the slope of each norm."""
    if batch.one_hot:
        moments = np.sum(weights[..., None] * images**2, axis=2)
    else:
        moments = images.swapaxes(-1, -2) @ (weights[..., None] * images)
    return (batch.covariances @ moments.reshape(*moments.shape[:2], -1, 1))[..., 0].sum(axis=1)


def nonzero(batch: Batch):
    """Which features are not zero, (B, H, P): the others, and those of infinite tolerance, constrain nothing."""
    return np.abs(batch.features).max(axis=-1) > 0


class Task(NamedTuple):
    """What is minimised. Without a budget, sum x subject to v_c(x) <= 1; with one, tau subject to v_c(x) <= tau and
    sum x <= budget.

    Args:
        batch: features scaled by the roots of their tolerances; those that do not count are zero.
        counted: (B, H, P), which of them count.
        budget: (B,) or None.
    """

    batch: Batch
    counted: np.ndarray
    budget: np.ndarray | None

    def take(self, index) -> "Task":
        """Some of the problems."""
        budget = None if self.budget is None else self.budget[index]
        return Task(self.batch.take(index), self.counted[index], budget)


class Iterate(NamedTuple):
    """Where Newton's method is.

    Args:
        x: (B, J), positive.
        tau: (B,), 1 without a budget.
        sharpness: weight of the objective beside the barrier, (B,).
        growth: of the sharpness, once centred, (B,).
        age: Newton steps since it grew, (B,).
    """

    x: np.ndarray
    tau: np.ndarray
    sharpness: np.ndarray
    growth: np.ndarray
    age: np.ndarray


class Terms(NamedTuple):
    """What a Newton step needs at an iterate.

    Args:
        inverse, images, norms: of `measure`.
        weights: 1 / slack of each constraint that counts, 0 of the others, (B, H, P).
        room: budget less sum x, (B,) or None.
        slopes: of `slopes_of`, (B, H, P, J).
        pull: sum_c weights_c slopes_c, (B, J).
    """

    inverse: np.ndarray
    images: np.ndarray
    norms: np.ndarray
    weights: np.ndarray
    room: np.ndarray | None
    slopes: np.ndarray
    pull: np.ndarray


def start_from(task: Task, x) -> Iterate:
    """First iterate, at a point that meets all constraints strictly."""
    size, arms = x.shape
    number = task.counted.sum(axis=(1, 2)) + arms + (task.budget is not None)
    tau = np.ones(size) if task.budget is None else 2 * measure(task.batch, x)[2].max(axis=(1, 2))
    objective = x.sum(axis=1) if task.budget is None else tau
    return Iterate(x.copy(), tau, number / objective, np.full(size, GROWTH), np.zeros(size))


def terms_at(task: Task, at: Iterate) -> Terms:
    """Norms, slacks and derivatives at an iterate."""
    inverse, images, norms = measure(task.batch, at.x)
    gaps = at.tau[:, None, None] - norms
    weights = np.where(task.counted, 1 / np.where(task.counted, gaps, 1), 0)
    slopes = slopes_of(task.batch, images)
    room = None if task.budget is None else task.budget - at.x.sum(axis=1)
    return Terms(inverse, images, norms, weights, room, slopes, (weights[..., None] * slopes).sum(axis=(1, 2)))


def certify(task: Task, at: Iterate, terms: Terms) -> tuple[np.ndarray, np.ndarray]:
    """Objective, and a lower bound of it by weak duality at multipliers in proportion to 1 / slack, made feasible."""
    linear = (terms.weights * terms.norms).sum(axis=(1, 2)) - (terms.pull * at.x).sum(axis=1)
    total = terms.weights.sum(axis=(1, 2))
    if task.budget is None:
        return at.x.sum(axis=1), (linear - total) / (-terms.pull).max(axis=1)
    value = np.where(task.counted, terms.norms, -np.inf).max(axis=(1, 2))
    return value, (linear + task.budget * terms.pull.min(axis=1)) / total


def newton_direction(task: Task, at: Iterate, terms: Terms) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Newton's step in x and tau, and its decrement: twice what the model of second order says that it gains."""
    arms = at.x.shape[1]
    slopes, level = terms.slopes.reshape(len(at.x), -1, arms), terms.weights.reshape(len(at.x), -1)
    steep = slopes * (level**2)[..., None]
    hessian = curvature(task.batch, terms.inverse, terms.images, terms.weights) + steep.swapaxes(1, 2) @ slopes
    hessian[:, np.arange(arms), np.arange(arms)] += 1 / at.x**2
    gradient = terms.pull - 1 / at.x
    scale = at.x
    if task.budget is None:
        gradient += at.sharpness[:, None]
    else:
        hessian += (1 / terms.room**2)[:, None, None]
        gradient += (1 / terms.room)[:, None]
        border, corner = -steep.sum(axis=1), (level**2).sum(axis=1)
        hessian = np.block([[hessian, border[:, :, None]], [border[:, None, :], corner[:, None, None]]])
        gradient = np.concatenate([gradient, (at.sharpness - level.sum(axis=1))[:, None]], axis=1)
        scale = np.concatenate([at.x, at.tau[:, None]], axis=1)
    scaled = hessian * scale[:, :, None] * scale[:, None, :]
    scaled += 1e-13 * np.trace(scaled, axis1=1, axis2=2)[:, None, None] * np.eye(scale.shape[1])
    direction = -scale * np.linalg.solve(scaled, (scale * gradient)[..., None])[..., 0]
    decrement = -(direction * gradient).sum(axis=1)
    return direction[:, :arms], 0 * at.tau if task.budget is None else direction[:, arms], decrement


def merit(task: Task, x, tau, sharpness) -> np.ndarray:
    """Objective times sharpness with the barrier, (B,); infinite where a constraint is not met strictly."""
    gaps = tau[:, None, None] - measure(task.batch, x)[2]
    inside = (x > 0).all(axis=1) & np.where(task.counted, gaps > 0, True).all(axis=(1, 2))
    room = np.ones(len(x)) if task.budget is None else task.budget - x.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = sharpness * (x.sum(axis=1) if task.budget is None else tau) - np.log(x).sum(axis=1) - np.log(room)
        total -= np.where(task.counted, np.log(np.where(task.counted, gaps, 1)), 0).sum(axis=(1, 2))
    return np.where(inside & (room > 0), total, np.inf)


def step_inside(task: Task, at: Iterate, terms: Terms) -> Iterate:
    """One damped Newton step, and a sharper barrier where it found the centre."""
    dx, dtau, decrement = newton_direction(task, at, terms)
    before = merit(task, at.x, at.tau, at.sharpness)
    step = np.minimum(1, 0.95 * np.where(dx < 0, -at.x / np.where(dx < 0, dx, 1), np.inf).min(axis=1))
    for _ in range(HALVINGS):
        after = merit(task, at.x + step[:, None] * dx, at.tau + step * dtau, at.sharpness)
        short = ~(after <= before - 0.1 * step * decrement + 1e-9 * np.abs(before))
        if not short.any():
            break
        step = np.where(short, step / 2, step)
    step = np.where(short, 0, step)  # rounding leaves nothing to gain: the centre
    # a sharpness that was raised too far makes many short steps: go half of the way back, and on more slowly
    centred, age = (decrement < 0.01) | short, at.age + 1
    stuck = ~centred & (age > PATIENCE)
    growth = np.where(stuck, np.maximum(np.sqrt(at.growth), 1.3), at.growth)
    sharpness = at.sharpness * np.where(centred, growth, np.where(stuck, 1 / growth, 1))
    return Iterate(
        at.x + step[:, None] * dx, at.tau + step * dtau, sharpness, growth, np.where(centred | stuck, 0, age)
    )


def minimise(task: Task, start, precision: float, max_steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Minimise a batch of problems, each until its gap is closed.

    Args:
        task: what is minimised.
        start: x, (B, J), strictly inside all constraints.
        precision: relative gap between objective and bound to stop at.
        max_steps: most Newton steps.

    Returns:
        x, objective and lower bound.

    Raises:
        RuntimeError: a gap that stays open.
    """
    size, arms = start.shape
    x, value, bound = np.full((size, arms), np.nan), np.full(size, np.nan), np.full(size, np.nan)
    rows, at, best = np.arange(size), start_from(task, start), np.full(size, -np.inf)
    for step in range(max_steps):
        terms = terms_at(task, at)
        reached, proved = certify(task, at, terms)
        best = np.fmax(best, proved)
        if step == max_steps - 1:
            proved = best  # a bound holds wherever it was proved
        finished = reached - proved <= precision * reached
        if task.budget is None:
            finished |= reached - proved <= LEAST_GAP
        if finished.any():
            done, rest = rows[finished], ~finished
            x[done], value[done], bound[done] = at.x[finished], reached[finished], proved[finished]
            if not rest.any():
                return x, value, bound
            rows, best, task, at = rows[rest], best[rest], task.take(rest), Iterate(*(one[rest] for one in at))
            terms = Terms(*(None if one is None else one[rest] for one in terms))
        at = step_inside(task, at, terms)
    raise RuntimeError(f"exploration design: gap open after {max_steps} Newton steps in {len(rows)} of {size} problems")
