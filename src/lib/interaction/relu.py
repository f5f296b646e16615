"""Interaction bases, edges and ablations of multilayer ReLU networks, in closed form where autodiff would be slow.

A network has node layers 0 (inputs) to L (outputs); layer l is linear from node layer l to l + 1, with ReLUs after all
but the last. Since J = C' diag(firing) W, the Gram matrix of the Jacobians is W^T [(C'^T C') o S] W with the co-firing
matrix S = E[g g^T]: n d^2 operations in place of n d^3.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lib.interaction.basis import Basis, basis_of, gram, neuron_basis, principal_basis

KINDS = ("neuron", "pca", "pca_scaled", "gradient", "local", "global")


class ReluNetwork(NamedTuple):
    """Weights (d_out, d_in) and biases (d_out,) of the layers."""

    weights: Sequence[np.ndarray]
    biases: Sequence[np.ndarray]

    @property
    def depth(self) -> int:
        """Number of linear layers."""
        return len(self.weights)

    def activate(self, layer: int, pre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Activations (n, d') from pre-activations, and where the ReLUs fire (ones after the last layer)."""
        if layer == self.depth - 1:
            return pre, np.ones_like(pre)
        firing = (pre > 0).astype(float)
        return pre * firing, firing

    def step(self, layer: int, activations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Activations (n, d') after a linear layer and its ReLUs, and where these fire."""
        return self.activate(layer, activations @ self.weights[layer].T + self.biases[layer])

    def run(self, activations: np.ndarray, first: int = 0) -> np.ndarray:
        """Outputs from the activations of node layer `first`."""
        for layer in range(first, self.depth):
            activations, _ = self.step(layer, activations)
        return activations


class Record(NamedTuple):
    """Activations of all node layers on the data, their means, and where the ReLUs of each layer fire."""

    activations: list[np.ndarray]
    means: list[np.ndarray]
    firing: list[np.ndarray]


def record(network: ReluNetwork, inputs: np.ndarray) -> Record:
    """Run a network and keep what its bases need."""
    activations, firing = [np.asarray(inputs, dtype=float)], []
    for layer in range(network.depth):
        following, fires = network.step(layer, activations[-1])
        activations.append(following)
        firing.append(fires)
    return Record(activations, [values.mean(axis=0) for values in activations], firing)


def local_jacobian_gram(weight: np.ndarray, firing: np.ndarray, following: np.ndarray) -> np.ndarray:
    """K = E[J^T J] of J = C' diag(firing) W.

    Args:
        weight: W, (d_out, d_in).
        firing: (n, d_out), zeros and ones.
        following: C', (k, d_out), the next layer's basis.
    """
    return weight.T @ ((following.T @ following) * (firing.T @ firing / len(firing))) @ weight


def local_jacobian_factor(weight: np.ndarray, firing: np.ndarray, following: np.ndarray) -> np.ndarray:
    """A factor S of the Gram matrix S^T S of `local_jacobian_gram`, with its arguments."""
    values, vectors = np.linalg.eigh((following.T @ following) * (firing.T @ firing / len(firing)))
    return (np.sqrt(np.maximum(values, 0)) * vectors).T @ weight


def explicit_jacobian_gram(weight: np.ndarray, firing: np.ndarray, following: np.ndarray) -> np.ndarray:
    """The same as `local_jacobian_gram` by its definition: a product of Jacobians for each sample."""
    total = np.zeros((weight.shape[1],) * 2)
    for fires in firing:
        one = (following * fires) @ weight
        total += one.T @ one
    return total / len(firing)


def output_jacobian_grams(network: ReluNetwork, firing: list[np.ndarray]) -> list[np.ndarray]:
    """K = E[J^T J] of the outputs' Jacobian with respect to each node layer, that of the outputs (identity) last."""
    samples, outputs = firing[-1].shape
    jacobian = np.broadcast_to(np.eye(outputs), (samples, outputs, outputs))
    grams = [np.eye(outputs)]
    for weight, fires in zip(reversed(network.weights), reversed(firing)):
        jacobian = (jacobian * fires[:, None, :]) @ weight
        rows = jacobian.reshape(-1, weight.shape[1])
        grams.append(rows.T @ rows / samples)
    return grams[::-1]


def bases(network: ReluNetwork, seen: Record, kind: str) -> list[Basis]:
    """A basis of every node layer, from the last to the first; that of the outputs is their principal components.

    Args:
        network: whose Jacobians are taken.
        seen: its activations (`record`).
        kind: of `KINDS`.

    Raises:
        ValueError: another kind, or a dead layer.
    """
    grams = [gram(values) for values in seen.activations]
    outputs = output_jacobian_grams(network, seen.firing) if kind == "global" else None
    backwards = [neuron_basis(grams[-1]) if kind == "neuron" else principal_basis(grams[-1])]
    for layer in reversed(range(network.depth)):
        if kind == "global":
            jacobians = outputs[layer]
        else:
            jacobians = local_jacobian_gram(network.weights[layer], seen.firing[layer], backwards[-1].matrix)
        backwards.append(basis_of(kind, grams[layer], jacobians))
    return backwards[::-1]


def path_firing(network: ReluNetwork, seen: Record, layer: int, intervals: int) -> np.ndarray:
    """Mean firing of a layer's ReLUs on the way from the mean activation to each sample, (n, d_out).

    Args:
        network, seen: as in `bases`.
        layer: linear layer.
        intervals: midpoints on the way.
    """
    mean, values = seen.means[layer], seen.activations[layer]
    points = (np.arange(intervals) + 0.5) / intervals
    return np.mean([network.step(layer, mean + z * (values - mean))[1] for z in points], axis=0)


def edge_strengths(
    network: ReluNetwork, seen: Record, layer: int, here: Basis, following: Basis, intervals: int = 0
) -> np.ndarray:
    """Strengths E_ij = E[(int_0^1 d f_hat'_i / d f_hat_j (z f_hat) dz f_hat_j)^2] of a layer's edges, (k', k).

    Args:
        network, seen: as in `bases`.
        layer: linear layer, from node layer `layer` to the next.
        here, following: bases of both.
        intervals: of the integral; 0 takes the gradient at the sample itself.
    """
    firing = path_firing(network, seen, layer, intervals) if intervals else seen.firing[layer]
    coordinates = (seen.activations[layer] - seen.means[layer]) @ here.matrix.T
    incoming = network.weights[layer] @ here.inverse
    strengths = [
        np.mean(((firing * incoming[:, j]) @ following.matrix.T * coordinates[:, j, None]) ** 2, axis=0)
        for j in range(len(here.values))
    ]
    return np.stack(strengths, axis=1)


def run_kept_nodes(network: ReluNetwork, seen: Record, layer: int, basis: Basis, kept: int, data: np.ndarray):
    """Outputs when only the first directions of a node layer are kept, the mean in place of the others.

    Args:
        network: that runs.
        seen: its record, whose mean counts.
        layer: node layer.
        basis: of that layer.
        kept: number of directions.
        data: activations (n, d) of that layer.
    """
    mean = seen.means[layer]
    coordinates = (data - mean) @ basis.matrix[:kept].T
    return network.run(mean + coordinates @ basis.inverse[:, :kept].T, layer)


def run_kept_edges(
    network: ReluNetwork, seen: Record, layer: int, here: Basis, following: Basis, kept: np.ndarray, data: np.ndarray
) -> np.ndarray:
    """Outputs when each direction of the next node layer is computed from only those that have an edge to it.

    Args:
        network, seen, layer, here, following: as in `edge_strengths`.
        kept: (k', k), which edges stay.
        data: activations (n, d) of node layer `layer`.
    """
    mean, next_mean = seen.means[layer], seen.means[layer + 1]
    coordinates = (data - mean) @ here.matrix.T
    incoming = network.weights[layer] @ here.inverse
    centre = network.weights[layer] @ mean + network.biases[layer]
    computed = np.empty((len(data), len(kept)))
    for row in np.unique(kept, axis=0):
        after, _ = network.activate(layer, centre + coordinates[:, row] @ incoming[:, row].T)
        alike = (kept == row).all(axis=1)
        computed[:, alike] = (after - next_mean) @ following.matrix[alike].T
    return network.run(next_mean + computed @ following.inverse.T, layer + 1)
