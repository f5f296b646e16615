"""Figure: tails of Lipschitz functionals within classes, with the normal law and a curve of the Lipschitz map."""

import numpy as np
from scipy.special import erfc

from lib.atlas.job.figure import COLOURS, LINESTYLES, REFERENCE, new_figure
from lib.diffusion.functionals import FUNCTIONALS


def figure(concentration, jacobians):
    """Return the figure."""
    fig, axes = new_figure(ncols=3, nrows=2, width=9.0, height=5.2, sharex=True, sharey=True)
    t = concentration.deviations.values
    largest = float(jacobians.spectral_norm.max())
    for axis, (name, label) in zip(axes.flat, FUNCTIONALS.items()):
        part = concentration.sel(functional=name)
        for i, source in enumerate(part.source.values[1:]):
            share = part.survival.sel(source=source).max("class").values
            axis.plot(t, _positive(share), color=COLOURS[i], ls=LINESTYLES[i], label=str(source))
        real = part.survival.sel(source="real").max("class").values
        axis.plot(t, _positive(real), color=COLOURS[7], ls=":", label="real")
        axis.plot(t, erfc(t / np.sqrt(2)), label="normal", **REFERENCE)
        deviation = float(part.statistic.sel(source="ddim", number="deviation").max())
        bound = np.minimum(1, 2 * np.exp(-((t * deviation) ** 2) / (2 * largest**2)))
        axis.plot(t, bound, color="0.75", lw=2.5, zorder=0, label="largest Jacobian met")
        axis.set_title(label, fontsize=8)
        axis.set(yscale="log", ylim=(1e-4, 1.2), xlim=(0, 6))
    for axis in axes[-1]:
        axis.set_xlabel("deviations from the mean")
    for axis in axes[:, 0]:
        axis.set_ylabel("share beyond")
    axes[0, 0].legend(fontsize=6.5)
    return fig


def _positive(share: np.ndarray) -> np.ndarray:
    """Shares, with NaN in place of zero, which a logarithmic axis cannot show."""
    return np.where(share > 0, share, np.nan)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
