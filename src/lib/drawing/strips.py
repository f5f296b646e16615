"""Film strips: the frames of a video side by side."""

import numpy as np

from lib.rendering.spheres import srgb


def draw_strip(axis, frames: np.ndarray, label: str, **text) -> None:
    """Draw frames in a row, a white column after each, with a label at the left.

    Args:
        axis: where to draw.
        frames: (F, 3, H, W), linear radiance.
        label: text at the left.
        text: options of the label, such as `fontsize`.
    """
    gap = np.ones((*frames.shape[1:3], 1))
    strip = np.concatenate([np.concatenate([srgb(frame), gap], axis=2) for frame in frames], axis=2)
    axis.imshow(strip.transpose(1, 2, 0), interpolation="nearest", rasterized=True)
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    for spine in axis.spines.values():
        spine.set_visible(False)
    axis.set_ylabel(label, rotation=0, ha="right", va="center", **text)
