"""Training of one module whose parameters have no model axis: groups with learning rates of their own, checkpoints."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from lib.progress import progress
from lib.training.adamw import AdamW
from lib.training.loop import LEAST_BETWEEN_SAVES, rate
from lib.training.state import load_torch, pack_generator, torch_arrays, unpack_generator

if TYPE_CHECKING:
    from lib.atlas.job.checkpoint import Checkpoint
    from lib.training.state import Part


def train_parameters(
    groups: Sequence[tuple[Sequence[nn.Parameter], float]],
    loss: Callable[[int], torch.Tensor],
    *,
    steps: int,
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
    """Train parameters by AdamW, the norm of their common gradient clipped.

    Args:
        groups: parameters and their highest learning rate; a group may be empty.
        loss: takes the step, returns the loss, a scalar, of a batch that it draws.
        steps, warmup, decay, floor: see `lib.training.loop.rate`.
        betas, weight_decay: of AdamW.
        clip: largest norm of the gradient of all parameters.
        parts: batches whose mean gradient makes one step.
        label: what the steps are called in the stage's log.
        streams: generators that `loss` draws from, so that a checkpoint can hold their states.
        checkpoint: where parameters, moments, losses and generators are saved, to resume after an interruption.

    Returns:
        Losses before each update, `(steps,)`; the mean over the parts.

    Raises:
        ValueError: no parameter, or a loss that is not finite.
    """
    groups = [(list(parameters), highest) for parameters, highest in groups if len(parameters)]
    parameters = [parameter for group, _ in groups for parameter in group]
    if not parameters:
        raise ValueError("groups: got no parameter, expected at least one")
    optimiser = AdamW([{"params": group, "weight_decay": weight_decay} for group, _ in groups], lr=0.0, betas=betas)
    weights = nn.ParameterList(parameters)
    trace: list[float] = []
    state = checkpoint.load() if checkpoint else None
    if state:
        load_torch(state, weights=weights, optimiser=optimiser)
        trace = state["trace"].tolist()
        for i, stream in enumerate(streams):
            stream.bit_generator.state = unpack_generator(state[f"stream_{i}"]).bit_generator.state

    def now() -> dict[str, np.ndarray]:
        drawn = {f"stream_{i}": pack_generator(stream) for i, stream in enumerate(streams)}
        return {"trace": np.array(trace), **drawn, **torch_arrays(weights=weights, optimiser=optimiser)}

    next_save = 0.0
    for step in progress(range(len(trace), steps), label):
        factor = rate(step, steps, warmup, decay, floor)
        for own, (_, highest) in zip(optimiser.param_groups, groups):
            own["lr"] = highest * factor
        optimiser.zero_grad()
        total = 0.0
        for _ in range(parts):
            part = loss(step) / parts
            part.backward()
            total += part.item()
        nn.utils.clip_grad_norm_(parameters, clip)
        optimiser.step()
        trace.append(total)
        if not np.isfinite(total):
            raise ValueError(f"training: got the loss {total} at step {step}, expected a finite one")
        if checkpoint and time.monotonic() >= next_save:
            start = time.monotonic()
            if checkpoint.save_if_due(now):
                next_save = time.monotonic() + LEAST_BETWEEN_SAVES * (time.monotonic() - start)
    return np.array(trace)
