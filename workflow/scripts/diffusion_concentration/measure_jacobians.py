"""Jacobians of the whole sampler, and what the Poincaré inequality makes of them."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.diffusion.classes import ddim_scheduler, sampler_of
from lib.diffusion.digits import SIDE
from lib.diffusion.functionals import unit_vectors
from lib.diffusion.jacobian import sampler_jacobian
from lib.diffusion.small import from_arrays
from lib.progress import progress


def measure_jacobians(
    model: xr.Dataset,
    samples: xr.Dataset,
    *,
    classes: list[int],
    noises: int,
    steps: int,
    projections: int,
    root_seed: int,
    device: str,
) -> xr.Dataset:
    """Return Jacobians, squared gradients of functionals with respect to the noise, and the functionals' values.

    Args:
        model: weights from `train_digits`.
        samples: what `generate_digits` wrote.
        classes: whose samples are looked at.
        noises: Jacobians of each class.
        steps: of the sampler, as in `generate_digits`.
        projections: random directions.
        root_seed: root of the random streams.
        device: torch device.
    """
    rng = generator(root_seed, "diffusion_concentration", "jacobians")
    network = from_arrays(model.drop_vars("training_loss"), device).requires_grad_(False)
    sampler = sampler_of(network, ddim_scheduler(), "ddim", steps)
    features = SIDE**2
    directions = unit_vectors(projections, features, rng)
    jacobian = np.zeros((len(classes), noises, features, features), np.float32)
    gradient = np.zeros((len(classes), noises, 1 + projections))
    own = samples.isel(sample=samples.sampler.values == "ddim")
    members = [own.x.values[own.label.values == label].astype(float) for label in classes]
    most = max(map(len, members))
    value = np.full((len(classes), 1 + projections, most), np.nan)
    for a, label in enumerate(classes):
        labels = torch.full((features,), label, device=device)
        for b in progress(range(noises), f"noises, class {label}"):
            z = torch.from_numpy(rng.standard_normal((1, SIDE, SIDE), np.float32)).to(device)
            x, rows = sampler_jacobian(lambda copies, labels=labels: sampler(copies, labels), z)
            jacobian[a, b] = rows.cpu().numpy()
            # gradients of the norm and of the projections, one a row
            slopes = np.concatenate([(x / x.norm()).cpu().numpy()[None], directions])
            gradient[a, b] = ((slopes @ jacobian[a, b]) ** 2).sum(axis=1)
        x = members[a]
        value[a, 0, : len(x)] = np.linalg.norm(x, axis=1)
        value[a, 1:, : len(x)] = directions @ x.T
    return xr.Dataset(
        {
            "jacobian": (("class", "noise", "feature", "coordinate"), jacobian),
            "spectral_norm": (("class", "noise"), np.linalg.norm(jacobian, 2, axis=(2, 3))),
            "gradient": (("class", "noise", "functional"), gradient, {"long_name": "squared norm of J^T grad phi"}),
            "value": (("class", "functional", "sample"), value.astype(np.float32)),
        },
        coords={"class": classes, "functional": ["norm"] + [f"projection {i}" for i in range(projections)]},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_jacobians, snakemake)
