"""Figure: recall of random pairs from one memory and from several."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure
from lib.drawing.ranges import draw_means


def figure(capacity):
    """Return the figure: accuracy and cross-talk against the number of pairs.

    Args:
        capacity: accuracy and crosstalk `(store, pairs, repetition)`.
    """
    fig, (left, right) = new_figure(2, width=8.0, height=3.4)
    x = capacity.pairs.values
    for i, store in enumerate(capacity.store.values):
        own = capacity.sel(store=store)
        memories, width = int(own.memories), int(own.d_key)
        label = f"{memories} {'memory' if memories == 1 else 'memories'}, keys of {width}"
        style = {"color": COLOURS[i], "marker": MARKERS[i], "capsize": 2}
        draw_means(left, x, own.accuracy.transpose("pairs", "repetition").values, label=label, **style)
        draw_means(right, x, own.crosstalk.transpose("pairs", "repetition").values, ls="none", **style)
        law = (np.array([x[0], x[-1]]) - 1) / (memories * width)
        right.plot([x[0], x[-1]], law, **REFERENCE, label="$(N-1)/(M d_k)$" if not i else None)
    for axis in (left, right):
        axis.set_xscale("log", base=2)
        axis.set_xticks(x, [str(number) for number in x])
        axis.minorticks_off()
        axis.set_xlabel("pairs stored, N")
    left.set(ylabel="values read rightly", ylim=(0, 1.05))
    left.legend(loc="lower left")
    right.set_yscale("log")
    right.set_ylabel("squared weight of other values in a read")
    right.legend(loc="upper left")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
