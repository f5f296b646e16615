"""Figure: time and memory of a training step by each method, over those of linear probing."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure
from lib.stats.intervals import estimate_quantile

NAMES = {"lp": "linear probing", "mp": "MP", "bias": "biases", "ssf": "SSF", "mp+": "MP+", "ft": "fine-tuning"}
# ms and GB of ViT-B/16 on a GPU, read off the authors' figure
PAPER = {
    "lp": (60, 3.2), "mp": (72, 3.35), "bias": (134, 10.9), "mp+": (140, 11.2), "ft": (157, 11.9), "ssf": (187, 13.8),
}  # fmt: skip


def figure(cost):
    """Return the figure."""
    fig, axis = new_figure(width=5.6, height=3.8)
    memory = cost.memory / cost.memory.sel(tuning="lp")
    for k, name in enumerate(cost.tuning.values):
        ratio = cost.step_ms.sel(tuning=name).values / cost.step_ms.sel(tuning="lp").values
        middle, _, low, high, _ = estimate_quantile(ratio, 0.5)
        low, high = (value if np.isfinite(value) else middle for value in (low, high))
        y = float(memory.sel(tuning=name))
        bars = [[middle - low], [high - middle]]
        axis.errorbar([middle], [y], xerr=bars, color=COLOURS[k], marker="o", ls="none")
        axis.annotate(NAMES[str(name)], (middle, y), (5, 5), textcoords="offset points", fontsize=8)
        paper = [value / of for value, of in zip(PAPER[str(name)], PAPER["lp"])]
        axis.plot(*paper, color=COLOURS[k], marker="x", ls="none")
        axis.annotate(NAMES[str(name)], paper, (4, -9), textcoords="offset points", fontsize=6.5, color="grey")
    axis.axhline(1, **{**REFERENCE, "linewidth": 0.6})
    axis.axvline(1, **{**REFERENCE, "linewidth": 0.6})
    axis.set(xlabel="time of a step over that of linear probing", ylabel="memory over that of linear probing")
    axis.plot([], [], color="black", marker="o", ls="none", label="measured, processor")
    axis.plot([], [], color="black", marker="x", ls="none", label="paper, GPU")
    axis.legend(loc="upper left")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
