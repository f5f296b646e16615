"""Figure: errors of effects given the features."""

from lib.atlas.job.figure import new_figure, panel_labels
from lib.drawing.points import draw_points

METHODS = {
    "oracle": "Z: control function",
    "oracle, X and A": "Z: joint with A",
    "oracle, X only": "Z alone",
    "mmr": "constraint: control function",
    "mmr, X and A": "constraint: joint with A",
    "mmr, X only": "constraint alone",
}


def figure(extrapolation):
    """Return the figure."""
    fig, axes = new_figure(ncols=2, width=8.6, height=3.2, sharey=True)
    for axis, place in zip(axes, ("inside", "outside")):
        errors = extrapolation.conditional.sel(place=place, conditional_estimator=list(METHODS))
        draw_points(axis, errors.transpose("conditional_estimator", "seed").values, list(METHODS.values()))
        axis.set(xlabel="mean squared error of E[Y | X, do(a)]", title=f"{place} the training support")
    axes[0].invert_yaxis()
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
