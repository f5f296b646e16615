"""Figure: barriers against what curvature predicts, and the identity."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels


def figure(curvature, lines, identity):
    """Return the figure."""
    fig, (left, middle, right) = new_figure(ncols=3, width=10.5, height=3.5)
    measured = lines.barrier.sel(measure="train_loss", pair=curvature.pair.values).transpose("pair", "seed")
    expected = curvature.predicted.sel(predictor="endpoint").transpose("pair", "seed")
    distance = curvature.predicted.sel(predictor="distance").transpose("pair", "seed")
    for i, name in enumerate(curvature.pair.values):
        x, y = expected.sel(pair=name).values, measured.sel(pair=name).values
        style = {"color": COLOURS[i], "marker": MARKERS[i], "linestyle": "", "ms": 4}
        left.plot(x, y, label=name, **style)
        if name == "independent":
            continue
        about = [np.log(v) - np.log(v).mean() for v in (x, distance.sel(pair=name).values, y)]
        middle.plot(about[0], about[2], **style)
        middle.plot(about[1], about[2], **style, mfc="none", alpha=0.6)
    ends = np.array([expected.min(), measured.max()])
    left.plot(ends, ends, label="equal", **REFERENCE)
    left.set(xscale="log", yscale="log", xlabel="from the curvature at both ends", ylabel="barrier")
    forked = [name for name in curvature.pair.values if name != "independent"]
    ranks = [v.sel(pair=forked).values.ravel().argsort().argsort() for v in (expected, measured)]
    rho = np.corrcoef(ranks)[0, 1]
    left.legend(fontsize=6.5, title=f"rank correlation of forks {rho:.2f}", title_fontsize=6.5)
    middle.plot([], [], "o", color="0.3", ms=4, label="curvature at both ends")
    middle.plot([], [], "o", color="0.3", ms=4, mfc="none", label="squared distance")
    middle.set(xlabel="log prediction, about the mean of its fork", ylabel="log barrier, about the mean of its fork")
    middle.legend(fontsize=7)
    smooth = list(identity.smooth.values)
    for name in identity.network.values:
        one = identity.sel(network=name)
        if name in smooth:
            right.plot(one.second_order, one.rise, "o", color=COLOURS[0], ms=5)
        else:
            right.plot(one.first_order, one.rise, "s", color=COLOURS[2], ms=5, mfc="none")
            right.plot(one.second_order, one.rise, "x", color=COLOURS[1], ms=5)
    top = 1.1 * float(identity.rise.max())
    right.plot([0, top], [0, top], **REFERENCE)
    right.plot([], [], "o", color=COLOURS[0], label="curvature, smooth")
    right.plot([], [], "s", color=COLOURS[2], mfc="none", label="slope, ReLU")
    right.plot([], [], "x", color=COLOURS[1], label="curvature, ReLU")
    right.axvline(0, color="0.7", lw=0.8)
    right.set(xlabel="integral along the line", ylabel="rise at the midpoint")
    right.legend(fontsize=7, loc="center left")
    panel_labels((left, middle, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
