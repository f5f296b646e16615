"""Measure all relit videos against the known light, geometry and motion: one row for each video."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from lib.progress import progress
from lib.rendering import measures
from lib.rendering.scenes import from_dataset, motion_of
from lib.video.temporal import block_means, end_point_error, warp_error

BLOCK = 4


def _videos(runs: list) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
    """Method, seed, clips and their videos, for each method and seed."""
    for store in runs:
        labels = list(zip(store.method.values.tolist(), store.seed.values.tolist()))
        for method, seed in dict.fromkeys(labels):
            rows = [i for i, label in enumerate(labels) if label == (method, seed)]
            yield method, seed, store["clip"].values[rows], store.video.values[rows].astype(float)


def measure_videos(scenes: xr.Dataset, runs: list, *, radius: int) -> xr.Dataset:
    """Return measures `(row,)`, fitted lights and block means `(row, frame, ...)` of all methods, source and truth.

    Args:
        scenes: what `render_scenes` wrote.
        runs: what `relight_clips` wrote.
        radius: window of the flow estimator, pixels.
    """
    (geometry, light), motion = from_dataset(scenes), motion_of(scenes)
    warp_of_truth = warp_error(scenes.truth.values, motion.flow, motion.visible)
    every = np.arange(scenes.sizes["clip"])
    known = [(name, 0, every, scenes[name].values) for name in ("source", "truth")]
    tables = []
    for method, seed, clips, video in progress([*known, *_videos(runs)], "methods and seeds"):
        direction = light.direction[clips]
        table = measures.measure_videos(video, geometry.subset(clips), direction, motion.subset(clips), radius)
        warp = table.warp.values - warp_of_truth[clips]
        blocks = block_means(video, BLOCK)
        table = table.assign(
            warp=("clip", warp, {"long_name": "warp error above that of the truth"}),
            blocks=(("clip", "frame", "block"), blocks, {"long_name": f"means over {BLOCK} x {BLOCK} pixels"}),
        )
        labels = {
            "method": ("row", [method] * len(clips)),
            "seed": ("row", [seed] * len(clips)),
            "clip": ("row", clips),
        }
        tables.append(table.rename_dims(clip="row").assign_coords(labels))
    still = end_point_error(np.zeros_like(motion.flow), motion.flow, motion.on_sphere)
    return xr.concat(tables, "row").assign(
        zero_flow_motion=("clip_id", still, {"long_name": "end-point error of a flow of zero, pixels"})
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_videos, snakemake)
