"""Film strips: the frames of a video side by side."""

import numpy as np

from lib.rendering.spheres import srgb


def _in_a_row(frames: np.ndarray, gap: float) -> np.ndarray:
    """Frames (F, C, H, W) side by side, a column of `gap` after each: (H, F (W + 1), C)."""
    column = np.full((*frames.shape[:3], 1), gap)
    return np.concatenate([frames, column], axis=3).transpose(2, 0, 3, 1).reshape(frames.shape[2], -1, frames.shape[1])


def _bare(axis) -> None:
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    for spine in axis.spines.values():
        spine.set_visible(False)


def draw_strip(axis, frames: np.ndarray, label: str, **text) -> None:
    """Draw frames in a row, a white column after each, with a label at the left.

    Args:
        axis: where to draw.
        frames: (F, 3, H, W), linear radiance.
        label: text at the left.
        text: options of the label, such as `fontsize`.
    """
    axis.imshow(_in_a_row(srgb(frames), 1.0), interpolation="nearest", rasterized=True)
    _bare(axis)
    axis.set_ylabel(label, rotation=0, ha="right", va="center", **text)


def draw_difference_strip(axis, differences: np.ndarray, largest: float):
    """Draw the channel means of signed differences in a row: red above zero, blue below, white at zero.

    Args:
        axis: where to draw.
        differences: (F, C, H, W).
        largest: absolute value at the ends of the colours.

    Returns:
        The image, for a colour bar.
    """
    row = _in_a_row(differences.mean(1, keepdims=True), 0.0)[..., 0]
    image = axis.imshow(row, cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest", rasterized=True)
    _bare(axis)
    return image
