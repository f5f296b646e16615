"""Figure: accuracy against training images of each class."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.ranges import draw_means, tick_at

NAMES = {"lp": "linear probing", "mp": "MP", "ft": "fine-tuning", "mp+": "MP+"}
# gain of MP over linear probing on ImageNet, read off the authors' figure
PAPER = {1: 10, 2: 7, 4: 4.5, 8: 3.5, 16: 2.2}


def figure(few_shots):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=8.5, height=3.4)
    shots = few_shots.shots.values
    mean = 100 * few_shots.accuracy.mean(("images", "draw"))
    for k, name in enumerate(mean.estimator.values):
        values = mean.sel(estimator=name).transpose("shots", "seed").values
        draw_means(left, shots, values, units=1, color=COLOURS[k], marker=MARKERS[k], label=NAMES[str(name)])
    gain = 100 * (few_shots.accuracy.sel(estimator="mp") - few_shots.accuracy.sel(estimator="lp")).mean("draw")
    for k, name in enumerate(gain.images.values):
        means = gain.sel(images=name).mean("seed").values
        right.plot(shots, means, color=COLOURS[k + 2], marker=MARKERS[k + 2], ms=4, lw=1, label=str(name))
    whole = gain.mean("images").transpose("shots", "seed").values
    draw_means(right, shots, whole, units=1, color="black", marker="o", label="mean")
    right.plot(list(PAPER), list(PAPER.values()), color="grey", ls="--", label="paper, ImageNet")
    right.axhline(0, **{**REFERENCE, "linewidth": 0.6})
    for axis in (left, right):
        axis.set_xscale("log", base=2)
        tick_at(axis, np.asarray(shots))
        axis.set_xlabel("training images of each class")
        axis.legend()
    left.set_ylabel("test accuracy, points")
    right.set_ylabel("MP less linear probing, points")
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
