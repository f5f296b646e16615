"""What linear interpreters say of classifiers: the share of the residual, and pixels that decide."""

import numpy as np
import torch
from torch import nn

from lib.interpreters.scope import LinearScope

RANKINGS = ("vote", "distance", "random")


def centred(logits: np.ndarray) -> np.ndarray:
    """Logits less their mean over classes (last axis), since a constant changes no decision."""
    return logits - logits.mean(-1, keepdims=True)


def residual_share(output: np.ndarray, residual: np.ndarray) -> float:
    """Mean over samples of |r| / (|r| + |F x|), of class-centred vectors (samples, classes)."""
    r, linear = np.linalg.norm(centred(residual), axis=-1), np.linalg.norm(centred(output - residual), axis=-1)
    return float(np.mean(r / (r + linear)))


def margins(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Logit of the true class less the largest of the others, (n,)."""
    true = logits.gather(1, labels[:, None])[:, 0]
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return true - others.amax(1)


def deletion_drops(
    scope: LinearScope, model: nn.Module, images: torch.Tensor, labels: torch.Tensor, baseline: float, count: int,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Drop of the true class's margin when pixels are replaced by a baseline, by three rankings.

    Pixels are ranked by the class-centred vote for what replaces them, F_c (x - b) less its mean over classes; by |x
    - b|; at random. The network itself judges, not its interpreter.

    Args:
        scope: open scope of the model.
        model: the classifier.
        images, labels: (n, C, h, w) with one channel, (n,).
        baseline: value b.
        count: pixels to replace.
        rng: of the random ranking.

    Returns:
        (rankings, n), in the order of `RANKINGS`.
    """
    with torch.no_grad():
        logits = model(images)
        before = margins(logits, labels)
    scores = torch.zeros(len(RANKINGS), len(images), images[0].numel(), dtype=images.dtype)
    for k, (image, label) in enumerate(zip(images, labels)):
        interpreter = scope.at(image[None], check=False)
        direction = torch.full_like(logits[k], -1 / logits.shape[1])
        direction[label] += 1
        change = (image - baseline).flatten()
        scores[0, k] = interpreter.rmatvec(direction) * change
        scores[1, k] = change.abs()
    scores[2] = torch.tensor(rng.random(scores[2].shape))
    drops = []
    for ranked in scores:
        chosen = ranked.topk(count, dim=1).indices
        edited = images.flatten(1).scatter(1, chosen, baseline).view_as(images)
        with torch.no_grad():
            drops.append((before - margins(model(edited), labels)).numpy())
    return np.stack(drops)
