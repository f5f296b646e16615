"""Train the video diffusion model: an image U-Net with a motion adapter, on clips under a steady light."""

import numpy as np
import torch
import xarray as xr

from lib.diffusion.small import image_unet, label_model, motion_unet, to_arrays, video_patches
from lib.diffusion.training import train_v_prediction
from lib.progress import progress
from lib.rendering.batches import SOURCE_LABEL, steadily_lit_clips


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
        checkpoint: given by the stage runner.
    """
    torch.manual_seed(int(rng.integers(2**31)))
    empty = SOURCE_LABEL + 1
    base = image_unet(size, empty + 1, channels, heads, patch, attention_everywhere)
    model = motion_unet(base, frames, heads).to(device)
    call = label_model(model)

    def draw(rng):
        video, label = steadily_lit_clips(rng, batch, frames, size)
        label = np.where(rng.random(batch) < label_drop, empty, label)
        clean = video_patches(torch.from_numpy(video.astype(np.float32)), patch)
        return clean.to(device), torch.from_numpy(label).to(device)

    average, loss = train_v_prediction(
        model, call, draw,
        rng=rng, steps=steps, learning_rate=learning_rate, highest_level=highest_level, loss_of="clean",
        checkpoint=checkpoint,
        report=lambda items: progress(items, "steps of the video model"),
    )  # fmt: skip
    model.load_state_dict(average)
    dataset = to_arrays(model)
    dataset["training_loss"] = ("training_step", loss, {"long_name": "mean squared error of the clean clip in [-1, 1]"})
    return dataset


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_vdm, snakemake)
