"""Train language models of one architecture, all seeds of a size as one stack."""

from pathlib import Path

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.language.corpus import fixed_windows, python_manual, random_windows, token_shards
from lib.language.models import build_model
from lib.training.loop import held_out_loss, language_loss, train
from lib.training.stacked import count_parameters, generators


def train_models(
    *,
    architecture: str,
    sizes: dict[str, dict],
    seeds: dict[str, list[int]],
    block: int,
    tokens: int,
    batch: int,
    parts: int,
    steps: int,
    learning_rate: float,
    warmup: int,
    weight_decay: float,
    clip: float,
    validation_windows: int,
    vocabulary: int,
    root_seed: int,
    device: str,
    shards: Path | None = None,
) -> xr.Dataset:
    """Return training losses `(model, step)` and validation losses `(model,)` in nats for each token.

    Args:
        architecture: `tnl_chunked`, `tnl_quadratic` or `softmax`.
        sizes, seeds: width, layers and heads, and the seeds, by name of the size.
        block: block length of the chunked form.
        tokens, batch, steps: length and number of the windows of a step, number of steps.
        parts: how many parts of a batch go through the model one after another.
        learning_rate, warmup, weight_decay, clip: of AdamW, cosine to a tenth.
        validation_windows: fixed windows of the held-out text.
        vocabulary: of the token shards; the character corpus has its own.
        root_seed: every architecture sees the same windows.
        device: where to compute.
        shards: folder of tokens, or None for the character corpus.
    """
    if batch % parts:
        raise ValueError(f"parts: got {parts}, expected a divisor of the batch {batch}")
    corpus = python_manual() if shards is None else token_shards(shards, vocabulary)
    held_out = torch.from_numpy(fixed_windows(corpus.validation, validation_windows, tokens + 1))
    losses, validation, names, places, parameters = [], [], [], [], []
    for name, size in sizes.items():
        at = seeds[name]
        sources = generators(seed_sequence(root_seed, "language", "weights", name, seed) for seed in at)
        model = build_model(architecture, corpus.vocabulary, sources, block, **size).to(device)
        rngs = [generator(root_seed, "language", "windows", name, seed) for seed in at]

        def loss(step, model=model, rngs=rngs):
            windows = np.stack([random_windows(corpus.train, batch // parts, tokens + 1, rng) for rng in rngs])
            return language_loss(model, torch.from_numpy(windows).to(device))

        trace = train(
            model,
            loss,
            steps=steps,
            learning_rate=learning_rate,
            warmup=warmup,
            weight_decay=weight_decay,
            clip=clip,
            parts=parts,
            label=f"{architecture} {name} steps",
        )
        losses.append(trace.T)
        validation.append(held_out_loss(model, held_out, batch // parts, device, torch.float32))
        names += [name] * len(at)
        places += at
        parameters += [count_parameters(model)] * len(at)
    return xr.Dataset(
        {
            "loss": (("model", "step"), np.concatenate(losses), {"units": "nats", "long_name": "training loss"}),
            "validation": ("model", np.concatenate(validation), {"units": "nats", "long_name": "validation loss"}),
            "parameters": ("model", np.array(parameters)),
        },
        coords={"size": ("model", names), "seed": ("model", places)},
        attrs={"architecture": architecture, "corpus_sha256": corpus.sha256, "vocabulary": corpus.vocabulary},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_models, snakemake)
