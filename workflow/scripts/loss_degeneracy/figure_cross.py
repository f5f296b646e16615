"""Figure: effective number of parameters against the level of the loss, where free directions interact."""

from lib.atlas.job.figure import COLOURS, new_figure
from lib.drawing.degeneracy import draw_numbers


def figure(volumes):
    """Return the figure."""
    fig, axis = new_figure(width=5.4, height=3.8)
    words = {"cross": "w₁²w₂²", "quadratic": "w₁² + w₂²", "quartic": "w₁⁴ + w₂⁴"}
    for i, (name, label) in enumerate(words.items()):
        draw_numbers(axis, volumes.sel(loss=name), COLOURS[i], label)
    axis.set(xscale="log", xlabel="level ε of the loss", ylabel="effective number of parameters", ylim=(0, 2.2))
    axis.legend(fontsize=8, loc="lower left")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
