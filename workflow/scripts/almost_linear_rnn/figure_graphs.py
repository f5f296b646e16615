"""Figure: transition graphs between linear regions, and how alike those of all trainings are."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels
from lib.drawing.ranges import draw_pass_band
from lib.drawing.symbols import chain_layout, draw_transition_graph
from lib.dynamics.analysis import lobes_and_middle

AUTHORS = (0.38, 0.35, 0.26)  # time in the regions of the authors' model of Lorenz
RARE, FLOOR = 0.002, 1e-5


def _draw_chosen(axis, run, name):
    """Graph of the model that scored best on the first half of the series."""
    d = int(run.best_detail)
    k = min(4, int(np.sum(run.fraction.values[d] >= 0.001)))
    transition = run.transition.values[d, :k, :k]
    draw_transition_graph(axis, range(1, k + 1), run.fraction.values[d, :k], transition, chain_layout(transition))
    axis.set_title(f"{name}, P = {run.attrs['target']}, chosen model (seed {int(run.detail_seed[d])})")


def _draw_joints(axis, run, centres, close):
    """Probabilities of leaving a lobe for the other and for the middle, of every training; zeros on the lowest line."""
    seeds = run.detail_seed.values
    joints = {"lobe to lobe": [], "lobe to middle": []}
    for d in range(run.sizes["detail"]):
        first, second, middle = lobes_and_middle(run.point.values[d, :3], centres)
        transition = run.transition.values[d]
        joints["lobe to lobe"].append(max(transition[first, second], transition[second, first]))
        joints["lobe to middle"].append(max(transition[first, middle], transition[second, middle]))
    draw_pass_band(axis, FLOOR / 2, RARE, "lobe to lobe: pass rule")
    for index, (label, values) in enumerate(joints.items()):
        values, style = np.maximum(values, FLOOR), {"ls": "", "color": COLOURS[index], "marker": MARKERS[index]}
        axis.plot(seeds[close], values[close], label=label, **style)
        axis.plot(seeds[~close], values[~close], mfc="white", label=None, **style)
    axis.set(yscale="log", ylim=(FLOOR / 2, 1), xlabel="seed", xticks=np.sort(seeds)[:: max(1, len(seeds) // 10)])
    axis.set(ylabel="probability in a step (0 on the lowest line)")
    axis.legend(fontsize=7, loc="center right")


def _draw_shares(axis, run, close):
    """Time in the most used regions, of every training, beside that in the authors' model."""
    ranks = np.arange(1, 6)
    for d in range(run.sizes["detail"]):
        style = {"color": COLOURS[0], "lw": 0.7, "alpha": 0.6} if close[d] else {"color": "0.6", "lw": 0.7, "ls": ":"}
        axis.plot(ranks, run.fraction.values[d, : len(ranks)], marker=".", **style)
    for style, label in (({"color": COLOURS[0]}, "trainings"), ({"color": "0.6", "ls": ":"}, "$D_{stsp}$ above 5")):
        axis.plot([], [], marker=".", label=label, **style)
    axis.plot(ranks[: len(AUTHORS)], AUTHORS, "*", ms=10, color="black", ls="", label="authors' model", zorder=4)
    axis.set(xlabel="region, most used first", ylabel="share of the time", xticks=ranks, ylim=(0, 1))
    axis.legend(fontsize=7)


def figure(lorenz_series, lorenz, rossler):
    """Return the figure: graphs of the chosen models above, all trainings on Lorenz below."""
    fig, axes = new_figure(2, 2, width=9.4, height=7.4, gridspec_kw={"height_ratios": [1.15, 1]})
    _draw_chosen(axes[0, 0], lorenz, "Lorenz-63")
    _draw_chosen(axes[0, 1], rossler, "Rössler")
    own = lorenz.isel(run=np.flatnonzero(lorenz.rectified.values == lorenz.attrs["target"]))
    close = own.D_stsp.values < 5
    _draw_joints(axes[1, 0], lorenz, lorenz_series.fixed_point.values, close)
    _draw_shares(axes[1, 1], lorenz, close)
    axes[1, 0].set_title("Lorenz-63, every training; open: $D_{stsp}$ above 5", fontsize=9)
    axes[1, 1].set_title("Lorenz-63, every training", fontsize=9)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
