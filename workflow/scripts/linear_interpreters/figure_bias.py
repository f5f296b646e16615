"""Figure: accuracy of y, F x and r alone, the residual's share, and the drop by deletion."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels

PARTS = {"accuracy": "y", "accuracy_linear": "F x alone", "accuracy_residual": "r alone"}


def _bars(values) -> tuple[float, float, float]:
    """Mean, and distances to the smallest and largest value of the trainings that there are."""
    known = values[np.isfinite(values)]
    mean = known.mean()  # of equal values it may be off by rounding
    return mean, max(mean - known.min(), 0.0), max(known.max() - mean, 0.0)


def figure(classifiers):
    """Return the figure."""
    fig, (left, middle, right) = new_figure(ncols=3, width=11, height=4.4, gridspec_kw={"width_ratios": [1.5, 1, 0.8]})
    names = classifiers.network.values
    place = np.arange(len(names))[::-1]
    for k, (part, label) in enumerate(PARTS.items()):
        mean, below, above = np.array([_bars(row) for row in classifiers[part].values]).T
        left.errorbar(
            mean, place + 0.22 * (1 - k), xerr=[below, above], fmt=MARKERS[k], color=COLOURS[k], ms=4, label=label
        )
    left.axvline(0.1, **REFERENCE)
    left.set(yticks=place, yticklabels=names, xlabel="test accuracy (dashed: chance)", xlim=(0, 1.02))
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    mean, below, above = np.array([_bars(row) for row in classifiers.share.values]).T
    untrained = np.array(["untrained" in str(name) for name in names])
    for chosen, colour, mark in ((~untrained, COLOURS[0], "o"), (untrained, COLOURS[7], "s")):
        middle.errorbar(mean[chosen], place[chosen], xerr=[below[chosen], above[chosen]], fmt=mark, color=colour, ms=4)
    middle.axvline(0.5, **REFERENCE)
    middle.set(yticks=place, yticklabels=[], xlabel="|r| / (|r| + |F x|)", xlim=(-0.02, 0.75))
    drop = classifiers["drop"]
    for k, ranking in enumerate(drop.ranking.values):
        for b, baseline in enumerate(drop.baseline.values):
            values = drop.sel(ranking=ranking, baseline=baseline).values
            x = b + 0.2 * (k - 1) + np.linspace(-0.05, 0.05, len(values))
            label = {"vote": "vote", "distance": "|x - b|", "random": "random"}[str(ranking)]
            right.plot(x, values, MARKERS[k], color=COLOURS[k], ms=3.5, label=label if b == 0 else None)
    right.set(
        xticks=[0, 1],
        xticklabels=["black", "mean"],
        xlabel="pixels replaced by",
        ylabel="drop of the true class's margin",
    )
    right.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=7, handletextpad=0.1, columnspacing=0.8
    )
    panel_labels((left, middle, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
