"""Images in panels: grey pictures, signed maps about zero, each with its range."""

import numpy as np


def bare(axis) -> None:
    """Remove ticks, grid and frame of a panel that shows an image."""
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    for spine in axis.spines.values():
        spine.set_visible(False)


def draw_picture(axis, image, low: float, high: float) -> None:
    """Draw a grey image (h, w), or one in colour (3, h, w), from `low` (black) to `high` (white)."""
    image = np.clip((np.asarray(image, float) - low) / (high - low), 0, 1)
    image = image.transpose(1, 2, 0) if image.ndim == 3 else image
    axis.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest", rasterized=True)
    bare(axis)


def draw_signed(axis, image, largest: float | None = None):
    """Draw a signed map (h, w): red above zero, blue below, white at zero.

    The ends of the colours are +- `largest`, by default the map's own largest absolute value.


    Returns:
        The image, for a colour bar.
    """
    image = np.asarray(image, float)
    largest = float(np.abs(image).max()) if largest is None else largest
    drawn = axis.imshow(
        image,
        cmap="RdBu_r",
        vmin=-max(largest, 1e-12),
        vmax=max(largest, 1e-12),
        interpolation="nearest",
        rasterized=True,
    )
    bare(axis)
    return drawn
