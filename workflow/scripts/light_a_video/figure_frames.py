"""Figure: film strips of one clip, method by method."""

import numpy as np

from lib.atlas.job.figure import new_figure
from lib.drawing.strips import draw_strip

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
    """Return the figure: rows are methods, columns frames of the first clip."""
    runs = {"frames": frames, "ddim": ddim}
    rows = [("source", scenes.source.values[0]), ("truth,\none of many", scenes.truth.values[0])]
    for run, method, label in STRIPS:
        match = (runs[run].method == method) & (runs[run].seed == 0) & (runs[run]["clip"] == 0)
        rows.append((label, runs[run].video.values[np.flatnonzero(match.values)[0]]))
    fig, axes = new_figure(1, len(rows), width=7.4, height=0.8 * len(rows) + 0.3)
    for axis, (label, video) in zip(axes, rows):
        draw_strip(axis, video, label, fontsize=8)
        axis.set_anchor("E")  # spare width goes to the labels on the left
    direction = scenes.attrs["directions"].split(", ")[int(scenes.direction[0])]
    axes[-1].set_xlabel(f"frames of clip 0 (sRGB), asked for light from the {direction} $\\rightarrow$")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
