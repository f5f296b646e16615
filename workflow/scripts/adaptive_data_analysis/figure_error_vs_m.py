"""Figure: largest error over all queries against their number, by mechanism, on two finite universes."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure

NAMES = {
    "naive": "empirical means",
    "split": "sample splitting",
    "gaussian": "Gaussian noise",
    "laplace": "Laplace noise",
    "pmw": "private multiplicative weights",
    "pmw_exact": "the same without noise",
}


def figure(small, large):
    """Return the figure; bars reach from the smallest to the largest seed."""
    fig, axes = new_figure(2, width=10.4, height=3.8, sharey=True)
    for axis, data in zip(axes, (small, large)):
        for i, (name, label) in enumerate(NAMES.items()):
            worst = data.worst.sel(mechanism=name)
            mean = worst.mean("seed")
            axis.errorbar(
                data.queries,
                mean,
                [mean - worst.min("seed"), worst.max("seed") - mean],
                label=label,
                color=COLOURS[i],
                marker=MARKERS[i],
                linestyle=LINESTYLES[i],
                mfc="white",
            )
        axis.axhline(data.variation.mean(), **REFERENCE)
        axis.annotate(
            "total variation of sample and truth",
            (data.queries[0], data.variation.mean()),
            (0, 3),
            textcoords="offset points",
            fontsize=8,
        )
        axis.set(xscale="log", xlabel="queries m", title=f"n = {data.n}, U = {data.universe}, T = {data.threshold:g}")
    axes[0].set(ylabel="largest error over all m queries", ylim=(0, None))
    axes[1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
