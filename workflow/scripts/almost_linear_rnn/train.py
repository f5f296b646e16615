"""Train almost-linear networks with several numbers of rectified units on one series, for a group of seeds."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.dynamics.almost_linear import free_run, initialise
from lib.dynamics.measures import Scorer
from lib.dynamics.teacher_forcing import train_forced
from lib.progress import progress


def train(
    series,
    *,
    units: int,
    rectified: list[int],
    target: int,
    compared: int,
    groups: list[list[int]],
    group: int,
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
    run_steps: int,
    transient: int,
    select_on: float,
    bins: int,
    smoothing: float,
    variance: float,
    root_seed: int,
    checkpoint=None,
) -> xr.Dataset:
    """Return the best model of every run `(run, ...)`, its losses and the scores of all evaluations.

    Args:
        series: `x (time, dim)`.
        units: M.
        rectified, target, compared: numbers P of rectified units; seeds below `compared` train all of them, all others
            the `target` alone. Runs of one seed see the same noisy sequences.
        groups, group: seeds of every job, and which job this is.
        interval, strength, batch, length, epochs, batches, first_rate, last_rate, noise, every: see `train_forced`.
        run_steps, transient: states of the free run that scores a model, and how many of them are discarded first.
        select_on: models are scored against this first part of the series.
        bins, smoothing, variance: see `lib.dynamics.measures.Scorer`.
        root_seed: root of the random streams; the start of a run depends on the system, P and its seed, its sequences
            on the system and the seed.
        checkpoint: where the state of the training is saved.
    """
    x = series.x.values
    seeds = groups[group]
    runs = [(p, seed) for seed in seeds for p in rectified if p == target or seed < compared]
    key = ("almost_linear_rnn", series.attrs["system"], units, interval, strength)
    models = [initialise(units, x.shape[1], p, generator(root_seed, *key, "start", p, seed)) for p, seed in runs]
    rngs = [generator(root_seed, *key, "batches", seed) for seed in seeds]
    steps = run_steps - transient
    score = Scorer(x[: round(select_on * len(x))], bins, smoothing, variance, steps)

    def evaluate(model):
        return (score.distance(free_run(model, x[0], steps, transient)[:, : x.shape[1]]),)

    training = train_forced(
        x,
        models,
        rngs,
        evaluate,
        streams=[seeds.index(seed) for _, seed in runs],
        interval=interval,
        strength=strength,
        batch=batch,
        length=length,
        epochs=epochs,
        batches=batches,
        first_rate=first_rate,
        last_rate=last_rate,
        noise=noise,
        every=every,
        checkpoint=checkpoint,
        report=lambda epochs: progress(epochs, f"epochs after {epochs.start}"),
    )
    a, w, h, lift = (np.stack([getattr(m, name) for m in training.models]) for name in ("a", "w", "h", "lift"))
    return xr.Dataset(
        {
            "a": (("run", "unit"), a),
            "w": (("run", "unit", "from"), w),
            "h": (("run", "unit"), h),
            "lift": (("run", "hidden", "dim"), lift),
            "loss": (("run", "epoch"), training.losses, {"long_name": "mean squared error of forced predictions"}),
            "score": (("run", "evaluation"), training.metrics[:, :, 0], {"long_name": "D_stsp of the free run"}),
            "best": ("run", training.best, {"long_name": "evaluation whose model is stored, -1 for none"}),
        },
        coords={
            "rectified": ("run", [p for p, _ in runs]),
            "seed": ("run", [seed for _, seed in runs]),
            "epoch": np.arange(1, epochs + 1),
            "evaluated": ("evaluation", every * np.arange(1, epochs // every + 1), {"long_name": "epoch"}),
        },
        attrs={"system": series.attrs["system"], "units": units, "interval": interval, "strength": strength},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train, snakemake)
