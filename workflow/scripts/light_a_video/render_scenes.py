"""Render the test clips: textured spheres over textured walls, with albedo, normals, motion, light and truth."""

import numpy as np
import xarray as xr

from lib.rendering.scenes import to_dataset
from lib.rendering.spheres import DIRECTIONS, draw_light, lit_clip


def render_scenes(*, clips: int, frames: int, size: int, rng: np.random.Generator) -> xr.Dataset:
    """Return scenes of `clips` clips; their light directions go round left, right, top, bottom.

    Args:
        clips: number of clips.
        frames: frames of each.
        size: pixels along each side.
        rng: source of all randomness.
    """
    scenes = lit_clip(rng, clips, frames, size)
    return to_dataset(scenes, draw_light(rng, clips, np.arange(clips) % len(DIRECTIONS)))


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(render_scenes, snakemake)
