"""Figure: feature change in gradient descent, in the linear regime and as it is."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels


def figure(dynamics):
    """Return the figure."""
    fig, (course, fall, end) = new_figure(ncols=3, width=11.5, height=3.6)
    steps = dynamics.step.values
    for i, scale in enumerate(dynamics.scale.values):
        one = dynamics.sel(scale=scale)
        first = one.isel(seed=0)
        for axis, name in ((course, None), (fall, "loss")):
            for way, variable, style in (("true", "measured", {}), ("linearised", "predicted", {"ls": "--", "lw": 1})):
                loss = first.loss.sel(dynamics=way)
                x = steps if name is None else (loss.isel(step=0) - loss).values[1:]
                y = first[variable].values[0 if name is None else 1 :]
                label = f"s = {scale:g}" if way == "true" else None
                axis.plot(x, y, color=COLOURS[i], marker=MARKERS[i], ms=3, label=label, **style)
        end.plot(
            one.predicted.isel(step=-1),
            one.measured.isel(step=-1),
            MARKERS[i],
            color=COLOURS[i],
            label=f"s = {scale:g}",
        )
    course.set(xscale="log", yscale="log", xlabel="steps of gradient descent", ylabel="mean change of a feature")
    course.legend(fontsize=7, title="true (line), linearised (dashed)", title_fontsize=7)
    fall.set(
        xscale="log",
        yscale="log",
        xlabel="fall of the training loss from the first step",
        ylabel="mean change of a feature",
    )
    last = dynamics.isel(step=-1)
    both = np.concatenate([last.predicted.values.ravel(), last.measured.values.ravel()])
    line = [both[both > 0].min(), both.max()]
    end.plot(line, line, label="equal", **REFERENCE)
    end.set(xscale="log", yscale="log", xlabel="change in the linear regime", ylabel=f"change after {steps[-1]} steps")
    end.legend(fontsize=7)
    panel_labels((course, fall, end))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
