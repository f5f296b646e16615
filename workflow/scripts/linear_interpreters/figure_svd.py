"""Figure: singular values and vectors of a super-resolution network, and controls."""

import numpy as np
from matplotlib.gridspec import GridSpec

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure
from lib.drawing.pictures import draw_signed

ROWS = ("network", "surrogate", "band noise", "bicubic")


def figure(filters):
    """Return the figure."""
    count = filters.sizes["vector"]
    shown = np.unique(np.linspace(0, count - 1, 7).astype(int))
    fig, spare = new_figure(width=11, height=6.2)
    spare.remove()
    grid = GridSpec(len(ROWS) + 1, len(shown) + 3, figure=fig)
    for row, source in enumerate(ROWS):
        for column, k in enumerate(shown):
            axis = fig.add_subplot(grid[row, column])
            draw_signed(axis, filters.right.sel(source=source).values[k])
            if column == 0:
                axis.set_ylabel(f"right,\n{source}", fontsize=8)
            if row == 0:
                axis.set_title(str(k + 1), fontsize=8)
    for column, k in enumerate(shown):
        axis = fig.add_subplot(grid[len(ROWS), column])
        draw_signed(axis, filters.left.values[k])
        if column == 0:
            axis.set_ylabel("left,\nnetwork", fontsize=8)
    spectrum = fig.add_subplot(grid[:2, len(shown) :])
    number = np.arange(1, count + 1)
    for values, label, k in ((filters["values"], "network", 0), (filters.values_bicubic, "bicubic", 1)):
        spectrum.plot(number, values.values, MARKERS[k], color=COLOURS[k], ms=3, label=label)
    spectrum.set_xticks(np.unique(np.linspace(1, count, 5).astype(int)))
    spectrum.set(xlabel="number", ylabel="singular value")
    spectrum.legend()
    scatter = fig.add_subplot(grid[2:, len(shown) :])
    for k, source in enumerate(filters.source.values):
        one = filters.sel(source=source)
        scatter.plot(one.participation, one.gabor, MARKERS[k], color=COLOURS[k], ms=4, label=str(source))
    scatter.set(xlabel="participation ratio", ylabel="R² of Gabor functions", xlim=(0, 0.85), ylim=(-0.03, 1.05))
    scatter.legend(fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
