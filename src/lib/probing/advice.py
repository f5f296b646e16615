"""What the second moment adds to a linear probe on tokens, or images, of one's own."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from lib.probing.suite import CONVERGED, LINEAR, Recipe, best_linear, train_head, tune_head
from lib.stats.intervals import Estimate, estimate_difference, estimate_proportion

RATES = (1e-3, 3e-3, 1e-2, 3e-2)
LEAST_OF_A_CLASS = 2  # samples for each fold that training must see


class Advice(NamedTuple):
    """Accuracies of linear and moment probing by cross-validation, and their paired difference.

    `linear`, `moment`: estimates of accuracy, with the interval of Clopper and Pearson; `gain`: of the difference over
    samples, given the folds; `chosen`: the linear probe of each fold.
    """

    linear: Estimate
    moment: Estimate
    gain: Estimate
    chosen: list[str]


def check_tokens(tokens: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tokens as float32 and labels from 0.

    Raises:
        ValueError: not `(n, 1 + N, D)` with N of at least 2, numbers that are not finite, another number of labels, or
            fewer than two classes.
    """
    tokens, labels = np.asarray(tokens), np.asarray(labels)
    if tokens.ndim != 3 or tokens.shape[1] < 3:
        raise ValueError(
            f"tokens: got shape {tokens.shape}, expected (samples, 1 + words, channels), two words or more"
        )
    if labels.shape != tokens.shape[:1]:
        raise ValueError(f"labels: got shape {labels.shape}, expected one for each of {len(tokens)} samples")
    if not np.isfinite(tokens).all():
        raise ValueError("tokens: got numbers that are not finite")
    names, index = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"labels: got {len(names)} class(es), expected at least two")
    return tokens.astype(np.float32), index


def read_tokens(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Tokens and labels from an `.npz` file with `tokens` and `labels`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: an array is missing or does not fit; see `check_tokens`.
    """
    with np.load(path, allow_pickle=False) as arrays:
        for name in ("tokens", "labels"):
            if name not in arrays:
                raise ValueError(f"{path}: has {', '.join(arrays)}, expected tokens and labels")
        return check_tokens(arrays["tokens"], arrays["labels"])


def read_images(folder: str | Path, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of a folder with one folder for each class, cut to a square and scaled.

    Args:
        folder: holds `<class>/<image>`.
        size: rows and columns.

    Returns:
        Images `(n, 3, size, size)`, float32 with ImageNet's mean and deviation taken off, and class names.

    Raises:
        FileNotFoundError: no such folder, or no image in it.
    """
    from PIL import Image

    paths = sorted(
        p for p in Path(folder).glob("*/*") if p.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".webp")
    )
    if not paths:
        raise FileNotFoundError(f"folder: no image in {folder}/<class>/")
    images = np.empty((len(paths), 3, size, size), np.float32)
    for k, path in enumerate(paths):
        with Image.open(path) as image:
            short = min(image.size)
            left, top = (image.width - short) // 2, (image.height - short) // 2
            square = image.convert("RGB").crop((left, top, left + short, top + short))
            images[k] = np.asarray(square.resize((size, size), Image.Resampling.BICUBIC), np.float32).transpose(2, 0, 1)
    mean, deviation = (np.array(v, np.float32)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return (images / 255 - mean) / deviation, np.array([path.parent.name for path in paths])


def advise(
    tokens: np.ndarray, labels: np.ndarray, *, folds: int = 5, hidden: int = 128, epochs: int = 20, seed: int = 0
) -> Advice:
    """Compare linear and moment probing by stratified cross-validation, each tuned inside the training part of a fold.

    Args:
        tokens: (n, 1 + N, D), the class token first.
        labels: (n,).
        folds: parts of the cross-validation.
        hidden: width of the projection of the moment head.
        epochs: of the heads that are trained by steps.
        seed: of folds and heads.

    Raises:
        ValueError: input that `check_tokens` refuses, or a class with too few samples for the folds.
    """
    from sklearn.model_selection import StratifiedKFold

    tokens, labels = check_tokens(tokens, labels)
    fewest = int(np.bincount(labels).min())
    if folds < 2 or fewest < max(folds, LEAST_OF_A_CLASS * 2):
        raise ValueError(f"folds: got {folds}, and {fewest} samples of the rarest class, expected at least as many")
    classes = int(labels.max()) + 1
    recipe = Recipe(hidden, "contiguous", RATES, epochs, 32)
    hits, chosen = np.zeros((2, len(labels)), bool), []
    x, y = torch.from_numpy(tokens), torch.from_numpy(labels).long()
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for fold, (fit, held) in enumerate(splitter.split(tokens, labels)):
        choices = {
            name: tune_head(name, x[fit], y[fit], classes, recipe, seed + fold) for name in (*LINEAR, *CONVERGED, "mp")
        }
        chosen.append(best_linear(choices))
        for k, name in enumerate((chosen[-1], "mp")):
            train, test = (x[None, fit], y[None, fit]), (x[None, held], y[None, held])
            result = train_head(name, choices[name], train, test, classes, recipe, [seed + fold])
            hits[k, held] = (result.predict(x[None, held])[0] == y[held]).numpy()
    linear, moment = (estimate_proportion(int(row.sum()), len(row)) for row in hits)
    return Advice(linear, moment, estimate_difference(hits[1], hits[0]), chosen)
