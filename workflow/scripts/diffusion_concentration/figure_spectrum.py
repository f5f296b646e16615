"""Figure: eigenvalues of class covariances and of Gram matrices, samples and matched mixture."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, new_figure, panel_labels

CLASSES = (0, 1, 8)


def figure(spectra):
    """Return the figure."""
    fig, axes = new_figure(ncols=3, nrows=2, width=9.0, height=5.4)
    for axis, k in zip(axes[0], CLASSES):
        for i, source in enumerate(spectra.source.values):
            values = spectra.eigenvalue.sel({"source": source, "class": k}).values
            shown = np.where(values > 1e-9 * values[0], values / values[0], np.nan)
            order = np.arange(1, len(shown) + 1)
            axis.plot(order, shown, color=COLOURS[i], ls=LINESTYLES[i], label=str(source))
        axis.set(yscale="log", xlabel="order", title=f"class {k}", ylim=(1e-7, 2))
    axes[0, 0].set_ylabel("eigenvalue over the largest")
    axes[0, 0].legend(fontsize=7)
    for axis, group in zip(axes[1], (str(CLASSES[0]), str(CLASSES[2]), "all")):
        values = spectra.gram.sel(group=group).values
        positive = values[values > 1e-6 * values.max()]
        edges = np.geomspace(positive.min(), positive.max() * 1.01, 25)
        for i, arm in enumerate(spectra.arm.values):
            axis.hist(values[i], edges, histtype="step", color=COLOURS[i], ls=LINESTYLES[i], lw=1.4, label=str(arm))
        name = "all classes" if group == "all" else f"class {group}"
        axis.set(xscale="log", yscale="log", ylim=(0.7, None), xlabel="eigenvalue of the Gram matrix", title=name)
    axes[1, 0].set_ylabel("number")
    axes[1, 0].legend(fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
