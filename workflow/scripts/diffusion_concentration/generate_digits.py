"""Draw digits from the trained U-Net by each sampler, and follow norms along the sampling steps."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import seed_sequence
from lib.diffusion.classes import ddim_scheduler, generate, sampler_of
from lib.diffusion.digits import CLASSES, SIDE
from lib.diffusion.small import from_arrays
from lib.progress import progress

KINDS = ("state", "clean estimate", "derivative")


def generate_digits(
    model: xr.Dataset, *, samplers: list[dict], sigma_max: float, batch: int, seed: str, root_seed: int, device: str
) -> xr.Dataset:
    """Return samples of all samplers one below the other, and norms at each step of Heun's sampler.

    Args:
        model: weights from `train_digits`.
        samplers: name, number of steps and number of samples of each.
        sigma_max: largest noise level of Heun's sampler.
        batch: samples that go through the model at once; those of the first batch are followed.
        seed: of the model.
        root_seed: root of the random streams.
        device: torch device.
    """
    network = from_arrays(model.drop_vars("training_loss"), device)
    x, labels, names, norms = [], [], [], []

    def trace(*arrays: torch.Tensor) -> None:
        norms.append([a.flatten(1).norm(dim=1).cpu().numpy() for a in arrays])

    for one in samplers:
        sampler = sampler_of(network, ddim_scheduler(), one["name"], one["steps"], sigma_max=sigma_max)
        label = np.arange(one["samples"]) % CLASSES
        key = seed_sequence(root_seed, "diffusion_concentration", "generate", seed, one["name"])
        drawn = generate(
            sampler,
            label,
            (1, SIDE, SIDE),
            int(key.generate_state(1)[0]),
            batch=batch,
            device=device,
            trace=trace if one["name"] == "heun" else None,
            report=lambda items, name=one["name"]: progress(items, f"batches, {name}"),
        )
        x.append(drawn)
        labels.append(label)
        names += [one["name"]] * len(label)
    return xr.Dataset(
        {
            "x": (("sample", "feature"), np.concatenate(x), {"long_name": "pixels, from -1 to 1 in the data"}),
            "label": ("sample", np.concatenate(labels)),
            "norm": (("step", "kind", "traced"), np.array(norms), {"long_name": "norms along Heun's steps"}),
        },
        coords={"sampler": ("sample", names), "kind": list(KINDS)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(generate_digits, snakemake)
