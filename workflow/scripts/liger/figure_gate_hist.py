"""Figure: how long the gates remember."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, REFERENCE, new_figure

ZERO_KEY = 16 / np.log(2)  # tokens


def figure(bases_text, text: list):
    """Return the figure: distribution of the lengths of memory, by layer, before and after fine-tuning.

    Args:
        bases_text: store of the bases.
        text: stores of tuned variants, one of which has Liger.
    """
    (tuned,) = [store for store in text if "gates" in store]
    runs = {"base": bases_text.gates.sel(seed=tuned.seed), "Liger, fine-tuned": tuned.gates}
    layers = tuned.sizes["layer"]
    fig, axes = new_figure(layers, width=max(4.4, 3 * layers), height=3, squeeze=False, sharey=True)
    edges = bases_text["edge"].values
    for layer, axis in enumerate(axes[0]):
        for i, (label, counts) in enumerate(runs.items()):
            own = counts.isel(layer=layer).transpose("seed", "bin", ...)
            share = own.values.sum((2, 3)) / own.values.sum((1, 2, 3))[:, None]
            for row in share:
                axis.stairs(row, edges, color=COLOURS[i], alpha=0.35, lw=0.8)
            axis.stairs(share.mean(0), edges, color=COLOURS[i], ls=LINESTYLES[i], label=label, lw=1.6)
        axis.axvline(ZERO_KEY, **REFERENCE)
        axis.set_xscale("log")
        axis.set(xlabel="tokens until a channel has forgotten", title=f"layer {layer + 1}")
    axes[0, 0].set_ylabel("share of channels and tokens")
    axes[0, 0].annotate("zero key", (ZERO_KEY, 0.97), xycoords=("data", "axes fraction"), rotation=90, fontsize=8,
                        ha="right", va="top")  # fmt: skip
    axes[0, -1].legend(fontsize=7, loc="upper right")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
