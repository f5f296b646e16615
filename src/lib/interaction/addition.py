"""One-layer transformers that add modulo a prime, many at once, and each as a chain of blocks.

A context is (a, b, =); the model has no layer norms, causal attention, one perceptron of ReLUs, and is read at the last
position alone, so that only that position attends.

Source: setting of Nanda et al., arXiv 2301.05217, as taken over by the companion, arXiv 2405.10928.
"""

import numpy as np
import torch
from torch import nn

from lib.interaction.chain import Chain
from lib.training.loop import token_losses, train
from lib.training.stacked import draw, generators


class AdditionTransformer(nn.Module):
    """Stack of transformers: tokens (n, 3) to logits (models, n, vocabulary) at the last position."""

    def __init__(self, modulus: int, seeds, *, width: int = 128, heads: int = 4, hidden: int = 512):
        super().__init__()
        sources, self.heads, vocabulary = generators(seeds), heads, modulus + 1
        size = width**-0.5
        self.embedding = draw(sources, (vocabulary, width), size=size)
        self.position = draw(sources, (3, width), size=size)
        self.query, self.key, self.value, self.output = (draw(sources, (width, width), size=size) for _ in range(4))
        self.first = draw(sources, (width, hidden), size=size)
        self.first_bias = nn.Parameter(torch.zeros(len(sources), 1, hidden))
        self.second = draw(sources, (hidden, width), size=hidden**-0.5)
        self.second_bias = nn.Parameter(torch.zeros(len(sources), 1, width))
        self.unembedding = draw(sources, (width, vocabulary), size=vocabulary**-0.5)

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """Residual stream (models, n, 3, width) before attention."""
        return self.embedding[:, tokens] + self.position[:, None]

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        """Residual stream (models, n, width) at the last position after attention."""
        models, n, tokens, width = x.shape
        rows = x.reshape(models, n * tokens, width)
        last = x[:, :, -1]
        query = torch.bmm(last, self.query).view(models, n, self.heads, 1, -1)
        key, value = (
            torch.bmm(rows, matrix).view(models, n, tokens, self.heads, -1).transpose(2, 3)
            for matrix in (self.key, self.value)
        )
        weights = (query @ key.transpose(-1, -2) / key.shape[-1] ** 0.5).softmax(-1)
        return last + torch.bmm((weights @ value).reshape(models, n, width), self.output)

    def think(self, x: torch.Tensor) -> torch.Tensor:
        """Residual stream (models, n, width) after the perceptron."""
        hidden = torch.baddbmm(self.first_bias, x, self.first).relu()
        return x + torch.baddbmm(self.second_bias, hidden, self.second)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return torch.bmm(self.think(self.attend(self.embed(tokens))), self.unembedding)


def all_sums(modulus: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Contexts (modulus^2, 3) of all pairs, and their sums."""
    a, b = torch.meshgrid(torch.arange(modulus), torch.arange(modulus), indexing="ij")
    a, b = a.flatten(), b.flatten()
    return torch.stack([a, b, torch.full_like(a, modulus)], dim=1), (a + b) % modulus


def train_transformers(
    modulus: int,
    seeds,
    splits: np.ndarray,
    *,
    epochs: int,
    learning_rate: float,
    weight_decay: float,
    device: str = "cpu",
    checkpoint=None,
    **sizes: int,
) -> AdditionTransformer:
    """Train on the full batch of each model's own pairs by AdamW.

    Args:
        modulus: of the sums.
        seeds: of initial weights, one for each model.
        splits: (models, pairs), numbers of the pairs that each model is trained on.
        epochs: steps.
        learning_rate, weight_decay: of AdamW, with betas .9 and .98.
        device: torch device.
        checkpoint: as of `lib.training.loop.train`.
        sizes: of the model.
    """
    model = AdditionTransformer(modulus, seeds, **sizes).to(device)
    contexts, sums = (part.to(device) for part in all_sums(modulus))
    chosen = torch.from_numpy(splits).to(device)
    tokens, targets = contexts[chosen], sums[chosen]
    place = torch.arange(len(chosen), device=device)[:, None, None]

    def loss(_step):
        x = model.embedding[place, tokens] + model.position[:, None]
        logits = torch.bmm(model.think(model.attend(x)), model.unembedding)
        return token_losses(
            logits.double(), targets
        )  # single precision stops gradients of sums that are nearly certain

    train(
        model, loss, steps=epochs, learning_rate=learning_rate, warmup=10, decay="constant", betas=(0.9, 0.98),
        weight_decay=weight_decay, clip=float("inf"), label="epochs", checkpoint=checkpoint,
    )  # fmt: skip
    return model


def addition_chain(model: AdditionTransformer) -> Chain:
    """A stack of one model as a chain: attention, perceptron, unembedding; its start is `model.embed(tokens)[0]`.

    Raises:
        ValueError: a stack of several models.
    """
    if len(model.embedding) != 1:
        raise ValueError(f"model: got a stack of {len(model.embedding)}, expected one model")
    return Chain([
        lambda x: model.attend(x[None])[0],
        lambda x: model.think(x[None])[0],
        lambda x: x @ model.unembedding[0],
    ])  # fmt: skip
