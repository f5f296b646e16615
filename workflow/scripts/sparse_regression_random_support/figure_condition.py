"""Figure: prediction error against the ratio of scales, on columns with a common factor."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure
from lib.drawing.medians import draw_medians

NAMES = {
    "ours": "ours, fixed level",
    "lasso": "Lasso",
    "omp": "matching pursuit",
    "forward": "forward selection",
    "deflate": "four deflations",
}


def figure(conditions):
    """Return the figure; ours is flat."""
    fig, axis = new_figure(width=5.2, height=3.6)
    for i, (name, words) in enumerate(NAMES.items()):
        values = conditions.error.sel(estimator=name).transpose("point", "seed").values
        style = {"color": COLOURS[i], "marker": MARKERS[i], "ls": LINESTYLES[i], "label": words}
        draw_medians(axis, conditions.spread.values * 1.12 ** (i - 2), values, **style)
    axis.axhline(1, **REFERENCE)
    axis.annotate(
        "zero, or y itself", (conditions.spread.values.min(), 1), (0, 3), textcoords="offset points", fontsize=7
    )
    axis.set(xscale="log", yscale="log", xlabel="ratio of scales κ", ylabel="prediction error")
    axis.legend(fontsize=7, loc="lower right")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
