"""Linear classifiers trained on generated samples and on the matched Gaussian mixture, tested on both."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.diffusion.laws import hidden_manifold
from lib.probing.universality import SOURCES, TEST_SOURCES, Pool, compare_classifiers, spiked_classes
from lib.progress import progress


def train_classifiers(
    samples: xr.Dataset,
    manifold: xr.Dataset,
    *,
    tasks: list[dict],
    repeats: int,
    tests: int,
    spiked: int,
    laws: int,
    dim: int,
    classes: int,
    root_seed: int,
    device: str,
) -> xr.Dataset:
    """Return errors and squared losses of every task, loss and training size, one row each.

    Args:
        samples: what `generate_digits` wrote; those of DDIM are used.
        manifold: what `generate_manifold` wrote.
        tasks: name, data set, classes (empty: all), whether the classes are put together as two halves, loss,
            learning rate, epochs, batch and training sizes.
        repeats: seeds of SGD.
        tests: test points of each source.
        spiked: samples of the two classes with spikes.
        laws: other manifolds, whose own samples are compared with their mixture, without a diffusion model.
        dim, classes: of the manifold.
        root_seed: root of the random streams.
        device: torch device.
    """
    rows = samples.sampler.values == "ddim"
    rng = generator(root_seed, "diffusion_concentration", "classifiers")
    pools = {
        "digits": Pool(samples.x.values[rows], samples.label.values[rows]),
        "manifold": Pool(manifold.x.values, manifold.label.values),
        "spiked": Pool(*spiked_classes(spiked, rng)),
    }
    results, names, losses, sizes, points = [], [], [], [], []
    for task in progress(tasks, "tasks"):
        pool = pools[task["data"]].only(task["classes"]) if task["classes"] else pools[task["data"]]
        for n in task["sizes"]:
            result = compare_classifiers(
                pool,
                n,
                halves=task["halves"],
                loss=task["loss"],
                learning_rate=task["learning_rate"],
                epochs=task["epochs"],
                batch=task["batch"],
                repeats=repeats,
                tests=tests,
                rng=rng,
                device=torch.device(device),
            )
            results.append(result)
            names.append(task["name"])
            losses.append(task["loss"])
            sizes.append(n)
            points.append(result.tests)
    task = next(one for one in tasks if one["data"] == "manifold" and one["loss"] == "softmax")
    law = [_law_errors(task, len(manifold.x), dim, classes, repeats, tests, rng, device) for _ in range(laws)]
    over = ("row", "train", "test", "repeat")
    return xr.Dataset(
        {
            "error": (over, np.stack([one.error for one in results]), {"long_name": "share of wrong labels"}),
            "loss_value": (over, np.stack([one.loss for one in results]), {"long_name": "squared test loss"}),
            "tests": ("row", np.array(points)),
            "law_error": (
                ("law", "test", "repeat"),
                np.stack(law),
                {"long_name": "errors on other manifolds' own samples"},
            ),
        },
        coords={
            "task": ("row", names),
            "loss": ("row", losses),
            "size": ("row", sizes),
            "train": list(SOURCES),
            "test": list(TEST_SOURCES),
        },
    )


def _law_errors(
    task: dict, size: int, dim: int, classes: int, repeats: int, tests: int, rng, device: str
) -> np.ndarray:
    """Errors (source, repeat) on samples of a fresh manifold, and on their mixture, at the task's middle size."""
    result = compare_classifiers(
        Pool(*hidden_manifold(size, dim, classes, rng)),
        task["sizes"][len(task["sizes"]) // 2],
        loss=task["loss"],
        learning_rate=task["learning_rate"],
        epochs=task["epochs"],
        batch=task["batch"],
        repeats=repeats,
        tests=tests,
        rng=rng,
        device=torch.device(device),
    )
    return np.stack([result.error[0, 0], result.error[1, 1]])


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_classifiers, snakemake)
