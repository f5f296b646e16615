"""Train one architecture on associative recall: its learning rate on a seed of its own, then all seeds as one stack."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.language.evaluation import recall_accuracy
from lib.language.memories import describe, memory_model, recall_load, recall_loss, with_ideal_routes
from lib.language.recall import mqar
from lib.training.loop import grow, train
from lib.training.stacked import generators, stack_batches
from lib.training.tuning import train_at_best_rate


def train_mqar(
    *,
    arch: str,
    options: dict,
    seeds: int,
    defaults: dict,
    n_keys: int,
    first_pairs: int,
    pairs: int,
    growth: float,
    asked: list[int],
    sequences: int,
    steps: int,
    batch: int,
    learning_rates: list[float],
    warmup: int,
    width: int,
    root_seed: int,
    device: str,
    checkpoint=None,
) -> xr.Dataset:
    """Return recall accuracy `(seed, pairs)`, loads `(seed, layer, memory)`, training losses `(seed, step)`.

    Args:
        arch, options: name, and what differs from the defaults: `layers`, `hidden`, `balance`, `oracle`, and options
            of `lib.attention.memories.MixtureOfMemories`.
        seeds: models of the stack.
        defaults: of all architectures.
        n_keys: number of keys, and of values.
        first_pairs, pairs, growth: pairs of a sequence grow from the first to the second over this share of the steps.
        asked: numbers of pairs that are evaluated; the largest of the training decides on the learning rate.
        sequences: fresh sequences for each number of pairs and seed.
        steps, batch, warmup: AdamW (betas 0.9 and 0.95, weight decay 0.01), constant, then linear to 0 over the second
            half.
        learning_rates: of which the best on a further seed is taken.
        width: of the model.
        root_seed: root of the random streams.
        device: torch device.
        checkpoint: where the state of the training is saved.
    """
    chosen = defaults | options
    balance, oracle = chosen.pop("balance"), chosen.pop("oracle")

    def trained(numbers: list[int], rates, label: str, part):
        sources = generators([seed_sequence(root_seed, "mixture_of_memories", "weights", "mqar", n) for n in numbers])
        model = memory_model(2 * n_keys, width, sources=sources, **chosen).to(device)
        streams = [generator(root_seed, "mixture_of_memories", "train", "mqar", n) for n in numbers]

        def loss(step: int) -> torch.Tensor:
            number = grow(step, steps, first_pairs, pairs, growth)
            batches = stack_batches([mqar(batch, number, n_keys, rng) for rng in streams], device)
            return recall_loss(model, *batches, number, balance, oracle)

        trace = train(
            model, loss, steps=steps, learning_rate=rates, warmup=warmup, decay="linear_half", label=label,
            streams=streams, checkpoint=part,
        )  # fmt: skip
        return model, trace

    def accuracy_of(model, numbers: list[int], amounts: list[int]) -> np.ndarray:
        streams = [generator(root_seed, "mixture_of_memories", "evaluate", "mqar", n) for n in numbers]
        asked_model = with_ideal_routes(model) if oracle else model
        return np.stack([recall_accuracy(asked_model, n, n_keys, sequences, streams, device) for n in amounts], 1)

    numbers = list(range(seeds))
    model, trace, tuning, best = train_at_best_rate(
        trained, lambda model, numbers: accuracy_of(model, numbers, [pairs])[:, 0], learning_rates, numbers, checkpoint
    )
    accuracy = accuracy_of(model, numbers, asked)
    streams = [generator(root_seed, "mixture_of_memories", "load", n) for n in numbers]
    load = recall_load(model, pairs, n_keys, sequences, streams, oracle, device)
    return xr.Dataset(
        {
            "accuracy": (("seed", "pairs"), accuracy, {"long_name": "recall accuracy"}),
            "load": (("seed", "layer", "memory"), load, {"long_name": "share of tokens that a memory receives"}),
            "loss": (("seed", "step"), trace.T.astype(np.float32), {"long_name": "training loss", "units": "nats"}),
            "tuning": ("rate", tuning, {"long_name": "recall accuracy of a further seed"}),
        },
        coords={"seed": numbers, "pairs": asked, "rate": learning_rates},
        attrs={"arch": arch, "learning_rate": best, **describe(model)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_mqar, snakemake)
