"""Losses along lines and paths between networks, barriers, whole or by layer.

A loss is a function of `Parameters` that returns a number, or `(networks,)` for a stack: all pairs of a stack are then
interpolated as one. `lib.landscape.losses` makes such functions from a module and data.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch

from lib.landscape.parameters import Parameters, check_alike, layers_of

Loss = Callable[[Parameters], torch.Tensor]
ALPHAS = tuple(i / 10 for i in range(11))


def interpolate(first: Parameters, second: Parameters, alpha, keys: Iterable[str] | None = None) -> Parameters:
    """(1 - alpha) first + alpha second; with `keys`, of these parameters alone, the others from `first`.

    Args:
        first, second: networks, or stacks of as many.
        alpha: a number or a tensor without dimensions.
        keys: names of parameters; None for all.

    Raises:
        ValueError: names or shapes that differ, or a key that is none of the names.
    """
    check_alike(first, second)
    moved = set(first if keys is None else keys)
    if moved - first.keys():
        raise ValueError(f"keys: got {sorted(moved - first.keys())}, expected some of {sorted(first)}")
    return {
        name: (1 - alpha) * value + alpha * second[name] if name in moved and value.is_floating_point() else value
        for name, value in first.items()
    }


class Barrier(NamedTuple):
    """Losses along a line and how far they rise above the chord between its ends.

    Shapes: `curve` `(alphas,)` or `(alphas, pairs)`; `excess` alike, curve less chord; `height` the largest excess, a
    number or `(pairs,)`, never below 0, since the ends lie on the chord.
    """

    height: torch.Tensor
    curve: torch.Tensor
    excess: torch.Tensor


def chord_excess(curve: torch.Tensor, alphas: Sequence[float]) -> torch.Tensor:
    """Losses less the straight line between the first and the last: `(alphas, ...)`, in the order of `alphas`."""
    share = torch.tensor(alphas, dtype=curve.dtype, device=curve.device).view(-1, *[1] * (curve.ndim - 1))
    return curve - ((1 - share) * curve[0] + share * curve[-1])


def line_losses(
    loss: Loss, first: Parameters, second: Parameters, alphas: Sequence[float], keys: Iterable[str] | None = None
) -> torch.Tensor:
    """Losses at points of a line, `(alphas,)` or `(alphas, pairs)`, in float64; arguments as of `interpolate`."""
    keys = None if keys is None else list(keys)
    with torch.no_grad():
        return torch.stack([loss(interpolate(first, second, alpha, keys)).double() for alpha in alphas])


def barrier(
    loss: Loss,
    first: Parameters,
    second: Parameters,
    alphas: Sequence[float] = ALPHAS,
    keys: Iterable[str] | None = None,
) -> Barrier:
    """Barrier between two networks: max over alpha of L(alpha) - [(1 - alpha) L(0) + alpha L(1)].

    Args:
        loss: see the head of this module; an error rate serves as well.
        first, second: networks, or stacks of pairs.
        alphas: points of the line from 0 to 1; without 1/2 a barrier is easily underestimated.
        keys: with it, of these parameters alone (Adilova et al. 2024): the far end is the hybrid network.

    Raises:
        ValueError: names or shapes that differ, alphas not from 0 to 1, or a loss at an end that is not finite.
    """
    alphas = list(alphas)
    if len(alphas) < 3 or alphas[0] != 0 or alphas[-1] != 1 or sorted(alphas) != alphas:
        raise ValueError(f"alphas: got {alphas}, expected at least three that grow from 0 to 1")
    curve = line_losses(loss, first, second, alphas, keys)
    if not torch.isfinite(curve[[0, -1]]).all():
        raise ValueError(f"loss: got {curve[0].tolist()} and {curve[-1].tolist()} at the ends, expected finite numbers")
    excess = chord_excess(curve, alphas)
    return Barrier(excess.amax(0), curve, excess)


def path_losses(loss: Loss, points: Sequence[Parameters], alphas: Sequence[float]) -> torch.Tensor:
    """Losses along a path of straight pieces through `points`: `(pieces, alphas)` or `(pieces, alphas, paths)`.

    Raises:
        ValueError: fewer than two points, or points that do not fit together.
    """
    if len(points) < 2:
        raise ValueError(f"points: got {len(points)}, expected at least 2")
    return torch.stack([line_losses(loss, a, b, alphas) for a, b in pairwise(points)])


def layer_sets(parameters: Parameters) -> dict[str, dict[str, list[str]]]:
    """Sets of layers in three families, as names of parameters by a label.

    `single`: each layer; `first`: the first 1, 2, ... layers; `last`: the last 1, 2, ... layers.
    """
    layers = list(layers_of(parameters).items())
    names = [keys for _, keys in layers]

    def together(parts: list[list[str]]) -> list[str]:
        return [name for part in parts for name in part]

    return {
        "single": dict(layers),
        "first": {str(j): together(names[:j]) for j in range(1, len(names) + 1)},
        "last": {str(j): together(names[-j:]) for j in range(1, len(names) + 1)},
    }


def layerwise_excess(
    loss: Loss, first: Parameters, second: Parameters, sets: dict[str, Iterable[str]], alpha: float = 0.5
) -> torch.Tensor:
    """Rise of the loss where one set of layers is moved towards the other network, the mean over both networks.

    E_S = L(theta^S_alpha) - L(theta), with theta the whole network from which all other layers are (Adilova et al.
    2024); the reference is that network, not the hybrid end point.

    Args:
        loss, first, second: as of `barrier`.
        sets: names of parameters by a label, such as from `layer_sets` or `layers_of`.
        alpha: how far the layers are moved.

    Returns:
        `(sets,)` or `(sets, pairs)`, float64.
    """
    with torch.no_grad():
        ends = [loss(one).double() for one in (first, second)]
        rows = []
        for keys in sets.values():
            keys = list(keys)
            there = loss(interpolate(first, second, alpha, keys)).double() - ends[0]
            back = loss(interpolate(second, first, alpha, keys)).double() - ends[1]
            rows.append((there + back) / 2)
    return torch.stack(rows)
