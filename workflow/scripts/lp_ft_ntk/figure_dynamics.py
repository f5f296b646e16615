"""Figure: feature change in gradient descent, in the linear regime and as it is."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels


def figure(dynamics):
    """Return the figure."""
    fig, (course, end) = new_figure(ncols=2, width=8.4, height=3.6)
    steps = dynamics.step.values
    for i, scale in enumerate(dynamics.scale.values):
        one = dynamics.sel(scale=scale)
        course.plot(steps, one.measured.isel(seed=0), color=COLOURS[i], label=f"s = {scale:g}")
        course.plot(steps, one.predicted.isel(seed=0), color=COLOURS[i], ls="--", lw=1)
        end.plot(
            one.predicted.isel(step=-1),
            one.measured.isel(step=-1),
            MARKERS[i],
            color=COLOURS[i],
            label=f"s = {scale:g}",
        )
    course.set(xscale="log", yscale="log", xlabel="steps of gradient descent", ylabel="mean change of a feature")
    course.legend(fontsize=7, title="true (line), linearised (dashed)", title_fontsize=7)
    last = dynamics.isel(step=-1)
    both = np.concatenate([last.predicted.values.ravel(), last.measured.values.ravel()])
    line = [both[both > 0].min(), both.max()]
    end.plot(line, line, label="equal", **REFERENCE)
    end.set(xscale="log", yscale="log", xlabel="change in the linear regime", ylabel=f"change after {steps[-1]} steps")
    end.legend(fontsize=7)
    panel_labels((course, end))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
