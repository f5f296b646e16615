"""Figure: updates of private multiplicative weights against the number of queries, under their bound."""

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure
from lib.drawing.ranges import draw_range


def figure(small, large):
    """Return the figure; bars reach from the smallest to the largest seed."""
    fig, axis = new_figure(width=5.4, height=3.8)
    for i, data in enumerate((small, large)):
        updates = data.updates.sel(variant="pmw")
        draw_range(
            axis,
            data.queries,
            updates,
            "seed",
            color=COLOURS[i],
            marker=MARKERS[i],
            mfc="white",
            label=f"n = {data.n}, U = {data.universe}, T = {data.threshold:g} (bound {data.update_bound})",
        )
    axis.plot(small.queries, small.queries, label="one update for each query", **REFERENCE)
    axis.axhline(small.update_bound, color=COLOURS[0], linestyle=":")
    axis.axhline(large.update_bound, color=COLOURS[1], linestyle=":")
    axis.set(xscale="log", xlabel="queries m", ylabel="updates of the hypothesis")
    axis.set_yscale("symlog", linthresh=1)
    axis.set_ylim(0, 3e7)
    axis.legend(loc="upper left")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
