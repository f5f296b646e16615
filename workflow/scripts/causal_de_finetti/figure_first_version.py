"""Figure: the first version's experiments on binary data, beside the authors' results."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure
from lib.scm.scores import first_version_shares
from lib.stats.intervals import estimate_proportion

DECISIONS = {"highest": "highest p-value", "conservative": "all three tests agree"}
VARIANTS = {"first": "first release", "corrected": "corrected rule"}


def _bars(hits, trials):
    share = estimate_proportion(hits, trials)
    return share.value, np.abs([share.value - share.low, share.high - share.value])


def figure(first):
    """Return the figure: shares of directions by environments, and of graphs; bars are exact 95 % intervals."""
    fig, (left, right) = new_figure(2, width=10.0, height=4.0)
    runs = first.sizes["seed"]
    hits = first_version_shares(first.p_value.transpose("environments", "test", "seed").values)
    for i, (name, label) in enumerate(DECISIONS.items()):
        value, error = _bars(hits[name].sum(axis=1), runs)
        style = {"color": COLOURS[i], "marker": MARKERS[i], "linestyle": LINESTYLES[i]}
        left.errorbar(first.environments, value, error, mfc="white", label=label, **style)
        published = first.published.sel(decision=name)
        left.plot(
            first.environments, published, color=COLOURS[i], marker="x", linestyle="", ms=7, label=f"{label}, authors"
        )
    left.set(xscale="log", xlabel="environments, two samples each", ylabel="directions found", ylim=(0, 1.03))
    left.set_xticks(first.environments.values, [str(n) for n in first.environments.values])
    left.minorticks_off()
    left.legend(loc="lower right")
    at = np.arange(first.sizes["graph"])
    for i, (name, label) in enumerate(VARIANTS.items()):
        value, error = _bars(first.recovered.sel(variant=name).sum("seed").values, runs)
        right.errorbar(
            at + 0.12 * (2 * i - 1),
            value,
            error,
            color=COLOURS[i + 2],
            marker=MARKERS[i + 2],
            mfc="white",
            ls="",
            label=label,
        )
    right.plot(at, first.published_recovered, "kx", ms=7, label="authors")
    right.set(ylabel="graphs found exactly", ylim=(0, 1.03), xlabel=f"{first.graph_environments:,} environments")
    right.set_xticks(
        at, [name.replace(", ", ",\n").replace("->", "\u2192").replace("<-", "\u2190") for name in first.graph.values]
    )
    right.legend(loc="lower right")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
