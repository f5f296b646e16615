"""What a classifier does to one image, linearly: votes of pixels, residual, and how far the answer holds."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from lib.interpreters.classifying import residual_share
from lib.interpreters.scope import linear_scope


class Explanation(NamedTuple):
    """Leading classes of an image, and what its linear interpreter says of them.

    classes: (k,) by decreasing logit; logits and residual: (k,), with logits = sum of votes + residual; votes: (k, C,
        h, w), each
    pixel's contribution; share: |r| / (|r| + |F x|), class-centred; agreement: (distances,), correlation of the
    network's and the interpreter's changes of logits for random changes of the image of relative sizes `distances`.
    """

    classes: np.ndarray
    logits: np.ndarray
    residual: np.ndarray
    votes: np.ndarray
    share: float
    distances: np.ndarray
    agreement: np.ndarray


def explain(
    model: nn.Module,
    image: torch.Tensor,
    *,
    classes: int = 3,
    call: Callable | None = None,
    distances: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1.0),
    changes: int = 8,
    seed: int = 0,
    **options,
) -> Explanation:
    """Explain the leading classes of a classifier for one image.

    Where `agreement` has fallen well below 1, the votes no longer tell what such a change of the image does.

    Args:
        model: classifier in evaluation mode.
        image: (1, C, h, w), preprocessed as the model expects.
        classes: how many of the leading ones.
        call: `call(model, batch)` that returns logits (B, K), such as `lambda model, batch: model(batch).logits`.
        distances: sizes of random changes, relative to the image's norm.
        changes: random changes at each size.
        seed: of the changes.
        options: of `lib.interpreters.scope.linear_scope`.

    Raises:
        UnsupportedUnitError: the model has an operation without a linear interpreter.
        ValueError: more classes than logits.
    """
    run = call or (lambda model, batch: model(batch))
    with linear_scope(model, call=call, **options) as scope:
        interpreter = scope.at(image)
        logits, residual = (part.detach().cpu().numpy() for part in (interpreter.output, interpreter.residual))
        if not 1 <= classes <= logits.size:
            raise ValueError(f"classes: got {classes}, expected 1 to {logits.size}")
        leading = np.argsort(logits)[::-1][:classes].copy()
        votes = interpreter.votes(leading).cpu().numpy().reshape(classes, *image.shape[1:])
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randn((changes, *image.shape[1:]), generator=generator, dtype=torch.float64).to(image)
        drawn *= image.norm() / drawn.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        linear = [interpreter.matvec((size * drawn).flatten(1)).cpu().numpy() for size in distances]
    with torch.no_grad():
        actual = [(run(model, image + size * drawn)).cpu().numpy() - logits for size in distances]
    agreement = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(actual, linear)]
    return Explanation(
        leading, logits[leading], residual[leading], votes, residual_share(logits[None], residual[None]),
        np.array(distances), np.array(agreement),
    )  # fmt: skip


def read_photograph(path, side: int) -> torch.Tensor:
    """An image file as (1, 3, side, side) in [0, 1], its centre square resized with antialiasing.

    Raises:
        ValueError: a file that is no image.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as file:
            image = file.convert("RGB")
    except UnidentifiedImageError:
        raise ValueError(f"{path}: not an image") from None
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    square = image.crop((left, top, left + edge, top + edge)).resize((side, side), Image.Resampling.BICUBIC)
    return torch.tensor(np.asarray(square, dtype=np.float32) / 255).permute(2, 0, 1)[None]
