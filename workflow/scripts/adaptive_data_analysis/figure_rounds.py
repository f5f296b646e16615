"""Figure: effective rounds under the sign attack: error of the last query and alarms against the number of queries."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure
from lib.drawing.ranges import draw_range

NAMES = {"naive": "empirical means", "gaussian": "Gaussian noise", "effective_rounds": "effective rounds"}


def figure(checks):
    """Return the figure: a column for each n; bars reach from the smallest to the largest seed."""
    fig, axes = new_figure(
        checks.sizes["n"], 2, width=8.4, height=5.2, sharex=True, squeeze=False, gridspec_kw={"height_ratios": [2.4, 1]}
    )
    for (upper, lower), n in zip(axes.T, checks.n.values):
        for i, (name, label) in enumerate(NAMES.items()):
            error = checks.error.sel(n=n, mechanism=name, query="last")
            draw_range(
                upper,
                checks.queries,
                error,
                "seed",
                color=COLOURS[i],
                marker=MARKERS[i],
                linestyle=LINESTYLES[i],
                mfc="white",
                label=label,
            )
        upper.axhline(checks.round_tau, **REFERENCE)
        upper.set(xscale="log", ylim=(0, 0.55), title=f"n = {n}")
        lower.plot(
            checks.queries, checks.alarms.sel(n=n).mean("seed"), color=COLOURS[2], marker=MARKERS[2], mfc="white"
        )
        lower.set(xlabel="queries m", ylim=(-0.1, 2.1), yticks=np.arange(3))
    axes[0, 0].set(ylabel="error of the last query")
    axes[1, 0].set(ylabel="alarms")
    axes[0, 0].legend(loc="upper left")
    axes[0, 0].annotate("$\\tau$", (checks.queries[-1], checks.round_tau), (4, 2), textcoords="offset points")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
