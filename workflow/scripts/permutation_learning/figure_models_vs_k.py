"""Figure: number of networks at which nine of ten inputs with two ones are right, against the number of bits."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure
from lib.drawing.ranges import draw_guide, tick_at
from lib.ntk.kernels import KERNEL_NAMES
from lib.ntk.published import FIRST_HITS


def _draw(axis, x, hits, **style) -> None:
    """Medians of each row with the central 98 %."""
    low, middle, high = np.nanquantile(hits.reshape(len(hits), -1), [0.01, 0.5, 0.99], axis=1)
    axis.errorbar(x, middle, [middle - low, high - middle], **style)


def figure(limits, hits):
    """Return the figure."""
    fig, axis = new_figure(width=6.4, height=4.4)
    for j, (kernel, words) in enumerate(reversed(KERNEL_NAMES.items())):
        reach = limits.reach.sel(kernel=kernel)
        axis.plot(limits.bits, reach, "-_", color=COLOURS[j], lw=1, label=f"limit expects 90 %, {words}")
        chosen = hits.kernel.values == kernel
        style = {"color": COLOURS[j], "fmt": ".", "ms": 5, "lw": 1, "alpha": 0.7}
        _draw(axis, hits.bits.values[chosen], hits.sampled.values[chosen], label=f"limit, first hits, {words}", **style)
    for mode, marker, colour, words in (
        ("last_layer", "s", COLOURS[2], "trained, last layer"),
        ("ntk", "D", COLOURS[3], "trained, both layers"),
        ("standard", "^", COLOURS[4], "trained, standard parametrisation"),
    ):
        chosen = hits["mode"].values == mode
        if chosen.any():
            style = {"fmt": marker, "ms": 6, "mfc": "white", "color": colour, "label": words}
            _draw(axis, hits["size"].values[chosen] * 1.03, hits.hit.values[chosen], **style)
    axis.plot(list(FIRST_HITS), list(FIRST_HITS.values()), "kx", ms=4, label="authors, one trial each")
    sizes = np.array([5, 30])
    draw_guide(axis, sizes, 12, 1, r"$\propto k$")
    grid = np.linspace(5, 30, 50)
    axis.plot(grid, 12 * grid * np.log(grid) / (5 * np.log(5)), color="0.6", ls="--", label=r"$\propto k\,\log k$")
    axis.plot(grid, 12 * (grid / 5) ** 2, color="0.6", ls=":", label=r"$\propto k^2$")
    axis.set(xscale="log", yscale="log", xlabel="number of bits k", ylabel="networks", xlim=(4.6, 33), ylim=(6, 2000))
    tick_at(axis, [5, 8, 10, 15, 20, 30])
    axis.legend(fontsize=6, ncols=2, loc="upper left")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
