"""Figure: gap against queries for all algorithms, with errors aligned with the design and with harmless ones."""

from lib.atlas.job.figure import new_figure, panel_labels
from lib.drawing.bandits import STYLES


def figure(adversary, spheres):
    """Return the figure: each draw faint, means large."""
    fig, axes = new_figure(ncols=2, width=9.0, height=3.8, sharey=True)
    last = spheres.isel(case=-1).stack(run=("mode", "draw"))
    panels = ((axes[0], adversary.isel(case=0, mode=0)), (axes[1], last))
    titles = ("errors aligned with the design", "random spheres, three kinds of errors")
    for (axis, store), title in zip(panels, titles):
        for name in store.algorithm.values:
            style = {key: value for key, value in STYLES[name].items() if key != "ls"}
            gap, queries = store.gap.sel(algorithm=name).values, store.queries.sel(algorithm=name).values
            axis.plot(queries, gap, style["marker"], color=style["color"], ms=3, alpha=0.3)
            axis.plot(queries.mean(), gap.mean(), style["marker"], color=style["color"], ms=9, mec="black",
                      label=style["label"], ls="none")  # fmt: skip
        axis.axhspan(0, 4, color="0.93", zorder=0)
        d, n = int(store.dim), int(store.actions)
        axis.set(xscale="log", xlabel="distinct queries", title=f"{title}\nd = {d}, N = {n}")
    axes[0].set(ylabel="sub-optimality over ε")
    axes[1].legend(fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
