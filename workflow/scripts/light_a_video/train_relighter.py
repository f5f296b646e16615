"""Train an image relighter on random lit scenes: a diffusion transformer, or a U-Net as in Stable Diffusion."""

import numpy as np
import torch
import xarray as xr

from lib.diffusion import lit_training
from lib.diffusion.small import to_arrays
from lib.progress import progress


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
        architecture: `transformer` or `unet`, see `lib.diffusion.lit_training.build_relighter`.
        size: pixels along each side.
        frames: of the clips that frames are taken from.
        layers, heads, head_dim: of the transformer; the U-Net takes `heads` too.
        channels: of the U-Net.
        batch, steps, learning_rate: of training.
        label_drop: share of empty prompts.
        rng: source of all randomness.
        device: torch device.
        checkpoint: where the state of the training is saved.

    Raises:
        ValueError: an unknown architecture.
    """
    torch.manual_seed(int(rng.integers(2**31)))
    model = lit_training.build_relighter(
        architecture, size, layers=layers, heads=heads, head_dim=head_dim, channels=channels
    ).to(device)
    losses = lit_training.train_relighter(
        model,
        size=size,
        frames=frames,
        batch=batch,
        steps=steps,
        learning_rate=learning_rate,
        label_drop=label_drop,
        rng=rng,
        checkpoint=checkpoint,
        report=lambda items: progress(items, f"steps of the {architecture} relighter"),
    )
    loss = ("training_step", losses, {"long_name": "mean squared error of v"})
    return to_arrays(model).assign(training_loss=loss)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_relighter, snakemake)
