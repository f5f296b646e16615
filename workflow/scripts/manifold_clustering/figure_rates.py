"""Figure: rates and ranks over stage 2."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.ranges import draw_means


def figure(members):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=8.5, height=3.4)
    own = members.sel(seed=members.seed.values[members.seed.values != 0])
    epochs = np.arange(own.sizes["epoch"])
    difference = own.rate - own.compressed
    for i, (values, label) in enumerate(
        ((own.rate, "R, all features"), (own.compressed, "R_c, within groups"), (difference, "R - R_c"))
    ):
        scaled = (values / values.isel(epoch=0)).transpose("epoch", "seed").values
        draw_means(left, epochs, scaled, color=COLOURS[i], marker=MARKERS[i], label=label)
    left.set(xlabel="epoch of stage 2", ylabel="over its value before stage 2")
    left.legend()
    dim = own.attrs["dim"]
    for i, (values, label) in enumerate(
        ((own.whole_rank, "all features"), (own.class_rank.mean("digit"), "a digit's"))
    ):
        shares = values.transpose("epoch", "seed").values / dim
        draw_means(right, epochs, shares, color=COLOURS[i], marker=MARKERS[i], label=label)
    right.axhline(118 / 128, **REFERENCE, label="paper, all features")
    right.axhspan(13 / 128, 23 / 128, color="#999999", alpha=0.3, lw=0, label="paper, classes at the end")
    right.set(xlabel="epoch of stage 2", ylabel="directions with 95 % energy, over d", ylim=(0, 1))
    right.legend(fontsize=7)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
