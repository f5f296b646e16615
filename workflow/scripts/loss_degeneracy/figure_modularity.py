"""Figure: purity of communities and modularity, by basis and by the weight of edges."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure, panel_labels
from lib.stats.intervals import estimate_mean, without_error

WORDS = {"neuron": "neurons", "pca": "principal\ncomponents", "local": "local inter-\naction basis"}


def figure(planted):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=10.0, height=3.6)
    bases = list(planted.judged.values)
    for w, weight in enumerate(planted.weight.values):
        _bars(
            left,
            planted.purity.sel(weight=weight),
            bases,
            (w - 0.5) * 0.24,
            fmt="os"[w],
            color=COLOURS[w],
            label=f"{weight} weights",
        )
        for s, sort in enumerate(planted.sort.values):
            _bars(
                right, planted.score.sel(sort=sort, weight=weight), bases, (2 * w + s - 1.5) * 0.16, fmt="os"[w],
                color=COLOURS[w], mfc="white" if sort == "dense" else COLOURS[w], label=f"{sort}, {weight} weights",
            )  # fmt: skip
    for i, name in enumerate(bases):
        null = float(planted.null.sel(judged=name).mean())
        left.plot([i - 0.3, i + 0.3], [null, null], "k--", label="shuffled blocks" if i == 0 else None)
    for axis, words in ((left, "community purity"), (right, "modularity")):
        axis.set_xticks(range(len(bases)), [WORDS[str(name)] for name in bases])
        axis.set_ylabel(words)
    left.legend(fontsize=7)
    right.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1))
    panel_labels((left, right))
    return fig


def _bars(axis, values, bases: list, shift: float, **style) -> None:
    """Means over networks with intervals, one for each basis, side by side."""
    rows = [values.sel(judged=name).values for name in bases]
    means = [estimate_mean(row) if len(row) > 1 else without_error(row[0], 1) for row in rows]
    mean, low, high = (np.array([float(getattr(one, name)) for one in means]) for name in ("value", "low", "high"))
    axis.errorbar(np.arange(len(bases)) + shift, mean, [mean - low, high - mean], **style)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
