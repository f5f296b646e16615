"""Denoisers of vectors, many trained as one: residual networks under EDM's preconditioning."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr
from torch import nn

from lib.diffusion.edm import heun, loss_weight, noise_grid, precondition
from lib.training.loop import train
from lib.training.stacked import StackedEmbedding, StackedLinear, generators

if TYPE_CHECKING:
    from lib.atlas.job.checkpoint import Checkpoint

FREQUENCIES = 2.0 ** torch.arange(8) / 2
LOG_NOISE = (-0.6, 1.4)  # mean and deviation of log(sigma / sigma_data) in training


class VectorDenoiser(nn.Module):
    """A stack of networks F(x, log(sigma) / 4, label): residual blocks over a linear map of the input.

    The noise level enters by sines and cosines of eight frequencies, the label by an embedding, both at the input. A
    block adds W2 silu(W1 norm(h)) to h.

    Args:
        dim: features of a sample.
        width: of the hidden layers.
        blocks: residual blocks.
        classes: number of labels; 0 for a model without any.
        seeds: one for each model.
        normalise: whether a model has layer normalisation at the start of its blocks, which bounds what they add; all
            of them by default.

    Raises:
        ValueError: not as many `normalise` as models.
    """

    def __init__(self, dim: int, width: int, blocks: int, classes: int, seeds, normalise: Sequence[bool] | None = None):
        super().__init__()
        sources = generators(seeds)
        normalise = [True] * len(sources) if normalise is None else [bool(one) for one in normalise]
        if len(normalise) != len(sources):
            raise ValueError(f"normalise: got {len(normalise)} entries, expected one for each of {len(sources)} models")
        self.config = {"dim": dim, "width": width, "blocks": blocks, "classes": classes, "normalise": normalise}
        self.models, self.all_normalise = len(sources), all(normalise)
        self.register_buffer("normalise", torch.tensor(normalise).view(-1, 1, 1), persistent=False)
        self.input = StackedLinear(dim, width, sources, bias=True)
        self.noise = StackedLinear(2 * len(FREQUENCIES), width, sources)
        self.label = StackedEmbedding(classes, width, sources) if classes else None
        self.first = nn.ModuleList(StackedLinear(width, width, sources, bias=True) for _ in range(blocks))
        self.second = nn.ModuleList(StackedLinear(width, width, sources, bias=True) for _ in range(blocks))
        self.output = StackedLinear(width, dim, sources, bias=True)

    def forward(self, x, noise, label=None):
        """F of samples `(models, N, dim)`, noise levels that broadcast to `(models, N, 1)`, labels `(models, N)`."""
        phase = noise.to(x) * FREQUENCIES.to(x)
        waves = torch.cat([phase.sin(), phase.cos()], -1)
        waves = waves.expand(self.models, *waves.shape[-2:]) if waves.ndim > 1 else waves.expand(self.models, 1, -1)
        h = self.input(x) + self.noise(waves)
        if self.label is not None:
            h = h + self.label(label)
        for first, second in zip(self.first, self.second):
            inner = nn.functional.layer_norm(h, h.shape[-1:])
            if not self.all_normalise:
                inner = torch.where(self.normalise, inner, h)
            h = h + second(nn.functional.silu(first(inner)))
        return self.output(h)


def train_vectors(
    model: VectorDenoiser,
    scheduler,
    draw: Callable[[int, np.random.Generator], tuple[np.ndarray, ...]],
    *,
    rngs: list[np.random.Generator],
    steps: int,
    learning_rate: float,
    checkpoint: "Checkpoint | None" = None,
    label: str = "steps",
) -> np.ndarray:
    """Train a stack in place by the weighted denoising loss; each model behaves as if it were alone.

    Args:
        model: the stack.
        scheduler: an EDM scheduler, whose `sigma_data` is the deviation of the data.
        draw: a batch of a model, by its number and generator: samples (N, dim) in single precision, and labels (N,)
            where there are classes.
        rngs: a generator for each model.
        steps: updates; the learning rate rises over a tenth of them and falls to 0 as a cosine.
        learning_rate: peak.
        checkpoint: where the state is saved, to resume after an interruption.
        label: what the steps are called in the log.

    Returns:
        Losses `(steps, models)`.
    """
    denoise, scale = precondition(scheduler, model), scheduler.config.sigma_data
    device = next(model.parameters()).device

    def loss(step: int) -> torch.Tensor:
        drawn = [_noisy(draw(i, rng), rng, scale) for i, rng in enumerate(rngs)]
        clean, noise, sigma, *labels = (torch.from_numpy(np.stack(part)).to(device) for part in zip(*drawn))
        error = denoise(clean + sigma * noise, sigma, *labels) - clean
        return (loss_weight(sigma, scale) * error**2).mean(dim=(1, 2))

    return train(
        model,
        loss,
        steps=steps,
        learning_rate=learning_rate,
        warmup=max(1, steps // 10),
        floor=0.0,
        betas=(0.9, 0.999),
        weight_decay=0.0,
        clip=float("inf"),
        label=label,
        streams=rngs,
        checkpoint=checkpoint,
    )


def _noisy(batch: tuple[np.ndarray, ...], rng: np.random.Generator, scale: float) -> tuple[np.ndarray, ...]:
    """A batch of one model with standard normal noise, its deviations, and what came beside the samples."""
    clean, *labels = batch
    mean, deviation = LOG_NOISE
    sigma = scale * np.exp(mean + deviation * rng.standard_normal((len(clean), 1), np.float32))
    return clean, rng.standard_normal(clean.shape, np.float32), sigma.astype(np.float32), *labels


def sample_vectors(
    model: VectorDenoiser, scheduler, start: torch.Tensor, steps: int, label=None, batch: int = 2000
) -> torch.Tensor:
    """Samples `(models, N, dim)` of a stack by Heun's method.

    Args:
        model: the stack.
        scheduler: an EDM scheduler.
        start: standard normal noise times the largest noise level, `(models, N, dim)`.
        steps: of the sampler.
        label: `(models, N)`.
        batch: samples that go through the models at once.
    """
    denoise, levels = precondition(scheduler, model), noise_grid(scheduler, steps)
    parts = []
    with torch.no_grad():
        for first in range(0, start.shape[1], batch):
            part = slice(first, first + batch)
            own = None if label is None else label[:, part]
            parts.append(heun(lambda x, sigma, own=own: denoise(x, sigma, own), start[:, part], levels))
    return torch.cat(parts, 1)


def stack_to_arrays(model: VectorDenoiser) -> xr.Dataset:
    """A stack as a Dataset: one variable for each parameter, its sizes in the attributes."""
    return xr.Dataset(
        {
            name: (tuple(f"axis{i}_{n}" for i, n in enumerate(value.shape)), value.detach().cpu().numpy())
            for name, value in model.state_dict().items()
        },
        attrs={"stack": json.dumps({**model.config, "models": model.models}, sort_keys=True)},
    )


def stack_from_arrays(dataset: xr.Dataset, device: str = "cpu") -> VectorDenoiser:
    """The stack of a Dataset that `stack_to_arrays` made; variables of other names are passed over.

    Raises:
        ValueError: another Dataset.
    """
    if "stack" not in dataset.attrs:
        raise ValueError("dataset: got no attribute stack, expected a dataset that stack_to_arrays made")
    config = json.loads(dataset.attrs["stack"])
    model = VectorDenoiser(seeds=range(config.pop("models")), **config)
    model.load_state_dict({name: torch.from_numpy(np.array(dataset[name].values)) for name in model.state_dict()})
    return model.eval().to(device)
