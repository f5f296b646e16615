"""Train one architecture on text: its learning rate on a seed of its own, then all seeds as one stack."""

from pathlib import Path

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.language.choices import choose, load_choices
from lib.language.corpus import fixed_windows, python_manual, random_windows, token_shards
from lib.language.memories import (
    describe,
    memory_model,
    routed_tokens,
    tail_losses,
    text_loss,
)
from lib.stats.correlation import mutual_information
from lib.training.loop import held_out_loss, train
from lib.training.stacked import generators
from lib.training.tuning import train_at_best_rate

SHUFFLES = 20
TAIL = 64  # tokens at the end of a window whose loss is compared over lengths


def train_lm(
    shards: Path | None = None,
    choices: Path | None = None,
    *,
    arch: str,
    options: dict,
    seeds: int,
    defaults: dict,
    vocabulary: int,
    steps: int,
    tokens: int,
    batch: int,
    parts: int,
    learning_rates: list[float],
    warmup: int,
    width: int,
    windows: int,
    lengths: list[int],
    root_seed: int,
    device: str,
    checkpoint=None,
) -> xr.Dataset:
    """Return validation losses, losses of the last tokens by length, loads, and which tokens go to which memory.

    Args:
        shards: folder of token shards; None: the characters of Python's manual.
        choices: multiple-choice items, see `lib.language.choices.load_choices`; None: none.
        arch, options, seeds, defaults: as in `train_mqar`.
        vocabulary: of the shards, or an upper bound on that of the characters.
        steps, tokens, batch, warmup: AdamW, cosine to a tenth; sequences of `tokens`.
        parts: pieces that a batch goes through the model in.
        learning_rates: of which the best on a further seed is taken.
        width: of the model.
        windows: validation windows.
        lengths: of the windows whose last 64 tokens are compared.
        root_seed: root of the random streams.
        device: torch device; on a GPU the training computes in bfloat16.
        checkpoint: where the state of the training is saved.
    """
    corpus = python_manual() if shards is None else token_shards(shards, vocabulary)
    chosen = defaults | options
    balance = chosen.pop("balance")

    def build(numbers: list[int]):
        sources = generators([seed_sequence(root_seed, "mixture_of_memories", "weights", "lm", n) for n in numbers])
        return memory_model(vocabulary, width, sources=sources, **chosen).to(device)

    def trained(numbers: list[int], rates, label: str, part):
        model = build(numbers)
        streams = [generator(root_seed, "mixture_of_memories", "train", "lm", n) for n in numbers]

        def loss(step: int) -> torch.Tensor:
            sample = np.stack([random_windows(corpus.train, batch // parts, tokens + 1, rng) for rng in streams])
            with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
                return text_loss(model, torch.from_numpy(sample).to(device), balance)

        trace = train(
            model, loss, steps=steps, learning_rate=rates, warmup=warmup, parts=parts, label=label, streams=streams,
            checkpoint=part,
        )  # fmt: skip
        return model, trace

    held_out = torch.from_numpy(fixed_windows(corpus.validation, windows, tokens + 1))
    numbers = list(range(seeds))
    model, trace, scores, best = train_at_best_rate(
        trained, lambda model, _: -held_out_loss(model, held_out, 16, device), learning_rates, numbers, checkpoint
    )
    ends = np.stack(
        [tail_losses(model, fixed_windows(corpus.validation, windows, length + 1), TAIL, device) for length in lengths]
    )
    variables = {
        "validation": ("seed", held_out_loss(model, held_out, 16, device), {"units": "nats"}),
        "end_loss": (("length", "seed"), ends, {"long_name": f"loss of the last {TAIL} tokens", "units": "nats"}),
        "loss": (("seed", "step"), trace.T.astype(np.float32), {"long_name": "training loss", "units": "nats"}),
        "tuning": ("rate", -scores, {"long_name": "validation loss of a further seed", "units": "nats"}),
    }
    if model.chosen:
        variables |= _specialisation(model, build(numbers), held_out, vocabulary, root_seed, numbers)
    sets = load_choices(choices) if choices else {}
    if sets:
        variables["accuracy"] = (
            "set",
            np.array([float(choose(model, items, device).mean()) for items in sets.values()]),
        )
    return xr.Dataset(
        variables,
        coords={"seed": numbers, "length": lengths, "rate": learning_rates} | ({"set": list(sets)} if sets else {}),
        attrs={"arch": arch, "learning_rate": best, "corpus_sha256": corpus.sha256, **describe(model)},
    )


def _specialisation(model, untrained, windows, vocabulary: int, root_seed: int, numbers: list[int]) -> dict:
    """Counts of tokens by memory and their mutual information: trained, before training, and with tokens shuffled."""
    layer = len(model.mixers) // 2
    windows = windows[:, :-1]
    counts = routed_tokens(model, windows, vocabulary, layer)
    before = routed_tokens(untrained, windows, vocabulary, layer)
    rng = generator(root_seed, "mixture_of_memories", "shuffles")
    shuffled = np.empty((len(numbers), SHUFFLES))
    for i, own in enumerate(counts):
        memory = np.repeat(np.arange(len(own)), own.sum(1).astype(int))
        token = np.repeat(np.tile(np.arange(vocabulary), len(own)), own.ravel().astype(int))
        for j in range(SHUFFLES):
            pair = memory * vocabulary + rng.permutation(token)
            joint = np.bincount(pair, minlength=own.size).reshape(own.shape)
            shuffled[i, j] = mutual_information(joint)
    load = counts.sum(-1) / counts.sum((-2, -1))[:, None] * model.chosen
    return {
        "counts": (("seed", "memory", "token"), counts.astype(np.int32), {"long_name": "tokens sent to a memory"}),
        "information": ("seed", mutual_information(counts), {"units": "nats"}),
        "information_before": ("seed", mutual_information(before), {"units": "nats"}),
        "information_shuffled": (("seed", "shuffle"), shuffled, {"units": "nats"}),
        "load": (("seed", "memory"), load, {"long_name": "share of tokens that a memory receives"}),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_lm, snakemake)
