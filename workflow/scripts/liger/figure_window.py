"""Figure: what the window carries."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure
from lib.drawing.linearized import LABELS, joined_scores
from lib.drawing.ranges import tick_at

FAMILIES = {"liger": ("liger", "liger_w"), "window_only": ("window_only", "window_w")}


def figure(text: list, bases_recall, recall: list):
    """Return the figure: loss against the window, and recall against the distance.

    Args:
        text: stores of variants tuned on characters.
        bases_recall: store of the recall bases.
        recall: stores of variants tuned on recall.
    """
    fig, (left, right) = new_figure(2, width=8.6, height=3.4)
    scores, window = joined_scores(text), text[0].attrs["window"]
    every = set()
    for i, (family, (plain, start)) in enumerate(FAMILIES.items()):
        points = {window: scores[plain]}
        points |= {int(name.removeprefix(start)): score for name, score in scores.items() if name.startswith(start)}
        widths = sorted(points)
        every |= set(widths)
        means = [-points[width].mean() for width in widths]
        left.plot(widths, means, "-", marker=MARKERS[i], color=COLOURS[i], label=LABELS[family])
        for width in widths:
            left.plot([width] * len(points[width]), -points[width], ".", color=COLOURS[i], ms=4, alpha=0.6)
    left.axhline(-scores["lora"].mean(), label=LABELS["lora"], **REFERENCE)
    left.set_xscale("log")
    tick_at(left, sorted(every))
    left.set(xlabel="window, characters", ylabel="validation loss, nats per character")
    left.legend()
    near, names = recall[0].attrs["window"], {}
    rows = {"base": bases_recall.near.sel(seed=recall[0].seed)}
    rows |= {str(name): store.near.sel(variant=name) for store in recall for name in store.variant.values}
    names = {"base": "base", **LABELS}
    for i, (name, values) in enumerate(rows.items()):
        place = (np.arange(values.sizes["distance"]) + 0.5) * near
        shown = np.isfinite(values.mean("seed").values)
        right.plot(
            place[shown], values.mean("seed").values[shown], marker=MARKERS[i], color=COLOURS[i], label=names[name]
        )
        for row in values.values:
            right.plot(place[shown], row[shown], ".", color=COLOURS[i], ms=4, alpha=0.6)
    right.axvline(near, color="grey", lw=0.8)
    right.annotate("window", (near, 0.5), rotation=90, fontsize=8, ha="right", va="center")
    right.axhline(bases_recall.attrs["floor"], label="a guess among all values", **REFERENCE)
    right.set(xlabel="tokens from a query back to its value", ylabel="queries answered rightly", ylim=(-0.03, 1.03))
    right.set_xticks(near * np.arange(1, values.sizes["distance"]))
    right.legend(fontsize=7, loc="upper right", bbox_to_anchor=(1, 0.96))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
