"""Measure how well the video model preserves clips that are already right: SDEdit of the truth."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import seed_sequence
from lib.diffusion.lit_clips import STEP_RULES, smooth_by_video_model
from lib.diffusion.small import from_arrays
from lib.progress import progress
from lib.rendering.fit import fit_light, light_flicker
from lib.rendering.scenes import from_dataset


def noise_seed(root_seed: int, clip: int) -> int:
    """Seed of the noise of one clip."""
    return int(seed_sequence(root_seed, "light_a_video", "gate", clip).generate_state(1)[0])


def measure_gate(
    scenes: xr.Dataset, vdm: xr.Dataset, *, clips: int, steps: int, strength: float, root_seed: int, device: str
) -> xr.Dataset:
    """Return RMSE from the truth and added light flicker, `(step_rule, clip)`.

    Args:
        scenes: what `render_scenes` wrote.
        vdm: weights of the video model.
        clips: number of clips to use, from the first.
        steps, strength: of the fusion, and of this SDEdit.
        root_seed: root of the random streams.
        device: torch device.
    """
    part = scenes.isel(clip=slice(clips))
    geometry, light = from_dataset(part)
    network = from_arrays(vdm.drop_vars("training_loss"), device)
    truth = part.truth.values
    clean = torch.from_numpy((2 * truth - 1).astype(np.float32)).to(device)
    own = light_flicker(fit_light(truth, geometry, light.direction).intensity)
    rmse, flicker = np.zeros((2, len(STEP_RULES), len(truth)))
    returned = np.zeros((len(STEP_RULES), *truth.shape), np.float32)
    for r, rule in enumerate(progress(STEP_RULES, "step rules")):
        noise = [torch.Generator().manual_seed(noise_seed(root_seed, c)) for c in range(len(truth))]
        video = smooth_by_video_model(clean, light.direction, strength, rule, network, noise, steps=steps)
        returned[r] = (video.cpu().numpy() + 1) / 2
        rmse[r] = np.sqrt(((returned[r] - truth) ** 2).mean((1, 2, 3, 4)))
        fit = fit_light(returned[r].astype(float), geometry, light.direction)
        flicker[r] = light_flicker(fit.intensity) - own
    over = ("step_rule", "clip")
    return xr.Dataset(
        {
            "rmse": (over, rmse, {"long_name": "RMSE of the returned clip from the truth"}),
            "flicker": (over, flicker, {"long_name": "light flicker added"}),
            "returned": ((*over, "frame", "channel", "y", "x"), returned),
        },
        coords={"step_rule": list(STEP_RULES)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_gate, snakemake)
