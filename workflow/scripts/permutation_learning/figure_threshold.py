"""Figure: ensemble sizes for all inputs, rounded at zero and at the midpoint of both means."""

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure
from lib.drawing.ranges import draw_guide, tick_at
from lib.ntk.kernels import KERNEL_NAMES


def figure(limits):
    """Return the figure."""
    fig, axis = new_figure(width=5.4, height=3.8)
    sizes = limits["size"].values
    for j, (kernel, words) in enumerate(KERNEL_NAMES.items()):
        for threshold, ls in (("zero", "-"), ("midpoint", "--")):
            required = limits.required.sel(kernel=kernel, scope="all", threshold=threshold)
            axis.plot(sizes, required, ls=ls, marker=MARKERS[j], color=COLOURS[j], label=f"{words}, {threshold}")
    draw_guide(axis, sizes, 2.0, 1, r"$\propto k$")
    axis.set(xscale="log", yscale="log", xlabel="number of bits k", ylabel="networks, all inputs")
    tick_at(axis, sizes)
    axis.legend(fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
