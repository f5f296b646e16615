"""A local checkpoint of one's own linearized, fine-tuned and evaluated beside the softmax model."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from lib.language.ranking import rank_texts
from lib.linearizing.adapters import add_adapters, merge_adapters
from lib.linearizing.cache import LigerLayer
from lib.linearizing.checkpoints import load_model, load_tokeniser, save_linearized
from lib.linearizing.convert import linearize
from lib.linearizing.instructions import pack_rows, read_texts
from lib.linearizing.training import fine_tune, mean_loss
from lib.stats.intervals import Estimate, estimate_proportion

STAGES = ("softmax", "ceiling", "before", "after")


class Report(NamedTuple):
    """What linearizing a checkpoint cost, and what fine-tuning brought back.

    Attributes:
        losses: held-out loss for each token, in nats, by stage: of the softmax model, of the softmax model fine-tuned
            alike, where asked for, and of the linearized model before and after fine-tuning. They decide on the
            learning rate, too.
        accuracy: share of items whose right choice has the highest log-likelihood, by set and by stage.
        trace: losses of the steps of the linearized model, `(steps,)`.
        parameters: of the softmax model, of the linearized one with adapters merged, and those that were trained.
        state_bytes: of the states and windows of one sequence in the linearized model, whatever its length.
        key_bytes: of keys and values for each token, of the softmax model, and of layers of it that were left.
    """

    losses: dict[str, float]
    accuracy: dict[str, dict[str, Estimate]]
    trace: np.ndarray
    parameters: tuple[int, int, int]
    state_bytes: int
    key_bytes: tuple[int, int]


def linearize_checkpoint(
    folder: str | Path,
    texts: str | Path,
    output: str | Path,
    *,
    items: dict[str, list[dict]] | None = None,
    tokens: int = 1024,
    held_out: int = 200,
    rank: int = 8,
    alpha: float = 8,
    epochs: float = 2,
    batch: int = 8,
    parts: int = 8,
    learning_rate: float = 1e-3,
    ceiling: bool = False,
    recompute: bool = False,
    device: str = "cpu",
    seed: int = 0,
    **options,
) -> Report:
    """Linearize a checkpoint, fine-tune it with low-rank adapters, save it, and compare it with the softmax model.

    Args:
        folder: Llama, Mistral or Qwen of transformers, with its tokeniser.
        texts: as of `lib.linearizing.instructions.read_texts`.
        output: folder for the linearized model, adapters merged, with the tokeniser.
        items: multiple-choice items as texts, by set; see `lib.language.ranking.rank_texts`.
        tokens: of a packed row.
        held_out: texts that are not trained on, the first ones of the file.
        rank, alpha: of the adapters of queries, keys and values.
        epochs, batch, parts, learning_rate: of `lib.linearizing.training.fine_tune`.
        ceiling: fine-tune the softmax model, too, with the same adapters on the same rows: without it, what training on
            these texts brings to any model counts as recovery. Takes as long again.
        recompute: compute activations again in the backward pass, for less memory.
        device: torch device.
        seed: of adapters and of the order of rows.
        options: of `lib.linearizing.convert.linearize`.

    Raises:
        ValueError: files or options that do not fit; the message names them.
    """
    contents = read_texts(texts)
    if not 0 < held_out < len(contents):
        raise ValueError(f"held_out: got {held_out} of {len(contents)} texts, expected at least 1, and fewer than all")
    tokeniser = load_tokeniser(folder)
    rows = pack_rows(contents[held_out:], tokeniser, tokens)
    held_out_rows = pack_rows(contents[:held_out], tokeniser, tokens)
    model = load_model(folder).to(device)
    keys = model.config.num_key_value_heads * model.get_decoder().layers[0].self_attn.head_dim
    key_bytes = 2 * keys * model.dtype.itemsize  # of one layer
    size = sum(parameter.numel() for parameter in model.parameters())
    losses, accuracy = {}, {name: {} for name in items or {}}

    def evaluate(stage: str) -> None:
        losses[stage] = mean_loss(model, held_out_rows, max(1, batch // parts))
        for name, own in (items or {}).items():
            accuracy[name][stage] = _share(rank_texts(model, tokeniser, own, batch=batch))

    def tune() -> tuple[np.ndarray, int]:
        """Losses of the steps, and how many numbers were trained, of the model with adapters."""
        if recompute:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
        settings = {"epochs": epochs, "batch": batch, "parts": parts, "learning_rate": learning_rate, "seed": seed}
        losses = fine_tune(model, rows, held_out_rows, **settings)["loss"]
        if recompute:
            model.gradient_checkpointing_disable()
        return losses, trained

    evaluate("softmax")
    if ceiling:
        model = add_adapters(model, rank, alpha, seed=seed)
        tune()
        evaluate("ceiling")
        model = model.unload()  # the weights are what they were
    linearize(model, seed=seed, **options)
    evaluate("before")
    model = add_adapters(model, rank, alpha, seed=seed)
    trace, trained = tune()
    model = merge_adapters(model)
    evaluate("after")
    save_linearized(model, output)
    tokeniser.save_pretrained(output)
    with torch.no_grad():
        cache = model(input_ids=rows[:1, :1].to(device), use_cache=True).past_key_values
    states = [layer.count_bytes() for layer in cache.layers if isinstance(layer, LigerLayer)]
    merged, layers = sum(parameter.numel() for parameter in model.parameters()), len(cache.layers)
    held = key_bytes * layers, key_bytes * (layers - len(states))
    return Report(losses, accuracy, trace, (size, merged, trained), sum(states), held)


def _share(hits: np.ndarray) -> Estimate:
    return estimate_proportion(int(hits[:, 0].sum()), len(hits))
