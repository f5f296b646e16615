"""One of the paper's models from its checkpoint: linearized or not, fine-tuned on instructions, and evaluated."""

from pathlib import Path

import numpy as np
import torch
import xarray as xr

from lib.language.choices import load_choices
from lib.language.ranking import rank_texts
from lib.linearizing.adapters import add_adapters, merge_adapters
from lib.linearizing.checkpoints import load_model, load_tokeniser
from lib.linearizing.convert import linearize
from lib.linearizing.instructions import pack_rows, read_texts
from lib.linearizing.training import fine_tune, mean_loss

BY_LENGTH = ("arc_c", "hellaswag")  # sets whose scores are likelihoods per byte, as is the custom


def tune_large(
    checkpoints: Path,
    instructions: Path,
    questions: Path,
    *,
    model: str,
    variant: str,
    rank: int,
    alpha: int,
    window: int,
    learning_rate: float,
    epochs: int,
    tokens: int,
    batch: int,
    held_out: int,
    every_softmax: int,
    device: str,
    checkpoint=None,
) -> xr.Dataset:
    """Return accuracies `(set,)`, held-out losses of the fine-tuning, and how many tokens it saw.

    Args:
        checkpoints: folder with a folder for each model.
        instructions: JSON of instructions and answers.
        questions: JSON of multiple-choice items as texts.
        model, variant: names; `base` is evaluated as it is, `lora` is fine-tuned with softmax attention, `liger` is
            linearized, `liger_h` in all layers but one in every `every_softmax`.
        rank, alpha: of the adapters.
        window: tokens of the softmax window.
        learning_rate, epochs, tokens, batch: of the fine-tuning on rows of packed tokens.
        held_out: instructions at the start that are held out.
        every_softmax: see `variant`.
        device: torch device.
        checkpoint: where adapters, optimiser and position in the data are saved.
    """
    folder = Path(checkpoints) / model
    network, tokeniser = load_model(folder, torch.bfloat16), load_tokeniser(folder)
    layers = network.config.num_hidden_layers
    if variant.startswith("liger"):
        keep_softmax = tuple(range(every_softmax - 1, layers, every_softmax)) if variant == "liger_h" else ()
        linearize(network, window=window, keep_softmax=keep_softmax)
    network.to(device)
    texts = read_texts(instructions)
    rows, held_out_rows = (pack_rows(part, tokeniser, tokens) for part in (texts[held_out:], texts[:held_out]))
    fit = {"loss": np.empty(0), "held_out_loss": np.array([np.nan]), "evaluated": np.zeros(1, int)}
    if variant != "base":
        network.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        network = add_adapters(network, rank, alpha)
        fit = fine_tune(
            network, rows, held_out_rows, epochs=epochs, batch=batch, parts=batch, learning_rate=learning_rate,
            checkpoint=checkpoint,
        )  # fmt: skip
        network = merge_adapters(network)
    else:
        fit["held_out_loss"][0] = mean_loss(network, held_out_rows)
    network.eval()
    hits = {}
    for name, items in load_choices(questions).items():
        hits[name] = rank_texts(network, tokeniser, items).mean(0)
        print(f"{model}, {variant}, {name}: {hits[name][0]:.3f}, by length {hits[name][1]:.3f}", flush=True)
    shares = np.stack(list(hits.values()))
    chosen = np.array([row[int(name in BY_LENGTH)] for name, row in hits.items()])
    return xr.Dataset(
        {
            "accuracy": ("set", chosen, {"long_name": "share of items answered rightly"}),
            "accuracies": (("set", "score"), shares),
            "loss": ("step", fit["loss"], {"units": "nats"}),
            "held_out_loss": ("evaluation", fit["held_out_loss"], {"units": "nats"}),
            "evaluated": ("evaluation", fit["evaluated"], {"long_name": "steps before the evaluation"}),
        },
        coords={"set": list(hits), "score": ["likelihood", "likelihood per byte"]},
        attrs={"model": model, "variant": variant, "tune_tokens": len(fit["loss"]) * batch * tokens},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(tune_large, snakemake)
