"""A language of topics and domains: what a document is about shows in words that differ from domain to domain.

A document has one topic and a set of domains, is filled with function words and content words, and ends in a token of
its own, at which an encoder is read. Pre-training documents mix domains, so that an encoder can learn that the words of
a topic belong together; a task in one domain and its test in another then ask whether that knowledge is still there.
"""

from typing import NamedTuple

import numpy as np

FUNCTION_SHARE = 0.4  # probability of a function word


class TopicWorld(NamedTuple):
    """Sizes of the language.

    Attributes:
        domains, topics: how many there are.
        words: content words of a topic in a domain.
        function_words: words that say nothing.
        length: words of a document, without its last token.
    """

    domains: int
    topics: int
    words: int
    function_words: int
    length: int

    @property
    def content(self) -> int:
        """Number of content words; word w of topic t in domain d is token (d topics + t) words + w."""
        return self.domains * self.topics * self.words

    @property
    def summary(self) -> int:
        """The token that ends each document."""
        return self.content + self.function_words

    @property
    def mask(self) -> int:
        """The token that stands for a hidden word."""
        return self.summary + 1

    @property
    def vocabulary(self) -> int:
        """Number of tokens."""
        return self.summary + 2


class Documents(NamedTuple):
    """Documents and what they are about.

    Attributes:
        tokens: (n, length + 1) integers, the last of which is the summary token.
        topics: (n,) integers.
    """

    tokens: np.ndarray
    topics: np.ndarray


class Labelled(NamedTuple):
    """Documents (n, length + 1) and their classes (n,)."""

    tokens: np.ndarray
    labels: np.ndarray


class Task(NamedTuple):
    """Topics in pairs are the classes; the last part is of other domains than the first three."""

    train: Labelled
    validation: Labelled
    test: Labelled
    shifted: Labelled


def draw_documents(
    world: TopicWorld, count: int, domains: list[int], mixed: int, purity: float, rng: np.random.Generator
) -> Documents:
    """Documents of uniform topics.

    Args:
        world: the language.
        count: documents.
        domains: those that a document may draw its own from.
        mixed: domains of one document, each content word from one of them at random.
        purity: probability that a content word is of the document's topic; otherwise its topic is drawn uniformly.
        rng: source of randomness.

    Raises:
        ValueError: domains that the world does not have, or fewer than a document mixes.
    """
    if not set(domains) <= set(range(world.domains)) or not 1 <= mixed <= len(domains):
        raise ValueError(f"domains: got {domains}, {mixed} of them mixed, expected some of 0 .. {world.domains - 1}")
    shape = (count, world.length)
    topics = rng.integers(world.topics, size=count)
    own = np.argsort(rng.random((count, len(domains))), axis=1)[:, :mixed]
    domain = np.asarray(domains)[np.take_along_axis(own, rng.integers(mixed, size=shape), axis=1)]
    topic = np.where(rng.random(shape) < purity, topics[:, None], rng.integers(world.topics, size=shape))
    content = (domain * world.topics + topic) * world.words + rng.integers(world.words, size=shape)
    function = world.content + rng.integers(world.function_words, size=shape)
    tokens = np.where(rng.random(shape) < FUNCTION_SHARE, function, content)
    return Documents(np.column_stack([tokens, np.full(count, world.summary)]), topics)


def draw_task(
    world: TopicWorld, train: int, validation: int, test: int, shifted: int, purity: float, rng: np.random.Generator
) -> Task:
    """A task in domain 0, with a test in all other domains.

    Args:
        world: the language.
        train, validation, test, shifted: documents of each part.
        purity: of `draw_documents`.
        rng: source of randomness.
    """
    parts = []
    for count, domains in ((train, [0]), (validation, [0]), (test, [0]), (shifted, list(range(1, world.domains)))):
        documents = draw_documents(world, count, domains, 1, purity, rng)
        parts.append(Labelled(documents.tokens, documents.topics // 2))
    return Task(*parts)


def hide_words(
    world: TopicWorld, tokens: np.ndarray, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Documents in which words are hidden, and the hidden words.

    Args:
        world: the language.
        tokens: (n, length + 1); the last token is never hidden.
        share: probability that a word is hidden.
        rng: source of randomness.

    Returns:
        Tokens with the mask in place of hidden words, and targets of the same shape, -100 where nothing is hidden.
    """
    hidden = rng.random(tokens.shape) < share
    hidden[:, -1] = False
    return np.where(hidden, world.mask, tokens), np.where(hidden, tokens, -100)


def bayes_topic_scores(world: TopicWorld, tokens: np.ndarray, purity: float) -> np.ndarray:
    """Log posterior of the topics up to a constant, (n, topics), of documents (n, length + 1).

    A content word of the document's topic has probability purity + (1 - purity) / topics, of any other
    (1 - purity) / topics, over words of a topic and domain; what domain it comes from says nothing.
    """
    other = (1 - purity) / world.topics
    gain = np.log((purity + other) / other)
    content = tokens < world.content
    topic = np.where(content, tokens // world.words % world.topics, 0)
    seen = (topic[..., None] == np.arange(world.topics)) & content[..., None]
    return gain * seen.sum(axis=1)
