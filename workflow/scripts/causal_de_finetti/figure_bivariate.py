"""Figure: accuracy of the direction between two variables against the number of environments."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure
from lib.scm.scores import fair_scores
from lib.stats.intervals import binomial_error

NAMES = {
    "pc": "PC",
    "fci": "FCI",
    "ges": "GES",
    "direct_lingam": "DirectLiNGAM",
    "cd_nod": "CD-NOD",
    "notears": "NOTEARS, no cut",
    "notears_cut": "NOTEARS, cut 0.3",
    "notears_cut_standardised": "the same, standardised",
}


def figure(directions: list, baselines: list, *, paper: list[list[float]]):
    """Return the figure; bars are twice the binomial standard error, a baseline's edge without direction counts 1/2.

    Args:
        directions, baselines: a store for each number of environments.
        paper: numbers of environments and accuracies in the authors' result files.
    """
    fig, axis = new_figure(width=6.8, height=4.2)
    runs = sorted(directions, key=lambda run: run.environments)
    number = np.array([run.environments for run in runs])
    right = [(run.choice.sel(arm="as drawn") == run.truth).values for run in runs]
    mean = np.array([r.mean() for r in right])
    error = 2 * binomial_error(mean, [len(r) for r in right])
    axis.errorbar(number, mean, error, color="black", marker="o", label="causal de Finetti", zorder=3)
    axis.plot(*np.array(paper).T, color="black", marker="x", linestyle=":", label="the same, authors' results")
    others = sorted(baselines, key=lambda run: run.environments)
    for i, (method, label) in enumerate(NAMES.items()):
        score = [fair_scores(run.choice.sel(algorithm=method).values, run.truth.values).mean() for run in others]
        axis.plot(
            [run.environments for run in others],
            score,
            color=COLOURS[i % len(COLOURS)],
            marker=MARKERS[i],
            linestyle=LINESTYLES[i],
            mfc="white",
            lw=1,
            label=label,
        )
    axis.axhline(1 / 3, **REFERENCE)
    axis.annotate("chance", (number[0], 1 / 3), (0, 3), textcoords="offset points", fontsize=8)
    axis.set(xlabel="environments, two samples each", ylabel="accuracy", ylim=(0.2, 1.03))
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
