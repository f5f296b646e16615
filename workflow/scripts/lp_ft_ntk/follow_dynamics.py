"""Feature change by gradient descent, in its linear regime and as it is, for heads of several scales."""

import numpy as np
import torch
import xarray as xr
from scipy import linalg

from lib.ntk.empirical import split_kernel
from lib.ntk.linearised import flat_kernel
from lib.ntk.motion import descended_motion, linearised_motion
from lib.probing.pipeline import TaskSizes, keyed_task, stored_encoder, stored_head
from lib.progress import progress


def follow_dynamics(
    encoders, heads, *, documents: int, samples: int, tests: int, seeds: int, scales: list[float], marks: list[int],
    purity: float, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return mean feature changes on test documents by step.

    Args:
        encoders, heads: stores of weights.
        documents: training documents of the heads.
        samples: of these, how many are trained on.
        tests: documents whose features are followed.
        seeds: tasks.
        scales: factors of the probed head; the step is that of the largest.
        marks: numbers of steps.
        purity: probability that a content word is of its document's topic.
        root_seed: root of the random streams.
    """
    shape = (seeds, len(scales), len(marks))
    predicted, measured = np.empty(shape), np.empty(shape)
    losses, steps = np.empty((seeds, len(scales), len(marks), 2)), np.empty(seeds)
    for s in progress(range(seeds), "tasks"):
        encoder = stored_encoder(encoders, 0)
        task = keyed_task(root_seed, encoders, 0, s, documents, TaskSizes(0, tests, 0, purity))
        x, labels = torch.from_numpy(task.train.tokens[:samples]), task.train.labels[:samples]
        others, head = torch.from_numpy(task.test.tokens), stored_head(heads, 0, s, documents)
        starts = [head.scaled(scale) for scale in scales]
        exact = stored_encoder(encoders, 0).double()
        kernel = split_kernel(exact, torch.from_numpy(max(scales) * head.weights), x).total.numpy()
        steps[s] = len(x) / (2 * linalg.eigvalsh(flat_kernel(kernel))[-1])
        for i, start in enumerate(starts):
            motion = linearised_motion(exact, start.weights, start.bias, x, labels, others, steps[s], marks)
            predicted[s, i], losses[s, i, :, 0] = motion
        weights, bias = np.stack([start.weights for start in starts]), np.stack([start.bias for start in starts])
        for i, motion in enumerate(descended_motion(encoder, weights, bias, x, labels, others, steps[s], marks)):
            measured[s, i], losses[s, i, :, 1] = motion
    return xr.Dataset(
        {
            "predicted": (("seed", "scale", "step"), predicted, {"long_name": "change in the linear regime"}),
            "measured": (("seed", "scale", "step"), measured, {"long_name": "change by gradient descent"}),
            "loss": (("seed", "scale", "step", "dynamics"), losses, {"long_name": "training loss", "units": "nats"}),
            "step_size": ("seed", steps),
        },
        coords={"scale": scales, "step": marks, "dynamics": ["linearised", "true"]},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(follow_dynamics, snakemake)
