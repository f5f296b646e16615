"""English sentences for indirect object identification, and language models from local folders."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from lib.abstraction.sentences import Sentences

NAMES = [
    "James",
    "John",
    "Robert",
    "Michael",
    "William",
    "David",
    "Richard",
    "Joseph",
    "Thomas",
    "Charles",
    "Daniel",
    "Matthew",
    "Anthony",
    "Mark",
    "Paul",
    "Steven",
    "Andrew",
    "Kevin",
    "Brian",
    "George",
    "Edward",
    "Jason",
    "Jeff",
    "Ryan",
    "Jacob",
    "Gary",
    "Eric",
    "Stephen",
    "Larry",
    "Justin",
    "Scott",
    "Brandon",
    "Ben",
    "Sam",
    "Greg",
    "Frank",
    "Alex",
    "Ray",
    "Jack",
    "Dennis",
    "Jerry",
    "Tyler",
    "Aaron",
    "Henry",
    "Peter",
    "Adam",
    "Nathan",
    "Zach",
    "Walter",
    "Kyle",
    "Harold",
    "Carl",
    "Arthur",
    "Roger",
    "Keith",
    "Jeremy",
    "Sean",
    "Austin",
    "Noah",
    "Ethan",
    "Christian",
    "Joe",
    "Bryan",
    "Billy",
    "Jordan",
    "Albert",
    "Bruce",
    "Mary",
    "Linda",
    "Barbara",
    "Susan",
    "Jessica",
    "Sarah",
    "Karen",
    "Lisa",
    "Nancy",
    "Betty",
    "Sandra",
    "Ashley",
    "Emily",
    "Donna",
    "Michelle",
    "Carol",
    "Amanda",
    "Melissa",
    "Laura",
    "Amy",
    "Anna",
    "Emma",
    "Nicole",
    "Helen",
    "Samantha",
    "Rachel",
    "Maria",
    "Heather",
    "Diane",
    "Ruth",
    "Julie",
    "Olivia",
    "Joyce",
    "Victoria",
    "Kelly",
    "Christina",
    "Joan",
    "Evelyn",
    "Lauren",
    "Judith",
    "Megan",
    "Andrea",
    "Hannah",
    "Jacqueline",
    "Martha",
    "Gloria",
    "Teresa",
    "Ann",
    "Sara",
    "Madison",
    "Kathryn",
    "Jean",
    "Alice",
    "Julia",
    "Grace",
    "Jane",
    "Rose",
    "Kate",
]
PLACES = [
    "garden",
    "station",
    "market",
    "library",
    "museum",
    "harbour",
    "kitchen",
    "office",
    "theatre",
    "school",
    "hospital",
    "hotel",
    "bakery",
    "farm",
    "church",
    "bank",
    "stadium",
    "gallery",
    "castle",
    "beach",
]
OBJECTS = [
    "book",
    "lamp",
    "ring",
    "letter",
    "ball",
    "basket",
    "hat",
    "clock",
    "map",
    "bottle",
    "phone",
    "drum",
    "key",
    "coin",
    "painting",
    "cup",
    "knife",
    "chair",
    "flower",
    "blanket",
]
# A is named first; each of these, and each with A and B exchanged in the second clause
OPENINGS = (
    "After {A} and {B} left the {place},",
    "While {A} and {B} were walking through the {place},",
    "When {A} and {B} met at the {place},",
    "Before {A} and {B} went to the {place},",
    "Once {A} and {B} had reached the {place},",
    "As {A} and {B} looked around the {place},",
    "Yesterday {A} and {B} talked at the {place}, and",
    "Then {A} and {B} came back from the {place}, and",
    "Later {A} and {B} found the {place}, where",
    "Last week {A} and {B} worked at the {place}, until",
    "Because {A} and {B} liked the {place},",
    "Since {A} and {B} lived near the {place},",
    "In the end {A} and {B} stayed at the {place}, and",
    "Finally {A} and {B} saw the {place}, and",
    "Long ago {A} and {B} built the {place}, and",
)
CLAUSE = " {S} gave a {object} to"
TEMPLATES = 2 * len(OPENINGS)


class Text(NamedTuple):
    """Tokenised sentences, and what the attention mask of their padding is.

    Args:
        sentences: tokens and names.
        mask: `(n, length)` integers, 1 where a token is.
    """

    sentences: Sentences
    mask: np.ndarray


def load_causal_lm(path: str | Path, dtype: torch.dtype = torch.float32):
    """A causal language model and its tokenizer from a local folder, as written by `save_pretrained`.

    Raises:
        ValueError: a folder that does not exist, or holds no model or no tokenizer.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = Path(path)
    if not (folder / "config.json").is_file():
        raise ValueError(f"path: got {folder}, expected a folder with config.json, weights and a tokenizer")
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).to(dtype)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ValueError(f"path: got {folder}, which holds no whole language model ({error})") from None
    return model.eval().requires_grad_(False), tokenizer


def single_token_names(tokenizer, count: int) -> dict[str, int]:
    """The first `count` names that are one token after a space, and their tokens.

    Raises:
        ValueError: fewer such names.
    """
    tokens = {name: tokenizer(f" {name}", add_special_tokens=False)["input_ids"] for name in NAMES}
    single = {name: ids[0] for name, ids in tokens.items() if len(ids) == 1}
    if len(single) < count:
        raise ValueError(f"tokenizer: got {len(single)} names that are one token, expected at least {count}")
    return dict(list(single.items())[:count])


class Corpus:
    """Draws sentences for a tokenizer.

    Args:
        tokenizer: of transformers.
        names: how many names there are.
        split: `sentence`, where one in five sentences is held out, or `name`, where the names are parted 60 : 20 : 20.
        rng: parts the names.

    Raises:
        ValueError: another split, or too few names of one token.
    """

    def __init__(self, tokenizer, names: int, split: str, rng: np.random.Generator):
        if split not in ("sentence", "name"):
            raise ValueError(f"split: got {split!r}, expected sentence or name")
        self.tokenizer, self.split = tokenizer, split
        self.names = single_token_names(tokenizer, names)
        order = rng.permutation(names)
        cuts = [round(0.6 * names), round(0.8 * names)]
        parts = np.split(order, cuts) if split == "name" else [order] * 3
        self.parts = dict(zip(("train", "evaluation", "test"), parts))

    def draw(self, part: str, n: int, rng: np.random.Generator) -> Text:
        """Sentences of a part: `train`, `evaluation` or `test`."""
        rows: list[np.ndarray] = []
        while sum(map(len, rows)) < n:
            drawn = self._combinations(part, 2 * n, rng)
            if self.split == "sentence":
                held_out = _hash(drawn) % 5 == 0
                drawn = drawn[~held_out if part == "train" else held_out]
            rows.append(drawn)
        return self._tokenise(np.concatenate(rows)[:n])

    def _combinations(self, part: str, n: int, rng) -> np.ndarray:
        """Rows of first and second name, template, place, object."""
        own = self.parts[part]
        first = rng.integers(0, len(own), n)
        second = (first + rng.integers(1, len(own), n)) % len(own)
        others = [rng.integers(0, count, n) for count in (TEMPLATES, len(PLACES), len(OBJECTS))]
        return np.stack([own[first], own[second], *others], 1)

    def _tokenise(self, rows: np.ndarray) -> Text:
        words, tokens = list(self.names), np.array(list(self.names.values()))
        texts = []
        for a, b, template, place, item in rows:
            # the repeated name is the first one in half of the templates, and the indirect object then the second
            subject = words[a] if template < len(OPENINGS) else words[b]
            opening = OPENINGS[template % len(OPENINGS)].format(A=words[a], B=words[b], place=PLACES[place])
            texts.append(opening + CLAUSE.format(S=subject, object=OBJECTS[item]))
        lists = self.tokenizer(texts)["input_ids"]
        length = max(map(len, lists))
        ids, mask = np.zeros((len(lists), length), np.int64), np.zeros((len(lists), length), np.int64)
        for i, one in enumerate(lists):
            ids[i, : len(one)], mask[i, : len(one)] = one, 1
        order = rows[:, 2] < len(OPENINGS)
        sentences = Sentences(ids, mask.sum(1) - 1, tokens[rows[:, :2]], order, rows[:, 2], rows[:, :2])
        return Text(sentences, mask)


def _hash(rows: np.ndarray) -> np.ndarray:
    """A number for each row that looks random and is always the same."""
    value = np.zeros(len(rows), np.uint64)
    for column in rows.T:
        value = (value + column.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
        value ^= value >> np.uint64(29)
    return value
