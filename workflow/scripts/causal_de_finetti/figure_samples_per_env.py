"""Figure: accuracy at a fixed total of samples against the samples in each environment."""

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure
from lib.stats.intervals import binomial_error


def figure(split):
    """Return the figure: all data sets left, those with a direction right; bars are twice the standard error."""
    fig, axes = new_figure(2, width=8.2, height=3.5, sharey=True)
    for axis, directed in zip(axes, (False, True)):
        for i, use in enumerate(split.use.values):
            mean, error = [], []
            for j in range(split.sizes["samples"]):
                right = split.right.sel(use=use).isel(samples=j).values
                among = right[split.directed.isel(samples=j).values] if directed else right
                mean.append(among.mean())
                error.append(2 * binomial_error(among.mean(), len(among)))
            axis.errorbar(
                split.samples,
                mean,
                error,
                color=COLOURS[i],
                marker=MARKERS[i],
                linestyle=("-", "--")[i],
                mfc="white",
                label=f"{use} of an environment",
            )
        axis.axhline(1 / 3, label="chance", **REFERENCE)
        axis.set(xscale="log", xlabel="samples in each environment")
        axis.set_xticks(split.samples.values, [str(n) for n in split.samples.values])
        axis.minorticks_off()
        axis.set_title("data sets with a direction" if directed else f"all data sets, {split.total} samples each")
    axes[0].set(ylabel="accuracy", ylim=(0, 1))
    axes[0].legend()
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
