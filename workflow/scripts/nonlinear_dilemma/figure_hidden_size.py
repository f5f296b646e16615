"""Figure: accuracy of maps of one reversible block against its width, by layer and coordinates of a variable."""

from lib.abstraction.causal import ALGORITHMS
from lib.abstraction.published import WIDTHS
from lib.abstraction.tables import fit_table
from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure
from lib.drawing.ranges import tick_at


def figure(fits):
    """Return the figure."""
    rows = fit_table(fits)
    rows = rows[
        (rows["map"] == "revnet")
        & (rows.blocks == 1)
        & (rows.snapshot == "trained")
        & ~rows.group.str.startswith("fitted")
    ]
    names = [name for name in ALGORITHMS if (rows.algorithm == name).any()]
    fig, axes = new_figure(
        ncols=max(len(names), 1), width=max(4.6 * len(names), 4.6), height=3.6, sharey=True, squeeze=False
    )
    for axis, name in zip(axes[0], names):
        own = rows[rows.algorithm == name]
        for (layer, size), part in own.groupby(["place", "size"]):
            sizes = sorted(own["size"].unique())
            style = {"color": COLOURS[layer - 1], "marker": MARKERS[layer - 1], "ls": LINESTYLES[sizes.index(size)]}
            mean = part.groupby("hidden").iia.mean()
            words = f"layer {layer}" + (f", {size} of a variable" if size else "")
            axis.plot(part.hidden, part.iia, ".", ms=3, alpha=0.6, color=COLOURS[layer - 1])
            axis.plot(mean.index, mean, ms=5, mfc="white", label=words, **style)
            if name == "both_equality" and not size and layer in WIDTHS:
                label = "paper, widths 1 and 16" if layer == 1 else None
                axis.plot(
                    list(WIDTHS[layer]),
                    list(WIDTHS[layer].values()),
                    MARKERS[layer - 1],
                    color="black",
                    ms=4,
                    label=label,
                )
        axis.axhline(own.majority.iloc[0], color="0.5", lw=0.8, ls="--")
        axis.set(xscale="log", xlabel="width of the block", ylim=(0.4, 1.02), title=ALGORITHMS[name].words)
        tick_at(axis, sorted(own.hidden.unique()))
        axis.legend(fontsize=7)
    axes[0, 0].set_ylabel("accuracy of interventions")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
