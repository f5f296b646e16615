"""Figure: error of the sign attack's last query against the number of queries, measured and predicted."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure
from lib.privacy.analysts import sign_attack_bias
from lib.stats.intervals import standard_error


def figure(signs):
    """Return the figure; lines are the normal approximation, bars twice the standard error over seeds."""
    fig, axes = new_figure(signs.sizes["n"], width=8.4, height=3.6, sharey=True, squeeze=False)
    for axis, n in zip(axes[0], signs.n.values):
        ratio = np.geomspace(signs.ratio.min().item() / 1.5, signs.ratio.max().item() * 1.5, 100)
        for i, sigma in enumerate(signs.sigma.values):
            error = signs.error.sel(n=n, sigma=sigma)
            axis.plot(ratio, sign_attack_bias(ratio * n, n, sigma), color=COLOURS[i], lw=1)
            axis.errorbar(
                signs.ratio,
                error.mean("seed"),
                2 * standard_error(error, error.get_axis_num("seed")),
                color=COLOURS[i],
                marker=MARKERS[i],
                mfc="white",
                linestyle="",
                label=f"s = {sigma:g}" if sigma else "no noise",
            )
        axis.set(xscale="log", xlabel="queries over samples, m / n", title=f"n = {n}")
    axes[0, 0].set(ylabel="last answer minus truth", ylim=(-0.03, 0.5))
    axes[0, 0].legend(title="noise on the answers")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
