"""Figure: largest error over all queries against their number, by mechanism, on two finite universes."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure
from lib.drawing.ranges import draw_range

NAMES = {
    "naive": "empirical means",
    "split": "sample splitting",
    "gaussian": "Gaussian noise",
    "laplace": "Laplace noise",
    "pmw": "private multiplicative weights",
    "pmw_exact": "the same without noise",
}


def figure(small, large, *, pass_bound: float):
    """Return the figure; bars reach from the smallest to the largest seed.

    Args:
        small, large: stores of the two universes.
        pass_bound: largest error of private multiplicative weights that claim a4 allows, on the smaller universe.
    """
    fig, axes = new_figure(2, width=10.4, height=3.8, sharey=True)
    for axis, data in zip(axes, (small, large)):
        for i, (name, label) in enumerate(NAMES.items()):
            worst = data.worst.sel(mechanism=name)
            draw_range(
                axis,
                data.queries,
                worst,
                "seed",
                label=label,
                color=COLOURS[i],
                marker=MARKERS[i],
                linestyle=LINESTYLES[i],
                mfc="white",
            )
        for height, words in (
            (float(data.variation.mean()), "total variation of sample and truth"),
            (data.threshold, "threshold T"),
        ):
            axis.axhline(height, **REFERENCE)
            axis.annotate(
                words,
                (1, height),
                (0, 3),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                fontsize=8,
                ha="right",
            )
        axis.set(xscale="log", xlabel="queries m", title=f"n = {data.n}, U = {data.universe}, T = {data.threshold:g}")
    axes[0].axhspan(0, pass_bound, color="#eeeeee", zorder=0, label="pass rule")
    axes[0].set(ylabel="largest error over all m queries", ylim=(0, None))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside right center")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
