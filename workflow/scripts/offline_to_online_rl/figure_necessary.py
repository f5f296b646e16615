"""Figure: budgets of learners without a certificate, episodes of elimination, and lower bounds, against 1 / eps."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels
from lib.drawing.guides import tick_values
from lib.stats.intervals import estimate_proportion

NAMES = {"hybrid": "offline and online data", "online": "online data alone"}


def figure(budgets, tracking):
    """Return the figure: episodes on the left, failures of learners that play nothing online on the right."""
    fig, (left, right) = new_figure(ncols=2, width=9.4, height=3.9, gridspec_kw={"width_ratios": [1.7, 1]})
    inverse = 1 / budgets.eps.values
    for k, (learner, name) in enumerate(NAMES.items()):
        style = {"color": COLOURS[k], "marker": MARKERS[k]}
        left.plot(inverse, budgets.budget.sel(learner=learner), ls="-", **style, label=f"{name}: certainty equivalence")
        left.plot(
            inverse,
            budgets.bound.sel(learner=learner),
            color=COLOURS[k],
            ls=LINESTYLES[3],
            label=f"{name}: lower bound",
        )
        chosen = np.flatnonzero(tracking.offline.values == (learner == "hybrid"))
        means = [np.nanmean(tracking.episodes.values[case]) for case in chosen]
        left.plot(
            1 / tracking.eps.values[chosen], means, ls=LINESTYLES[1], mfc="white", **style, label=f"{name}: elimination"
        )
    left.set(xscale="log", yscale="log", xlabel="1 / eps", ylabel="online episodes", title="needed, and used")
    left.set_ylim(None, 2000 * left.get_ylim()[1])
    left.legend(fontsize=7, loc="upper left")
    for k, learner in enumerate(budgets.offline_learner.values):
        gaps = budgets.offline_gap.sel(offline_learner=learner).values
        share, _, low, high, _ = estimate_proportion((gaps > 1 + 1e-9).sum(axis=1), gaps.shape[1])
        style = {"color": COLOURS[k + 2], "marker": MARKERS[k + 2], "ls": "none", "label": learner}
        right.errorbar(inverse * 1.1**k, share, [share - low, high - share], **style)
    right.axhline(0.75, color="black", lw=1, ls=LINESTYLES[1], label="lower bound")
    right.set(
        xscale="log", xlabel="1 / eps", ylabel="share of runs above eps", ylim=(0, 1.05), title="offline data alone"
    )
    right.legend(fontsize=7, loc="lower left")
    for axis in (left, right):
        tick_values(axis, inverse)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
