"""Fine-tuning of one model of transformers on packed rows of tokens, with a rate that falls when the loss does not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lib.progress import progress
from lib.training.adamw import AdamW
from lib.training.state import load_torch, torch_arrays

if TYPE_CHECKING:
    from lib.atlas.job.checkpoint import Checkpoint


def next_token_loss(model: nn.Module, tokens: Tensor, reduction: str = "mean") -> Tensor:
    """Cross-entropy of the next token in nats, of `(B, T)` tokens.

    Args:
        model: a causal language model of transformers.
        tokens: all of which count but the first of each row.
        reduction: of `torch.nn.functional.cross_entropy`.
    """
    logits = model(input_ids=tokens[:, :-1], use_cache=False).logits
    return functional.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten(), reduction=reduction)


@torch.no_grad()
def mean_loss(model: nn.Module, rows: Tensor, batch: int = 1) -> float:
    """Mean loss of the next token over all rows `(rows, T)`, in nats, in evaluation mode."""
    training = model.training
    model.eval()
    device = next(model.parameters()).device
    total = sum(next_token_loss(model, part.to(device), "sum").double().item() for part in rows.split(batch))
    model.train(training)
    return total / (len(rows) * (rows.shape[1] - 1))


def fine_tune(
    model: nn.Module,
    rows: Tensor,
    held_out: Tensor,
    *,
    epochs: float = 2,
    batch: int = 8,
    parts: int = 1,
    learning_rate: float = 1e-3,
    new_rate: float | None = None,
    new: Sequence[nn.Parameter] = (),
    weight_decay: float = 0.01,
    clip: float = 1.0,
    factor: float = 0.1,
    patience: int = 10,
    floor: float = 1e-5,
    every: int = 100,
    seed: int = 0,
    checkpoint: "Checkpoint | None" = None,
) -> dict[str, np.ndarray]:
    """Train what is trainable in a model by AdamW, in place; rows come in another order in each epoch.

    Args:
        model: with adapters; parameters without `requires_grad` stay.
        rows: tokens `(rows, T)`.
        held_out: tokens of which the loss decides on the learning rate.
        epochs: passes over the rows, a fraction too; a last batch that is not full is left out.
        batch: rows of a step.
        parts: into which a batch is split, to go through the model one after another; a divisor of it.
        learning_rate: at the start; times `factor` when the held-out loss did not fall in `patience` evaluations in
            a row, down to `floor`.
        new_rate: learning rate of `new`; that of the others when None.
        new: parameters with a rate of their own.
        weight_decay: of AdamW.
        clip: largest norm of the gradient.
        factor, patience, floor: of the learning rate.
        every: steps between two evaluations.
        seed: of the orders.
        checkpoint: where trained parameters, the optimiser, the rate and the position in the data are saved.

    Returns:
        `loss` of each step, `(steps,)`, and `held_out_loss` `(evaluations,)` after the steps `evaluated`, of which the
        first is 0 and the last the number of steps.

    Raises:
        ValueError: fewer rows than one batch, a batch that its parts do not divide, or a loss that is not finite.

    Source: the settings of Lan et al. 2025, authors' code.
    """
    steps = int(epochs * (len(rows) // batch)) if 0 < batch <= len(rows) else 0
    if steps < 1:
        raise ValueError(f"rows: got {len(rows)} for {epochs} epochs, expected at least a batch of {batch}")
    if parts < 1 or batch % parts:
        raise ValueError(f"parts: got {parts}, expected a divisor of the batch of {batch}")
    special = {id(parameter) for parameter in new}
    trained = nn.ParameterList(parameter for parameter in model.parameters() if parameter.requires_grad)
    new_rate = learning_rate if new_rate is None else new_rate
    groups = [
        ([parameter for parameter in trained if id(parameter) not in special], learning_rate),
        ([parameter for parameter in trained if id(parameter) in special], new_rate),
    ]
    groups = [(parameters, highest) for parameters, highest in groups if parameters]
    optimiser = AdamW([{"params": own, "weight_decay": weight_decay} for own, _ in groups], learning_rate, (0.9, 0.999))
    losses: list[float] = []
    evaluations: list[float] = []
    state = checkpoint.load() if checkpoint else None
    if state:
        losses, evaluations = state["losses"].tolist(), state["evaluations"].tolist()
        load_torch(state, trained=trained, optimiser=optimiser)
    else:
        evaluations.append(mean_loss(model, held_out, batch // parts))

    def now() -> dict[str, np.ndarray]:
        arrays = torch_arrays(trained=trained, optimiser=optimiser)
        return {"losses": np.array(losses), "evaluations": np.array(evaluations), **arrays}

    model.train()
    device = next(model.parameters()).device
    for step in progress(range(len(losses), steps), "fine-tuning"):
        shrink = factor ** count_plateaus(evaluations[1:], patience)
        for group, (_, highest) in zip(optimiser.param_groups, groups):
            group["lr"] = min(highest, max(shrink * highest, floor))
        optimiser.zero_grad()
        losses.append(0.0)
        for part in rows[_batch(step, len(rows), batch, seed)].chunk(parts):
            loss = next_token_loss(model, part.to(device)) / parts
            loss.backward()
            losses[-1] += loss.item()
        if not np.isfinite(losses[-1]):
            raise ValueError(f"fine-tuning: got the loss {losses[-1]} at step {step}, expected a finite one")
        nn.utils.clip_grad_norm_(trained, clip)
        optimiser.step()
        if (step + 1) % every == 0 or step + 1 == steps:
            evaluations.append(mean_loss(model, held_out, batch // parts))
        if checkpoint:
            checkpoint.save_if_due(now)
    model.eval()
    evaluated = [0, *range(every, steps, every), steps]
    return {
        "loss": np.array(losses),
        "held_out_loss": np.array(evaluations),
        "evaluated": np.array(evaluated),
    }


def count_plateaus(losses: Sequence[float], patience: int, least: float = 1e-4) -> int:
    """How often more than `patience` losses in a row were no new best, each time counted anew.

    Args:
        losses: of evaluations, in order.
        patience: as of PyTorch's ReduceLROnPlateau.
        least: share of the best by which a new best must be lower.
    """
    best, bad, plateaus = np.inf, 0, 0
    for loss in losses:
        best, bad = (loss, 0) if loss < best * (1 - least) else (best, bad + 1)
        if bad > patience:
            bad, plateaus = 0, plateaus + 1
    return plateaus


def _batch(step: int, rows: int, batch: int, seed: int) -> Tensor:
    """Rows of a step: a function of the step and the seed alone."""
    epoch, place = divmod(step, rows // batch)
    order = np.random.default_rng([seed, epoch]).permutation(rows)
    return torch.from_numpy(order[place * batch : (place + 1) * batch])
