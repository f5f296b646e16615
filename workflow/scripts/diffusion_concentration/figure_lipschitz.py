"""Figure: singular values of the sampler's Jacobian, and Poincaré ratios."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels


def figure(jacobians):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=7.8, height=3.3)
    classes = jacobians["class"].values
    norms = jacobians.spectral_norm.values
    edges = np.linspace(0, float(norms.max()) * 1.05, 16)
    left.hist(norms.T, edges, stacked=True, color=COLOURS[: len(classes)], label=[f"class {k}" for k in classes])
    left.set(xlabel="largest singular value", ylabel="noises")
    left.legend(fontsize=7)
    for a in range(len(classes)):
        values = jacobians["value"].isel({"class": a}).values.astype(float)
        values = values[:, np.isfinite(values[0])]
        gradient = jacobians.gradient.isel({"class": a}).values
        ratio = values.var(axis=1) / gradient.mean(axis=0)
        place = a + np.linspace(-0.25, 0.25, len(ratio) - 1)
        style = {"color": COLOURS[a], "ls": ""}
        right.plot(
            place, ratio[1:], MARKERS[a], ms=3, alpha=0.5, mfc="white", label=None if a else "projections", **style
        )
        error = ratio[0] * gradient[:, 0].std(ddof=1) / gradient[:, 0].mean() / np.sqrt(len(gradient))
        right.errorbar(a, ratio[0], 2 * error, marker=MARKERS[a], ms=8, label=None if a else "norm", **style)
    right.axhline(1, label="bound", **REFERENCE)
    right.set(xticks=range(len(classes)), xticklabels=[f"class {k}" for k in classes], ylim=(0, None))
    right.set_ylabel("variance over mean squared gradient")
    right.legend(fontsize=7)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
