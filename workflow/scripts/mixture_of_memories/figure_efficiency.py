"""Figure: time of a pass and of a decoded token, and bytes of the states, against the length."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure

LABELS = {"mom": "four memories", "single": "one memory", "softmax": "softmax attention"}


def figure(times):
    """Return the figure.

    Args:
        times: pass_ms `(arch, length, repeat)`, decode_ms `(arch, context, turn, token)`, and
            state_bytes `(arch, context)`.
    """
    fig, (left, middle, right) = new_figure(3, width=9.6, height=3.2)
    for i, arch in enumerate(times.arch.values):
        style = {"color": COLOURS[i], "marker": MARKERS[i], "label": LABELS[arch]}
        own = times.sel(arch=arch)
        passes = own.pass_ms.dropna("length", how="all")
        least, most = passes.min("repeat"), passes.max("repeat")
        left.errorbar(passes.length, least, [0 * least, most - least], capsize=2, **style)
        tokens = own.decode_ms.stack(every=("turn", "token"))
        low, centre, high = (tokens.quantile(share, "every").values for share in (0.25, 0.5, 0.75))
        middle.errorbar(times.context, centre, [centre - low, high - centre], capsize=2, **style)
        right.plot(times.context, own.state_bytes, **style)
    left.set(xlabel="tokens", ylabel="forward and backward pass, ms")
    middle.set(xlabel="tokens before", ylabel="decoded token, ms")
    right.set(xlabel="tokens before", ylabel="states or cache, bytes")
    for axis in (left, middle, right):
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
    ticks = np.unique(times.length.values)
    left.set_xticks(ticks, [str(tick) for tick in ticks], rotation=45)
    for axis in (middle, right):
        axis.set_xticks(times.context.values, [str(tick) for tick in times.context.values], rotation=45)
    left.legend()
    left.set_title(times.machine, fontsize=7.5)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
