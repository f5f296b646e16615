"""Networks of the Boolean tasks: trained on a task, kept on the way, or trained to implement one algorithm."""

import numpy as np
import torch
import xarray as xr

from lib.abstraction.causal import PAIRS, WIDTH, algorithm
from lib.abstraction.networks import StackedMLP, pack_networks, task_accuracy, train_fitted, train_networks
from lib.atlas.job.seeds import generator, seed_sequence
from lib.training.stacked import generators

PAPER = "nonlinear_dilemma"


def train(
    *, groups: list[dict], steps: int, batch: int, learning_rate: float, every: int, patience: int | None,
    samples: int | None, tests: int, fitted: dict, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return weights by snapshot and seed for each group of networks, and accuracies.

    Args:
        groups: `name`, number of `seeds`, and either `task` with `snapshots`, the steps after which weights are kept,
            or the `algorithm` that the networks are trained to implement.
        steps, batch, learning_rate: of Adam.
        every: steps between two evaluations.
        patience: evaluations without a better one that end the training; None: all steps.
        samples: size of a stored training set; None: fresh inputs at every step.
        tests: inputs of an evaluation.
        fitted: `steps` and `batch` of the networks that implement an algorithm.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    variables: dict = {}
    for group in groups:
        name, seeds = group["name"], range(group["seeds"])
        task = group["task"] if "task" in group else algorithm(group["algorithm"]).task
        network = StackedMLP(
            2 * PAIRS[task] * WIDTH,
            generators(seed_sequence(root_seed, PAPER, "network", name, seed) for seed in seeds),
        )
        rngs = [generator(root_seed, PAPER, "inputs", name, seed) for seed in seeds]
        keep = tuple(group.get("snapshots", ()))
        if "task" in group:
            at, curve, kept = train_networks(
                network, task, rngs, steps=steps, batch=batch, learning_rate=learning_rate, keep=keep, tests=tests,
                every=every, patience=patience, samples=samples,
            )  # fmt: skip
            variables[f"{name}_curve"] = ((f"{name}_step", f"{name}_seed"), curve, {"long_name": "task accuracy"})
            variables[f"{name}_step"] = at
        else:
            kept = []
            train_fitted(
                network,
                group["algorithm"],
                rngs,
                steps=fitted["steps"],
                batch=fitted["batch"],
                learning_rate=learning_rate,
            )
        snapshots = dict(zip(map(str, keep), kept)) | {"trained": network.arrays()}
        variables |= pack_networks(name, snapshots)
        test = generator(root_seed, PAPER, "accuracy", name)
        accuracy = np.stack([_accuracy(arrays, task, tests, test) for arrays in snapshots.values()])
        variables[f"{name}_accuracy"] = ((f"{name}_snapshot", f"{name}_seed"), accuracy, {"long_name": "task accuracy"})
    return xr.Dataset(variables, attrs={"batch": batch})


def _accuracy(arrays: dict, task: str, tests: int, rng) -> np.ndarray:
    from lib.abstraction.networks import stacked_mlp

    return task_accuracy(stacked_mlp(**arrays), task, tests, rng)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train, snakemake)
