"""Light transport is linear: blends of images under two lights against the image under both."""

from typing import NamedTuple

import numpy as np

from lib.rendering.spheres import Clips, Light, shade, srgb


class BlendError(NamedTuple):
    """Absolute differences of blend and render, (B,): largest in linear radiance, largest and mean after sRGB."""

    linear: np.ndarray
    encoded: np.ndarray
    encoded_mean: np.ndarray


def blend_error(clips: Clips, first: Light, second: Light, weight: float) -> BlendError:
    """How far a blend of two images is from the image under both lights, each dimmed by its weight.

    Args:
        clips: scenes of B clips.
        first, second: the lights.
        weight: of the second light, in [0, 1]; the first has 1 - weight.
    """
    images = [shade(clips, light) for light in (first, second)]
    shares = (1 - weight, weight)
    dimmed = [light._replace(intensity=share * light.intensity) for light, share in zip((first, second), shares)]
    render = shade(clips, dimmed[0]) + shade(clips, dimmed[1], ambient=0.0)  # the ambient light counts once
    blend = (1 - weight) * images[0] + weight * images[1]
    encoded_blend = (1 - weight) * srgb(images[0]) + weight * srgb(images[1])
    difference = np.abs(encoded_blend - srgb(render))
    over = (1, 2, 3, 4)
    return BlendError(np.abs(blend - render).max(over), difference.max(over), difference.mean(over))
