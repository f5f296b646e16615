"""The barrier as an integral of curvature along the line: smooth networks, and ReLU networks, whose kinks it misses."""

import functools

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.landscape.curvature import barrier_identity, directional_curvature, half_nodes, layer_decomposition
from lib.landscape.digits import uniform_labels
from lib.landscape.experiments import stored_task, train_pairs
from lib.landscape.forks import Descent
from lib.landscape.lines import line_losses
from lib.landscape.parameters import layers_of, select

ENDS = (0.0, 0.5, 1.0)


def check_identity(
    *,
    pairs: xr.Dataset,
    activations: list[str],
    steps: int,
    rate: float,
    noise: float,
    momentum: float,
    batch: int,
    nodes: int,
    kinked: int,
    kinked_nodes: int,
    root_seed: int,
) -> xr.Dataset:
    """Return the rise at the midpoint beside its integrals, in double precision.

    Args:
        pairs: of `train_pairs`; its pairs of ReLU networks with the same start are the kinked ones.
        activations: smooth ones, of which a pair each is trained here.
        steps, rate, noise, momentum, batch: of that training, as in `train_pairs`.
        nodes: of the quadrature on each half, for smooth networks.
        kinked, kinked_nodes: number of ReLU pairs, and nodes for them.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    stored = stored_task(pairs)
    layers = layers_of(stored.like())
    data = stored.data
    rise, second, first, terms, profile, losses = [], [], [], [], [], []
    for activation in activations:
        stream = functools.partial(generator, root_seed, "mode_connectivity", "identity", activation)
        labels = uniform_labels(data.labels, noise, stream("labels"))[None]
        task = stored._replace(activation=activation, labels=labels)
        ends = train_pairs(task, Descent(rate, momentum, steps), batch, [0], [0], stream).forks[0, 0, :, -1]
        line = _line(task, ends, [0])
        rise.append(_rise(*line, losses))
        second.append(float(barrier_identity(*line, nodes, order=2)))
        first.append(float(barrier_identity(*line, nodes, order=1)))
        loss = _first_of(line[0])
        one, other = (select(end, 0) for end in line[1:])
        terms.append(layer_decomposition(loss, one, other, layers, nodes).numpy())
        profile.append(directional_curvature(*line, half_nodes(nodes)[0].tolist())[:, 0].numpy())
    names = [f"{activation}" for activation in activations]
    children = pairs.children.sel(fork=0).isel(after=-1).transpose("seed", "run", "parameter").values
    for seed in range(min(kinked, len(children))):
        line = _line(stored, children[seed], [seed])
        rise.append(_rise(*line, losses))
        second.append(float(barrier_identity(*line, kinked_nodes, order=2)))
        first.append(float(barrier_identity(*line, kinked_nodes, order=1)))
        names.append(f"relu, seed {pairs.seed.values[seed]}")
    return xr.Dataset(
        {
            "rise": ("network", rise, {"long_name": "loss at the midpoint above the chord"}),
            "second_order": ("network", second, {"long_name": "integral of the curvature"}),
            "first_order": ("network", first, {"long_name": "integral of the slope"}),
            "end_loss": (("network", "end"), np.array(losses)[:, [0, 2]]),
            "term": (("smooth", "layer", "other", ), np.array(terms), {"long_name": "part of a pair of layers"}),
            "profile": (("smooth", "node"), np.array(profile), {"long_name": "curvature along the line"}),
        },
        coords={
            "network": names, "smooth": activations, "layer": list(layers), "other": list(layers),
            "node": half_nodes(nodes)[0],
        },
    )  # fmt: skip


def _line(task, ends: np.ndarray, owners: list[int]):
    """Loss of a stack of one network in double precision, and both ends."""
    one, other = ({k: v.double() for k, v in task.networks(end[None]).items()} for end in ends)
    return task.loss_of(owners), one, other


def _rise(loss, one, other, losses: list) -> float:
    """Loss at the midpoint above the chord; losses at 0, 1/2 and 1 are appended."""
    values = line_losses(loss, one, other, ENDS)[:, 0]
    losses.append(values.tolist())
    return float(values[1] - (values[0] + values[2]) / 2)


def _first_of(loss):
    """The loss of a single network, from that of a stack."""
    return lambda parameters: loss({name: value[None] for name, value in parameters.items()})[0]


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_identity, snakemake)
