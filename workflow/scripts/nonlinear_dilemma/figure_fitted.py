"""Figure: both algorithms on networks that were trained to implement one of them."""

import numpy as np

from lib.abstraction.causal import ALGORITHMS
from lib.abstraction.published import FITTED
from lib.abstraction.tables import fit_table, main_rates
from lib.atlas.job.figure import COLOURS, MARKERS, new_figure


def figure(fits):
    """Return the figure."""
    rows = main_rates(fit_table(fits))
    rows = rows[rows.group.str.startswith("fitted") & rows["map"].isin(["orthogonal", "revnet"])]
    groups = sorted(rows.group.unique())
    fig, axes = new_figure(ncols=len(groups), width=max(4 * len(groups), 4.6), height=3.4, sharey=True, squeeze=False)
    for axis, group in zip(axes[0], groups):
        own = rows[rows.group == group]
        for j, ((kind, name), part) in enumerate(own.groupby(["map", "algorithm"])):
            offset = 0.1 * (j - 1.5)
            mean = part.groupby("place").iia.mean()
            words = f"{'rotation' if kind == 'orthogonal' else 'reversible network'}, {ALGORITHMS[name].words}"
            style = {"color": COLOURS[j], "marker": MARKERS[j], "ls": "-" if kind == "revnet" else "--"}
            axis.plot(
                mean.index + offset, mean, ms=6, mfc="white" if kind == "orthogonal" else None, label=words, **style
            )
            axis.plot(part.place + offset, part.iia, ".", ms=3, color=COLOURS[j])
            if (group, kind, name) in FITTED:
                x = 2 + offset
                axis.plot(
                    [x - 0.06, x + 0.06],
                    [FITTED[group, kind, name]] * 2,
                    "k-",
                    lw=1.8,
                    label="paper, layer 2" if j == 0 else None,
                )
        axis.axhline(own.majority.max(), color="0.5", lw=0.8, ls=":")
        implemented = ALGORITHMS[group.removeprefix("fitted_")].words
        axis.set(
            xlabel="layer",
            xticks=np.arange(1, 4),
            xlim=(0.6, 3.4),
            ylim=(0.4, 1.03),
            title=f"network implements {implemented}",
        )
    axes[0, 0].set_ylabel("accuracy of interventions")
    axes[0, -1].legend(fontsize=6.5, loc="lower right")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
