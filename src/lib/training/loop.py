"""Training of stacked models: AdamW, warm-up and decay of the learning rate, gradients clipped for each model."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from lib.progress import progress


def rate(step: int, steps: int, warmup: int, decay: str = "cosine", floor: float = 0.1) -> float:
    """Factor of the learning rate at a step, counted from 0.

    Args:
        step, steps: the current step, and how many there are.
        warmup: steps of linear growth from 1 / warmup to 1.
        decay: `cosine` from the end of the warm-up to `floor`; `linear_half`: 1 until half of the steps, then linear to
            0 at the end; `constant`.
        floor: last value of the cosine.

    Raises:
        ValueError: another decay.
    """
    if decay not in ("cosine", "linear_half", "constant"):
        raise ValueError(f"decay: got {decay!r}, expected cosine, linear_half or constant")
    grow = min(1.0, (step + 1) / warmup) if warmup else 1.0
    if decay == "constant":
        return grow
    if decay == "linear_half":
        return grow * min(1.0, 2 * (1 - step / steps))
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


def adamw(model: nn.Module, learning_rate: float, betas=(0.9, 0.95), weight_decay: float = 0.01):
    """AdamW; a parameter with the attribute `no_weight_decay = True` is not decayed."""
    groups: dict[bool, list] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            groups.setdefault(bool(getattr(parameter, "no_weight_decay", False)), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": group, "weight_decay": 0.0 if free else weight_decay} for free, group in sorted(groups.items())],
        lr=learning_rate,
        betas=betas,
        fused=True,
    )


def train(
    model: nn.Module,
    loss: Callable[[int], torch.Tensor],
    *,
    steps: int,
    learning_rate: float,
    warmup: int = 50,
    decay: str = "cosine",
    floor: float = 0.1,
    betas: tuple[float, float] = (0.9, 0.95),
    weight_decay: float = 0.01,
    clip: float = 1.0,
    parts: int = 1,
    label: str = "steps",
) -> np.ndarray:
    """Train a stack of models; each behaves as if it were alone.

    Args:
        model: every parameter has the leading model axis.
        loss: takes the step, returns the losses of the models, `(models,)`, of a batch that it draws.
        steps, learning_rate, warmup, decay, floor: see `rate`.
        betas, weight_decay: of AdamW.
        clip: largest norm of one model's gradient.
        parts: batches whose mean gradient makes one step, where one batch does not fit into memory.
        label: what the steps are called in the stage's log.

    Returns:
        Losses before each update, `(steps, models)`; the mean over the parts.

    Raises:
        ValueError: a loss is not finite.
    """
    optimiser = adamw(model, learning_rate, betas, weight_decay)
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    trace = []
    for step in progress(range(steps), label):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * rate(step, steps, warmup, decay, floor)
        optimiser.zero_grad(set_to_none=True)
        losses = 0.0
        for _ in range(parts):
            part = loss(step) / parts
            part.sum().backward()
            losses = losses + part.detach()
        clip_each(parameters, clip)
        optimiser.step()
        trace.append(losses.cpu().numpy())
        if not np.isfinite(trace[-1]).all():
            raise ValueError(f"training: got the losses {trace[-1].tolist()} at step {step}, expected finite ones")
    return np.stack(trace)


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


def language_loss(model: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """Next-token losses of each model, `(models,)`, of windows `(models, batch, T + 1)`."""
    return token_losses(model(tokens[..., :-1]), tokens[..., 1:])
