"""Train models on associative recall with several queries; all seeds as one stack."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.language.evaluation import recall_accuracy
from lib.language.recall import mqar
from lib.ssm.models import sequence_model, state_bytes
from lib.training.loop import grow, token_losses, train
from lib.training.stacked import count_parameters, generators, stack_batches


def train_mqar(
    *,
    arch: str,
    state: int,
    init: str,
    inits: dict,
    n_keys: int,
    first_pairs: int,
    pairs: int,
    growth: float,
    asked: list[int],
    sequences: int,
    steps: int,
    batch: int,
    learning_rate: float,
    warmup: int,
    width: int,
    layers: int,
    hidden: int,
    head_dim: int,
    seeds: list[int],
    root_seed: int,
    device: str,
) -> xr.Dataset:
    """Return recall accuracy `(seed, pairs)` and training losses `(seed, step)`.

    Args:
        arch: of `lib.ssm.models.mixer`.
        state: N.
        init: name of the range of step sizes at the start.
        inits: log-uniform ranges by name.
        n_keys: number of keys, and of values.
        first_pairs, pairs, growth: pairs of a sequence grow from the first to the second over this share of the steps.
        asked: numbers of pairs that are evaluated.
        sequences: fresh sequences for each number of pairs and seed.
        steps, batch, learning_rate, warmup: AdamW (betas 0.9 and 0.95, weight decay 0.01), constant, then linear to 0
            over the second half.
        width, layers, hidden, head_dim: of the model.
        seeds: models of the stack.
        root_seed: root of the random streams.
        device: torch device.
    """
    sources = generators([seed_sequence(root_seed, "mamba3", "weights", "mqar", seed) for seed in seeds])
    model = sequence_model(
        arch,
        2 * n_keys,
        width,
        layers,
        sources,
        hidden=hidden,
        channel="gelu",
        head_dim=head_dim,
        d_state=state,
        dt_range=tuple(inits[init]),
        backend="quadratic" if device == "cpu" else "auto",
    ).to(device)
    streams = [generator(root_seed, "mamba3", "train", "mqar", seed) for seed in seeds]

    def loss(step: int) -> torch.Tensor:
        number = grow(step, steps, first_pairs, pairs, growth)
        tokens, targets = stack_batches([mqar(batch, number, n_keys, rng) for rng in streams], device)
        return token_losses(model(tokens)[:, :, 2 * number :], targets[:, :, 2 * number :])

    trace = train(model, loss, steps=steps, learning_rate=learning_rate, warmup=warmup, decay="linear_half")
    streams = [generator(root_seed, "mamba3", "evaluate", "mqar", seed) for seed in seeds]
    accuracy = [recall_accuracy(model, number, n_keys, sequences, streams, device) for number in asked]
    fixed = 0 if arch == "softmax" else state_bytes(arch, width, head_dim=head_dim, d_state=state)
    return xr.Dataset(
        {
            "accuracy": (("seed", "pairs"), np.stack(accuracy, 1), {"long_name": "recall accuracy"}),
            "loss": (("seed", "step"), trace.T.astype(np.float32), {"long_name": "training loss", "units": "nats"}),
        },
        coords={"seed": seeds, "pairs": asked},
        attrs={
            "arch": arch,
            "state": state,
            "init": init,
            "parameters": count_parameters(model),
            "state_bytes": fixed,
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_mqar, snakemake)
