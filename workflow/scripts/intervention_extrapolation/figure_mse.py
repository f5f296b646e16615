"""Figure: errors of effects inside the training support and outside it."""

import numpy as np

from lib.atlas.job.figure import new_figure, panel_labels
from lib.drawing.points import draw_points

METHODS = {
    "oracle": "oracle",
    "mmr": "constraint, λ chosen",
    "mmr at a fixed penalty": "constraint, λ fixed",
    "vanilla": "autoencoder",
    "cca": "canonical directions",
    "oracle, no control": "oracle, no control",
    "mmr, no control": "constraint, no control",
    "mlp": "MLP on A",
    "kernel ridge": "kernel ridge on A",
    "ols": "least squares on A",
    "cubic": "cubic on A",
    "mean": "mean of Y",
}


def figure(extrapolation):
    """Return the figure."""
    fig, axes = new_figure(ncols=2, width=9.0, height=4.0, sharey=True)
    for axis, place in zip(axes, ("inside", "outside")):
        values = extrapolation.error.sel(place=place, estimator=list(METHODS)).transpose("estimator", "seed").values
        draw_points(axis, values, list(METHODS.values()))
        axis.set(xlabel="mean squared error of E[Y | do(a)]", title=f"{place} the training support")
    axes[0].set_ylim(np.array([len(METHODS) - 0.4, -0.6]))
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
