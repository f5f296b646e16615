"""Figure: losses of the fine-tuning."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, REFERENCE, new_figure
from lib.drawing.linearized import LABELS, joined_scores

SHOWN = ("lora", "liger", "no_gate", "window_only", "recurrent_only", "learned_map", "full", "scratch_hybrid")


def figure(text: list):
    """Return the figure: training loss against tokens.

    Args:
        text: stores of tuned variants.
    """
    fig, axis = new_figure(width=5.6, height=3.6)
    stores = {str(name): store for store in text for name in store.variant.values}
    for i, name in enumerate(name for name in SHOWN if name in stores):
        loss = stores[name].loss.sel(variant=name).mean("seed").values
        loss = loss[np.isfinite(loss)]
        window = max(1, len(loss) // 12)
        smooth = np.convolve(loss, np.ones(window) / window, "valid")
        steps = np.arange(len(smooth)) + window / 2
        tokens = steps * stores[name].attrs["step_tokens"]
        axis.plot(tokens / 1e3, smooth, color=COLOURS[i], ls=LINESTYLES[i % 4], label=LABELS[name])
    axis.axhline(-joined_scores(text)["lora"].mean(), **REFERENCE)
    axis.set(xlabel="thousand characters of the fine-tuning", ylabel="training loss, nats per character")
    axis.legend()
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
