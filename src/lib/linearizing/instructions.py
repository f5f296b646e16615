"""Texts for fine-tuning: instructions with answers, or plain texts, packed into rows of equal length."""

import json
from pathlib import Path

import torch


def format_instruction(instruction: str, context: str, answer: str) -> str:
    """One instruction as text, with the headings of the Alpaca data; the part `Input` is left out where it is empty."""
    parts = [("Instruction", instruction), ("Input", context), ("Response", answer)]
    return "\n\n".join(f"### {name}:\n{text.strip()}" for name, text in parts if name != "Input" or text.strip())


def read_texts(path: str | Path) -> list[str]:
    """Texts of a file: JSON or lines.

    Args:
        path: a `.json` list of objects with `instruction`, `output` and perhaps `input`, or with `text`, or of texts;
            `.jsonl` with such an object in each line; any other file is text, one document for each paragraph that an
            empty line ends.

    Raises:
        ValueError: a file that cannot be read, an entry of another form, or no text.
    """
    path = Path(path)
    try:
        content = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            entries = json.loads(content)
        elif path.suffix == ".jsonl":
            entries = [json.loads(line) for line in content.splitlines() if line.strip()]
        else:
            entries = [part for part in content.split("\n\n") if part.strip()]
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: got no readable texts ({error})") from None
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{path}: got {type(entries).__name__} without entries, expected a list of texts")
    return [_as_text(entry, f"{path}: entry {index}") for index, entry in enumerate(entries)]


def _as_text(entry, where):
    texts = entry if isinstance(entry, dict) else {"text": entry}
    names = ("instruction", "input", "output") if "instruction" in texts else ("text",)
    values = [texts.get(name, "" if name == "input" else None) for name in names]
    if not all(isinstance(value, str) for value in values) or not any(value.strip() for value in values):
        raise ValueError(f"{where}: got {entry!r:.80}, expected a text, or the texts instruction and output")
    return values[0] if len(values) == 1 else format_instruction(*values)


def pack_rows(texts: list[str], tokeniser, length: int) -> torch.Tensor:
    """Texts one after another in rows of equal length, each text ended by the end token; what is left over is dropped.

    Args:
        texts: documents.
        tokeniser: of transformers; it puts its start token before each text if it has one.
        length: tokens of a row.

    Returns:
        Tokens `(rows, length)`, int64.

    Raises:
        ValueError: a length below 2, or texts shorter than a row.
    """
    if length < 2:
        raise ValueError(f"length: got {length}, expected at least 2")
    end = [] if tokeniser.eos_token_id is None else [tokeniser.eos_token_id]
    tokens = [token for ids in tokeniser(texts)["input_ids"] for token in [*ids, *(end if ids[-1:] != end else [])]]
    rows = len(tokens) // length
    if not rows:
        raise ValueError(f"texts: got {len(tokens)} tokens, expected at least one row of {length}")
    return torch.tensor(tokens[: rows * length]).view(rows, length)
