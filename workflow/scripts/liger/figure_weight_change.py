"""Figure: how far the weights move."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure

NAMES = {"liger": "Liger", "lolcats": "LoLCATs", "lolcats_window": "LoLCATs\nwith window"}
PAPER = {"liger": (3.85, 7.63), "lolcats": (4.82, 179.3)}  # per cent, L1 and L2 (Table 7)


def figure(text: list):
    """Return the figure: relative change of the trained weights, in both norms.

    Args:
        text: stores of tuned variants.
    """
    fig, axes = new_figure(2, width=7.6, height=3.2)
    stores = {str(name): store.sel(variant=name) for store in text for name in store.variant.values}
    for k, (axis, norm) in enumerate(zip(axes, ("change_l1", "change_l2"))):
        for i, name in enumerate(NAMES):
            if name in stores:
                values = 100 * stores[name][norm].values
                axis.plot(i + np.linspace(-0.1, 0.1, len(values)), values, MARKERS[i], color=COLOURS[i], alpha=0.8)
            if name in PAPER:
                axis.plot(i, PAPER[name][k], "_", ms=24, mew=1.6, color="grey", label="paper, 8B" if i == 0 else None)
        if k:
            axis.set_yscale("log")
        else:
            axis.set_ylim(0, None)
        axis.set_xticks(range(len(NAMES)), list(NAMES.values()))
        axis.set_xlim(-0.5, len(NAMES) - 0.5)
        axis.set_ylabel(f"change of the trained weights in L{k + 1}, %")
    axes[0].legend()
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
