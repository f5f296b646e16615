"""Multiple-choice evaluation of language models by the length-normalised likelihood of each answer."""

import json
from pathlib import Path

import numpy as np
import torch


def load_choices(path: Path) -> dict[str, list[dict]]:
    """Sets of items from a JSON file.

    Args:
        path: `{"set": [{"context": [tokens], "choices": [[tokens], ...], "answer": index}, ...], ...}`.

    Raises:
        ValueError: the file has another form; the message names the set and the item.
    """
    try:
        sets = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: got no readable JSON ({error}), expected sets of multiple-choice items") from None
    if not isinstance(sets, dict) or not sets:
        raise ValueError(f"{path}: got {type(sets).__name__}, expected sets of items by name")
    for name, items in sets.items():
        for i, item in enumerate(items):
            right = isinstance(item, dict) and {"context", "choices", "answer"} <= set(item)
            if not right or not item["context"] or not all(item["choices"]):
                raise ValueError(f"{path}: {name}[{i}]: got {item!r:.80}, expected context, choices and answer")
            if not 0 <= item["answer"] < len(item["choices"]):
                raise ValueError(f"{path}: {name}[{i}]: got answer {item['answer']}, expected one of the choices")
    return sets


def choose(model, items: list[dict], device: str = "cpu") -> np.ndarray:
    """Whether each model of a stack prefers the right answer, `(models, items)`.

    The score of a choice is the mean log-probability of its tokens after the context.

    Args:
        model: tokens `(models, batch, T)` to logits `(models, batch, T, V)`.
        items: as `load_choices` returns them for one set.
        device: torch device.
    """
    models = next(iter(model.parameters())).shape[0]
    hits = []
    with torch.no_grad():
        for item in items:
            scores = []
            for choice in item["choices"]:
                tokens = torch.tensor([*item["context"], *choice], device=device).expand(models, 1, -1)
                logits = model(tokens[..., :-1])[:, 0, -len(choice) :].float().log_softmax(-1)
                scores.append(logits.gather(-1, tokens[:, 0, -len(choice) :, None])[..., 0].mean(-1))
            hits.append((torch.stack(scores).argmax(0) == item["answer"]).cpu().numpy())
    return np.stack(hits, 1)
