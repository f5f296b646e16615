"""Layers of many models at once: every parameter has a leading model axis, every product is batched over it.

Models of several seeds (or variants of equal shapes) train as one: activations are `(models, batch, ..., width)`. Each
model draws its initial weights from its own generator, so that its start does not depend on the models beside it.
"""

import numpy as np
import torch
from torch import nn


def generators(seeds) -> list[torch.Generator]:
    """One generator for each model, from integers or `numpy.random.SeedSequence`s."""
    sources = []
    for seed in seeds:
        number = int(seed) if not hasattr(seed, "generate_state") else int(seed.generate_state(1, "uint64")[0] >> 1)
        sources.append(torch.Generator().manual_seed(number))
    return sources


def stack_batches(drawn: list[tuple[np.ndarray, ...]], device: str) -> tuple[torch.Tensor, ...]:
    """Batches drawn for each model, such as (tokens, targets), as tensors `(models, ...)` on a device."""
    return tuple(torch.from_numpy(np.stack(part)).to(device) for part in zip(*drawn))


def draw(
    sources: list[torch.Generator], shape: tuple[int, ...], kind: str = "normal", size: float = 1.0
) -> nn.Parameter:
    """A parameter `(models, *shape)`.

    Args:
        sources: one generator for each model.
        shape: of one model's parameter.
        kind: `normal` with deviation `size`, or `uniform` in [-size, size].

    Raises:
        ValueError: another kind.
    """
    if kind == "normal":
        values = [size * torch.randn(shape, generator=source) for source in sources]
    elif kind == "uniform":
        values = [size * (2 * torch.rand(shape, generator=source) - 1) for source in sources]
    else:
        raise ValueError(f"kind: got {kind!r}, expected normal or uniform")
    return nn.Parameter(torch.stack(values))


class StackedLinear(nn.Module):
    """y = x W (+ b) for each model: `(models, ..., inputs)` to `(models, ..., outputs)`.

    Weights start uniform in +-1/sqrt(inputs), as PyTorch's own linear layers do; biases too.
    """

    def __init__(self, inputs: int, outputs: int, sources: list[torch.Generator], bias: bool = False):
        super().__init__()
        self.weight = draw(sources, (inputs, outputs), "uniform", inputs**-0.5)
        self.bias = draw(sources, (1, outputs), "uniform", inputs**-0.5) if bias else None

    def forward(self, x):
        """The layer on `(models, ..., width)`."""
        flat = x.reshape(x.shape[0], -1, x.shape[-1])
        y = torch.bmm(flat, self.weight) if self.bias is None else torch.baddbmm(self.bias, flat, self.weight)
        return y.view(*x.shape[:-1], y.shape[-1])


class StackedEmbedding(nn.Module):
    """Rows of a table for each model: integers `(models, ...)` to `(models, ..., width)`."""

    def __init__(self, rows: int, width: int, sources: list[torch.Generator], size: float = 1.0):
        super().__init__()
        self.weight = draw(sources, (rows, width), "normal", size)

    def forward(self, index):
        """Rows of the table for integers `(models, ...)`."""
        models, rows, _ = self.weight.shape
        offset = torch.arange(models, device=index.device).view(-1, *[1] * (index.ndim - 1)) * rows
        return nn.functional.embedding(index + offset, self.weight.flatten(0, 1))


def rms_normalise(x: torch.Tensor, eps: float = 1e-6) -> torch.Tensor:
    """Divide by the root mean square over the last axis: x / sqrt(mean(x^2) + eps)."""
    return nn.functional.rms_norm(x, x.shape[-1:], eps=eps)


class StackedRMSNorm(nn.Module):
    """RMS normalisation with a learned weight for each model, 1 at the start."""

    def __init__(self, width: int, models: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(models, width))

    def forward(self, x):
        """The layer on `(models, ..., width)`."""
        return rms_normalise(x, self.eps) * self.weight.view(len(self.weight), *[1] * (x.ndim - 2), -1)


def count_parameters(model: nn.Module) -> int:
    """Parameters of one model of a stack."""
    return sum(parameter[0].numel() for parameter in model.parameters())
