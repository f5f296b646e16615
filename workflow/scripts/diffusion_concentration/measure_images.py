"""Universality and concentration of labelled images: a file of the user's, or shards drawn from a model."""

from pathlib import Path

import numpy as np
import xarray as xr

from lib.probing.generated import check_classes, measure_universality, read_images
from lib.progress import progress


def measure_images(
    archive: Path | list[xr.Dataset],
    *,
    least: int,
    sizes: list[int],
    tests: int,
    repeats: int,
    loss: str,
    learning_rate: float,
    epochs: int,
    batch: int,
    projections: int,
    rng: np.random.Generator,
    device: str,
) -> xr.Dataset:
    """Return errors on images and on the matched mixture, and how each class is spread.

    Args:
        archive: an .npz with `x` and `label`, or what `generate_images` wrote.
        least: images that each class must have.
        sizes: training images of each class.
        tests: test images of each class.
        repeats: orders of SGD.
        loss, learning_rate, epochs, batch: of the classifiers.
        projections: random directions whose kurtosis is measured.
        rng: source of all randomness.
        device: torch device.
    """
    if isinstance(archive, list):
        x, label = (np.concatenate([part[name].values for part in archive]) for name in ("x", "label"))
        check_classes(label, least)
    else:
        x, label = read_images(archive, least)
    return measure_universality(
        x,
        label,
        sizes=sizes,
        tests=tests,
        repeats=repeats,
        rng=rng,
        loss=loss,
        learning_rate=learning_rate,
        epochs=epochs,
        batch=batch,
        projections=projections,
        least=least,
        device=device,
        report=lambda items: progress(items, "training sizes"),
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_images, snakemake)
