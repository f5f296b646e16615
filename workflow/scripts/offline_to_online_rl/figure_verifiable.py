"""Figure: pulls to verify an arm, against accuracy and number of arms; without verifying no pull is needed."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.guides import draw_power, tick_values
from lib.stats.intervals import estimate_mean


def figure(verified):
    """Return the figure: pulls against 1 / eps and A - 1, and what pessimism loses."""
    fig, axes = new_figure(ncols=3, width=11.0, height=3.6)
    by_eps = np.flatnonzero(verified.arms.values == verified.attrs["eps_arms"])
    by_arms = np.flatnonzero(verified.eps.values == verified.attrs["arms_eps"])
    panels = (
        (axes[0], by_eps, 1 / verified.eps.values[by_eps], "1 / eps", 2, f"A = {verified.attrs['eps_arms']}"),
        (axes[1], by_arms, verified.arms.values[by_arms] - 1, "A - 1", 1, f"eps = {verified.attrs['arms_eps']:g}"),
    )
    for axis, cases, x, label, exponent, title in panels:
        order = np.argsort(x)
        cases, x = cases[order], x[order]
        for k, (bandit, name) in enumerate(zip(verified.bandit.values, ("arm 1 is best", "arm 2 is better"))):
            mean, _, low, high, _ = estimate_mean(
                verified.pulls.sel(limit="rounds", bandit=bandit).values[cases], axis=1
            )
            axis.errorbar(x, mean, [mean - low, high - mean], color=COLOURS[k], marker=MARKERS[k], ls=LINESTYLES[k],
                          label=f"verifier, {name}")  # fmt: skip
        axis.plot(
            x, verified.designed.values[cases], color=COLOURS[2], marker=MARKERS[2], ls=":", label="design of FTPedel"
        )
        axis.plot(x, verified.bound.values[cases], color="black", marker="x", lw=0.8, label="lower bound")
        draw_power(axis, x, (x[0], verified.bound.values[cases][0]), exponent, f"slope {exponent}", **REFERENCE)
        axis.set(xscale="log", yscale="log", xlabel=label, ylabel="online pulls", title=title)
    for axis, _, x, *_ in panels:
        tick_values(axis, x)
    axes[0].set_ylim(None, 30 * axes[0].get_ylim()[1])
    axes[0].legend(fontsize=7, loc="upper left")
    case = by_eps[0]
    arms = int(verified.arms.values[case])
    lost = verified.pessimism.values[:, case, :arms] / verified.eps.values[case]
    axes[2].bar(0, lost[0, 0], color=COLOURS[0])
    axes[2].bar(np.arange(1, arms), lost[1, 1:], color=COLOURS[1])
    axes[2].axhline(1, **REFERENCE)
    axes[2].set_xticks(np.arange(arms), ["base", *(f"{j + 1}" for j in range(1, arms))])
    axes[2].set(xlabel="arm that is better", ylabel="loss over eps, no pull made", title="pessimism")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
