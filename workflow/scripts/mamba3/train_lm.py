"""Train character language models around one kind of mixer; all seeds as one stack."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.language.corpus import fixed_windows, python_manual, random_windows
from lib.ssm.models import matched_hidden, sequence_model, state_bytes
from lib.training.loop import held_out_loss, language_loss, train
from lib.training.stacked import count_parameters, generators

MATCHED = ("mimo", "gdn", "softmax")  # their channel mixers are narrowed to the parameters of Mamba-3 of the same N


def train_lm(
    *,
    arch: str,
    state: int,
    init: str,
    inits: dict,
    steps: int,
    tokens: int,
    batch: int,
    learning_rate: float,
    warmup: int,
    width: int,
    layers: int,
    hidden: int,
    head_dim: int,
    windows: int,
    chunk: int,
    seeds: list[int],
    root_seed: int,
    device: str,
) -> xr.Dataset:
    """Return validation losses `(seed,)` and training losses `(seed, step)`.

    Args:
        arch: of `lib.ssm.models.mixer`.
        state: N, and the key width of Gated DeltaNet.
        init: name of the range of step sizes at the start.
        inits: log-uniform ranges by name.
        steps, tokens, batch, learning_rate, warmup: AdamW (betas 0.9 and 0.95, weight decay 0.01), cosine to a tenth.
        width, layers, hidden, head_dim: of the model.
        windows: fixed validation windows.
        chunk: chunk length of the scans.
        seeds: models of the stack.
        root_seed: root of the random streams.
        device: torch device.
    """
    corpus = python_manual()
    options = {"head_dim": head_dim, "d_state": state, "dt_range": tuple(inits[init]), "chunk_size": chunk}
    sizes = (corpus.vocabulary, width, layers)
    if arch in MATCHED:
        hidden = matched_hidden(arch, *sizes, hidden=hidden, channel="swiglu", **options)
    sources = generators([seed_sequence(root_seed, "mamba3", "weights", "lm", seed) for seed in seeds])
    model = sequence_model(arch, *sizes, sources, hidden=hidden, channel="swiglu", **options).to(device)
    streams = [generator(root_seed, "mamba3", "train", "lm", seed) for seed in seeds]

    def loss(step: int) -> torch.Tensor:
        sample = np.stack([random_windows(corpus.train, batch, tokens + 1, rng) for rng in streams])
        return language_loss(model, torch.from_numpy(sample).to(device))

    trace = train(model, loss, steps=steps, learning_rate=learning_rate, warmup=warmup, decay="cosine")
    held_out = torch.from_numpy(fixed_windows(corpus.validation, windows, tokens + 1))
    validation = held_out_loss(model, held_out, 16, device)
    fixed = 0 if arch == "softmax" else state_bytes(arch, width, head_dim=head_dim, d_state=state)
    return xr.Dataset(
        {
            "validation": ("seed", validation, {"long_name": "validation loss", "units": "nats/character"}),
            "loss": (("seed", "step"), trace.T.astype(np.float32), {"long_name": "training loss", "units": "nats"}),
        },
        coords={"seed": seeds},
        attrs={
            "arch": arch,
            "state": state,
            "init": init,
            "parameters": count_parameters(model),
            "hidden": hidden,
            "state_bytes": fixed,
            "corpus_sha256": corpus.sha256,
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_lm, snakemake)
