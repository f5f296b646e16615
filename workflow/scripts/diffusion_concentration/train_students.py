"""Train denoisers of Student and Gaussian vectors, all in one stack."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.diffusion.edm import edm_scheduler
from lib.diffusion.laws import student_vectors
from lib.diffusion.vectors import VectorDenoiser, stack_to_arrays, train_vectors

CONTROL, BARE = "gaussian", "student, no normalisation"


def train_students(
    *,
    dim: int,
    freedom: float,
    seeds: int,
    samples: int,
    width: int,
    blocks: int,
    steps: int,
    batch: int,
    learning_rate: float,
    root_seed: int,
    device: str,
    checkpoint=None,
) -> xr.Dataset:
    """Return the weights of the stack, each model's deviation of the data and sorted norms, and the losses.

    Models: Student laws with normalised hidden layers, one for each seed; the Gaussian control; a Student law and no
    normalisation.

    Args:
        dim: of the vectors.
        freedom: of the Student law.
        seeds: Student models.
        samples: training vectors of each model.
        width, blocks: of the networks.
        steps, batch, learning_rate: of training.
        root_seed: root of the random streams.
        device: torch device.
        checkpoint: where the state of the training is saved.
    """
    names = [f"student {i}" for i in range(seeds)] + [CONTROL, BARE]
    rngs = [generator(root_seed, "diffusion_concentration", "students", name) for name in names]
    data = [
        student_vectors(samples, dim, np.inf if name == CONTROL else freedom, rng) for name, rng in zip(names, rngs)
    ]
    deviation = np.array([x.std() for x in data])  # the empirical one, as of data whose law is not known
    scaled = [(x / scale).astype(np.float32) for x, scale in zip(data, deviation)]
    model = VectorDenoiser(
        dim, width, blocks, 0, [int(rng.integers(2**31)) for rng in rngs], [name != BARE for name in names]
    ).to(device)
    losses = train_vectors(
        model,
        edm_scheduler(),
        lambda i, rng: (scaled[i][rng.integers(samples, size=batch)],),
        rngs=rngs,
        steps=steps,
        learning_rate=learning_rate,
        checkpoint=checkpoint,
        label="steps of the denoisers",
    )
    norms = np.sort(np.linalg.norm(data, axis=2), axis=1)
    return stack_to_arrays(model).assign(
        {
            "deviation": ("model", deviation, {"long_name": "deviation of a coordinate of the training data"}),
            "training_norm": (("model", "vector"), norms.astype(np.float32), {"long_name": "norms, sorted"}),
            "training_loss": (("step", "model"), losses, {"long_name": "weighted loss"}),
        }
    ).assign_coords(model=names)  # fmt: skip


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_students, snakemake)
