"""Compare blends of renders with renders under the blended light, in linear radiance and after the sRGB curve."""

import numpy as np
import xarray as xr

from lib.rendering.spheres import Light, draw_light, lit_clip, shade, srgb


def measure_transport(
    *, scenes: int, frames: int, size: int, weights: list[float], rng: np.random.Generator
) -> xr.Dataset:
    """Return the largest absolute difference between blend and render, `(scene, weight)`, in both encodings.

    The two lights of a scene share direction and elevation in none of the pairs but by chance; the blended light is the
    superposition of both, each dimmed.

    Args:
        scenes: number of scenes, each with a random pair of lights.
        frames: frames of each.
        size: pixels along each side.
        weights: blend weights of the second light.
        rng: source of all randomness.
    """
    clips = lit_clip(rng, scenes, frames, size)
    lights = draw_light(rng, scenes), draw_light(rng, scenes)
    first, second = (shade(clips, light) for light in lights)
    linear, encoded, level = np.zeros((3, scenes, len(weights)))
    for k, w in enumerate(weights):
        # the render under both dimmed lights counts the ambient term once
        dimmed = [Light(l.direction, l.elevation, share * l.intensity) for l, share in zip(lights, (1 - w, w))]
        render = shade(clips, dimmed[0]) + shade(clips, dimmed[1], ambient=0.0)
        linear[:, k] = np.abs((1 - w) * first + w * second - render).max((1, 2, 3, 4))
        blend = (1 - w) * srgb(first) + w * srgb(second)
        difference = np.abs(blend - srgb(render))
        encoded[:, k] = difference.max((1, 2, 3, 4))
        level[:, k] = difference.mean((1, 2, 3, 4))
    over = ("scene", "weight")
    return xr.Dataset(
        {
            "linear": (over, linear, {"long_name": "largest difference in linear radiance"}),
            "encoded": (over, encoded, {"long_name": "largest difference after the sRGB curve"}),
            "encoded_mean": (over, level, {"long_name": "mean difference after the sRGB curve"}),
        },
        coords={"weight": np.array(weights)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_transport, snakemake)
