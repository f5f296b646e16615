"""Figure: ensemble sizes that the union bound asks for, against the number of bits."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure
from lib.drawing.ranges import draw_guide, tick_at
from lib.ntk.kernels import KERNEL_NAMES

SCOPES = {"single": "one input", "all": "all inputs"}


def figure(limits):
    """Return the figure."""
    fig, axis = new_figure(width=5.6, height=4.0)
    sizes = limits["size"].values
    for j, (kernel, words) in enumerate(KERNEL_NAMES.items()):
        for scope, mfc in (("single", "white"), ("all", COLOURS[j])):
            required = limits.required.sel(kernel=kernel, scope=scope, threshold="zero")
            style = {"color": COLOURS[j], "marker": MARKERS[j], "mfc": mfc, "ls": "-" if scope == "all" else "--"}
            axis.plot(sizes, required, label=f"{words}, {SCOPES[scope]}", **style)
    grid = np.linspace(sizes.min(), sizes.max(), 100)
    start, growth = 15.0, grid * np.log(grid)
    axis.plot(grid, start * growth / growth[0], color="0.6", ls="-.", label=r"$k\,\log k$")
    draw_guide(axis, sizes, start, 2, r"$k^2$")
    axis.set(xscale="log", yscale="log", xlabel="number of bits k", ylabel="networks")
    tick_at(axis, sizes)
    axis.legend(fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
