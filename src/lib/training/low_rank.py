"""Low-rank adapters of linear layers, W + (alpha / r) B A, as functions of a module's weights.

A starts uniform in +-1/sqrt(inputs), so that its entries have variance 1 / (3 inputs), and B at zero: the adapted
module starts as the module itself. Adapters may have a leading axis of models.

Source: Hu et al. 2022; the start is that of the library peft.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import nn

from lib.training.stacked import draw


class Adapter(NamedTuple):
    """A (models, r, inputs) and B (models, outputs, r) of one layer, trainable."""

    down: nn.Parameter
    up: nn.Parameter


def draw_adapters(
    module: nn.Module, targets: tuple[str, ...], rank: int, sources: list[torch.Generator]
) -> dict[str, Adapter]:
    """Adapters of all linear layers whose name ends in one of the targets.

    Args:
        module: with the layers.
        targets: last parts of names, such as `("query", "value")`.
        rank: r.
        sources: one generator for each model.

    Raises:
        ValueError: no layer of such a name, or a rank below one.
    """
    layers = {
        name: layer
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear) and name.rpartition(".")[2] in targets
    }
    if not layers or rank < 1:
        raise ValueError(f"targets, rank: got {targets} and {rank}, expected names of linear layers and at least 1")
    adapters = {}
    for name, layer in layers.items():
        down = draw(sources, (rank, layer.in_features), "uniform", layer.in_features**-0.5)
        up = nn.Parameter(torch.zeros(len(sources), layer.out_features, rank))
        adapters[name] = Adapter(down, up)
    return adapters


def merge_adapters(
    weights: Mapping[str, torch.Tensor], adapters: Mapping[str, Adapter], scale: float
) -> dict[str, torch.Tensor]:
    """Weights of a module with scale B A added to those of the adapted layers."""
    added = {f"{name}.weight": weights[f"{name}.weight"] + scale * (b @ a) for name, (a, b) in adapters.items()}
    return {**weights, **added}
