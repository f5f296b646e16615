"""Figure: gradients of the empty head on a child that cancelling paths hide."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure

FLOOR = 1e-17


def figure(cancelled, uniform_cancelling):
    """Return the figure; gradients that are exactly zero lie on the left edge."""
    fig, axis = new_figure(width=5.6, height=3.6)
    for k, place in enumerate(cancelled.place.values):
        sizes = np.sort(np.maximum(np.abs(cancelled.gradient.sel(place=place).values), FLOOR))
        axis.plot(sizes, k + 0.7 * (np.arange(len(sizes)) / len(sizes) - 0.5), ".", ms=2, color=COLOURS[k])
    tolerance = float(uniform_cancelling.attrs["tolerance"])
    axis.axvline(tolerance, label=f"tolerance {tolerance:g}", **REFERENCE)
    axis.set_yticks(range(cancelled.sizes["place"]), [str(place) for place in cancelled.place.values])
    axis.set(xscale="log", xlabel="size of the gradient", ylabel="intervention on", xlim=(FLOOR / 3, 100))
    axis.legend(fontsize=8, loc="upper left")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
