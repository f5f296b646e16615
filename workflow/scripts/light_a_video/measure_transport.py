"""Compare blends of renders with renders under the blended light, in linear radiance and after the sRGB curve."""

import numpy as np
import xarray as xr

from lib.rendering.spheres import draw_light, lit_clip
from lib.rendering.transport import blend_error


def measure_transport(
    *, scenes: int, frames: int, size: int, weights: list[float], rng: np.random.Generator
) -> xr.Dataset:
    """Return the absolute differences between blend and render, `(scene, weight)`, in both encodings.

    Args:
        scenes: number of scenes, each with a random pair of lights.
        frames: frames of each.
        size: pixels along each side.
        weights: blend weights of the second light.
        rng: source of all randomness.
    """
    clips = lit_clip(rng, scenes, frames, size)
    first, second = draw_light(rng, scenes), draw_light(rng, scenes)
    errors = [blend_error(clips, first, second, weight) for weight in weights]
    names = {
        "linear": "largest difference in linear radiance",
        "encoded": "largest difference after the sRGB curve",
        "encoded_mean": "mean difference after the sRGB curve",
    }
    return xr.Dataset(
        {
            name: (("scene", "weight"), np.stack([getattr(error, name) for error in errors], 1), {"long_name": text})
            for name, text in names.items()
        },
        coords={"weight": np.array(weights)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_transport, snakemake)
