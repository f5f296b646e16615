"""Figure: root mean square error of a mean against the number of samples."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure


def figure(errors):
    """Return the figure."""
    fig, axis = new_figure(width=4.6, height=3.4)
    square = errors.error**2
    rms = np.sqrt(square.mean("repetition"))
    spread = square.std("repetition", ddof=1) / np.sqrt(errors.sizes["repetition"]) / (2 * rms)
    axis.errorbar(errors.samples, rms, spread, fmt="o", color=COLOURS[0], mfc="white", label="measured")
    axis.plot(errors.samples, 1 / np.sqrt(errors.samples), color="black", lw=0.8, label="$1 / \\sqrt{n}$")
    axis.set(xscale="log", yscale="log", xlabel="number of samples $n$", ylabel="root mean square error")
    axis.legend()
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
