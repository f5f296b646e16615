"""Corpora that need no download: Python's reference manual by characters, and token shards in a folder."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Corpus(NamedTuple):
    """A tokenised text: train and validation tokens, vocabulary size, hash of the text, characters (or "")."""

    train: np.ndarray
    validation: np.ndarray
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
    """Tokens that a user supplies as files of one folder, in the order of their names.

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
    parts = []
    for path in files:
        part = np.load(path, mmap_mode="r") if path.suffix == ".npy" else np.memmap(path, "<u2", "r")
        if part.ndim != 1 or part.dtype not in (np.uint16, np.uint32):
            raise ValueError(f"{path.name}: got {part.dtype} {part.shape}, expected one dimension of uint16 or uint32")
        parts.append(part)
    tokens = parts[0] if len(parts) == 1 else np.concatenate(parts)
    if int(tokens.max()) >= vocabulary:
        raise ValueError(f"vocabulary: got {vocabulary}, expected more than the largest token {int(tokens.max())}")
    cut = round(len(tokens) * (1 - held_out))
    digest = hashlib.sha256(np.ascontiguousarray(tokens)).hexdigest()
    return Corpus(tokens[:cut], tokens[cut:], vocabulary, digest, "")


def random_windows(tokens: np.ndarray, count: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """Windows `(count, length)` that begin anywhere.

    Raises:
        ValueError: the tokens are fewer than one window.
    """
    if len(tokens) < length:
        raise ValueError(f"length: got {length}, expected at most the {len(tokens)} tokens")
    start = rng.integers(0, len(tokens) - length + 1, count)
    return tokens[start[:, None] + np.arange(length)].astype(np.int64)


def fixed_windows(tokens: np.ndarray, count: int, length: int) -> np.ndarray:
    """Windows `(count, length)` that begin at even distances from the first token to the last that is possible.

    Raises:
        ValueError: the tokens are fewer than one window.
    """
    if len(tokens) < length:
        raise ValueError(f"length: got {length}, expected at most the {len(tokens)} tokens")
    start = np.linspace(0, len(tokens) - length, count).astype(np.int64)
    return tokens[start[:, None] + np.arange(length)].astype(np.int64)
