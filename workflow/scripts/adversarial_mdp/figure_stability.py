"""Figure: smallest estimates of each learner, and gains of single steps over their bound."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, REFERENCE, new_figure, panel_labels
from lib.drawing.mdp import STYLES

GAINS = {"log_barrier": "log-barrier", "entropy": "entropy", "squared": "log-barrier, bound with p²"}


def figure(lemmas, rates_lb, rates_mr, rates_ewn):
    """Return the figure; left, one mark for each run of the largest number of episodes."""
    fig, (left, right) = new_figure(ncols=2, width=9.0, height=3.6)
    for store in (rates_mr, rates_ewn, rates_lb):
        depth = np.sort(-store.min_eta_q.isel(episodes=-1).values.ravel())
        share = (np.arange(len(depth)) + 0.5) / len(depth)
        left.plot(depth, share, **{**STYLES[store.attrs["learner"]], "ls": "none"})
    left.axvline(1, **REFERENCE)
    left.set(xscale="log", xlabel=r"largest $-\eta\,\hat Q$ of a run", ylabel="share of runs below")
    left.legend(fontsize=7)
    for i, (name, label) in enumerate(GAINS.items()):
        ratio = np.sort(lemmas[f"step_{name}"].values)
        shown = np.unique(np.geomspace(1, len(ratio), 300).astype(int))
        right.plot(shown / len(ratio), ratio[-shown], color=COLOURS[i], ls=LINESTYLES[i], label=label)
    right.axhline(1, **REFERENCE)
    right.set(xscale="log", yscale="log", xlabel="share of draws at least as large", ylabel="gain over its bound")
    right.set_ylim(1e-3, None)
    right.legend(fontsize=7)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
