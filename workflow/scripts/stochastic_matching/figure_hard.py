"""Figure: ratios on the upper-triangular instance, against both benchmarks."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure
from lib.drawing.ranges import tick_at
from lib.stats.intervals import estimate_mean


def figure(triangular):
    """Return the figure; the control, told who leaves last, has 95 % intervals over replicates."""
    fig, axis = new_figure(width=5.6, height=3.9)
    sizes = triangular["size"]
    axis.plot(sizes, triangular.value / triangular.configuration, color=COLOURS[0], marker=MARKERS[0],
              label="balance / stochastic configuration program")  # fmt: skip
    axis.plot(sizes, triangular.value / triangular.matching, color=COLOURS[1], marker=MARKERS[1], ls="--",
              label="balance / matching program")  # fmt: skip
    ratio = (triangular.control_successes / triangular.control_configuration).transpose("replicate", "control").values
    mean, _, low, high, _ = estimate_mean(ratio)
    axis.errorbar(triangular.control, mean, [mean - low, high - mean], color=COLOURS[2], marker=MARKERS[2], ls="none",
                  label="control that takes who stays longest")  # fmt: skip
    lines = ((0.613, "0.613 (paper)"), (0.621, "0.621"), (1 - 1 / np.e, "1 − 1/e"))
    for (level, name), lift in zip(lines, (-9, -3, 2)):
        axis.axhline(level, color="0.5", lw=0.8, ls=":")
        axis.annotate(name, (1, level), (2, lift), xycoords=("axes fraction", "data"), textcoords="offset points",
                      fontsize=7)  # fmt: skip
    axis.set(xscale="log", xlabel="offline vertices n", ylabel="expected successes over the benchmark")
    ticks = [n for n in (1, 2, 5, 10, 20, 40, 120) if n <= sizes.values.max()]
    tick_at(axis, ticks)
    axis.legend(fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
