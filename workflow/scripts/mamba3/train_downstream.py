"""Train a language model on token shards and answer multiple-choice items: the paper's own scale."""

from pathlib import Path

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.language.choices import choose, load_choices
from lib.language.corpus import fixed_windows, random_windows, token_shards
from lib.ssm.models import matched_hidden, sequence_model
from lib.training.loop import held_out_loss, language_loss, train
from lib.training.stacked import count_parameters, generators

SLICE = 2048  # positions whose logits are in memory at once: 1 GB at the published vocabulary


def train_downstream(
    lm_path: Path,
    choices_path: Path,
    *,
    arch: str,
    width: int,
    layers: int,
    hidden: dict[str, int],
    head_dim: int,
    d_state: int,
    gdn_value_dim: int,
    rope_fraction: float,
    dt_range: list[float],
    vocabulary: int,
    steps: int,
    tokens: int,
    batch: int,
    micro_batch: int,
    learning_rate: float,
    warmup: int,
    windows: int,
    root_seed: int,
    device: str,
    checkpoint=None,
) -> xr.Dataset:
    """Return accuracy of each set, validation loss and training losses `(step,)`.

    Args:
        lm_path: folder of token shards.
        choices_path: multiple-choice items, see `lib.language.choices.load_choices`.
        arch: of `lib.ssm.models.mixer`.
        width, layers, head_dim, d_state, gdn_value_dim, rope_fraction, dt_range, vocabulary: of the model, whose head
            is its embedding.
        hidden: widths of the channel mixers by architecture; others get the parameters of `mamba3`.
        steps, tokens, batch, learning_rate, warmup: AdamW, cosine to a tenth; sequences of `tokens`.
        micro_batch: sequences that go through the model at once.
        windows: validation windows.
        root_seed: root of the random streams.
        device: torch device; on a GPU the training computes in bfloat16.
        checkpoint: where the state of the training is saved.
    """
    if batch % micro_batch:
        raise ValueError(f"micro_batch: got {micro_batch}, expected a divisor of the batch {batch}")
    corpus, sets = token_shards(lm_path, vocabulary), load_choices(choices_path)
    options = {
        "channel": "swiglu",
        "tied": True,
        "head_dim": head_dim,
        "d_state": d_state,
        "gdn_value_dim": gdn_value_dim,
        "rope_fraction": rope_fraction,
        "dt_range": tuple(dt_range),
    }
    sizes = (vocabulary, width, layers)
    inner = hidden.get(arch) or matched_hidden(arch, *sizes, hidden=hidden["mamba3"], **options)
    sources = generators([seed_sequence(root_seed, "mamba3", "weights", "downstream")])
    model = sequence_model(arch, *sizes, sources, hidden=inner, **options).to(device)
    rng = generator(root_seed, "mamba3", "train", "downstream")

    def loss(step: int) -> torch.Tensor:
        sample = torch.from_numpy(random_windows(corpus.train, micro_batch, tokens + 1, rng))[None].to(device)
        with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
            return language_loss(model, sample, SLICE)

    trace = train(
        model,
        loss,
        steps=steps,
        learning_rate=learning_rate,
        warmup=warmup,
        parts=batch // micro_batch,
        streams=[rng],
        checkpoint=checkpoint,
    )[:, 0]
    held_out = torch.from_numpy(fixed_windows(corpus.validation, windows, tokens + 1))
    validation = held_out_loss(model, held_out, 1, device)
    accuracy = [float(choose(model, items, device).mean()) for items in sets.values()]
    return xr.Dataset(
        {
            "accuracy": ("set", np.array(accuracy), {"long_name": "share of right choices"}),
            "loss": ("step", trace.astype(np.float32), {"long_name": "training loss", "units": "nats"}),
        },
        coords={"set": list(sets)},
        attrs={
            "arch": arch,
            "parameters": count_parameters(model),
            "hidden": inner,
            "validation": float(validation[0]),
            "corpus_sha256": corpus.sha256,
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_downstream, snakemake)
