"""Train a class-conditional denoiser on a hidden manifold and draw from it."""

import numpy as np
import torch
import xarray as xr

from lib.diffusion.edm import edm_scheduler
from lib.diffusion.laws import hidden_manifold
from lib.diffusion.vectors import VectorDenoiser, sample_vectors, train_vectors


def generate_manifold(
    *,
    dim: int,
    classes: int,
    samples: int,
    width: int,
    blocks: int,
    steps: int,
    batch: int,
    learning_rate: float,
    drawn: int,
    sampler_steps: int,
    sigma_max: float,
    rng: np.random.Generator,
    device: str,
    checkpoint=None,
) -> xr.Dataset:
    """Return samples with labels, and the training loss.

    Args:
        dim, classes: of the manifold.
        samples: training vectors.
        width, blocks: of the network.
        steps, batch, learning_rate: of training.
        drawn: samples.
        sampler_steps: of Heun's sampler.
        sigma_max: largest noise level over the deviation of the data.
        rng: source of all randomness.
        device: torch device.
        checkpoint: where the state of the training is saved.
    """
    data, label = hidden_manifold(samples, dim, classes, rng)
    deviation = data.std()
    scaled = (data / deviation).astype(np.float32)
    model = VectorDenoiser(dim, width, blocks, classes, [int(rng.integers(2**31))]).to(device)

    def draw(_, source):
        rows = source.integers(samples, size=batch)
        return scaled[rows], label[rows]

    scheduler = edm_scheduler(sigma_max=sigma_max)
    losses = train_vectors(
        model,
        scheduler,
        draw,
        rngs=[rng],
        steps=steps,
        learning_rate=learning_rate,
        checkpoint=checkpoint,
        label="steps of the denoiser",
    )
    wanted = np.arange(drawn) % classes
    start = torch.from_numpy(rng.standard_normal((1, drawn, dim), np.float32)).mul(sigma_max).to(device)
    x = sample_vectors(model, scheduler, start, sampler_steps, torch.from_numpy(wanted)[None].to(device))[0]
    return xr.Dataset(
        {
            "x": (("sample", "feature"), x.cpu().numpy() * np.float32(deviation)),
            "label": ("sample", wanted),
            "training_loss": ("step", losses[:, 0], {"long_name": "weighted loss"}),
        }
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(generate_manifold, snakemake)
