"""Figure: share of tokens that each memory receives."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure
from lib.drawing.recall import LABELS

SHOWN = ("mom", "unbalanced", "balance_tenfold")
PAPER = (0.12, 0.37)  # least and largest share over 24 layers with the loss, where a quarter is even


def figure(recall: list):
    """Return the figure: a panel for each architecture, bars by layer, training and memory.

    Args:
        recall: one store for each architecture.
    """
    runs = {run.arch: run for run in recall}
    shown = [name for name in SHOWN if name in runs] or ["mom"]
    fig, axes = new_figure(len(shown), width=max(5.0, 3.2 * len(shown)), height=3.2, sharey=True, squeeze=False)
    for axis, name in zip(axes[0], shown):
        run = runs[name]
        load = run["load"].transpose("layer", "seed", "memory").values
        layers, seeds, memories = load.shape
        for layer in range(layers):
            for seed in range(seeds):
                place = layer * (seeds + 1) + seed
                bottom = np.r_[0, np.cumsum(load[layer, seed])]
                for memory in range(memories):
                    axis.bar(place, load[layer, seed, memory], bottom=bottom[memory], width=0.85, color=COLOURS[memory])
        for memory in range(1, memories):
            axis.axhline(memory * run.chosen_memories / memories, **REFERENCE)
        middle = [layer * (seeds + 1) + (seeds - 1) / 2 for layer in range(layers)]
        axis.set_xticks(middle, [f"layer {layer + 1}" for layer in range(layers)])
        worst = load.max() / (run.chosen_memories / memories)
        title = "balance in the loss" if name == "mom" else LABELS[name]
        axis.set_title(f"{title}\nworst share over the even one: {worst:.2f}", fontsize=8.5)
        axis.set_xlabel(f"a bar is a training ({seeds})")
    axes[0, 0].set_ylabel("shares of the memories, stacked")
    absent = [LABELS[name] for name in SHOWN if name not in runs]
    if absent:
        fig.supxlabel("not trained at this scale: " + ", ".join(absent), fontsize=7.5, color="0.3")
    text = f"paper, 24 layers: worst {PAPER[1] / 0.25:.2f} with the balance"
    axes[0, 0].text(
        0.02, 0.02, text, transform=axes[0, 0].transAxes, fontsize=7.5, bbox={"fc": "white", "ec": "none", "pad": 1}
    )
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
