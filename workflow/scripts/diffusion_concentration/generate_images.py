"""Draw one shard of images from a class-conditional EDM model of the user's."""

from pathlib import Path

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import seed_sequence
from lib.diffusion.classes import generate, load_class_model, sampler_of
from lib.diffusion.edm import Churn
from lib.progress import progress


def generate_images(
    folder: Path,
    *,
    n: str,
    classes: list[int],
    per_class: int,
    size: int,
    batch: int,
    steps: int,
    churn: list[float],
    root_seed: int,
    device: str,
) -> xr.Dataset:
    """Return images and their labels, the place of their class in the list of classes.

    Args:
        folder: the model, as a pipeline of diffusers saves it.
        n: number of the shard.
        classes: labels of the model.
        per_class: images of each class over all shards.
        size: images of a shard.
        batch: images that go through the model at once.
        steps, churn: of Heun's stochastic sampler, see `lib.diffusion.edm.Churn`.
        root_seed: root of the random streams; a shard has its own.
        device: torch device.
    """
    network, scheduler = load_class_model(folder, device)
    sampler = sampler_of(network, scheduler, "heun", steps, churn=Churn(*churn))
    first = int(n) * size
    label = np.arange(first, min(first + size, per_class * len(classes))) % len(classes)
    seed = int(seed_sequence(root_seed, "diffusion_concentration", "images", int(n)).generate_state(1)[0])
    config = network.config
    x = generate(
        sampler,
        np.array(classes)[label],
        (config.in_channels, config.sample_size, config.sample_size),
        seed,
        batch=batch,
        device=device,
        report=lambda items: progress(items, "batches"),
    )
    return xr.Dataset({"x": (("sample", "feature"), x), "label": ("sample", label)})


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(generate_images, snakemake)
