"""Small causal transformers, many at once, that can be continued from the last token of a layer."""

import math

import numpy as np
import torch
from torch import nn

from lib.progress import progress
from lib.training.loop import rate
from lib.training.stacked import draw


class Block(nn.Module):
    """Attention and two-layer network, each after a normalisation without parameters and added to the stream.

    Weights are normal with variance 1 / inputs, queries and keys twice as large.

    Args:
        width: of the stream.
        heads: of the attention.
        sources: one generator for each model.
    """

    def __init__(self, width: int, heads: int, sources: list[torch.Generator]):
        super().__init__()
        self.heads, size = heads, width**-0.5
        self.query = draw(sources, (width, width), "normal", 2 * size)
        self.key = draw(sources, (width, width), "normal", 2 * size)
        self.value = draw(sources, (width, width), "normal", size)
        self.out = draw(sources, (width, width), "normal", size)
        self.enter = draw(sources, (width, 4 * width), "normal", size)
        self.leave = draw(sources, (4 * width, width), "normal", (4 * width) ** -0.5)

    def _heads(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        y = x @ weight.view(len(weight), *[1] * (x.ndim - 3), *weight.shape[1:])
        return y.unflatten(-1, (self.heads, -1)).transpose(-2, -3)

    def keys_values(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values `(models, rows, heads, tokens, size)` of a stream `(models, rows, tokens, width)`."""
        x = _normalise(x)
        return self._heads(x, self.key), self._heads(x, self.value)

    def forward(self, x: torch.Tensor, cache: tuple[torch.Tensor, torch.Tensor] | None = None) -> torch.Tensor:
        """The layer on `(models, rows, tokens, width)`.

        Args:
            x: the stream; with a cache its last token alone.
            cache: keys and values of the earlier tokens.
        """
        query = self._heads(_normalise(x), self.query)
        key, value = self.keys_values(x)
        if cache is not None:
            key, value = (torch.cat(pair, -2) for pair in zip(cache, (key, value)))
        scores = query @ key.mT / math.sqrt(query.shape[-1])
        if cache is None:
            tokens = x.shape[-2]
            scores = scores.masked_fill(~torch.ones(tokens, tokens, dtype=torch.bool).tril(), -torch.inf)
        mixed = (scores.softmax(-1) @ value).transpose(-2, -3).flatten(-2)
        x = x + mixed @ _wide(self.out, mixed)
        inside = nn.functional.gelu(_normalise(x) @ _wide(self.enter, x))
        return x + inside @ _wide(self.leave, inside)


def _wide(weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return weight.view(len(weight), *[1] * (x.ndim - 3), *weight.shape[1:])


def _normalise(x: torch.Tensor) -> torch.Tensor:
    return nn.functional.layer_norm(x, x.shape[-1:])


class SmallTransformer(nn.Module):
    """A stack of causal transformers: embeddings and positions standard normal, unembedding twice as large as its fan.

    Args:
        vocabulary: number of tokens.
        length: largest number of positions.
        layers, width, heads: of each model.
        sources: one generator for each model.
        positions: without them a model cannot see the order of earlier tokens.
    """

    def __init__(
        self, vocabulary: int, length: int, layers: int, width: int, heads: int, sources: list[torch.Generator],
        positions: bool = True,
    ):  # fmt: skip
        super().__init__()
        self.embedding = draw(sources, (vocabulary, width))
        self.position = draw(sources, (length, width)) if positions else None
        self.layers = nn.ModuleList(Block(width, heads, sources) for _ in range(layers))
        self.unembedding = draw(sources, (width, vocabulary), "normal", 2 * width**-0.5)

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """Stream `(models, rows, tokens, width)` of tokens `(rows, tokens)`."""
        x = self.embedding[:, tokens]
        return x if self.position is None else x + self.position[:, None, : tokens.shape[1]]

    def logits(self, last: torch.Tensor) -> torch.Tensor:
        """Logits `(models, rows, vocabulary)` of streams `(models, rows, width)`."""
        return _normalise(last) @ self.unembedding

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits of the token after the last, `(models, rows, vocabulary)`."""
        x = self.embed(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.logits(x[..., -1, :])

    def states(self, tokens: torch.Tensor) -> list[torch.Tensor]:
        """Streams `(models, rows, tokens, width)` after each layer."""
        x, streams = self.embed(tokens), []
        for layer in self.layers:
            x = layer(x)
            streams.append(x)
        return streams


class LastTokenCut:
    """Transformers cut at the last token after a layer; what earlier tokens give to the layers above is computed once.

    Attention is causal, so that a change of the last token reaches no other.

    Args:
        model: frozen transformers.
        tokens: `(rows, tokens)`, all sentences.
        layer: after which the cut is, counted from 1.
    """

    @torch.no_grad()
    def __init__(self, model: SmallTransformer, tokens: torch.Tensor, layer: int):
        self.model, self.layer = model, layer
        streams = [model.embed(tokens), *model.states(tokens)]
        self.hidden = streams[layer][..., -1, :].contiguous()  # (models, sentences, width)
        self.caches = [
            block.keys_values(stream[..., :-1, :]) for block, stream in zip(model.layers[layer:], streams[layer:])
        ]

    def upper(self, hidden: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Logits `(models, n, vocabulary)` from hidden states `(models, n, width)` of the sentences `rows` `(n,)`."""
        x = hidden[..., None, :]
        for block, cache in zip(self.model.layers[self.layer :], self.caches):
            x = block(x, tuple(part[:, rows] for part in cache))
        return self.model.logits(x[..., 0, :])


def train_transformer(
    model: SmallTransformer, tokens: torch.Tensor, answers: torch.Tensor, rng: np.random.Generator, *, steps: int,
    batch: int, learning_rate: float,
) -> np.ndarray:  # fmt: skip
    """Train all weights on the token after the last with Adam; returns the losses `(steps, models)`.

    Args:
        model: a stack, changed in place; all models see the same sentences.
        tokens: `(rows, tokens)`.
        answers: `(rows,)`.
        rng: draws the batches.
        steps, batch, learning_rate: of Adam; the rate falls along a cosine.

    Raises:
        ValueError: a loss is not finite.
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    trace = []
    for step in progress(range(steps), "steps, transformer"):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * rate(step, steps, max(1, steps // 10), "cosine", 0.0)
        rows = torch.from_numpy(rng.integers(0, len(tokens), batch))
        logits = model(tokens[rows])
        wanted = answers[rows].expand(logits.shape[:2])
        losses = (
            nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="none")
            .view(wanted.shape)
            .mean(1)
        )
        if not torch.isfinite(losses).all():
            raise ValueError(f"training: got the losses {losses.tolist()} at step {step}, expected finite ones")
        optimiser.zero_grad()
        losses.sum().backward()
        optimiser.step()
        trace.append(losses.detach().numpy(force=True))
    return np.stack(trace)
