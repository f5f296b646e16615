"""Relight the test clips by a set of methods. Nothing is trained: the weights are hashed before and after."""

import gc
import hashlib

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import seed_sequence
from lib.diffusion.lit_clips import Method, Sampling, relight_clips
from lib.diffusion.small import from_arrays
from lib.progress import progress
from lib.rendering.fit import fit_light
from lib.rendering.scenes import from_dataset

TARGETS = ("consistency", "relit", "fused")
PIXELS = ("frame", "channel", "y", "x")


def weights_hash(*networks) -> str:
    """Hash of all weights of the networks."""
    digest = hashlib.sha256()
    for network in networks:
        for name, value in sorted(network.state_dict().items()):
            digest.update(name.encode() + value.cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def optimisers_alive() -> int:
    """Number of torch optimisers among the objects of this process."""
    return sum(issubclass(type(item), torch.optim.Optimizer) for item in gc.get_objects())


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
) -> xr.Dataset:
    """Return videos `(row, frame, channel, y, x)`, a row for each method, seed and clip, and traces of the fusion.

    Args:
        scenes: what `render_scenes` wrote.
        relighter, vdm: weights; the video model only for methods that fuse or smooth.
        sets: each with `clips` (the first so many), `seeds` of the sampling noise, and `methods`: fields of
            `lib.diffusion.lit_clips.Method` by name.
        clips_limit: at most so many clips of a set.
        relight_steps, relight_strength, eta, guidance, steps, strength, threshold, clips_at_once: see
            `lib.diffusion.lit_clips.Sampling`.
        root_seed: root of the random streams.
        device: torch device.
    """
    sampling = Sampling(relight_steps, relight_strength, eta, guidance, steps, strength, threshold, clips_at_once)
    networks = [from_arrays(w.drop_vars("training_loss"), device) for w in (relighter, vdm) if w is not None]
    before = weights_hash(*networks)
    columns: dict[str, list] = {name: [] for name in ("method", "seed", "clip", "video", "jump", "target_light")}
    traced: dict[str, np.ndarray] = {}
    weights: dict[str, np.ndarray] = {}
    jobs = [(part, name, seed) for part in sets for name in part["methods"] for seed in part["seeds"]]
    for part, name, seed in progress(jobs, "methods and seeds"):
        clips = min(part["clips"], clips_limit)
        geometry, light = from_dataset(scenes.isel(clip=slice(clips)))
        method = Method(**part["methods"][name])
        noise = [clip_seed(root_seed, seed, clip) for clip in range(clips)]
        video, trace = relight_clips(
            scenes.source.values[:clips], light.direction, method, sampling, {method.relighter: networks[0]},
            networks[1] if vdm is not None else None, noise, device=device,
        )  # fmt: skip
        jump, lights = np.full((clips, steps), np.nan), np.full((clips, steps, len(TARGETS)), np.nan)
        if trace.sizes:
            jump = trace.jump.transpose("clip", "step").values
            weights[name] = trace.weight.values
            frames = np.full((steps, len(TARGETS), *video.shape[1:]), np.nan, np.float32)
            for i in np.flatnonzero(trace.fused_at.values):
                for k, target in enumerate(TARGETS):
                    images = trace[target].isel(step=i).values.astype(float)
                    lights[:, i, k] = fit_light(images, geometry, light.direction).intensity.mean((1, 2))
                    frames[i, k] = images[0]
            traced.setdefault(name, frames)
        columns["method"] += [name] * clips
        columns["seed"] += [seed] * clips
        columns["clip"] += list(range(clips))
        for key, value in (("video", video), ("jump", jump), ("target_light", lights)):
            columns[key].append(value)
    data = {
        "video": (("row", *PIXELS), np.concatenate(columns["video"]), {"long_name": "relit, linear radiance"}),
        "weights_before": ((), before),
        "weights_after": ((), weights_hash(*networks)),
        "optimisers": ((), optimisers_alive(), {"long_name": "torch optimisers alive in the stage"}),
    }
    coords = {name: ("row", np.array(columns[name])) for name in ("method", "seed", "clip")}
    if traced:
        jump, lights = (np.concatenate(columns[name]) for name in ("jump", "target_light"))
        data |= {
            "jump": (("row", "step"), jump, {"long_name": "RMSE of the fused target from the one before"}),
            "target_light": (("row", "step", "target"), lights, {"long_name": "mean fitted direct intensity"}),
            "weight": (("traced", "step"), np.stack(list(weights.values())), {"long_name": "fusion weight lambda"}),
            "target_frames": (
                ("traced", "step", "target", *PIXELS),
                np.stack(list(traced.values())),
                {"long_name": "targets of the first clip, first seed"},
            ),
        }
        coords |= {"traced": list(traced), "target": list(TARGETS)}
    return xr.Dataset(data, coords=coords)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(relight, snakemake)
