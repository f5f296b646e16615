"""Figure: histograms of the norm of digits, real and generated, by class."""

from lib.atlas.job.figure import COLOURS, new_figure


def figure(concentration):
    """Return the figure."""
    fig, axes = new_figure(ncols=5, nrows=2, width=9.0, height=3.6, sharex=True, sharey=True)
    edges = concentration["bin"].values
    for axis, k in zip(axes.flat, concentration["class"].values):
        real, own = (concentration.histogram.sel({"class": k, "source": source}).values for source in ("real", "ddim"))
        axis.fill_between(edges, real, step="mid", color=COLOURS[7], alpha=0.45, lw=0, label="real")
        axis.step(edges, own, where="mid", color=COLOURS[0], lw=1.2, label="generated")
        axis.set_title(f"class {k}", fontsize=8)
        axis.set_xlim(5, 8)
    for axis in axes[-1]:
        axis.set_xlabel("norm")
    for axis in axes[:, 0]:
        axis.set_ylabel("density")
    axes[0, 0].legend(fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
