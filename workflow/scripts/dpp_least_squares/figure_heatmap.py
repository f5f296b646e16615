"""Figure: probability of a stable design over the size of the space and the number of points."""

from lib.atlas.job.figure import new_figure, panel_labels
from lib.sampling.designs import LABELS

MEASURES = {"legendre": "uniform measure", "hermite": "Gaussian measure"}


def figure(stability, family):
    """Return the figure of one reference measure: a map for each strategy, with lines at 50 % and 95 %."""
    m, n = stability["size"].values, stability.n.values
    fig, axes = new_figure(ncols=len(stability.strategy), width=12.0, height=3.6, sharey=True)
    for axis, strategy in zip(axes, stability.strategy.values):
        stable = stability.stable.sel(family=family, strategy=strategy).transpose("n", "size").values
        mesh = axis.pcolormesh(m, n, stable, vmin=0, vmax=1, shading="nearest")
        axis.contour(m, n, stable, [0.5, 0.95], colors=["white", "black"], linestyles=["-", "--"], linewidths=1)
        axis.set(xlabel="number of functions m", title=LABELS[strategy])
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel("number of points n")
    fig.colorbar(mesh, ax=axes, label=f"Pr($\\lambda_{{\\min}} \\geq$ {1 - stability.delta:g})", pad=0.01)
    fig.suptitle(f"Polynomials, {MEASURES[family]}", fontsize=10)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
