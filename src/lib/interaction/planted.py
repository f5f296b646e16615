"""Random ReLU networks with two planted modules, hidden by rotations of the inputs and outputs; and dense ones."""

from typing import NamedTuple

import numpy as np

from lib.interaction.basis import Basis
from lib.interaction.relu import Record, ReluNetwork, record

DEAD = 1e-9  # standard deviation below which a unit counts as constant
ATTEMPTS = 10000


class Planted(NamedTuple):
    """A network, its record on Gaussian inputs, the rotations of its inputs and outputs, and draws rejected before."""

    network: ReluNetwork
    seen: Record
    rotations: tuple[np.ndarray, np.ndarray]
    rejected: int

    def frame(self, layer: int) -> np.ndarray:
        """Orthogonal map (d, d) to the coordinates in which the blocks of a node layer are its halves."""
        if layer == 0:
            return self.rotations[0].T
        if layer == self.network.depth:
            return self.rotations[1].T
        return np.eye(len(self.seen.means[layer]))


def _rotation(size: int, rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return q * np.sign(np.diag(r))


def planted_network(
    rng: np.random.Generator, *, width: int = 8, hidden: int = 4, n: int = 3000, blocks: bool = True
) -> Planted:
    """A network that is alive: in every hidden layer each half of the units has one that is not constant on the data.

    Args:
        rng: source of everything.
        width: of every layer, even.
        hidden: layers of ReLUs.
        n: Gaussian inputs.
        blocks: two halves that do not meet, weights N(0, 2 / (width / 2)); otherwise dense, N(0, 2 / width).

    Raises:
        ValueError: no draw is alive.
    """
    half = np.arange(width) // (width // 2)
    mask = np.equal.outer(half, half) if blocks else np.ones((width, width), dtype=bool)
    deviation = np.sqrt(2 / mask[0].sum())
    for rejected in range(ATTEMPTS):
        rotations = _rotation(width, rng), _rotation(width, rng)
        weights = [deviation * mask * rng.standard_normal((width, width)) for _ in range(hidden + 1)]
        weights[0] = weights[0] @ rotations[0].T
        weights[-1] = rotations[1] @ weights[-1]
        network = ReluNetwork(weights, [np.zeros(width)] * (hidden + 1))
        seen = record(network, rng.standard_normal((n, width)))
        varies = [values.std(axis=0) > DEAD for values in seen.activations[1:-1]]
        if all(layer[half == block].any() for layer in varies for block in (0, 1)):
            return Planted(network, seen, rotations, rejected)
    raise ValueError(f"hidden: got {hidden} layers, of which no {ATTEMPTS} draws are alive, expected fewer")


def block_shares(planted: Planted, layer: int, basis: Basis) -> np.ndarray:
    """Share of each direction's squared length in either block of a node layer, (2, k)."""
    columns = planted.frame(layer) @ basis.inverse
    squares = (columns**2).reshape(2, -1, columns.shape[1]).sum(axis=1)
    return squares / squares.sum(axis=0)
