"""Figure: film strips of one clip, method by method, and what sets them apart from a clip under one light."""

import numpy as np

from lib.atlas.job.figure import new_figure
from lib.drawing.strips import draw_difference_strip, draw_strip
from lib.rendering.fit import nearest_steady_clip
from lib.rendering.scenes import from_dataset

LARGEST = 0.2

STRIPS = (
    ("frames", "per_frame", "per frame"),
    ("frames", "post_filter", "per frame,\nbrightness\nsmoothed"),
    ("ddim", "sdedit_20", "per frame,\nSDEdit 0.2"),
    ("ddim", "sdedit_60", "per frame,\nSDEdit 0.6"),
    ("frames", "shared_noise", "shared noise"),
    ("frames", "cla_50", "attention,\n$\\gamma$ = 0.5"),
    ("ddim", "plf", "fusion"),
    ("ddim", "full_50", "both, $\\gamma$ = 0.5"),
    ("ddim", "full_100", "both, $\\gamma$ = 1"),
)


def figure(scenes, frames, ddim):
    """Return the figure: a row for each method, frames of the first clip and their differences from a steady one."""
    runs = {"frames": frames, "ddim": ddim}
    rows = [("source", scenes.source.values[0]), ("truth,\none of many", scenes.truth.values[0])]
    for run, method, label in STRIPS:
        match = (runs[run].method == method) & (runs[run].seed == 0) & (runs[run]["clip"] == 0)
        rows.append((label, runs[run].video.values[np.flatnonzero(match.values)[0]]))
    geometry, light = from_dataset(scenes.isel(clip=slice(1)))
    fig, axes = new_figure(2, len(rows), width=10.4, height=0.62 * len(rows) + 0.6)
    for (left, right), (label, video) in zip(axes, rows):
        draw_strip(left, video, label, fontsize=8)
        left.set_anchor("E")  # spare width goes to the labels on the left
        steady = nearest_steady_clip(video[None].astype(float), geometry, light.direction)[0]
        image = draw_difference_strip(right, video - steady, LARGEST)
        right.set_anchor("W")
    direction = scenes.attrs["directions"].split(", ")[int(scenes.direction[0])]
    size = scenes.sizes["x"]
    axes[0][0].set_title(f"clip 0, a toy of {size} x {size} pixels", fontsize=9)
    axes[0][1].set_title("minus the nearest clip under one light", fontsize=9)
    axes[-1][0].set_xlabel(f"frames (sRGB), asked for light from the {direction} $\\rightarrow$")
    axes[-1][1].set_xlabel("frames $\\rightarrow$")
    fig.colorbar(image, ax=axes[:, 1], shrink=0.5, label="difference of linear radiance, mean over channels")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
