"""Train a language model on token shards and answer multiple-choice items: the paper's own scale."""

from pathlib import Path

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.language.choices import choose, load_choices
from lib.language.corpus import fixed_windows, random_windows, token_shards
from lib.progress import progress
from lib.ssm.models import hidden_for, sequence_model
from lib.training.loop import adamw, clip_each, language_loss, rate
from lib.training.stacked import count_parameters, generators


def train_downstream(
    lm_path: Path,
    choices_path: Path,
    *,
    arch: str,
    width: int,
    layers: int,
    hidden: int,
    head_dim: int,
    d_state: int,
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
) -> xr.Dataset:
    """Return accuracy of each set, validation loss and training losses `(step,)`.

    Args:
        lm_path: folder of token shards.
        choices_path: multiple-choice items, see `lib.language.choices.load_choices`.
        arch: of `lib.ssm.models.mixer`; all but `mamba3` are matched to it in parameters by their channel mixers.
        width, layers, hidden, head_dim, d_state, rope_fraction, dt_range, vocabulary: of the model.
        steps, tokens, batch, learning_rate, warmup: AdamW, cosine to a tenth; sequences of `tokens`.
        micro_batch: sequences that go through the model at once.
        windows: validation windows.
        root_seed: root of the random streams.
        device: torch device.
    """
    if batch % micro_batch:
        raise ValueError(f"micro_batch: got {micro_batch}, expected a divisor of the batch {batch}")
    corpus, sets = token_shards(lm_path, vocabulary), load_choices(choices_path)
    options = {"head_dim": head_dim, "d_state": d_state, "rope_fraction": rope_fraction, "dt_range": tuple(dt_range)}
    sizes = (vocabulary, width, layers)
    if arch != "mamba3":
        with torch.device("meta"):
            base = sequence_model("mamba3", *sizes, [None], hidden=hidden, channel="swiglu", **options)
        hidden = hidden_for(count_parameters(base), arch, *sizes, channel="swiglu", **options)
    sources = generators([seed_sequence(root_seed, "mamba3", "weights", "downstream")])
    model = sequence_model(arch, *sizes, sources, hidden=hidden, channel="swiglu", **options).to(device)
    optimiser = adamw(model, learning_rate)
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    rng = generator(root_seed, "mamba3", "train", "downstream")
    trace, parts = [], batch // micro_batch
    for step in progress(range(steps), "steps"):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * rate(step, steps, warmup)
        optimiser.zero_grad(set_to_none=True)
        total = 0.0
        for _ in range(parts):
            drawn = torch.from_numpy(random_windows(corpus.train, micro_batch, tokens + 1, rng))[None].to(device)
            with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
                loss = language_loss(model, drawn)[0] / parts
            loss.backward()
            total += float(loss.detach())
        clip_each(parameters, 1.0)
        optimiser.step()
        trace.append(total)
    held_out = torch.from_numpy(fixed_windows(corpus.validation, windows, tokens + 1))
    with torch.no_grad():
        losses = [float(language_loss(model, window[None, None].to(device))[0]) for window in held_out]
    accuracy = [float(choose(model, items, device).mean()) for items in sets.values()]
    return xr.Dataset(
        {
            "accuracy": ("set", np.array(accuracy), {"long_name": "share of right choices"}),
            "loss": ("step", np.array(trace, dtype=np.float32), {"long_name": "training loss", "units": "nats"}),
        },
        coords={"set": list(sets)},
        attrs={
            "arch": arch, "parameters": count_parameters(model), "hidden": hidden, "validation": float(np.mean(losses)),
            "corpus_sha256": corpus.sha256,
        },
    )  # fmt: skip


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_downstream, snakemake)
