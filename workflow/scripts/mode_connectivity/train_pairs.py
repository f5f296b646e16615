"""Pairs of perceptrons on digits: children of one run that part at several steps, and independent runs."""

import functools

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.landscape.digits import centred_digits, uniform_labels
from lib.landscape.experiments import Task
from lib.landscape.experiments import train_pairs as train
from lib.landscape.forks import Descent
from lib.landscape.losses import widths_of


def train_pairs(
    *,
    width: int,
    depth: int,
    batch: int,
    momentum: float,
    steps: int,
    seeds: int,
    forks: list[int],
    after: list[int],
    noisy: dict[str, float],
    plain: dict[str, float],
    root_seed: int,
) -> xr.Dataset:
    """Return the labels and the flat parameters of all pairs, with noisy and with true labels.

    Args:
        width, depth: hidden layers.
        batch, momentum, steps: of the descent.
        seeds: independent repetitions of everything: starts, noisy labels, orders of the data.
        forks: steps at which children part.
        after: steps after the fork at which both children are kept, beside the end of training.
        noisy, plain: `rate`, the learning rate, and `noise`, the share of labels drawn anew; with `plain` the only fork
            is at the start.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    data, widths = centred_digits(), widths_of(width, depth)
    stores = []
    for name, setting, at, kept in (("noisy", noisy, forks, after), ("plain", plain, [0], [0])):
        stream = functools.partial(generator, root_seed, "mode_connectivity", name)
        labels = torch.stack([uniform_labels(data.labels, setting["noise"], stream("labels", s)) for s in range(seeds)])
        descent = Descent(setting["rate"], momentum, steps)
        pairs = train(Task(widths, "relu", data, labels), descent, batch, at, kept, stream)
        stores.append((pairs, labels.numpy().astype(np.int8)))
    (pairs, labels), (control, true) = stores
    moments = ["start", "end"]
    return xr.Dataset(
        {
            "inputs": (("sample", "pixel"), data.inputs.numpy()),
            "test_inputs": (("test_sample", "pixel"), data.test_inputs.numpy()),
            "test_labels": ("test_sample", data.test_labels.numpy().astype(np.int8)),
            "children": (("fork", "seed", "run", "after", "parameter"), pairs.forks),
            "independent": (("seed", "run", "moment", "parameter"), pairs.independent),
            "plain_children": (("seed", "run", "moment", "parameter"), control.forks[0]),
            "plain_independent": (("seed", "run", "moment", "parameter"), control.independent),
            "labels": (("seed", "sample"), labels, {"long_name": "class to train on, noisy"}),
            "plain_labels": (("seed", "sample"), true, {"long_name": "class to train on"}),
        },
        coords={
            "fork": forks,
            "after": ("after", [*after, steps], {"long_name": "steps after the fork; the last, the end of training"}),
            "seed": range(seeds),
            "moment": moments,
        },
        attrs={"widths": widths, "steps": steps},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_pairs, snakemake)
