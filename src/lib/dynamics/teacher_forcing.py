"""Training almost-linear networks by sparse and generalised teacher forcing, many models at once and without autograd.

The forced recurrence and its backward pass are one compiled function for each batch of sequences: the state is kept as
(M, S), sequences innermost, both products with W are small matrix products in registers, and the gradient of W is one
product over all steps at the end. Runs of one stream (such as one seed with several numbers of rectified units) see the
same noisy sequences, which are drawn once. `forced_reference.forced_loss` is the definition that tests check.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.special import ndtri

from lib.dynamics.almost_linear import AlmostLinearRNN
from lib.dynamics.products import add_product
from lib.training import radam
from lib.training.state import pack_generator, unpack_generator


@njit(cache=True)
def _forced(a, w, w_transposed, h, start, x, rectified, interval, strength, phis, hidden, errors, gradients):
    """Forward and backward pass of one batch; fills the last four arrays, returns the loss, dL/dz_1, dL/da, dL/dh."""
    steps, observed, batch = x.shape[0] - 1, x.shape[1], x.shape[2]
    units = a.size
    linear = units - rectified
    zero, one = a[0] * 0, a[0] * 0 + 1
    z, phi, new = start.copy(), start.copy(), np.empty_like(start)
    loss = 0.0
    for t in range(steps):
        for i in range(linear):
            for s in range(batch):
                phi[i, s] = z[i, s]
                phis[i, t, s] = z[i, s]
                new[i, s] = a[i] * z[i, s] + h[i]
        for i in range(linear, units):
            for s in range(batch):
                value = z[i, s]
                hidden[i - linear, t, s] = value
                new[i, s] = a[i] * value + h[i]
                value = value if value > zero else zero
                phi[i, s] = value
                phis[i, t, s] = value
        add_product(w, phi, new)
        z, new = new, z
        share = strength if (t + 1) % interval == 0 else zero
        for i in range(observed):
            for s in range(batch):
                error = z[i, s] - x[t + 1, i, s]  # the loss sees the state before it is forced
                errors[t, i, s] = error
                loss += error * error
                z[i, s] -= share * error
    scale = one * (2 / (steps * observed * batch))
    g, decays, shifts = np.zeros_like(start), np.zeros_like(start), np.zeros_like(start)
    for t in range(steps - 1, -1, -1):
        share = one - strength if (t + 1) % interval == 0 else one
        for i in range(observed):
            for s in range(batch):
                g[i, s] = share * g[i, s] + scale * errors[t, i, s]
        new[:] = zero
        add_product(w_transposed, g, new)
        for i in range(linear):
            for s in range(batch):
                value = g[i, s]
                gradients[i, t, s] = value
                decays[i, s] += value * phis[i, t, s]
                shifts[i, s] += value
                g[i, s] = a[i] * value + new[i, s]
        for i in range(linear, units):
            for s in range(batch):
                value, state, product = g[i, s], hidden[i - linear, t, s], new[i, s]
                gradients[i, t, s] = value
                decays[i, s] += value * state
                shifts[i, s] += value
                g[i, s] = a[i] * value + (product if state > zero else zero)
    return loss / (steps * observed * batch), g, decays.sum(axis=1), shifts.sum(axis=1)


@njit(cache=True)
def _sequences(series, begin, drawn, noise, x):
    """Fill x (T + 1, N, S) with the sequences of a series that begin at these times, plus the drawn levels of noise."""
    for t in range(x.shape[0]):
        for s in range(x.shape[2]):
            for i in range(x.shape[1]):
                x[t, i, s] = series[begin[s] + t, i] + noise[drawn[t, i, s]]


def normal_levels(deviation: float) -> np.ndarray:
    """Quantiles of a normal distribution in the middles of 2^16 equal shares: one drawn evenly is noise, in float32.

    A draw costs a seventh of a normal number by rejection; the standard deviation is right to 1e-5, and the range is
    4.3 standard deviations.
    """
    return (deviation * ndtri((np.arange(2**16) + 0.5) / 2**16)).astype(np.float32)


class Workspace(NamedTuple):
    """Arrays that the passes fill: (M, T, S), (P, T, S), (T, N, S), (M, T, S)."""

    phis: np.ndarray
    hidden: np.ndarray
    errors: np.ndarray
    gradients: np.ndarray


def workspace(units: int, observed: int, rectified: int, length: int, batch: int, dtype=np.float32) -> Workspace:
    """Room for sequences of `length` predictions by models of up to `rectified` rectified units."""
    shapes = ((units, length, batch), (rectified, length, batch), (length, observed, batch), (units, length, batch))
    return Workspace(*(np.empty(shape, dtype) for shape in shapes))


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
        room = workspace(units, model.observed, model.rectified, len(x) - 1, x.shape[2], model.a.dtype)
    start = np.concatenate([x[0], model.lift @ x[0]])
    w, turned = np.ascontiguousarray(model.w), np.ascontiguousarray(model.w.T)
    loss, g, decays, shifts = _forced(
        model.a, w, turned, model.h, start, x, model.rectified, interval, kind(strength), *room
    )
    flat, phis = (v.reshape(units, -1) for v in (room.gradients, room.phis))
    return loss, (decays, flat @ phis.T, shifts, g[model.observed :] @ x[0].T)


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
    streams: Sequence[int] | None = None,
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
        rngs: one PCG64 generator for each stream: start times of sequences, and noise.
        evaluate: metrics of a model; the first is the score: the smallest is the best, and NaN never is.
        streams: which stream each run takes its sequences from; by default every run has its own.
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
    streams = np.arange(len(models)) if streams is None else np.asarray(streams)
    if len({(m.units, m.observed) for m in models}) != 1:
        raise ValueError(f"models: got {len(models)} of different sizes, expected equal M and N")
    if len(streams) != len(models) or set(streams.tolist()) != set(range(len(rngs))):
        raise ValueError(
            f"streams: got {streams.tolist()} for {len(models)} models and {len(rngs)} generators, "
            "expected one for each model, and each generator used"
        )
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
    room = workspace(units, observed, max(m.rectified for m in models), length, batch)
    x = np.empty((length + 1, observed, batch), np.float32)
    levels, drawn = normal_levels(noise), np.zeros(x.shape, np.uint16)

    def snapshot(reached: int) -> dict[str, np.ndarray]:
        return state | {"epoch": np.array(reached), "rng": np.stack([pack_generator(rng) for rng in rngs])}

    first_epoch = int(state["epoch"])
    for epoch in report(range(first_epoch, epochs)):
        rate = first_rate * (last_rate / first_rate) ** ((epoch + 1) / epochs)
        total = np.zeros(runs)
        for k in range(batches):
            for stream, rng in enumerate(rngs):
                own = np.flatnonzero(alive & (streams == stream))
                if not len(own):
                    continue
                begin = rng.integers(0, len(series) - length - 1, batch)
                if noise > 0:
                    drawn = rng.integers(0, len(levels), x.shape, np.uint16)
                _sequences(series, begin, drawn, levels, x)
                for r in own:
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
