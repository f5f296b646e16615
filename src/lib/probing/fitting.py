"""Training of probes on cached tokens, those of several seeds or learning rates as one.

A head is an ordinary module. Its copies are stacked: every parameter gets a leading model axis, and `torch.func.vmap`
maps the head over models, each with tokens and labels of its own.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, vmap

from lib.training.loop import token_losses, train

CHUNK = 512  # samples that are scored at once


class StackedHeads(nn.Module):
    """Copies of a head as one, on inputs `(models, B, ...)`.

    Args:
        build: makes a head, whose weights it draws from torch's generator.
        seeds: of torch's generator, one for each head.
    """

    def __init__(self, build: Callable[[], nn.Module], seeds: Sequence[int]):
        super().__init__()
        heads = []
        with torch.random.fork_rng(devices=[]):
            for seed in seeds:
                torch.manual_seed(int(seed))
                heads.append(build())
        self._head = (heads[0],)  # in a tuple, so that its own parameters are not counted among the stack's
        weights = [dict(head.named_parameters()) for head in heads]
        self.names = list(weights[0])
        self.stack = nn.ParameterList(torch.stack([own[name].detach() for own in weights]) for name in self.names)
        for parameter in self.stack:
            parameter.no_weight_decay = parameter.ndim <= 2  # biases and gains
        self.parameters_each = sum(parameter[0].numel() for parameter in self.stack)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Scores `(models, B, K)` of inputs `(models, B, ...)`."""

        def one(parameters, own):
            return functional_call(self._head[0], parameters, (own,))

        return vmap(one)(dict(zip(self.names, self.stack)), inputs)


class Fit(NamedTuple):
    """Trained heads and their losses before each step `(steps, models)`."""

    heads: StackedHeads
    losses: np.ndarray


def fit_heads(
    build: Callable[[], nn.Module],
    inputs: torch.Tensor,
    labels: torch.Tensor,
    seeds: Sequence[int],
    *,
    rates: float | Sequence[float],
    epochs: int | None = None,
    steps: int | None = None,
    batch: int = 64,
    weight_decay: float = 0.05,
) -> Fit:
    """Train copies of a head by AdamW with a short warm-up and a cosine to zero; decay spares biases and gains.

    Args:
        build: makes a head.
        inputs: (models, n, ...) what the heads take.
        labels: (models, n) classes from 0.
        seeds: of start and order of samples, one for each model.
        rates: learning rate, or one for each model.
        epochs: passes over the samples; or `steps`, the number of batches.
        batch: samples of a step.
        weight_decay: of matrices.

    Raises:
        ValueError: other numbers of models, both or neither of epochs and steps, or a loss that is not finite.
    """
    models, n = labels.shape
    if len(inputs) != models or len(seeds) != models or inputs.shape[1] != n:
        raise ValueError(
            f"got inputs {tuple(inputs.shape)}, labels {tuple(labels.shape)} and {len(seeds)} seeds, expected as many "
            "models and samples"
        )
    if (epochs is None) == (steps is None):
        raise ValueError(f"got epochs={epochs} and steps={steps}, expected one of them")
    batch = min(batch, n)
    each = -(-n // batch)
    steps = steps if steps is not None else epochs * each
    heads = StackedHeads(build, seeds).to(inputs.device)
    streams = [np.random.default_rng(int(seed)) for seed in seeds]
    rows = torch.arange(models, device=inputs.device)[:, None]
    order = np.empty((models, n), int)

    def loss(step: int) -> torch.Tensor:
        place = step % each
        if place == 0:
            order[:] = [stream.permutation(n) for stream in streams]
        chosen = torch.from_numpy(order[:, place * batch : (place + 1) * batch]).to(inputs.device)
        return token_losses(heads(inputs[rows, chosen]), labels[rows, chosen])

    losses = train(
        heads,
        loss,
        steps=steps,
        learning_rate=rates,
        warmup=max(1, steps // 20),
        floor=0.0,
        betas=(0.9, 0.999),
        weight_decay=weight_decay,
        clip=10.0,
        label="steps of heads",
    )
    return Fit(heads, losses)


@torch.no_grad()
def predict(heads: StackedHeads, inputs: torch.Tensor) -> torch.Tensor:
    """Predicted classes `(models, n)` of inputs `(models, n, ...)`."""
    return torch.cat([heads(part).argmax(-1) for part in inputs.split(CHUNK, 1)], 1)


def accuracy(heads: StackedHeads, inputs: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    """Share of samples that each model predicts, `(models,)`."""
    return (predict(heads, inputs) == labels).float().mean(1).cpu().numpy()


def last_fall(losses: np.ndarray) -> np.ndarray:
    """Fall of the mean loss from the first to the second half of the last tenth of the steps, as a share, `(models,)`.

    A training whose loss still falls by much has not converged. Losses below a thousandth of the first count as that.
    """
    half = max(1, len(losses) // 20)
    if len(losses) < 2:
        return np.full(losses.shape[1], np.nan)
    least = 1e-3 * losses[:half].mean(0)
    before = np.maximum(losses[-2 * half : -half].mean(0), least)
    return 1 - np.maximum(losses[-half:].mean(0), least) / before
