"""Figure: energy in each direction of free representations."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure


def figure(theory):
    """Return the figure."""
    fig, axis = new_figure(width=4.6, height=3.4)
    order = np.arange(1, theory.sizes["order"] + 1)
    for o, name in enumerate(theory.objective.values):
        values = np.maximum(theory.energy.sel(objective=name).transpose("order", "start").values, 1e-12)
        axis.semilogy(order, values, color=COLOURS[o], marker=MARKERS[o], ms=4, lw=0.8)
        axis.plot([], [], color=COLOURS[o], marker=MARKERS[o], label=f"{name}, {theory.sizes['start']} starts")
    axis.axhline(1 / theory.attrs["dim"], **REFERENCE)
    axis.set(xlabel="direction", ylabel="share of the energy", xticks=order)
    axis.legend(loc="center right")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
