"""Planes through three networks, losses on them, and paths of training projected to them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from lib.landscape.lines import Loss
from lib.landscape.parameters import Parameters, combine, inner, stack, subtract


class Plane(NamedTuple):
    """A plane in parameter space: origin and two orthonormal directions."""

    origin: Parameters
    first: Parameters
    second: Parameters


def plane_through(origin: Parameters, one: Parameters, other: Parameters) -> Plane:
    """The plane through three networks; its first axis goes from `origin` to `one`, `other` has a positive second.

    Raises:
        ValueError: the three lie on a line.
    """
    first, second = subtract(one, origin), subtract(other, origin)
    size = float(inner(first, first)) ** 0.5
    if not size:
        raise ValueError("one: got the origin itself, expected three networks that do not lie on a line")
    first = {name: value / size for name, value in first.items()}
    along = float(inner(first, second))
    whole = float(inner(second, second)) ** 0.5
    second = combine(1.0, second, -along, first)
    size = float(inner(second, second)) ** 0.5
    if size <= 1e-6 * max(whole, abs(along)):
        raise ValueError("other: got a network on the line of the first two, expected three that span a plane")
    return Plane(origin, first, {name: value / size for name, value in second.items()})


def coordinates(plane: Plane, networks: Sequence[Parameters]) -> np.ndarray:
    """Coordinates on the plane and distance from it, `(networks, 3)`."""
    rows = []
    for network in networks:
        way = subtract(network, plane.origin)
        a, b = float(inner(plane.first, way)), float(inner(plane.second, way))
        rows.append((a, b, max(float(inner(way, way)) - a * a - b * b, 0.0) ** 0.5))
    return np.array(rows)


def grid_around(points: np.ndarray, size: int, margin: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Values of both coordinates over the bounding box of points `(n, 2)`, widened by a share of its sides."""
    low, high = points.min(axis=0), points.max(axis=0)
    wide = margin * (high - low)
    return tuple(np.linspace(low[i] - wide[i], high[i] + wide[i], size) for i in range(2))


def plane_losses(
    loss: Loss, plane: Plane, first: Sequence[float], second: Sequence[float], at_once: int | None = None
) -> np.ndarray:
    """Losses on a grid of a plane, `(second, first)`, float64.

    Args:
        loss: of one network; with `at_once`, of a stack.
        plane: from `plane_through`.
        first, second: values of both coordinates.
        at_once: how many networks of a stack are evaluated together; None: one by one, without a stack's axis.
    """
    points = [(float(a), float(b)) for b in second for a in first]
    values: list[float] = []

    def at(a: float, b: float) -> Parameters:
        return {name: value + a * plane.first[name] + b * plane.second[name] for name, value in plane.origin.items()}

    with torch.no_grad():
        if at_once is None:
            values = [float(loss(at(a, b))) for a, b in points]
        else:
            for i in range(0, len(points), at_once):
                values += loss(stack(at(a, b) for a, b in points[i : i + at_once])).double().tolist()
    return np.array(values).reshape(len(second), len(first))
