"""Train classifiers of digits; count free directions of a layer, and directions and edges that the accuracy needs."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.degeneracy.ranks import layer_free_directions, numerical_rank
from lib.interaction.relu import ReluNetwork, record
from lib.interaction.trained import CURVES, EDGES, KINDS, measure_needs, prepare_tests, train_classifiers
from lib.probing.digits import digits
from lib.progress import progress

COUNTED = 1  # linear layer, from hidden layer to hidden layer, whose Jacobian is counted


def analyse_digits(
    *, hidden: list[int], seeds: int, training: int, rate: float, batch: int, steps: int, drop: float, edge_drop: float,
    counted_networks: int, counted_samples: int, checkpoint=None, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return accuracies against directions that stay, fewest directions and edges, and ranks of a layer's Jacobian.

    Args:
        hidden: widths of the hidden layers.
        seeds: networks, each with a split of its own.
        training: rows of each split that are trained on; the others test.
        rate, batch, steps: of Adam.
        drop: of the accuracy that kept directions may cost.
        edge_drop: of the accuracy that kept edges may cost.
        counted_networks, counted_samples: networks and training rows of the rank.
        checkpoint: state of the training.
        root_seed: root of the random streams.
    """
    pixels, labels = digits()
    split = [generator(root_seed, "loss_degeneracy", "split", s).permutation(len(labels)) for s in range(seeds)]
    networks = train_classifiers(
        pixels, labels, np.stack([order[:training] for order in split]),
        [seed_sequence(root_seed, "loss_degeneracy", "digits", s) for s in range(seeds)],
        [generator(root_seed, "loss_degeneracy", "batches", s) for s in range(seeds)],
        widths=[pixels.shape[1], *hidden, 10], rate=rate, batch=batch, steps=steps, checkpoint=checkpoint,
    )  # fmt: skip
    needs, full, counts = [], np.full(seeds, np.nan), np.full((counted_networks, 5), np.nan)
    for s in progress(range(seeds), "networks"):
        train, test = split[s][:training], split[s][training:]
        tested = prepare_tests(networks[s], pixels[train], pixels[test], labels[test])
        full[s] = tested.accuracy
        needs.append(measure_needs(tested, drop=drop, edge_drop=edge_drop))
        if s < counted_networks:
            counts[s] = _count(networks[s], pixels[train][:counted_samples])
    fewest, curves, edges = (np.stack(part, axis=1) for part in zip(*needs))
    return xr.Dataset(
        {
            "accuracy": ("network", full, {"long_name": "test accuracy"}),
            "fewest": (("basis", "network", "layer"), fewest, {"long_name": "fewest directions within the drop"}),
            "curve": (("drawn", "network", "layer", "kept"), curves, {"long_name": "test accuracy"}),
            "edges": (("ablated", "network", "layer"), edges, {"long_name": "fewest edges within the drop"}),
            "count": (("counted", "quantity"), counts, {"long_name": "ranks of a layer between hidden layers"}),
        },
        coords={
            "basis": list(KINDS),
            "drawn": list(CURVES),
            "ablated": list(EDGES),
            "quantity": ["rank", "activation_rank", "gradient_rank", "gap", "parameters"],
            "layer": ["input", *(f"hidden {place + 1}" for place in range(len(hidden)))],
            "kept": np.arange(curves.shape[-1]),
        },
    )


def _count(network: ReluNetwork, inputs: np.ndarray) -> tuple:
    """Rank of the stacked Jacobian of a hidden layer with its bias, ranks of its activations and gradients, and gap."""
    place = COUNTED
    seen = record(network, inputs)
    pre = torch.from_numpy(seen.activations[place] @ network.weights[place].T + network.biases[place])
    values = pre.requires_grad_(True)
    for weight, bias in list(zip(network.weights, network.biases))[place + 1 :]:
        values = values.relu() @ torch.from_numpy(weight).T + torch.from_numpy(bias)
    rows = [torch.autograd.grad(one.sum(), pre, retain_graph=True)[0].numpy() for one in values.T]
    gradients = np.stack(rows, axis=1)
    activations = np.concatenate([seen.activations[place], np.ones((len(inputs), 1))], axis=1)
    layer = layer_free_directions(activations, gradients.reshape(-1, gradients.shape[-1]))
    stacked = np.einsum("nki,nj->nkij", gradients, activations).reshape(-1, gradients.shape[-1] * activations.shape[1])
    rank = numerical_rank(stacked)
    return rank.rank, layer.activation_rank, layer.gradient_rank, rank.gap, stacked.shape[1]


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(analyse_digits, snakemake)
