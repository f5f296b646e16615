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
from lib.training.state import Part, results_so_far


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
    checkpoint=None,
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
        device: where to compute; on a GPU the training computes in bfloat16.
        shards: folder of tokens, or None for the character corpus.
        checkpoint: where the state of the training is saved.
    """
    if batch % parts:
        raise ValueError(f"parts: got {parts}, expected a divisor of the batch {batch}")
    corpus = python_manual() if shards is None else token_shards(shards, vocabulary)
    held_out = torch.from_numpy(fixed_windows(corpus.validation, validation_windows, tokens + 1))
    results = results_so_far(checkpoint)
    for name, size in sizes.items():
        if f"{name}:loss" in results:
            continue
        sources = generators(seed_sequence(root_seed, "language", "weights", name, seed) for seed in seeds[name])
        model = build_model(architecture, corpus.vocabulary, sources, block, **size).to(device)
        rngs = [generator(root_seed, "language", "windows", name, seed) for seed in seeds[name]]

        def loss(step, model=model, rngs=rngs):
            windows = np.stack([random_windows(corpus.train, batch // parts, tokens + 1, rng) for rng in rngs])
            with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
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
            streams=rngs,
            checkpoint=Part(checkpoint, name, results) if checkpoint else None,
        )
        results |= {
            f"{name}:loss": trace.T,
            f"{name}:validation": held_out_loss(model, held_out, batch // parts, device, torch.float32),
            f"{name}:parameters": np.full(len(rngs), count_parameters(model)),
        }

    def joined(kind: str) -> np.ndarray:
        return np.concatenate([results[f"{name}:{kind}"] for name in sizes])

    return xr.Dataset(
        {
            "loss": (("model", "step"), joined("loss"), {"units": "nats", "long_name": "training loss"}),
            "validation": ("model", joined("validation"), {"units": "nats", "long_name": "validation loss"}),
            "parameters": ("model", joined("parameters")),
        },
        coords={
            "size": ("model", [name for name in sizes for _ in seeds[name]]),
            "seed": ("model", [seed for name in sizes for seed in seeds[name]]),
        },
        attrs={"architecture": architecture, "corpus_sha256": corpus.sha256, "vocabulary": corpus.vocabulary},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_models, snakemake)
