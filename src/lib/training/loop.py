"""Training of stacked models: AdamW, warm-up and decay of the learning rate, gradients clipped for each model."""

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint as recomputed

from lib.progress import progress
from lib.training.adamw import AdamW
from lib.training.state import load_torch, pack_generator, torch_arrays, unpack_generator

if TYPE_CHECKING:
    from lib.atlas.job.checkpoint import Checkpoint
    from lib.training.state import Part

LEAST_BETWEEN_SAVES = 50  # times the duration of a save: a large model spends at most 2 % of its time on saves


def rate(step: int, steps: int, warmup: int, decay: str = "cosine", floor: float = 0.1) -> float:
    """Factor of the learning rate at a step, counted from 0.

    Args:
        step, steps: the current step, and how many there are.
        warmup: steps of linear growth from 1 / warmup to 1.
        decay: `cosine` from the end of the warm-up to `floor`; `linear_half`: 1 until half of the steps, then linear to
            0 at the end; `linear` from the end of the warm-up to `floor` after the last step; `constant`.
        floor: last value of the cosine and of the line.

    Raises:
        ValueError: another decay.
    """
    if decay not in ("cosine", "linear_half", "linear", "constant"):
        raise ValueError(f"decay: got {decay!r}, expected cosine, linear_half, linear or constant")
    grow = min(1.0, (step + 1) / warmup) if warmup else 1.0
    if decay == "constant":
        return grow
    if decay == "linear_half":
        return grow * min(1.0, 2 * (1 - step / steps))
    if decay == "linear":
        return grow * (floor + (1 - floor) * (1 - max(0, step - warmup) / max(1, steps - warmup)))
    share = min(1.0, max(0, step + 1 - warmup) / max(1, steps - warmup))
    return grow * (floor + (1 - floor) * (1 + math.cos(math.pi * share)) / 2)


def grow(step: int, steps: int, first: int, last: int, share: float) -> int:
    """A size that grows linearly from `first` to `last` over a share of all steps, rounded down.

    Args:
        step, steps: the current step, counted from 0, and how many there are.
        first, last: sizes.
        share: of the steps, at which `last` is reached.
    """
    return int(first + (last - first) * min(1.0, step / max(1, share * steps)))


def clip_each(parameters: list[nn.Parameter], bound: float) -> torch.Tensor:
    """Scale each model's gradient down to a norm of at most `bound`; returns the norms before, `(models,)`."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.sqrt(sum(gradient.flatten(1).square().sum(1) for gradient in gradients))
    factor = (bound / (norm + 1e-6)).clamp_max(1.0)
    for gradient in gradients:
        gradient.mul_(factor.view(-1, *[1] * (gradient.ndim - 1)))
    return norm


def adamw(model: nn.Module, learning_rate: float, betas=(0.9, 0.95), weight_decay: float = 0.01) -> AdamW:
    """AdamW; a parameter with the attribute `no_weight_decay = True` is not decayed."""
    groups: dict[bool, list] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            groups.setdefault(bool(getattr(parameter, "no_weight_decay", False)), []).append(parameter)
    return AdamW(
        [{"params": group, "weight_decay": 0.0 if free else weight_decay} for free, group in sorted(groups.items())],
        lr=learning_rate,
        betas=betas,
    )


def train(
    model: nn.Module,
    loss: Callable[[int], torch.Tensor],
    *,
    steps: int,
    learning_rate: float | Sequence[float],
    warmup: int = 50,
    decay: str = "cosine",
    floor: float = 0.1,
    betas: tuple[float, float] = (0.9, 0.95),
    weight_decay: float = 0.01,
    clip: float = 1.0,
    parts: int = 1,
    label: str = "steps",
    streams: Sequence[np.random.Generator] = (),
    checkpoint: "Checkpoint | Part | None" = None,
) -> np.ndarray:
    """Train a stack of models; each behaves as if it were alone.

    Args:
        model: every parameter has the leading model axis.
        loss: takes the step, returns the losses of the models, `(models,)`, of a batch that it draws.
        steps, warmup, decay, floor: see `rate`.
        learning_rate: one for all models, or one for each.
        betas, weight_decay: of AdamW.
        clip: largest norm of one model's gradient.
        parts: batches whose mean gradient makes one step, where one batch does not fit into memory.
        label: what the steps are called in the stage's log.
        streams: generators that `loss` draws from, so that a checkpoint can hold their states.
        checkpoint: where the state of the training is saved, to resume after an interruption.

    Returns:
        Losses before each update, `(steps, models)`; the mean over the parts.

    Raises:
        ValueError: a loss is not finite.
    """
    rates = np.atleast_1d(np.asarray(learning_rate, dtype=float))
    highest = float(rates.max())
    optimiser = adamw(model, highest, betas, weight_decay)
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    shares = torch.from_numpy(rates / highest).float().to(parameters[0].device) if np.ptp(rates) else None
    trace: list[np.ndarray] = []
    state = checkpoint.load() if checkpoint else None
    if state:
        load_torch(state, model=model, optimiser=optimiser)
        trace = list(state["trace"])
        for i, stream in enumerate(streams):
            stream.bit_generator.state = unpack_generator(state[f"stream_{i}"]).bit_generator.state

    def now() -> dict[str, np.ndarray]:
        drawn = {f"stream_{i}": pack_generator(stream) for i, stream in enumerate(streams)}
        return {"trace": np.stack(trace), **drawn, **torch_arrays(model=model, optimiser=optimiser)}

    next_save = 0.0
    for step in progress(range(len(trace), steps), label):
        for group in optimiser.param_groups:
            group["lr"] = highest * rate(step, steps, warmup, decay, floor)
        optimiser.zero_grad()
        losses = 0.0
        for _ in range(parts):
            part = loss(step) / parts
            part.sum().backward()
            losses = losses + part.detach()
        clip_each(parameters, clip)
        update_each(optimiser, parameters, shares)
        trace.append(losses.float().cpu().numpy())
        if not np.isfinite(trace[-1]).all():
            raise ValueError(f"training: got the losses {trace[-1].tolist()} at step {step}, expected finite ones")
        if checkpoint and time.monotonic() >= next_save:
            start = time.monotonic()
            if checkpoint.save_if_due(now):
                next_save = time.monotonic() + LEAST_BETWEEN_SAVES * (time.monotonic() - start)
    return np.stack(trace)


def update_each(optimiser: torch.optim.Optimizer, parameters: list[nn.Parameter], shares: torch.Tensor | None) -> None:
    """One step of Adam or AdamW, which is proportional to its learning rate, at a rate for each model.

    Args:
        optimiser: at the highest of the models' learning rates.
        parameters: of the models, `(models, ...)`.
        shares: learning rate of each model over the highest, `(models,)`; None where all are alike.
    """
    if shares is None:
        optimiser.step()
        return
    before = [parameter.detach().clone() for parameter in parameters]
    optimiser.step()
    with torch.no_grad():
        for parameter, old in zip(parameters, before):
            parameter.copy_(torch.lerp(old, parameter, shares.view(-1, *[1] * (parameter.ndim - 1))))


def token_losses(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of each model in nats, `(models,)`; logits `(models, ..., V)`, targets `(models, ...)`.

    Targets of -100 do not count.
    """
    entropy = nn.functional.cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none", ignore_index=-100)
    entropy = entropy.view(len(logits), -1)
    return entropy.sum(1) / (targets.flatten(1) != -100).sum(1).clamp_min(1)


def held_out_loss(
    model: nn.Module, windows: torch.Tensor, batch: int, device: str = "cpu", dtype: torch.dtype = torch.float64
) -> np.ndarray:
    """Mean next-token loss of each model on the same windows, `(models,)`.

    Args:
        model: a stack.
        windows: tokens `(windows, T + 1)`.
        batch: windows that go through the model at once.
        device: torch device.
        dtype: in which the batches are averaged.
    """
    models = next(iter(model.parameters())).shape[0]
    with torch.no_grad():
        losses = [
            language_loss(model, part.expand(models, *part.shape).to(device)).to(dtype) * len(part)
            for part in windows.split(batch)
        ]
    return (sum(losses) / len(windows)).cpu().numpy()


def language_loss(model: nn.Module, tokens: torch.Tensor, slice_tokens: int | None = None) -> torch.Tensor:
    """Next-token losses of each model, `(models,)`, of windows `(models, batch, T + 1)`.

    Args:
        model: a stack; with slices a `LanguageModel`.
        tokens: the windows.
        slice_tokens: positions whose logits are in memory at once, computed again in the backward pass; None: all.
    """
    if slice_tokens is None:
        return token_losses(model(tokens[..., :-1]), tokens[..., 1:])
    features = model.features(tokens[..., :-1]).flatten(1, 2)
    targets = tokens[..., 1:].flatten(1)

    def total(part: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        return token_losses(model.head(part), wanted) * wanted.shape[1]

    pairs = zip(features.split(slice_tokens, 1), targets.split(slice_tokens, 1))
    return sum(recomputed(total, *pair, use_reentrant=False) for pair in pairs) / targets.shape[1]
