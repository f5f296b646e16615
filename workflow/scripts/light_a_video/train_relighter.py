"""Train an image relighter on random lit scenes: a diffusion transformer, or a U-Net as in Stable Diffusion."""

import numpy as np
import torch
import xarray as xr

from lib.diffusion.small import (
    empty_prompt,
    image_unet,
    label_model,
    patches,
    to_arrays,
    transformer_relighter,
    widen_input,
)
from lib.diffusion.training import train_v_prediction
from lib.progress import progress
from lib.rendering.batches import relighting_pairs
from lib.rendering.spheres import DIRECTIONS


def train_relighter(
    *,
    architecture: str,
    size: int,
    frames: int,
    layers: int,
    heads: int,
    head_dim: int,
    channels: list[int],
    batch: int,
    steps: int,
    learning_rate: float,
    label_drop: float,
    rng: np.random.Generator,
    device: str,
    checkpoint=None,
) -> xr.Dataset:
    """Return the averaged weights as arrays, and the training loss.

    Args:
        architecture: `transformer` (patches of 2, attention the only global path) or `unet`.
        size: pixels along each side.
        frames: of the clips that frames are taken from.
        layers, heads, head_dim: of the transformer; the U-Net takes `heads` too.
        channels: of the U-Net.
        batch, steps, learning_rate: of training.
        label_drop: share of empty prompts.
        rng: source of all randomness.
        device: torch device.
        checkpoint: given by the stage runner.

    Raises:
        ValueError: an unknown architecture.
    """
    torch.manual_seed(int(rng.integers(2**31)))
    if architecture == "transformer":
        model = transformer_relighter(size, len(DIRECTIONS), layers, heads, head_dim)
    elif architecture == "unet":
        model = image_unet(size, len(DIRECTIONS) + 1, channels, heads)
        model = widen_input(model, 2 * model.config.in_channels)
    else:
        raise ValueError(f"architecture: got {architecture!r}, expected transformer or unet")
    model = model.to(device).eval()  # evaluation mode: the prompts are dropped here, not layer by layer
    code = patches if architecture == "unet" else lambda x: x
    empty = empty_prompt(model)
    call = label_model(model)

    def draw(rng):
        relit, given, label = relighting_pairs(rng, batch, frames, size)
        label = np.where(rng.random(batch) < label_drop, empty, label)
        return code(_tensor(relit, device)), code(_tensor(given, device)), torch.from_numpy(label).to(device)

    average, loss = train_v_prediction(
        model, lambda x, t, given, label: call(torch.cat([x, given], 1), t, label), draw,
        rng=rng, steps=steps, learning_rate=learning_rate, checkpoint=checkpoint,
        report=lambda items: progress(items, f"steps of the {architecture} relighter"),
    )  # fmt: skip
    model.load_state_dict(average)
    dataset = to_arrays(model)
    dataset["training_loss"] = ("training_step", loss, {"long_name": "mean squared error of v"})
    return dataset


def _tensor(values: np.ndarray, device: str) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32)).to(device)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_relighter, snakemake)
