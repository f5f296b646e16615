"""Figure: errors of two estimates of an inverse covariance against the number of samples."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels
from lib.drawing.ranges import draw_means

LABELS = {"inverse": "regularised inverse"}


def figure(inverses):
    """Return the figure, a panel for each gamma."""
    fig, axes = new_figure(ncols=inverses.sizes["gamma"], width=9.6, height=3.4, sharey=True)
    for axis, gamma in zip(axes, inverses.gamma.values):
        for i, method in enumerate(inverses.algorithm.values):
            error = inverses.error.sel(algorithm=method, gamma=gamma).transpose("rep", "budget").values
            label = LABELS.get(method, f"resampling, c = {method.removeprefix('mgr ')}")
            style = {"color": COLOURS[i], "marker": MARKERS[i], "ls": LINESTYLES[i], "label": label}
            draw_means(axis, inverses.budget * 1.04**i, error, units=0, **style)
        axis.set(xscale="log", yscale="log", xlabel="samples", title=f"γ = {gamma:g}")
    axes[0].set(ylabel="error of the inverse")
    axes[0].legend(fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
