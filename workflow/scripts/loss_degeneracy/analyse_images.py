"""Train classifiers of CIFAR-10; measure directions and edges that the accuracy needs."""

from pathlib import Path

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.clustering.images import load_images
from lib.interaction.trained import EDGES, KINDS, measure_needs, prepare_tests, train_classifiers
from lib.progress import progress


def analyse_images(
    folder: Path, *, hidden: list[int], seeds: int, rate: float, batch: int, epochs: int, drop: float, edge_drop: float,
    samples: int, device: str, checkpoint=None, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return test accuracies, fewest directions and fewest edges by network, basis and layer.

    Args:
        folder: of the Python batches of CIFAR-10.
        hidden: widths of the hidden layers.
        seeds: networks.
        rate, batch, epochs: of Adam.
        drop: of the accuracy that kept directions may cost.
        edge_drop: of the accuracy that kept edges may cost.
        samples: training images of the bases.
        device: torch device.
        checkpoint: state of the training.
        root_seed: root of the random streams.
    """
    (images, labels), (tests, wanted) = (load_images("cifar10", folder, split) for split in ("train", "test"))
    images, tests = (part.reshape(len(part), -1) for part in (images, tests))
    networks = train_classifiers(
        images, labels, np.tile(np.arange(len(labels)), (seeds, 1)),
        [seed_sequence(root_seed, "loss_degeneracy", "images", s) for s in range(seeds)],
        [generator(root_seed, "loss_degeneracy", "image batches", s) for s in range(seeds)],
        widths=[images.shape[1], *hidden, 10], rate=rate, batch=batch, steps=epochs * len(labels) // batch,
        device=device, checkpoint=checkpoint,
    )  # fmt: skip
    needs, full = [], []
    for network in progress(networks, "networks"):
        tested = prepare_tests(network, images[:samples], tests, wanted)
        full.append(tested.accuracy)
        needs.append(measure_needs(tested, drop=drop, edge_drop=edge_drop))
    fewest, _, edges = (np.stack(part, axis=1) for part in zip(*needs))
    return xr.Dataset(
        {
            "accuracy": ("network", full, {"long_name": "test accuracy"}),
            "fewest": (("basis", "network", "layer"), fewest, {"long_name": "fewest directions within the drop"}),
            "edges": (("ablated", "network", "layer"), edges, {"long_name": "fewest edges within the drop"}),
        },
        coords={
            "basis": list(KINDS),
            "ablated": list(EDGES),
            "layer": ["input", *(f"hidden {place + 1}" for place in range(len(hidden)))],
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(analyse_images, snakemake)
