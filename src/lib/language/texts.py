"""Texts with labels in files, and an encoder of transformers that is read at its first token."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

PARTS = ("train", "validation", "test")
SHIFTED = "shifted"  # folder of tests from other sources


class Texts(NamedTuple):
    """Texts, or pairs of texts, and their classes.

    Attributes:
        first: texts.
        second: the second text of each pair; None where there are no pairs.
        labels: (n,) integers.
    """

    first: list[str]
    second: list[str] | None
    labels: np.ndarray


def read_texts(path: str | Path) -> Texts:
    """A file of one JSON object a line, with the fields `text`, `label` and, in all lines or none, `text_pair`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no lines, a line without its fields, or a label that is no class.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"texts: got no file {path}, expected one of JSON lines")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    paired = sum("text_pair" in row for row in rows)
    if not rows or paired not in (0, len(rows)) or not all({"text", "label"} <= set(row) for row in rows):
        raise ValueError(f"{path}: expected lines with text and label, and text_pair in all or none of them")
    labels = np.array([row["label"] for row in rows])
    if labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(f"{path}: got the labels {np.unique(labels)[:5].tolist()}, expected integers from 0 on")
    return Texts([row["text"] for row in rows], [row["text_pair"] for row in rows] if paired else None, labels)


def read_text_set(folder: str | Path) -> dict[str, Texts]:
    """`train`, `validation` and `test` of a folder, and all files of its folder `shifted` by name.

    Raises:
        FileNotFoundError: a part is missing.
    """
    folder = Path(folder)
    parts = {part: read_texts(folder / f"{part}.jsonl") for part in PARTS}
    return parts | {f"{SHIFTED}/{path.stem}": read_texts(path) for path in sorted((folder / SHIFTED).glob("*.jsonl"))}


class FirstToken(nn.Module):
    """Features (n, h) of tokens (n, T): the last hidden state of an encoder of transformers at the first token.

    Args:
        model: such as RobertaModel.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.width = model.config.hidden_size

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Features; the mask (n, T) is 1 where there is a token and 0 where there is padding."""
        return self.model(input_ids=tokens, attention_mask=mask).last_hidden_state[:, 0]


def load_text_encoder(folder: str | Path) -> tuple[FirstToken, object]:
    """An encoder and its tokeniser from a folder of transformers; nothing is downloaded.

    Raises:
        FileNotFoundError: no configuration in the folder.
    """
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    folder = Path(folder)
    if not (folder / "config.json").exists():
        raise FileNotFoundError(f"encoder: got no config.json in {folder}, expected a folder of transformers")
    options = {"local_files_only": True}
    config = AutoConfig.from_pretrained(folder, **options)
    pooled = {"add_pooling_layer": False} if config.model_type in ("roberta", "bert") else {}
    model = AutoModel.from_pretrained(folder, **options, **pooled)
    return FirstToken(model).eval(), AutoTokenizer.from_pretrained(folder, **options)


def tokenise(tokeniser, texts: Texts, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens and mask, (n, T) each, cut at a length and padded to the longest."""
    pair = {} if texts.second is None else {"text_pair": texts.second}
    coded = tokeniser(texts.first, **pair, truncation=True, max_length=length, padding=True, return_tensors="pt")
    return coded["input_ids"], coded["attention_mask"]
