"""Measure all relit videos against the known light, geometry and motion: one row for each video."""

import numpy as np
import xarray as xr

from lib.progress import progress
from lib.rendering.fit import fit_light, fitted_direction, light_flicker
from lib.rendering.scenes import from_dataset
from lib.video.temporal import flow_epe, warp_error

LONG_NAMES = {
    "flicker": "light flicker: temporal deviation of the fitted intensity",
    "wall_flicker": "light flicker fitted on wall pixels alone",
    "warp": "warp error above that of the truth",
    "clip_error": "RMSE from the nearest clip under one light",
    "frame_error": "RMSE of frames from their nearest relighting, mean over frames",
    "intensity": "fitted direct intensity",
    "direction": "share of frames closest to a render from the asked direction",
    "motion": "end-point error of the estimated flow on the sphere, pixels",
}


def measure_videos(scenes: xr.Dataset, runs: list, *, radius: int) -> xr.Dataset:
    """Return measures `(row,)` and fitted lights `(row, frame, channel)` of all methods, of the source and the truth.

    Args:
        scenes: what `render_scenes` wrote.
        runs: what `relight_clips` wrote.
        radius: window of the flow estimator, pixels.
    """
    geometry, light = from_dataset(scenes)
    flow, visible, on_sphere = (scenes[name].values for name in ("flow", "visible", "on_sphere"))
    base = warp_error(scenes.truth.values, flow, visible)

    def measure(video: np.ndarray, clips: np.ndarray) -> dict:
        scene, direction = type(geometry)(*(a[clips] for a in geometry)), light.direction[clips]
        fit = fit_light(video, scene, direction)
        wall = fit_light(video, scene, direction, ~scene.mask)
        return {
            "flicker": light_flicker(fit.intensity),
            "wall_flicker": light_flicker(wall.intensity),
            "warp": warp_error(video, flow[clips], visible[clips]) - base[clips],
            "clip_error": fit.clip_error,
            "frame_error": fit.frame_error.mean(1),
            "intensity": fit.intensity.mean((1, 2)),
            "direction": (fitted_direction(video, scene) == direction[:, None]).mean(1),
            "motion": flow_epe(video, flow[clips], on_sphere[clips], radius),
            "light": fit.intensity,
        }

    n = len(scenes.source)
    jobs = [("source", 0, np.arange(n), scenes.source.values), ("truth", 0, np.arange(n), scenes.truth.values)]
    for one in runs:
        labels = list(zip(one.method.values.tolist(), one.seed.values.tolist()))
        for method, seed in dict.fromkeys(labels):
            rows = [i for i, label in enumerate(labels) if label == (method, seed)]
            jobs.append((method, seed, one["clip"].values[rows], one.video.values[rows].astype(float)))
    columns: dict[str, list] = {"method": [], "seed": [], "clip": []}
    for method, seed, clips, video in progress(jobs, "methods and seeds"):
        found = measure(video, clips)
        for name, values in found.items():
            columns.setdefault(name, []).append(values)
        columns["method"] += [method] * len(clips)
        columns["seed"] += [seed] * len(clips)
        columns["clip"] += clips.tolist()
    still = np.linalg.norm(flow, axis=2)
    still = (still * on_sphere).sum((1, 2, 3)) / np.maximum(on_sphere.sum((1, 2, 3)), 1)
    data = {name: ("row", np.concatenate(columns[name]), {"long_name": text}) for name, text in LONG_NAMES.items()}
    data["light"] = (("row", "frame", "channel"), np.concatenate(columns["light"]), {"long_name": "fitted intensity"})
    data["zero_flow_motion"] = ("clip_id", still, {"long_name": "end-point error of a flow of zero, pixels"})
    return xr.Dataset(data, coords={name: ("row", np.array(columns[name])) for name in ("method", "seed", "clip")})


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_videos, snakemake)
