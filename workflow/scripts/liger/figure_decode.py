"""Figure: decoding after a context."""

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure
from lib.drawing.ranges import tick_at

NAMES = {"liger": "Liger", "softmax": "softmax attention"}
# Llama-3-8B on an A800, batch of 16: seconds to decode so many tokens, and GB (Table 9)
PAPER_TOKENS = np.array([1, 2, 4, 8, 16, 32]) * 1024
PAPER_SECONDS = {
    "liger": [47.8, 94.4, 185.8, 367.8, 734.9, 1465.5],
    "softmax": [29.4, 62.5, 151.5, 436.0, 1449.2, np.nan],
}
PAPER_BYTES = {"liger": [16.37, 16.37], "softmax": [17.3, 47.7]}


def figure(times):
    """Return the figure: time of a token, and bytes, against the context.

    Args:
        times: store of `time_decoding`.
    """
    fig, (left, right, paper) = new_figure(3, width=11, height=3.3)
    contexts = times.context.values
    for i, (arch, label) in enumerate(NAMES.items()):
        middle = times.decode_ms.sel(arch=arch).median("token")
        left.plot(contexts, middle.mean("turn"), marker=MARKERS[i], color=COLOURS[i], label=label)
        for turn in middle.transpose("turn", "context").values:
            left.plot(contexts, turn, ".", color=COLOURS[i], ms=4, alpha=0.6)
        held = times["bytes"].sel(arch=arch).values / 2**10
        right.plot(contexts, held, marker=MARKERS[i], color=COLOURS[i], label=label)
        seconds = np.array(PAPER_SECONDS[arch])
        paper.plot(PAPER_TOKENS, 1e3 * seconds / PAPER_TOKENS, marker=MARKERS[i], color=COLOURS[i], label=label)
    for axis in (left, right, paper):
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.yaxis.set_minor_formatter(NullFormatter())
    tick_at(left, contexts)
    tick_at(right, contexts)
    paper.set_xticks(PAPER_TOKENS, [f"{tokens // 1024}K" for tokens in PAPER_TOKENS])
    paper.set_xticks([], minor=True)
    left.set(xlabel="tokens before", ylabel=f"ms of a decoded token, {times.attrs['layers']} layer")
    right.set(xlabel="tokens before", ylabel="KiB of state or cache")
    low, high = PAPER_BYTES["softmax"]
    memory = f"memory: Liger {PAPER_BYTES['liger'][0]} GB,\nsoftmax {low} to {high} GB, then none left"
    paper.set_xlabel(f"tokens decoded\n{memory}", fontsize=8)
    paper.set(ylabel="ms of a token, mean", title="paper: Llama-3-8B, batch of 16")
    left.legend()
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
