"""Figure: feasible heads on finite samples, and their violations of unseen populations."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels
from lib.stats.intervals import estimate_mean, estimate_proportion

WORDS = {"half": "search at ε / 2", "whole": "control: search at ε"}


def figure(samples):
    """Return the figure; the rightmost place is the population."""
    fig, (left, right) = new_figure(ncols=2, width=8.0, height=3.5)
    order = np.argsort(np.where(samples.samples.values == 0, np.inf, samples.samples.values))
    names = ["∞" if n == 0 else str(n) for n in samples.samples.values[order]]
    x = np.arange(len(order))
    for k, rule in enumerate(samples.rule.values):
        style = {"color": COLOURS[k], "marker": MARKERS[k], "ls": LINESTYLES[k], "label": WORDS[str(rule)]}
        cells = samples.share.sel(rule=rule).transpose("samples", "sem", "set").values[order].reshape(len(order), -1)
        known = np.isfinite(cells)
        share, _, low, high, _ = estimate_proportion(known.sum(axis=1), cells.shape[1])
        left.errorbar(x + 0.05 * k, share, [share - low, high - share], **style)
        chosen = [i for i in x if known[i].sum() > 1]
        means = [estimate_mean(cells[i][known[i]]) for i in chosen]
        value, low, high = (np.array([getattr(one, part) for one in means]) for part in ("value", "low", "high"))
        right.errorbar(np.array(chosen) + 0.05 * k, value, [value - low, high - value], **style)
    right.axhspan(0, 0.05, color="0.93", zorder=0)
    left.set(ylabel="share of training sets with a head", ylim=(-0.03, 1.05))
    right.set(ylabel="share of unseen populations violated", ylim=(0, None))
    for axis in (left, right):
        axis.set_xticks(x, names)
        axis.set(xlabel="samples n in each environment", xlim=(-0.3, len(x) - 0.6))
        axis.legend(fontsize=7)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
