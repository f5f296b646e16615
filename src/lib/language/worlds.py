"""Two small worlds for single models of transformers: characters of Python's manual, and associative recall with a gap.

A world has `vocabulary` and `positions`, draws a batch and gives its loss, and scores a model on held-out data.
"""

import numpy as np
import torch

from lib.language.corpus import fixed_windows, python_manual, random_windows
from lib.language.llama import recalled, token_loss
from lib.language.spaced_recall import query_distances, spaced_recall
from lib.language.unigram import unigram_loss
from lib.linearizing.training import mean_loss

AT_ONCE = 16  # windows, or sequences times 16, that go through the model at once in an evaluation


class CharacterWorld:
    """Windows of the reference manual inside Python; the score is minus the validation loss in nats per character.

    Args:
        tokens: characters that a window predicts.
        batch: windows of a training step.
        held_out: validation windows, at even distances.
    """

    def __init__(self, tokens: int, batch: int, held_out: int):
        self.corpus = python_manual()
        self.vocabulary, self.positions, self.batch = self.corpus.vocabulary, tokens, batch
        self.windows = fixed_windows(self.corpus.validation, held_out, tokens + 1)
        self.batch_tokens = batch * tokens

    def draw(self, rng: np.random.Generator, done: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Tokens and targets of a training step, `(batch, tokens)`, whatever share of the training is done."""
        windows = random_windows(self.corpus.train, self.batch, self.positions + 1, rng)
        return windows[:, :-1], windows[:, 1:]

    def loss(self, model: torch.nn.Module, rng: np.random.Generator, done: float = 1.0) -> torch.Tensor:
        """Loss of a fresh batch, a scalar."""
        return token_loss(model, *self.draw(rng, done))

    def score(self, model: torch.nn.Module, rng: np.random.Generator) -> tuple[float, np.ndarray]:
        """Minus the validation loss, and nothing by distance."""
        return -mean_loss(model, torch.from_numpy(self.windows), AT_ONCE), np.empty(0)

    def floor(self) -> float:
        """Score of the model that knows the frequencies of characters alone."""
        return -unigram_loss(self.corpus.train, self.windows[:, 1:], self.vocabulary)

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """A few held-out sequences."""
        return self.windows[:2, :-1]


class RecallWorld:
    """Associative recall with a gap; the score is the share of queries answered rightly.

    Args:
        pairs, n_keys, gap: see `lib.language.spaced_recall.spaced_recall`.
        first_pairs, growth: pairs grow from `first_pairs` over this share of a training.
        batch: sequences of a training step.
        held_out: fresh sequences of an evaluation.
        near: distances are counted in classes of this many tokens.
    """

    def __init__(
        self, pairs: int, n_keys: int, gap: int, first_pairs: int, growth: float, batch: int, held_out: int, near: int
    ):
        self.pairs, self.n_keys, self.gap = pairs, n_keys, gap
        self.first_pairs, self.growth, self.batch, self.held_out, self.near = first_pairs, growth, batch, held_out, near
        self.vocabulary, self.positions = 2 * n_keys + 1, 3 * pairs + gap
        self.batch_tokens = batch * self.positions

    def draw(self, rng: np.random.Generator, done: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Tokens and targets of a step, of as many pairs as there are when this share of the training is done."""
        pairs = int(self.first_pairs + (self.pairs - self.first_pairs) * min(1.0, done / self.growth))
        return spaced_recall(self.batch, pairs, self.n_keys, self.gap, rng)

    def loss(self, model: torch.nn.Module, rng: np.random.Generator, done: float = 1.0) -> torch.Tensor:
        """Loss of a fresh batch, a scalar."""
        return token_loss(model, *self.draw(rng, done))

    def score(self, model: torch.nn.Module, rng: np.random.Generator) -> tuple[float, np.ndarray]:
        """Share of right answers, and that of each class of distances, `(classes,)`; NaN where there is none."""
        right, classes = [], []
        for _ in range(-(-self.held_out // (16 * AT_ONCE))):
            rows = min(16 * AT_ONCE, self.held_out)
            tokens, targets = spaced_recall(rows, self.pairs, self.n_keys, self.gap, rng)
            right.append(recalled(model, tokens, targets))
            classes.append(query_distances(tokens, self.pairs).ravel() // self.near)
        right, classes = np.concatenate(right), np.concatenate(classes)
        count = np.bincount(classes, minlength=self.positions // self.near + 1)
        with np.errstate(invalid="ignore"):
            return float(right.mean()), np.bincount(classes, right, minlength=len(count)) / count

    def floor(self) -> float:
        """Score of a guess among all values."""
        return 1 / self.n_keys

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """A few fresh sequences."""
        return spaced_recall(4, self.pairs, self.n_keys, self.gap, rng)[0]


def make_world(kind: str, **options) -> CharacterWorld | RecallWorld:
    """The world `text` or `recall` of these options.

    Raises:
        ValueError: another kind.
    """
    if kind not in ("text", "recall"):
        raise ValueError(f"kind: got {kind!r}, expected text or recall")
    return CharacterWorld(**options) if kind == "text" else RecallWorld(**options)
