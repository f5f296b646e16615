"""Figure: T times the largest squared norm of the best mixture, with offline data and without."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.stats.intervals import estimate_mean


def figure(coverage, mixtures):
    """Return the figure: by layer over random processes, and what uniform mixing costs."""
    fig, axes = new_figure(ncols=3, width=11.0, height=3.5)
    d, spent = coverage.attrs["dim"], coverage.spent.values
    for axis, layer in zip(axes[:2], coverage.layer.values):
        for k, data in enumerate(coverage.data.values):
            scaled = (coverage.norm.sel(data=data, layer=layer) * coverage.spent).values
            mean, _, low, high, _ = estimate_mean(scaled)
            axis.errorbar(spent, mean, [mean - low, high - mean], color=COLOURS[k], marker=MARKERS[k], ls=LINESTYLES[k],
                          label=f"offline data: {data}")  # fmt: skip
        axis.plot(spent, coverage.arms * spent, color="0.5", marker="x", lw=0.8, label="one-hot arms, no data")
        axis.axhline(d, **REFERENCE)
        axis.annotate("d", (spent[0], d), (0, 3), textcoords="offset points")
        axis.set_ylim(0, 1.1 * d)
        axis.set(xscale="log", xlabel="online episodes T", ylabel="T × largest squared norm", title=f"layer {layer}")
    axes[1].legend(fontsize=7, loc="upper left", bbox_to_anchor=(0, 0.93))
    labels, ticks = [], []
    for a, (name, values) in enumerate((("norm", mixtures.norm), ("error", mixtures.error))):
        ratio = values.sel(mixture="uniform") / values.sel(mixture="designed")
        ratio = ratio if name == "error" else ratio.mean("layer")
        mean, _, low, high, _ = estimate_mean(ratio.values)
        for k, episodes in enumerate(mixtures.spent.values):
            at = a * len(mixtures.spent) + k
            axes[2].errorbar(
                at, mean[k], [[mean[k] - low[k]], [high[k] - mean[k]]], color=COLOURS[a], marker=MARKERS[a]
            )
            ticks.append(at)
            labels.append(f"{'norm' if name == 'norm' else 'error'}\nT = {episodes}")
    axes[2].axhline(1, **REFERENCE)
    axes[2].set_xticks(ticks, labels, fontsize=7)
    axes[2].set(
        ylabel="uniform over designed, worst policy",
        title="uniform mixing",
        xlim=(-0.5, len(ticks) - 0.5),
    )
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
