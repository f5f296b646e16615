"""Tokens of image sets from stored backbones."""

import numpy as np
import torch
from torch import nn

from lib.probing.pretraining import build_backbone, compute_tokens, load_weights
from lib.probing.textures import image_set


def load_backbones(store, kind: str) -> list[nn.Module]:
    """Backbones of one kind from a store of weights, frozen.

    Args:
        store: dataset with `weights_<kind>` and the attribute `size`.
        kind: of backbone.
    """
    return [
        load_weights(build_backbone(kind, int(store.attrs["size"])), row) for row in store[f"weights_{kind}"].values
    ]


def image_tokens(
    backbone: nn.Module, name: str, train: int, test: int, size: int, rng: np.random.Generator
) -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor], np.ndarray]:
    """Tokens and labels of an image set, for training and test, and the test images.

    Args:
        backbone: frozen.
        name, train, test, size, rng: of `lib.probing.textures.image_set`.
    """
    splits = image_set(name, train, test, size, rng)
    tokens = [(compute_tokens(backbone, images), torch.from_numpy(labels).long()) for images, labels in splits]
    return tokens[0], tokens[1], splits[1][0]
