"""Figure: norm of the head during probing, and feature change against scale and accuracy of the head at the start."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels
from lib.drawing.ranges import draw_means, draw_range
from lib.probing.runs import run_values

LOSSES = {"cross-entropy": (COLOURS[0], "o", "-"), "squared": (COLOURS[1], "s", "--")}


def figure(heads, tuned):
    """Return the figure."""
    fig, (steps, scales, accuracy) = new_figure(ncols=3, width=11.0, height=3.5)
    for loss, (colour, marker, line) in LOSSES.items():
        values = heads.descent.isel(encoder=0).sel(loss=loss).transpose("step", "descent_seed")
        style = {"color": colour, "marker": marker, "ls": line}
        draw_range(steps, heads.step.values, values, "descent_seed", label=loss, **style)
    steps.axhline(float(heads.optimum.isel(encoder=0).mean()), color=COLOURS[1], lw=1, ls=":", label="least squares")
    steps.axhline(float(heads.start.isel(encoder=0).mean()), color="0.5", lw=1, ls="-.", label="random head")
    steps.set(xscale="log", yscale="log", xlabel="steps of gradient descent", ylabel="norm of the head")
    steps.legend(fontsize=7)

    rate = tuned.attrs["scale_rate"]
    factors = np.unique(tuned.scale.values)
    for i, procedure in enumerate(("FT", "LP-FT")):
        change = np.stack([run_values(tuned, procedure, "change", rate=rate, scale=factor)[0] for factor in factors])
        style = {"color": COLOURS[i], "marker": MARKERS[i], "label": procedure}
        draw_means(scales, factors, change, **style)
    scales.set(xscale="log", yscale="log", xlabel="factor of the head at the start", ylabel="mean change of a feature")
    scales.legend()

    shares = np.unique(tuned.noise.values)
    for i, share in enumerate(shares):
        start, change = (
            run_values(tuned, "LP-FT", measure, rate=rate, noise=share)[0] for measure in ("start_accuracy", "change")
        )
        accuracy.plot(start, change, MARKERS[i], color=COLOURS[i], label=f"{share:g} of the labels replaced")
    accuracy.set(xlabel="training accuracy of the head at the start", ylabel="mean change of a feature", ylim=(0, None))
    accuracy.legend(fontsize=7)
    panel_labels((steps, scales, accuracy))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
