"""Pre-norm residual language models from any sequence layers, stacked over seeds."""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from lib.attention.layers import GatedUnit, SoftmaxAttention, TransNormerAttention
from lib.training.stacked import StackedEmbedding, StackedLinear, StackedRMSNorm, count_parameters


class TiedHead(nn.Module):
    """Logits by the rows of an embedding, whose parameter it shares."""

    def __init__(self, embedding: StackedEmbedding):
        super().__init__()
        self.shared = [embedding]  # in a list, so that the parameter is counted once

    def forward(self, x):
        """`(models, ..., width)` to `(models, ..., vocabulary)`."""
        weight = self.shared[0].weight
        return torch.bmm(x.flatten(1, -2), weight.mT).view(*x.shape[:-1], weight.shape[1])


class LanguageModel(nn.Module):
    """Embedding, layers x + mixer(norm(x)), x + channels(norm(x)), norm, head; all for `models` at once.

    Args:
        vocabulary, width: sizes.
        mixers: sequence layers, `(models, batch, T, width)` to the same.
        channels: channel mixers, one for each; None leaves it out.
        sources: one generator for each model, for embedding and head.
        tied: whether the head is the embedding, which then starts small.

    With `recompute` set, the backward pass computes the inside of each layer again and keeps its input alone.
    """

    def __init__(self, vocabulary: int, width: int, mixers: list, channels: list, sources: list, tied: bool = False):
        super().__init__()
        self.recompute = False
        models = len(sources)
        self.embedding = StackedEmbedding(vocabulary, width, sources, width**-0.5 if tied else 1.0)
        self.mixers = nn.ModuleList(mixers)
        self.channels = nn.ModuleList(nn.Identity() if channel is None else channel for channel in channels)
        self.mixer_norms = nn.ModuleList(StackedRMSNorm(width, models) for _ in mixers)
        self.channel_norms = nn.ModuleList(
            nn.Identity() if channel is None else StackedRMSNorm(width, models) for channel in channels
        )
        self.has_channel = [channel is not None for channel in channels]
        self.norm = StackedRMSNorm(width, models)
        self.head = TiedHead(self.embedding) if tied else StackedLinear(width, vocabulary, sources)

    def _channel(self, x, layer: int):
        return x + self.channels[layer](self.channel_norms[layer](x)) if self.has_channel[layer] else x

    def _layer(self, x, layer: int):
        return self._channel(x + self.mixers[layer](self.mixer_norms[layer](x)), layer)

    def features(self, tokens):
        """Tokens `(models, batch, T)` to what the head takes, `(models, batch, T, width)`."""
        x = self.embedding(tokens)
        for layer in range(len(self.mixers)):
            if self.recompute and torch.is_grad_enabled():
                x = checkpoint(self._layer, x, layer, use_reentrant=False)
            else:
                x = self._layer(x, layer)
        return self.norm(x)

    def forward(self, tokens):
        """Tokens `(models, batch, T)` to logits `(models, batch, T, vocabulary)`."""
        return self.head(self.features(tokens))

    def begin(self, models: int, batch: int, context: int = 0, source: torch.Generator | None = None) -> list:
        """States of all layers for decoding; with a generator filled as after `context` tokens."""
        return [mixer.begin(models, batch, context, source) for mixer in self.mixers]

    def step(self, tokens, states: list):
        """Tokens `(models, batch)` to logits `(models, batch, vocabulary)` and the new states."""
        x, after = self.embedding(tokens), []
        for layer, (mixer, norm, state) in enumerate(zip(self.mixers, self.mixer_norms, states)):
            y, state = mixer.step(norm(x), state)
            after.append(state)
            x = self._channel(x + y, layer)
        return self.head(self.norm(x)), after


def transnormer(
    vocabulary: int, width: int, layers: int, heads: int, sources: list, form: str = "chunked", chunk_size: int = 64
) -> LanguageModel:
    """TransNormerLLM: linear attention with decay, SGLU of twice the width (Qin et al. 2023)."""
    mixers = [TransNormerAttention(width, heads, i, layers, sources, form, chunk_size) for i in range(layers)]
    channels = [GatedUnit(width, 2 * width, sources, "none") for _ in range(layers)]
    return LanguageModel(vocabulary, width, mixers, channels, sources)


def transformer(vocabulary: int, width: int, layers: int, heads: int, sources: list, hidden: int) -> LanguageModel:
    """Softmax attention with rotary positions and SwiGLU of width `hidden`."""
    mixers = [SoftmaxAttention(width, heads, sources) for _ in range(layers)]
    channels = [GatedUnit(width, hidden, sources, "silu") for _ in range(layers)]
    return LanguageModel(vocabulary, width, mixers, channels, sources)


def matched_hidden(vocabulary: int, width: int, layers: int, heads: int) -> int:
    """Width of the transformer's SwiGLU, a multiple of 8, that brings it closest to `transnormer` in parameters."""

    def size(build, *more):
        with torch.device("meta"):
            return count_parameters(build(vocabulary, width, layers, heads, [None], *more))

    target, base, two = size(transnormer), size(transformer, 8), size(transformer, 16)
    return max(8, 8 * round(1 + (target - base) / (two - base)))


def build_model(
    architecture: str, vocabulary: int, sources: list, block: int, *, width: int, layers: int, heads: int
) -> LanguageModel:
    """A stack of `tnl_chunked`, `tnl_quadratic`, `tnl_tiled` or `softmax` models of about equal numbers of parameters.

    Raises:
        ValueError: another architecture.
    """
    if architecture == "softmax":
        hidden = matched_hidden(vocabulary, width, layers, heads)
        return transformer(vocabulary, width, layers, heads, sources, hidden)
    forms = ("tnl_chunked", "tnl_quadratic", "tnl_tiled")
    if architecture not in forms:
        raise ValueError(f"architecture: got {architecture!r}, expected {', '.join(forms)} or softmax")
    return transnormer(vocabulary, width, layers, heads, sources, architecture.removeprefix("tnl_"), block)
