"""A small bidirectional encoder of documents, read at the last token, and its pre-training."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lib.language.topics import TopicWorld, draw_documents, hide_words
from lib.probing.pretraining import train_module

EMBEDDING_SIZE, POSITION_SIZE = 0.1, 0.02  # standard deviations at the start
HIDDEN_SHARE = 0.25  # of the words, in pre-training


class EncoderBlock(nn.Module):
    """x + attention(norm(x)), then x + perceptron(norm(x)).

    Args:
        width: of a token.
        heads: of the attention.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.perceptron_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor, last: bool = False) -> torch.Tensor:
        """Tokens `(n, T, width)` to the same; with `last` the last one alone, `(n, 1, width)`."""
        normed = self.attention_norm(x)
        asking, x = (normed[:, -1:], x[:, -1:]) if last else (normed, x)

        def split(y):
            return y.unflatten(2, (self.heads, -1)).transpose(1, 2)

        q, k, v = split(self.query(asking)), split(self.key(normed)), split(self.value(normed))
        weights = torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-1)
        x = x + self.output((weights @ v).transpose(1, 2).flatten(2))
        return x + self.down(functional.gelu(self.up(self.perceptron_norm(x))))


class Encoder(nn.Module):
    """Embedding and learned positions, blocks, a final norm; the feature of a document is its last token's.

    Args:
        vocabulary: number of tokens.
        length: tokens of a document.
        width, layers, heads: of the blocks.
    """

    def __init__(self, vocabulary: int, length: int, width: int, layers: int, heads: int):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_SIZE)
        nn.init.normal_(self.positions.weight, std=POSITION_SIZE)
        self.blocks = nn.ModuleList(EncoderBlock(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def _embed(self, tokens: torch.Tensor) -> torch.Tensor:
        places = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
        return self.embedding(tokens) + self.positions(places)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Features `(n, width)` of documents `(n, T)`; the last block computes the last token alone."""
        x = self._embed(tokens)
        for block in self.blocks[:-1]:
            x = block(x)
        return self.norm(self.blocks[-1](x, last=True)).squeeze(1)

    def all_tokens(self, tokens: torch.Tensor) -> torch.Tensor:
        """Outputs at every token, `(n, T, width)`."""
        x = self._embed(tokens)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


def pretraining_loss(encoder: Encoder, tokens: np.ndarray, targets: np.ndarray, drawn: np.ndarray) -> torch.Tensor:
    """Cross-entropy of hidden words, plus that of a word of the document predicted at its last token.

    Args:
        encoder: the encoder, whose embedding also gives the logits.
        tokens: (n, T) with words hidden.
        targets: (n, T) hidden words, -100 elsewhere.
        drawn: (n,) a word of each document.
    """
    outputs = encoder.all_tokens(torch.from_numpy(tokens))
    targets = torch.from_numpy(targets)
    hidden = targets != -100
    words = functional.cross_entropy(outputs[hidden] @ encoder.embedding.weight.mT, targets[hidden])
    summary = functional.cross_entropy(outputs[:, -1] @ encoder.embedding.weight.mT, torch.from_numpy(drawn))
    return words + summary


def pretrain_encoder(
    world: TopicWorld, *, width: int, layers: int, heads: int, steps: int, batch: int, learning_rate: float,
    purity: float, seed: int,
) -> tuple[Encoder, np.ndarray]:  # fmt: skip
    """Train an encoder on fresh documents that mix two domains.

    Args:
        world: the language.
        width, layers, heads: of the encoder.
        steps, batch, learning_rate: of AdamW, whose rate grows over three tenths of the steps and then falls to zero.
        purity: probability that a content word is of the document's topic.
        seed: of documents and weights.

    Returns:
        The encoder, in evaluation mode, and its losses.
    """
    rng = np.random.default_rng([seed, 5])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = Encoder(world.vocabulary, world.length + 1, width, layers, heads)

    def loss(_: int) -> torch.Tensor:
        documents = draw_documents(world, batch, list(range(world.domains)), 2, purity, rng)
        tokens, targets = hide_words(world, documents.tokens, HIDDEN_SHARE, rng)
        drawn = documents.tokens[np.arange(batch), rng.integers(world.length, size=batch)]
        return pretraining_loss(encoder, tokens, targets, drawn)

    losses = train_module(encoder, loss, steps, learning_rate, weight_decay=0.01, warmup=0.3)
    return encoder.eval(), losses
