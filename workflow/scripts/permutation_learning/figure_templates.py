"""Figure: outputs at every step of a sum and a product, and the smallest output of a one over all operands."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels
from lib.ntk.kernels import KERNEL_NAMES
from lib.ntk.templates import ZERO


def _trace(axis, outputs, title: str) -> None:
    steps = np.arange(1, len(outputs) + 1)
    ones = np.where(outputs > ZERO, outputs, np.nan)
    zeros = np.where(outputs > ZERO, -np.inf, outputs).max(axis=1)
    x = np.broadcast_to(steps[:, None], ones.shape)
    axis.plot(x.ravel(), ones.ravel(), ".", ms=3, color=COLOURS[0], label="outputs that become ones")
    axis.plot(steps, zeros, "x", ms=3, color=COLOURS[1], label="largest other output")
    axis.axhline(0, color="0.7", lw=0.8)
    axis.set(xlabel="step", ylabel="mean output of the limit", title=title)
    axis.legend(fontsize=6)


def figure(templates):
    """Return the figure."""
    fig, (left, middle, right) = new_figure(ncols=3, width=10.5, height=3.4)
    bits = templates.attrs["traced"]
    top = 2**bits - 1
    _trace(left, templates.trace_add.values, f"{top} + {top}")
    _trace(middle, templates.trace_multiply.values, f"{top} × {top}")
    for j, (kernel, words) in enumerate(KERNEL_NAMES.items()):
        style = {"color": COLOURS[j], "marker": MARKERS[j]}
        one = templates.sel(kernel=kernel, quantity="least_one")
        right.plot(templates.add_bits, one.addition, label=f"addition, {words}", **style)
        right.plot(
            templates.multiply_bits, one.multiplication.sel(padding=True), ls="--", mfc="white",
            label=f"multiplication, {words}", **style,
        )  # fmt: skip
    right.set(xlabel="bits of an operand", ylabel="smallest output of a one", ylim=(0, None))
    right.legend(fontsize=6)
    panel_labels((left, middle, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
