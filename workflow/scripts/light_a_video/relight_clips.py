"""Relight the test clips by a set of methods. Nothing is trained: the weights are hashed before and after."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import seed_sequence
from lib.diffusion.frozen import live_optimisers, weights_digest
from lib.diffusion.lit_clips import TARGETS, Method, Sampling, relight_clips, target_lights
from lib.diffusion.small import from_arrays
from lib.progress import progress
from lib.rendering.scenes import from_dataset

PIXELS = ("frame", "channel", "y", "x")


def clip_seed(root_seed: int, seed: int, clip: int) -> int:
    """Seed of the noise of one clip, the same for every method."""
    return int(seed_sequence(root_seed, "light_a_video", "noise", seed, clip).generate_state(1)[0])


def relight(
    scenes: xr.Dataset,
    relighter: xr.Dataset,
    *,
    sets: list[dict],
    clips_limit: int,
    relight_steps: int,
    relight_strength: float,
    eta: float,
    guidance: float,
    steps: int,
    strength: float,
    threshold: float,
    clips_at_once: int,
    root_seed: int,
    device: str,
    vdm: xr.Dataset | None = None,
    unet: xr.Dataset | None = None,
) -> xr.Dataset:
    """Return videos `(row, frame, channel, y, x)`, a row for each method, seed and clip, and traces of the fusion.

    Args:
        scenes: what `render_scenes` wrote.
        relighter, vdm, unet: weights; the video model only for methods that fuse or smooth, the U-Net for its own.
        sets: each with a number of `clips`, `seeds` of the sampling noise, and `methods`: fields of
            `lib.diffusion.lit_clips.Method` by name.
        clips_limit: largest number of clips of a set.
        relight_steps, relight_strength, eta, guidance, steps, strength, threshold, clips_at_once: see
            `lib.diffusion.lit_clips.Sampling`.
        root_seed: root of the random streams.
        device: torch device.
    """
    sampling = Sampling(relight_steps, relight_strength, eta, guidance, steps, strength, threshold, clips_at_once)
    weights = {"transformer": relighter, "unet": unet, "vdm": vdm}
    networks = {
        name: from_arrays(store.drop_vars("training_loss"), device)
        for name, store in weights.items()
        if store is not None
    }
    before = weights_digest(*networks.values())
    rows, traces = [], {}
    jobs = [(part, name, seed) for part in sets for name in part["methods"] for seed in part["seeds"]]
    for part, name, seed in progress(jobs, "methods and seeds"):
        clips = min(part["clips"], clips_limit)
        geometry, light = from_dataset(scenes.isel(clip=slice(clips)))
        method = Method(**part["methods"][name])
        video, trace = relight_clips(
            scenes.source.values[:clips],
            light.direction,
            method,
            sampling,
            networks,
            networks.get("vdm"),
            [clip_seed(root_seed, seed, clip) for clip in range(clips)],
            device=device,
        )
        jump, lights = np.full((clips, steps), np.nan), np.full((clips, steps, len(TARGETS)), np.nan)
        if trace.sizes:
            traces.setdefault(name, trace)
            jump, lights = trace.jump.transpose("clip", "step").values, target_lights(trace, geometry, light.direction)
        table = {"video": (("row", *PIXELS), video), "jump": (("row", "step"), jump)}
        table["target_light"] = (("row", "step", "target"), lights)
        labels = {"method": ("row", [name] * clips), "seed": ("row", [seed] * clips), "clip": ("row", np.arange(clips))}
        rows.append(xr.Dataset(table, labels))
    runs = xr.concat(rows, "row").assign(
        weights_before=before, weights_after=weights_digest(*networks.values()), optimisers=live_optimisers()
    )
    names = {"video": "relit, linear radiance", "optimisers": "torch optimisers alive in the stage"}
    if traces:
        frames = [np.stack([trace[t].isel(clip=0).values for t in TARGETS], axis=1) for trace in traces.values()]
        runs = runs.assign(
            weight=(("traced", "step"), np.stack([trace.weight.values for trace in traces.values()])),
            target_frames=(("traced", "step", "target", *PIXELS), np.stack(frames)),
        ).assign_coords(traced=list(traces), target=list(TARGETS))
        names |= {
            "jump": "RMSE of the fused target from the previous one",
            "target_light": "mean fitted direct intensity",
            "weight": "fusion weight lambda",
            "target_frames": "targets of the first clip, first seed",
        }
    else:
        runs = runs.drop_vars(["jump", "target_light"])
    for name, text in names.items():
        runs[name].attrs["long_name"] = text
    return runs


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(relight, snakemake)
