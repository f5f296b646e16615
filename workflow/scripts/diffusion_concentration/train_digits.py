"""Train a class-conditional U-Net on the digits of scikit-learn."""

import numpy as np
import torch
import xarray as xr

from lib.diffusion.classes import class_unet, ddim_scheduler, train_conditional
from lib.diffusion.digits import CLASSES, SIDE, real_digits
from lib.diffusion.small import to_arrays
from lib.progress import progress


def train_digits(
    *,
    channels: list[int],
    steps: int,
    batch: int,
    learning_rate: float,
    highest_decay: float,
    rng: np.random.Generator,
    device: str,
    checkpoint=None,
) -> xr.Dataset:
    """Return the averaged weights as arrays, and the training loss.

    Args:
        channels: width of each resolution of the U-Net.
        steps, batch, learning_rate: of training.
        highest_decay: of the average of the weights.
        rng: source of all randomness.
        device: torch device.
        checkpoint: where the state of the training is saved.
    """
    torch.manual_seed(int(rng.integers(2**31)))
    model = class_unet(SIDE, CLASSES, channels).to(device)
    pixels, labels = real_digits()
    losses = train_conditional(
        model,
        ddim_scheduler(),
        pixels.reshape(-1, 1, SIDE, SIDE),
        labels,
        rng=rng,
        steps=steps,
        batch=batch,
        learning_rate=learning_rate,
        highest_decay=highest_decay,
        checkpoint=checkpoint,
        report=lambda items: progress(items, "steps of the U-Net"),
    )
    return to_arrays(model).assign(training_loss=("step", losses, {"long_name": "mean squared error of v"}))


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_digits, snakemake)
