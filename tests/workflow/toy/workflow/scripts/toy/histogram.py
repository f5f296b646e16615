"""Figure: histogram of the draws."""

import numpy as np

from lib.atlas.job.figure import new_figure


def histogram(draws: list, *, bins: int):
    """Return the figure."""
    figure, axis = new_figure()
    axis.hist(np.concatenate([item.x.values for item in draws]), bins=bins)
    axis.set_xlabel("draw")
    axis.set_ylabel("number of draws")
    return figure


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(histogram, snakemake)
