"""Figure: what greedy removal leaves of stable designs, what it costs, and evaluations by recycling points."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels
from lib.sampling.designs import LABELS
from lib.stats.intervals import estimate_mean, estimate_root_mean_square

INDEX = {name: i for i, name in enumerate(LABELS)}


def figure(evaluations):
    """Return the figure: points left, errors before and after, evaluations for each size of nested spaces."""
    fig, axes = new_figure(ncols=3, width=12.0, height=3.7)
    deltas, names = evaluations.delta.values, evaluations.strategy.values
    place = np.arange(len(deltas))
    for s, name in enumerate(names):
        style = {"color": COLOURS[INDEX[name]], "marker": MARKERS[INDEX[name]]}
        at = place + 0.2 * (s - (len(names) - 1) / 2)
        run = evaluations.sel(strategy=name).transpose("delta", "repetition", ...)
        left = run.left.values / evaluations.m
        middle = np.median(left, axis=1)
        spread = np.abs(np.stack([left.min(axis=1), left.max(axis=1)]) - middle)
        axes[0].errorbar(at, middle, spread, ls="none", label=LABELS[name], **style)
        for values, face in ((run.square_before, "white"), (run.square_after, None)):
            rms, se, *_ = estimate_root_mean_square(np.sqrt(values.values), axis=1)
            axes[1].errorbar(at, rms, 1.96 * se, ls="none", mfc=face, **style)
    labels = [f"$\\lambda_{{\\min}} \\geq$ {1 - delta:g}" for delta in deltas]
    for axis in axes[:2]:
        axis.set_xticks(place, labels)
        axis.set_xlim(-0.5, len(deltas) - 0.5)
        axis.axhline(1, **REFERENCE)
    axes[0].set(ylabel="points left over m", title=f"greedy removal from n = {evaluations.n}, m = {evaluations.m}")
    axes[0].set_ylim(bottom=0.9)
    axes[0].legend(fontsize=7)
    axes[1].plot([], [], "o", color="black", mfc="white", label=f"all {evaluations.n} points")
    axes[1].plot([], [], "o", color="black", label="points left")
    axes[1].set(ylabel="rms error / best error $e_m$", title="what it costs")
    axes[1].legend(fontsize=7)
    levels = evaluations.level.values
    asked = evaluations.multiple * levels
    fresh = asked[:, None] - evaluations.reused.transpose("level", "run").values
    total, _, low, high, _ = estimate_mean(np.cumsum(fresh, axis=0), axis=1)
    style = {"color": COLOURS[INDEX["iid"]], "marker": MARKERS[INDEX["iid"]]}
    axes[2].plot(levels, np.cumsum(asked), ls="--", mfc="white", label="fresh points at each level", **style)
    axes[2].errorbar(levels, total, [total - low, high - total], label="points recycled", **style)
    axes[2].plot(levels, asked, label=f"last level alone, {evaluations.multiple}m", **REFERENCE)
    axes[2].set(xlabel="number of functions m", ylabel="evaluations so far", title="nested spaces, i.i.d. optimal")
    axes[2].set_xticks(levels)
    axes[2].legend(fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
