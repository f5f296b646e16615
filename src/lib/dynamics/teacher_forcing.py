"""Training almost-linear networks by sparse and generalised teacher forcing, many models at once and without autograd.

The forced recurrence and its backward pass are one compiled function for each batch of sequences: the state is kept as
(M, S), sequences innermost, both products with W are small matrix products, and the gradient of W is one product over
all steps at the end. `forced_reference.forced_loss` is the definition that the tests check it against.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numba import njit

from lib.dynamics.almost_linear import AlmostLinearRNN
from lib.training import radam
from lib.training.state import pack_generator, unpack_generator


@njit(cache=True)
def _forced(a, w, w_transposed, h, start, x, rectified, interval, strength, states, phis, errors, gradients):
    """Forward and backward pass of one batch; fills the last four arrays, returns the loss and dL/dz_1."""
    steps, observed, batch = x.shape[0] - 1, x.shape[1], x.shape[2]
    units = a.size
    linear = units - rectified
    zero, one = a[0] * 0, a[0] * 0 + 1
    z, phi, new = start.copy(), start.copy(), np.empty_like(start)
    loss = 0.0
    for t in range(steps):
        for i in range(units):
            for s in range(batch):
                value = z[i, s]
                states[i, t, s] = value
                if i >= linear:
                    value = max(value, zero)
                phi[i, s] = value
                phis[i, t, s] = value
        np.dot(w, phi, new)
        for i in range(units):
            for s in range(batch):
                z[i, s] = a[i] * z[i, s] + new[i, s] + h[i]
        force = (t + 1) % interval == 0
        for i in range(observed):
            for s in range(batch):
                error = z[i, s] - x[t + 1, i, s]  # the loss sees the state before it is forced
                errors[t, i, s] = error
                loss += error * error
                if force:
                    z[i, s] -= strength * error
    scale = one * (2 / (steps * observed * batch))
    g = np.zeros_like(start)
    for t in range(steps - 1, -1, -1):
        share = one - strength if (t + 1) % interval == 0 else one
        for i in range(observed):
            for s in range(batch):
                g[i, s] = share * g[i, s] + scale * errors[t, i, s]
        for i in range(units):
            for s in range(batch):
                gradients[i, t, s] = g[i, s]
        np.dot(w_transposed, g, new)
        for i in range(units):
            if i < linear:
                for s in range(batch):
                    g[i, s] = a[i] * g[i, s] + new[i, s]
            else:
                for s in range(batch):
                    g[i, s] = a[i] * g[i, s] + (new[i, s] if states[i, t, s] > zero else zero)
    return loss / (steps * observed * batch), g


class Workspace(NamedTuple):
    """Arrays that the passes fill: (M, T, S) three times and (T, N, S)."""

    states: np.ndarray
    phis: np.ndarray
    gradients: np.ndarray
    errors: np.ndarray


def workspace(units: int, observed: int, length: int, batch: int, dtype=np.float32) -> Workspace:
    """Room for sequences of `length` predictions."""
    shape = (units, length, batch)
    return Workspace(*(np.empty(shape, dtype) for _ in range(3)), np.empty((length, observed, batch), dtype))


def forced_gradient(
    model: AlmostLinearRNN, x: np.ndarray, interval: int, strength: float = 1.0, room: Workspace | None = None
) -> tuple[float, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Loss of a forced run and its gradient.

    Args:
        model: the model.
        x: sequences `(T + 1, N, S)`, of the model's precision and contiguous.
        interval: forcing after every this many steps.
        strength: 1 is sparse teacher forcing; alpha < 1 at interval 1 is generalised teacher forcing.
        room: workspace to reuse.

    Returns:
        The loss, and its gradient with respect to a, w, h, lift.

    Raises:
        ValueError: an interval below 1, a strength outside (0, 1], or sequences of another width than the model's.
    """
    if interval < 1 or not 0 < strength <= 1:
        raise ValueError(f"interval, strength: got {interval}, {strength}, expected >= 1 and in (0, 1]")
    if x.ndim != 3 or x.shape[1] != model.observed:
        raise ValueError(f"x: got shape {x.shape}, expected (T + 1, {model.observed}, S)")
    units, kind = model.units, model.a.dtype.type
    if room is None:
        room = workspace(units, model.observed, len(x) - 1, x.shape[2], model.a.dtype)
    start = np.concatenate([x[0], model.lift @ x[0]])
    loss, g = _forced(
        model.a,
        model.w,
        np.ascontiguousarray(model.w.T),
        model.h,
        start,
        x,
        model.rectified,
        interval,
        kind(strength),
        room.states,
        room.phis,
        room.errors,
        room.gradients,
    )
    flat, states, phis = (v.reshape(units, -1) for v in (room.gradients, room.states, room.phis))
    return loss, (
        np.einsum("ik,ik->i", flat, states),
        flat @ phis.T,
        flat.sum(axis=1),
        g[model.observed :] @ x[0].T,
    )


class Trained(NamedTuple):
    """Best models, losses (runs, epochs), metrics (runs, evaluations, metric), best evaluation of each run or -1."""

    models: list[AlmostLinearRNN]
    losses: np.ndarray
    metrics: np.ndarray
    best: np.ndarray


def _split(flat: np.ndarray, units: int, observed: int, rectified: int) -> AlmostLinearRNN:
    """Views of a flat vector of parameters as a model."""
    ends = np.cumsum([units, units * units, units])
    a, w, h, lift = np.split(flat, ends)
    return AlmostLinearRNN(a, w.reshape(units, units), h, lift.reshape(units - observed, observed), rectified)


def _flat(model: AlmostLinearRNN) -> np.ndarray:
    return np.concatenate([v.ravel() for v in model[:4]])


def train_forced(
    series: np.ndarray,
    models: list[AlmostLinearRNN],
    rngs: list[np.random.Generator],
    evaluate: Callable[[AlmostLinearRNN], tuple[float, ...]],
    *,
    interval: int,
    strength: float,
    batch: int,
    length: int,
    epochs: int,
    batches: int,
    first_rate: float,
    last_rate: float,
    noise: float,
    every: int,
    checkpoint=None,
    report: Callable[[range], Iterable[int]] = lambda epochs: epochs,
) -> Trained:
    """Train models on one series, score each every `every` epochs, and return the best model of each run.

    Runs are independent: a run gives the same result alone and among others. A run whose parameters are no longer
    finite stops, and its best model until then is returned.

    Args:
        series: `(time, N)`.
        models: where the runs start; equal M and N, any P.
        rngs: one PCG64 generator for each run: start times of sequences, and noise.
        evaluate: metrics of a model; the first is the score: the smallest is the best, and NaN never is.
        interval, strength: see `forced_gradient`.
        batch, length: sequences S of a batch, predictions T of a sequence.
        epochs, batches: epochs, and batches of each.
        first_rate, last_rate: learning rates of RAdam, decaying exponentially over the epochs.
        noise: standard deviation of the noise added to each batch, inputs and targets alike.
        every: epochs between two evaluations.
        checkpoint: where the state of the training is saved, or None.
        report: wraps the epochs, for a progress display.

    Raises:
        ValueError: a series that is not finite or too short, or models and generators that do not fit together.
    """
    series = np.ascontiguousarray(series, np.float32)
    if series.ndim != 2 or not np.isfinite(series).all() or len(series) <= length + 2:
        raise ValueError(f"series: got shape {series.shape}, expected finite numbers, more than {length + 2} rows")
    if len({(m.units, m.observed) for m in models}) != 1 or len(rngs) != len(models):
        raise ValueError(f"models: got {len(models)} and {len(rngs)} generators, expected equal sizes and numbers")
    units, observed = models[0].units, models[0].observed
    runs, count = len(models), epochs // every
    flat = np.stack([_flat(m) for m in models]).astype(np.float32)
    width = len(evaluate(models[0]))
    state = (checkpoint.load() if checkpoint else None) or {
        "epoch": np.array(0),
        "flat": flat,
        "best_flat": flat.copy(),
        "first": np.zeros_like(flat),
        "second": np.zeros_like(flat),
        "losses": np.full((runs, epochs), np.nan, np.float32),
        "metrics": np.full((runs, count, width), np.nan),
        "best": np.full(runs, -1),
        "score": np.full(runs, np.inf),
        "alive": np.ones(runs, bool),
        "rng": np.stack([pack_generator(rng) for rng in rngs]),
    }
    flat, best_flat, alive, best, score = (state[k] for k in ("flat", "best_flat", "alive", "best", "score"))
    losses, metrics = state["losses"], state["metrics"]
    moments = radam.Moments(state["first"], state["second"])
    rngs = [unpack_generator(words) for words in state["rng"]]
    views = [_split(flat[r], units, observed, m.rectified) for r, m in enumerate(models)]
    gradient = np.zeros_like(flat)
    room = workspace(units, observed, length, batch)

    def snapshot(reached: int) -> dict[str, np.ndarray]:
        return state | {"epoch": np.array(reached), "rng": np.stack([pack_generator(rng) for rng in rngs])}

    offsets = np.arange(length + 1)[:, None]
    first_epoch = int(state["epoch"])
    for epoch in report(range(first_epoch, epochs)):
        rate = first_rate * (last_rate / first_rate) ** ((epoch + 1) / epochs)
        total = np.zeros(runs)
        for k in range(batches):
            for r in np.flatnonzero(alive):
                begin = rngs[r].integers(0, len(series) - length - 1, batch)
                x = np.ascontiguousarray(series[begin + offsets].transpose(0, 2, 1))
                if noise > 0:
                    x += np.float32(noise) * rngs[r].standard_normal(x.shape, np.float32)
                loss, parts = forced_gradient(views[r], x, interval, strength, room)
                gradient[r] = np.concatenate([part.ravel() for part in parts])
                total[r] += loss
            radam.step(flat, gradient, moments, epoch * batches + k + 1, rate)
            alive &= np.isfinite(flat).all(axis=1)
            gradient[~alive] = 0
        losses[:, epoch] = np.where(alive, total / batches, np.nan)
        if (epoch + 1) % every == 0:
            index = (epoch + 1) // every - 1
            for r in np.flatnonzero(alive):
                metrics[r, index] = evaluate(views[r])
                if metrics[r, index, 0] < score[r]:
                    score[r], best[r], best_flat[r] = metrics[r, index, 0], index, flat[r]
        if checkpoint:
            checkpoint.save_if_due(lambda reached=epoch + 1: snapshot(reached))
    best_models = [_split(best_flat[r].copy(), units, observed, m.rectified) for r, m in enumerate(models)]
    return Trained(best_models, losses, metrics, best)
