"""Figure: change of features by procedure, and their principal plane before and after."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels
from lib.drawing.ranges import draw_means
from lib.probing.runs import run_values

MEASURES = {
    "change": "mean change of a feature",
    "cosine": "cosine with the start",
    "fisher": "scatter between over within classes",
}
PROCEDURES = ("LP", "FT", "LP-FT", "LoRA", "LP-LoRA")
SHOWN = ("before", "FT", "LP-FT")


def figure(tuned):
    """Return the figure."""
    fig, axes = new_figure(ncols=3, nrows=2, width=10.5, height=6.6)
    rates = {"LP": 0.0, "LoRA": tuned.attrs["adapter_rate"], "LP-LoRA": tuned.attrs["adapter_rate"]}
    for axis, (measure, words) in zip(axes[0], MEASURES.items()):
        for i, procedure in enumerate(PROCEDURES):
            rate = rates.get(procedure, tuned.attrs["scale_rate"])
            values = run_values(tuned, procedure, measure, rate=rate)[0]
            style = {"color": COLOURS[i], "fmt": MARKERS[i]}
            axis.plot(np.full(len(values), i - 0.15), values, ".", color=COLOURS[i], alpha=0.5, ms=4)
            if len(values) > 1:
                draw_means(axis, [i + 0.1], values[None], **style)
        axis.set_xticks(range(len(PROCEDURES)), PROCEDURES, fontsize=8)
        axis.set_ylabel(words)
    before = tuned.picture.sel(pictured="before").values
    centre = before.mean(axis=0)
    plane = np.linalg.svd(before - centre, full_matrices=False)[2][:2]
    labels = tuned.picture_labels.values.astype(int)
    limit = 1.15 * max(np.abs((tuned.picture.sel(pictured=name).values - centre) @ plane.T).max() for name in SHOWN)
    for axis, name in zip(axes[1], SHOWN):
        points = (tuned.picture.sel(pictured=name).values - centre) @ plane.T
        for label in np.unique(labels):
            own = points[labels == label]
            axis.plot(*own.T, MARKERS[label], color=COLOURS[label], ms=3, mew=0, alpha=0.6, label=f"class {label}")
        if name != "before":
            rows = tuned.picture_heads.sel(tuned=name).values @ plane.T
            rows = 0.7 * limit * rows / np.linalg.norm(rows, axis=1).max()
            for label, row in enumerate(rows):
                axis.annotate(
                    "", row, (0, 0), arrowprops={"arrowstyle": "->", "color": COLOURS[label], "lw": 1.6}
                )  # fmt: skip
        axis.set(
            title="before" if name == "before" else f"after {name}", xlim=(-limit, limit), ylim=(-limit, limit),
            xlabel="first principal axis", ylabel="second principal axis", aspect="equal",
        )  # fmt: skip
    axes[1, 0].legend(markerscale=2)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
