"""Figure: lifted circles and spirals, features, and accuracy of each method."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure, panel_labels


def figure(toys):
    """Return the figure."""
    fig, axes = new_figure(ncols=3, nrows=2, width=10, height=6.2)
    for row, shape in zip(axes, toys["shape"].values):
        toy = toys.sel(shape=shape)
        for curve, marker in ((0, "o"), (1, "^")):
            chosen = toy["class"].values == curve
            colours = np.array(COLOURS)[toy.label.values[chosen].astype(int)]
            for axis, values in zip(row, (toy.points.values, toy.feature.values)):
                axis.scatter(*values[chosen].T, c=colours, marker=marker, s=7, lw=0, rasterized=True)
        for axis, title in zip(row, (f"{shape}, before the lift", "features, principal components")):
            axis.set(title=title, xlabel="first", ylabel="second")
            axis.set_aspect("equal", adjustable="datalim")
        names = list(toy.estimator.values)
        for m, name in enumerate(names):
            values = toy.accuracy.sel(estimator=name).values
            x = m + 0.2 * (np.linspace(-1, 1, len(values)) if len(values) > 1 else np.zeros(1))
            row[2].plot(x, np.sort(values), ls="none", marker="o", color=COLOURS[m], ms=4)
        row[2].axhline(0.5, color="black", ls=":", lw=0.8)
        row[2].set_xticks(range(len(names)), names, fontsize=7)
        row[2].set(ylabel="accuracy", ylim=(0.45, 1.03), title=f"{toys.sizes['seed']} seeds (dotted: chance)")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
