"""Multilayer ReLU classifiers trained as one stack, and how many of their directions or edges classification needs."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from lib.interaction.basis import Basis
from lib.interaction.edges import bisect_edges, node_schedule
from lib.interaction.relu import Record, ReluNetwork, bases, edge_strengths, record, run_kept_edges, run_kept_nodes
from lib.training.loop import token_losses, train
from lib.training.stacked import StackedLinear, generators


class StackedMLP(nn.Module):
    """ReLU networks of equal widths: inputs (models, n, d) to logits (models, n, classes)."""

    def __init__(self, widths: Sequence[int], seeds):
        super().__init__()
        sources = generators(seeds)
        self.layers = nn.ModuleList(StackedLinear(a, b, sources, bias=True) for a, b in pairwise(widths))

    def forward(self, x):
        """Logits."""
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)

    def networks(self) -> list[ReluNetwork]:
        """Each model by itself, in float64."""
        weights = [layer.weight.detach().cpu().double().numpy() for layer in self.layers]
        biases = [layer.bias.detach().cpu().double().numpy() for layer in self.layers]
        return [
            ReluNetwork([w[m].T.copy() for w in weights], [b[m, 0].copy() for b in biases])
            for m in range(len(weights[0]))
        ]


def train_classifiers(
    images: np.ndarray,
    labels: np.ndarray,
    rows: np.ndarray,
    seeds: Sequence,
    streams: Sequence[np.random.Generator],
    *,
    widths: Sequence[int],
    rate: float,
    batch: int,
    steps: int,
    device: str = "cpu",
    checkpoint=None,
) -> list[ReluNetwork]:
    """Train one network for each seed by Adam on the cross-entropy.

    Args:
        images, labels: of all samples, (N, d) and (N,).
        rows: training rows of each network, (models, n).
        seeds: of initial weights.
        streams: generators of batches, one for each network.
        widths: of all node layers.
        rate, batch, steps: of Adam, without decay; batches are drawn with replacement.
        device: torch device.
        checkpoint: as of `lib.training.loop.train`.
    """
    model = StackedMLP(widths, seeds).to(device)
    pixels = torch.from_numpy(np.asarray(images, dtype=np.float32)).to(device)
    classes = torch.from_numpy(np.asarray(labels)).to(device)

    def loss(_step):
        chosen = np.stack([own[stream.integers(0, len(own), batch)] for own, stream in zip(rows, streams)])
        drawn = torch.from_numpy(chosen).to(device)
        return token_losses(model(pixels[drawn]), classes[drawn])

    train(
        model, loss, steps=steps, learning_rate=rate, warmup=0, decay="constant", betas=(0.9, 0.999), weight_decay=0.0,
        clip=float("inf"), streams=streams, checkpoint=checkpoint,
    )  # fmt: skip
    return model.networks()


KINDS = ("neuron", "pca", "gradient", "global", "local")
CURVES = ("pca", "gradient", "local")
EDGES = ("pca", "local")


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of samples whose largest logit is that of their class."""
    return float(np.mean(logits.argmax(axis=1) == labels))


class Tested(NamedTuple):
    """A network, its record on training data, the activations of test data, their classes, and the accuracy."""

    network: ReluNetwork
    seen: Record
    tests: list[np.ndarray]
    labels: np.ndarray
    accuracy: float


def node_curve(tested: Tested, layer: int, basis: Basis) -> tuple[np.ndarray, np.ndarray]:
    """Test accuracy against the number of first directions of a node layer that stay: numbers, accuracies."""
    numbers = node_schedule(len(basis.values))
    curve = [
        accuracy(run_kept_nodes(tested.network, tested.seen, layer, basis, k, tested.tests[layer]), tested.labels)
        for k in numbers
    ]
    return np.array(numbers), np.array(curve)


def fewest_nodes(numbers: np.ndarray, curve: np.ndarray, bound: float) -> float:
    """Smallest number of directions with an accuracy of at least the bound; NaN where none reaches it."""
    enough = np.flatnonzero(curve >= bound)
    return float(numbers[enough[0]]) if len(enough) else np.nan


def fewest_edges(tested: Tested, layer: int, here: Basis, following: Basis, strengths: np.ndarray, drop: float) -> int:
    """Fewest largest edges of a layer with which the test accuracy falls by at most `drop`, by bisection."""

    def good(kept):
        logits = run_kept_edges(tested.network, tested.seen, layer, here, following, kept, tested.tests[layer])
        return accuracy(logits, tested.labels) >= tested.accuracy - drop

    return bisect_edges(strengths, good)


class Needs(NamedTuple):
    """What a classifier needs of each layer: fewest directions (kind, layer), curves (kind, layer, kept), edges."""

    fewest: np.ndarray
    curves: np.ndarray
    edges: np.ndarray


def measure_needs(tested: Tested, *, drop: float, edge_drop: float) -> Needs:
    """Directions and edges of each node layer but the last that a classifier needs, by basis.

    Args:
        tested: the classifier.
        drop: of the accuracy that kept directions may cost.
        edge_drop: of the accuracy that kept edges may cost.

    Returns:
        Fewest directions of `KINDS`, accuracies of `CURVES` against the number of directions that stay (NaN where it
        was not tried), and fewest edges of `EDGES`.
    """
    network, seen = tested.network, tested.seen
    most = max(values.shape[1] for values in seen.activations)
    fewest = np.full((len(KINDS), network.depth), np.nan)
    curves = np.full((len(CURVES), network.depth, most + 1), np.nan)
    edges = np.full((len(EDGES), network.depth), np.nan)
    for k, kind in enumerate(KINDS):
        own = bases(network, seen, kind)
        for layer in range(network.depth):
            ordered = _by_importance(own[layer]) if kind == "neuron" else own[layer]
            numbers, curve = node_curve(tested, layer, ordered)
            fewest[k, layer] = fewest_nodes(numbers, curve, tested.accuracy - drop)
            if kind in CURVES:
                curves[CURVES.index(kind), layer, numbers] = curve
            if kind in EDGES:
                strengths = edge_strengths(network, seen, layer, own[layer], own[layer + 1])
                edges[EDGES.index(kind), layer] = fewest_edges(
                    tested, layer, own[layer], own[layer + 1], strengths, edge_drop
                )
    return Needs(fewest, curves, edges)


def _by_importance(basis: Basis) -> Basis:
    """Directions by their values, the largest first."""
    order = np.argsort(-basis.values, kind="stable")
    return Basis(basis.matrix[order], basis.inverse[:, order], basis.values[order])


def prepare_tests(network: ReluNetwork, train: np.ndarray, test: np.ndarray, labels: np.ndarray) -> Tested:
    """A classifier with its record on training inputs and its accuracy on test inputs with their labels."""
    tests = record(network, test).activations
    return Tested(network, record(network, train), tests, labels, accuracy(tests[-1], labels))
