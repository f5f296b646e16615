"""Figure: intervals of all partial correlations, and the levels that test and interval keep."""

import numpy as np
from scipy.stats import binomtest

from lib.atlas.job.figure import COLOURS, new_figure, panel_labels


def _rates(axis, place, counts, trials, colour, marker, label):
    """Rates with Wilson's 95 % interval."""
    ends = np.array([binomtest(int(c), trials).proportion_ci(method="wilson") for c in counts])
    rate = counts / trials
    axis.errorbar(
        place,
        rate,
        np.maximum([rate - ends[:, 0], ends[:, 1] - rate], 0),
        fmt=marker,
        color=colour,
        mfc="white",
        ms=3.5,
        elinewidth=0.7,
        capsize=0,
        label=label,
    )


def figure(intervals):
    """Return the figure, pairs in the order of their correlation."""
    fig, axes = new_figure(nrows=2, width=9.2, height=6.6, sharex=True)
    order = np.argsort(intervals.pcor.values)
    place = np.arange(len(order))
    r = intervals.pcor.values[order]
    for name, colour, shift, label in (
        ("fisher", COLOURS[0], -0.15, "Fisher's interval"),
        ("bootstrap", COLOURS[1], 0.15, "bootstrap of the samples"),
    ):
        low, high = intervals[name].values[:, order]
        axes[0].vlines(place + shift, low, high, color=colour, lw=2 if shift < 0 else 1, label=label)
    axes[0].plot(place, r, "o", color="black", ms=2.5)
    axes[0].axhline(0, color="black", lw=0.8)
    axes[0].set(ylabel="partial correlation", ylim=(-1, 1), title=intervals.attrs["label"])
    axes[0].legend(loc="upper left")
    trials = int(intervals.simulations)
    level = float(intervals.level)
    missed = trials - intervals.covered.values[order]
    data_sets = intervals.sizes["data_set"]
    _rates(
        axes[1],
        place,
        intervals.rejected_independent.values[order],
        data_sets,
        COLOURS[3],
        "^",
        "test of r = 0, independent parts",
    )
    _rates(
        axes[1],
        place - 0.15,
        intervals.rejected.values[order],
        trials,
        COLOURS[0],
        "o",
        "test of r = 0, pair without association",
    )
    _rates(axes[1], place + 0.15, missed, trials, COLOURS[1], "s", "interval misses the true correlation")
    axes[1].axhline(1 - level, color="black", lw=1, ls=(0, (4, 2)), label="nominal")
    axes[1].set(ylabel="rate over Gaussian samples", ylim=(0, None), xlim=(-0.7, len(order) - 0.3))
    axes[1].set_xticks(
        place, [name.replace("-", "–") for name in intervals.pair.values[order]], rotation=90, fontsize=6.5
    )
    axes[1].legend(loc="upper left", ncols=2)
    axes[1].set_ylim(0, axes[1].get_ylim()[1] * 1.25)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
