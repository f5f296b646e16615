"""Train the video diffusion model: an image U-Net with a motion adapter, on clips under a steady light."""

import numpy as np
import torch
import xarray as xr

from lib.diffusion import lit_training
from lib.diffusion.small import to_arrays
from lib.progress import progress


def train_vdm(
    *,
    size: int,
    frames: int,
    patch: int,
    attention_everywhere: bool,
    heads: int,
    channels: list[int],
    batch: int,
    steps: int,
    learning_rate: float,
    label_drop: float,
    highest_level: int,
    rng: np.random.Generator,
    device: str,
    checkpoint=None,
) -> xr.Dataset:
    """Return the averaged weights as arrays, and the training loss.

    Args:
        size: pixels along each side.
        frames: of a clip.
        patch: pixels along each side of the patches that are a token each.
        attention_everywhere: attention in space in every block, or in the middle one alone.
        heads: attention heads, in space and in time.
        channels: width of each resolution.
        batch: clips of a step.
        steps, learning_rate: of training.
        label_drop: share of empty prompts.
        highest_level: noise levels are drawn below this one of 1000.
        rng: source of all randomness.
        device: torch device.
        checkpoint: where the state of the training is saved.
    """
    torch.manual_seed(int(rng.integers(2**31)))
    model = lit_training.build_video_model(
        size, frames, patch=patch, attention_everywhere=attention_everywhere, heads=heads, channels=channels
    ).to(device)
    losses = lit_training.train_video_model(
        model,
        size=size,
        frames=frames,
        batch=batch,
        steps=steps,
        learning_rate=learning_rate,
        label_drop=label_drop,
        highest_level=highest_level,
        rng=rng,
        checkpoint=checkpoint,
        report=lambda items: progress(items, "steps of the video model"),
    )
    loss = ("training_step", losses, {"long_name": "mean squared error of the clean clip in [-1, 1]"})
    return to_arrays(model).assign(training_loss=loss)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_vdm, snakemake)
