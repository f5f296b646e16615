"""Tails of samples from trained denoisers, and of the same sampler with the exact denoiser."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.diffusion.edm import edm_scheduler, heun, noise_grid, sample_by_scheduler
from lib.diffusion.functionals import unit_vectors
from lib.diffusion.laws import StudentDenoiser, student_radius
from lib.diffusion.vectors import sample_vectors, stack_from_arrays
from lib.progress import progress
from lib.stats.intervals import estimate_quantile, side_by_side
from lib.stats.tails import hill_estimator

CONTROL, EXACT, TRAINING = "gaussian", "exact denoiser", "training data"


def measure_tails(
    students: xr.Dataset,
    *,
    dim: int,
    freedom: float,
    samples: int,
    steps: int,
    sigma_max: float,
    probabilities: list[float],
    directions: int,
    levels: list[float],
    fraction: float,
    root_seed: int,
    device: str,
) -> xr.Dataset:
    """Return the far-tail probe, sample quantiles over those of the law, and Hill's index, by source.

    Args:
        students: what `train_students` wrote.
        dim, freedom: of the Student law.
        samples: drawn from each model.
        steps: of Heun's sampler.
        sigma_max: largest noise level over the deviation of the data.
        probabilities: of the probe.
        directions: unit vectors of the probe.
        levels: of the sample quantiles.
        fraction: share of the samples that Hill's estimator uses.
        root_seed: root of the random streams.
        device: torch device.
    """
    from diffusers.schedulers.scheduling_edm_dpmsolver_multistep import EDMDPMSolverMultistepScheduler

    rng = generator(root_seed, "diffusion_concentration", "tails")
    names, deviation = [str(name) for name in students.model.values], students.deviation.values
    laws = [np.inf if name == CONTROL else freedom for name in names]
    model = stack_from_arrays(students, device)
    scheduler = edm_scheduler(sigma_max=sigma_max)
    levels_of_noise = noise_grid(scheduler, steps)
    u = unit_vectors(directions, dim, rng)
    # (probability x direction, dim): where the far tail of the noise lies, in units of the largest noise level
    far = (student_radius(probabilities, dim, np.inf)[:, None, None] * u).reshape(-1, dim)

    def reached(x, scale) -> np.ndarray:
        return (np.linalg.norm(np.asarray(x, float), axis=-1) * scale).reshape(-1, len(probabilities), directions)

    start = torch.from_numpy(far).float().mul(sigma_max).expand(len(names), *far.shape).to(device)
    probe = reached(sample_vectors(model, scheduler, start, steps).cpu(), deviation[:, None])
    with torch.no_grad():
        solver = EDMDPMSolverMultistepScheduler(sigma_min=0.002, sigma_max=sigma_max, sigma_data=1.0)
        other = reached(
            sample_by_scheduler(solver, lambda x, c, _: model(x, c), start, steps).cpu(), deviation[:, None]
        )
    true_scale = float(np.sqrt(freedom / (freedom - 2)))  # deviation of a coordinate of the law
    exact = StudentDenoiser(dim, freedom)
    grid = levels_of_noise * true_scale
    exact_probe = reached(heun(exact, torch.from_numpy(far) * grid[0], grid), 1.0)

    noise = torch.from_numpy(rng.standard_normal((len(names), samples, dim), np.float32)) * sigma_max
    norms = np.linalg.norm(sample_vectors(model, scheduler, noise.to(device), steps).cpu(), axis=2) * deviation[:, None]
    parts = [
        heun(exact, part * grid[0], grid)
        for part in progress(
            torch.from_numpy(rng.standard_normal((samples, dim))).split(2000), "batches, exact denoiser"
        )
    ]
    sources = [*names, EXACT, TRAINING]
    every = [*norms, np.linalg.norm(torch.cat(parts), axis=1), students.training_norm.values[0].astype(float)]
    freedoms = [*laws, freedom, freedom]
    quantiles = [_quantile_ratios(x, levels, dim, law) for x, law in zip(every, freedoms)]
    hills = side_by_side([hill_estimator(x, fraction) for x in every])
    truth = np.stack([student_radius(probabilities, dim, law) for law in freedoms[:-1]])
    probes = np.concatenate([probe, exact_probe]) / truth[:, :, None]
    return xr.Dataset(
        {
            "probe": (
                ("source", "probability", "direction"),
                np.concatenate([probes, np.full_like(probes[:1], np.nan)]),
            ),
            "other_solver": (("model", "probability", "direction"), other / truth[: len(names), :, None]),
            "true_radius": (("source", "probability"), np.concatenate([truth, truth[:1]])),
            "sample_quantile": (("source", "level", "number"), np.stack(quantiles)),
            "hill": (("source", "number"), np.stack(hills[:4], axis=1)),
            "hill_values": ("source", hills.n, {"long_name": "values that Hill's estimator uses"}),
            "norm": (("source", "draw"), np.stack([_thinned(x, samples) for x in every]).astype(np.float32)),
        },
        coords={
            "source": sources,
            "model": names,
            "probability": probabilities,
            "level": levels,
            "number": ["value", "se", "low", "high"],
            "freedom": ("source", freedoms),
        },
        attrs={
            "probe": "norm reached over the law's own quantile",
            "dim": dim,
            "samples": samples,
            "noise_over_quantile": float(sigma_max * deviation[0] / student_radius(1e-3, dim, freedom)),
        },
    )


def _quantile_ratios(x: np.ndarray, levels: list[float], dim: int, freedom: float) -> np.ndarray:
    """Sample quantiles over the law's, with errors and ends: (level, number)."""
    rows = [np.array(estimate_quantile(x, level)[:4]) / student_radius(1 - level, dim, freedom) for level in levels]
    return np.stack(rows)


def _thinned(x: np.ndarray, samples: int) -> np.ndarray:
    """So many sorted values, the largest among them, that follow the same law."""
    x = np.sort(x)
    return x[np.linspace(0, len(x) - 1, samples).round().astype(int)]


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_tails, snakemake)
