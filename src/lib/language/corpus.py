"""Corpora that need no download: Python's reference manual by characters, and token shards in a folder."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

HASHED_AT_ONCE = 2**24  # tokens of a shard that are read at once to be hashed and checked


class Shards:
    """Tokens of several files as one array, read from the files where they are asked for.

    Args:
        parts: one-dimensional arrays, such as memory maps, in order.
        start, stop: of the tokens that belong to it.
    """

    def __init__(self, parts: list[np.ndarray], start: int, stop: int):
        self.parts, self.start, self.stop = parts, start, stop
        self.ends = np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        """Tokens at integer places from 0 to the length, in their shape."""
        flat = np.asarray(places).ravel() + self.start
        if len(flat) and not (self.start <= flat.min() and flat.max() < self.stop):
            raise IndexError(
                f"places: got {flat.min() - self.start} to {flat.max() - self.start} of {len(self)} tokens"
            )
        shard = np.searchsorted(self.ends, flat, side="right")
        tokens = np.empty(len(flat), np.int64)
        for number in np.unique(shard):
            here, part = shard == number, self.parts[number]
            tokens[here] = part[flat[here] - (self.ends[number] - len(part))]
        return tokens.reshape(np.shape(places))


class Corpus(NamedTuple):
    """A tokenised text: train and validation tokens, vocabulary size, hash of the text, characters (or "")."""

    train: np.ndarray | Shards
    validation: np.ndarray | Shards
    vocabulary: int
    sha256: str
    characters: str


def encode_characters(text: str, held_out: float = 0.1) -> Corpus:
    """A text as character tokens.

    Args:
        text: split in order; its end is the validation part.
        held_out: share of the validation part.

    Returns:
        Tokens are places in the sorted characters of the training part; a character that it does not have is the last
        token, `len(characters)`.

    Raises:
        ValueError: a part would be empty.
    """
    cut = round(len(text) * (1 - held_out))
    if not 0 < cut < len(text):
        raise ValueError(
            f"text, held_out: got {len(text)} characters and {held_out}, expected two parts that are not empty"
        )
    characters = "".join(sorted(set(text[:cut])))
    codes = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    alphabet = np.frombuffer(characters.encode("utf-32-le"), dtype="<u4")
    place = np.searchsorted(alphabet, codes).clip(max=len(alphabet) - 1)
    tokens = np.where(alphabet[place] == codes, place, len(alphabet)).astype(np.int64)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Corpus(tokens[:cut], tokens[cut:], len(characters) + 1, digest, characters)


def python_manual() -> Corpus:
    """The reference topics of `pydoc` in sorted order, by character; the text changes with the Python version."""
    from pydoc_data.topics import topics

    return encode_characters("\n".join(topics[name] for name in sorted(topics)))


def token_shards(folder: Path, vocabulary: int, held_out: float = 0.1) -> Corpus:
    """Tokens that a user supplies as files of one folder, in the order of their names; they stay in the files.

    All tokens are read once, to be hashed and checked.

    Args:
        folder: holds `.npy` files (uint16 or uint32, one-dimensional) or `.bin` files (raw little-endian uint16).
        vocabulary: number of tokens.
        held_out: share of the end that is the validation part.

    Raises:
        ValueError: no such files, a file of another kind, or a token beyond the vocabulary.
    """
    files = sorted(path for path in Path(folder).glob("*") if path.suffix in (".npy", ".bin"))
    if not files:
        raise ValueError(f"folder: got {folder} without shards, expected .npy or .bin files of tokens")
    parts, digest = [], hashlib.sha256()
    for path in files:
        part = np.load(path, mmap_mode="r") if path.suffix == ".npy" else np.memmap(path, "<u2", "r")
        if part.ndim != 1 or part.dtype not in (np.uint16, np.uint32):
            raise ValueError(f"{path.name}: got {part.dtype} {part.shape}, expected one dimension of uint16 or uint32")
        for start in range(0, len(part), HASHED_AT_ONCE):
            piece = np.ascontiguousarray(part[start : start + HASHED_AT_ONCE])
            if int(piece.max()) >= vocabulary:
                largest = f"the largest token {int(piece.max())} of {path.name}"
                raise ValueError(f"vocabulary: got {vocabulary}, expected more than {largest}")
            digest.update(piece)
        parts.append(part)
    total = sum(len(part) for part in parts)
    cut = round(total * (1 - held_out))
    return Corpus(Shards(parts, 0, cut), Shards(parts, cut, total), vocabulary, digest.hexdigest(), "")


def random_windows(tokens: np.ndarray | Shards, count: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """Windows `(count, length)` that begin anywhere.

    Raises:
        ValueError: the tokens are fewer than one window.
    """
    if len(tokens) < length:
        raise ValueError(f"length: got {length}, expected at most the {len(tokens)} tokens")
    start = rng.integers(0, len(tokens) - length + 1, count)
    return tokens[start[:, None] + np.arange(length)].astype(np.int64)


def fixed_windows(tokens: np.ndarray | Shards, count: int, length: int) -> np.ndarray:
    """Windows `(count, length)` that begin at even distances from the first token to the last that is possible.

    Raises:
        ValueError: the tokens are fewer than one window.
    """
    if len(tokens) < length:
        raise ValueError(f"length: got {length}, expected at most the {len(tokens)} tokens")
    start = np.linspace(0, len(tokens) - length, count).astype(np.int64)
    return tokens[start[:, None] + np.arange(length)].astype(np.int64)
