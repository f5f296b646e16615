"""Figure: relative error of an inverse covariance against the number of samples, and the number that is needed."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels


def figure(relative):
    """Return the figure; left on the one-hot law, where the bound is used most."""
    fig, (left, right) = new_figure(ncols=2, width=8.8, height=3.6)
    for i, gamma in enumerate(relative.gamma.values):
        samples = relative.factor * float(relative.samples.sel(gamma=gamma))
        style = {"color": COLOURS[i], "marker": MARKERS[i], "ls": LINESTYLES[i]}
        left.plot(samples, relative.typical.sel(law="one-hot", gamma=gamma), label=f"γ = {gamma:g}", **style)
        left.hlines(2 * np.sqrt(gamma), samples[0], samples[-1], color=COLOURS[i], lw=0.8)
        left.axvline(float(samples[-1]), color=COLOURS[i], lw=0.8, ls=":")
    left.set(xscale="log", yscale="log", xlabel="samples W", ylabel="deviation of an eigenvalue from 1")
    left.legend(fontsize=7)
    gammas = relative.needed_gamma.values
    for i, law in enumerate(relative.law.values):
        style = {"color": COLOURS[i], "marker": MARKERS[i], "ls": LINESTYLES[i], "label": f"{law} features"}
        right.plot(1 / gammas, relative.needed.sel(law=law), **style)
    d, delta = relative.attrs["dim"], relative.attrs["delta"]
    right.plot(1 / gammas, 4 * d * np.log(d / delta) / gammas**2, label="the lemma", **REFERENCE)
    right.set(xscale="log", yscale="log", xlabel="1 / γ", ylabel="samples that are needed")
    right.legend(fontsize=7)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
