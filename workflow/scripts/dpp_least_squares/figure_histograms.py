"""Figure: histograms of the logarithm of the relative error, at several numbers of points."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, REFERENCE, new_figure, panel_labels
from lib.regression.functions import FORMULAS
from lib.sampling.designs import LABELS

COLOUR = {name: COLOURS[i % 8] for i, name in enumerate(LABELS)}
COLOUR["rep_cond"] = COLOURS[4]  # apart from that of the repeated process


def figure(errors):
    """Return the figure: a panel for each n; triangles are the paper's root mean squares."""
    at = errors.isel(size=0)
    multiples = at.multiple.values
    fig, axes = new_figure(ncols=len(multiples), width=12.0, height=3.7)
    logs = np.log10(at.relative_error)
    best = float(np.log10(at.best))
    for axis, multiple in zip(axes, multiples):
        bins = best + np.linspace(-0.02, 1, 51) * (float(logs.sel(multiple=multiple).quantile(0.995)) - best)
        for k, name in enumerate(at.strategy.values):
            values = logs.sel(multiple=multiple, strategy=name).values
            share = np.histogram(np.minimum(values, bins[-1]), bins)[0] / len(values)
            style = {"color": COLOUR[name], "ls": LINESTYLES[k]}
            axis.stairs(share, bins, lw=1.4, label=LABELS[name], **style)
            printed = at.printed_rms.sel(multiple=multiple, strategy=name).values
            axis.plot(
                np.log10(printed),
                0,
                marker="^",
                ms=8,
                mec="black",
                color=COLOUR[name],
                clip_on=False,
                zorder=5,
                ls="none",
            )
        axis.axvline(best, label="best error", **REFERENCE)
        axis.set(
            xlabel="log$_{10}$ relative error", title=f"n = {multiple}m = {multiple * int(at['size'])}", ylim=(0, None)
        )
    axes[0].plot([], [], "^", ms=8, mfc="white", mec="black", label="rms in the paper")
    axes[0].set_ylabel(f"share of designs, f = {FORMULAS[errors.function]}")
    axes[0].legend(fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
