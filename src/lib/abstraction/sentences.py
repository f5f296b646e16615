"""Sentences for indirect object identification: two names, one of them repeated, cut before the other.

A sentence mentions names A and B in this order; the second clause repeats the subject, one of them, and is cut where
the indirect object, the other, would stand. The Boolean variable is whether the indirect object is the second name.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Sentences(NamedTuple):
    """Sentences as tokens.

    Args:
        tokens: `(n, length)` integers, padded at the end.
        last: `(n,)` position of each sentence's last token.
        names: `(n, 2)` tokens of the first and the second name.
        order: `(n,)` bool, whether the indirect object is the second name.
        template: `(n,)` number of the template.
        pair: `(n, 2)` numbers of the two names.
    """

    tokens: np.ndarray
    last: np.ndarray
    names: np.ndarray
    order: np.ndarray
    template: np.ndarray
    pair: np.ndarray

    def take(self, index) -> "Sentences":
        """Some of the sentences."""
        return Sentences(*(part[index] for part in self))

    def answer(self, order=None) -> np.ndarray:
        """Token of the indirect object `(n,)`; of another order bit where one is passed."""
        order = self.order if order is None else order
        return np.where(order, self.names[:, 1], self.names[:, 0])


# roles: A and B the names in order, S the repeated one, P a place, O an object, f a filler
SMALL_TEMPLATES = ("f A f B f P f S f O f", "f f A f B P f S f O f")


def small_world(
    rng: np.random.Generator, *, names: int = 4, places: int = 5, objects: int = 5, fillers: int = 20,
    templates: Sequence[str] = SMALL_TEMPLATES,
) -> tuple[Sentences, int]:  # fmt: skip
    """Every sentence of a small language, and the size of its vocabulary.

    Tokens are names, then places, objects and fillers; a template has a filler of its own at each of its positions.

    Args:
        rng: chooses the fillers.
        names, places, objects, fillers: how many there are.
        templates: words A, B, S, P, O and f, all of one length.

    Raises:
        ValueError: fewer than two names.
    """
    if names < 2:
        raise ValueError(f"names: got {names}, expected at least two")
    rows, last, pairs, order, number = [], [], [], [], []
    start = {"P": names, "O": names + places, "f": names + places + objects}
    for t, template in enumerate(templates):
        roles = template.split()
        filler = iter(start["f"] + rng.choice(fillers, roles.count("f"), replace=roles.count("f") > fillers))
        fixed = [next(filler) if role == "f" else -1 for role in roles]
        for a in range(names):
            for b in range(names):
                for second in (False, True) if a != b else ():
                    for place in range(places):
                        for item in range(objects):
                            words = {
                                "A": a,
                                "B": b,
                                "S": a if second else b,
                                "P": names + place,
                                "O": names + places + item,
                            }
                            rows.append([words.get(role, token) for role, token in zip(roles, fixed)])
                            last.append(len(roles) - 1)
                            pairs.append((a, b))
                            order.append(second)
                            number.append(t)
    pair = np.array(pairs)
    sentences = Sentences(np.array(rows), np.array(last), pair.copy(), np.array(order), np.array(number), pair)
    return sentences, names + places + objects + fillers


def split_sentences(sentences: Sentences, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Indices of sentences to train on and of the others, at random over sentences: names occur in both."""
    order = rng.permutation(len(sentences.tokens))
    cut = round(share * len(order))
    return np.sort(order[:cut]), np.sort(order[cut:])


def split_names(sentences: Sentences, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Indices of sentences whose two names are among a share of all names, and of those with none of these."""
    count = int(sentences.pair.max()) + 1
    seen = np.zeros(count, bool)
    seen[rng.permutation(count)[: round(share * count)]] = True
    inside = seen[sentences.pair]
    return np.flatnonzero(inside.all(1)), np.flatnonzero(~inside.any(1))
