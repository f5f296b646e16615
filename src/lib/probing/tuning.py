"""Ways to tune a backbone that back-propagate through it, and those that do not."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lib.probing import adapters
from lib.probing.moments import LinearProbe, MomentProbe
from lib.probing.pretraining import TunedModel, train_module

# method: (head, what is trained of the backbone)
METHODS = {
    "lp": ("linear", None),
    "mp": ("moment", None),
    "bias": ("linear", "bias"),
    "ssf": ("linear", "ssf"),
    "ft": ("linear", "all"),
    "mp+": ("moment", "shared"),
    "unshared": ("moment", "unshared"),
    "scale_only": ("moment", "scale_only"),
    "shift_only": ("moment", "shift_only"),
    "mp ssf": ("moment", "ssf"),
}


def prepare(method: str, backbone: nn.Module, width: int, classes: int, bottleneck: int = 16, **moment) -> TunedModel:
    """A backbone with the head and adapters of a method; everything else is frozen.

    Args:
        method: one of `METHODS`.
        backbone: changed in place.
        width: D of its tokens.
        classes: K.
        bottleneck: of PSRP.
        moment: options of the moment head.

    Raises:
        ValueError: another method.
    """
    if method not in METHODS:
        raise ValueError(f"method: got {method!r}, expected one of {', '.join(METHODS)}")
    kind, part = METHODS[method]
    head = LinearProbe(width, classes) if kind == "linear" else MomentProbe(width, classes, **moment)
    backbone.requires_grad_(False)
    if part == "all":
        backbone.requires_grad_(True)
    elif part == "ssf":
        adapters.train_only(adapters.attach_ssf(backbone), "ssf")
    elif part == "bias":
        adapters.train_only(backbone, "bias")
    elif part is not None:
        adapters.train_only(adapters.attach_psrp(backbone, bottleneck, part), "psrp")
    return TunedModel(backbone, head)


def tune(
    model: TunedModel,
    images: np.ndarray,
    labels: np.ndarray,
    steps: int,
    learning_rate: float,
    rng: np.random.Generator,
    batch: int = 64,
) -> np.ndarray:
    """Train what is free of a model on images; returns the losses.

    Args:
        model: of `prepare`, changed in place.
        images, labels: (n, channels, H, W) and (n,).
        steps, learning_rate, batch: of the training.
        rng: orders the samples.
    """
    batch = min(batch, len(labels))
    each = -(-len(labels) // batch)
    x, y = torch.from_numpy(images), torch.from_numpy(labels).long()
    order = np.empty(0, int)

    def loss(step: int) -> torch.Tensor:
        nonlocal order
        place = step % each
        if place == 0:
            order = rng.permutation(len(y))
        chosen = torch.from_numpy(order[place * batch : (place + 1) * batch])
        return functional.cross_entropy(model(x[chosen]), y[chosen])

    return train_module(model, loss, steps, learning_rate)


def training_step(model: TunedModel, images: torch.Tensor, labels: torch.Tensor) -> None:
    """Forward pass, backward pass and a plain step of gradient descent, as one measures their cost.

    Without trained parts in the backbone its forward pass keeps nothing for the backward pass.
    """
    loss = functional.cross_entropy(model(images), labels)
    loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.sub_(parameter.grad, alpha=1e-3)
                parameter.grad = None
