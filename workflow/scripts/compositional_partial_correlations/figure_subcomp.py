"""Figure: largest change of each measure when one oxide is left out."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure


def figure(subcomp):
    """Return the figure: one column for each dropped oxide."""
    fig, axis = new_figure(width=7.4, height=3.7)
    names = subcomp.dropped.values
    place = np.arange(len(names))
    series = (
        ("pcor", "partial correlation", COLOURS[0], "o", -0.21),
        ("unconstrained", "conventional partial correlation, without the constraint", COLOURS[1], "s", -0.07),
        ("rho_p", "proportionality $\\rho_p$", COLOURS[2], "^", 0.07),
        ("T", "variation matrix $T$", "black", "_", 0.21),
    )
    for name, label, colour, marker, shift in series:
        largest = np.nanmax(np.abs(subcomp[name].values), axis=(1, 2))
        axis.vlines(place + shift, 0, largest, color=colour, lw=1)
        axis.plot(place + shift, largest, marker, color=colour, mfc="white", label=label, zorder=3)
    axis.axhline(0.05, color="black", lw=0.8, ls=(0, (4, 2)))
    axis.annotate("0.05", (len(names) - 0.5, 0.05), (2, 0), textcoords="offset points", va="center", fontsize=8)
    axis.set_xticks(place, names)
    axis.set(
        ylim=(-0.02, 0.75),
        xlim=(-0.5, len(names) - 0.5),
        xlabel="oxide left out",
        ylabel="largest absolute change of a pair",
        title=subcomp.attrs["label"],
    )
    axis.legend(loc="upper right")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
