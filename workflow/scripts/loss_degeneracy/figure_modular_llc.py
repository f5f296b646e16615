"""Figure: effective parameters of separate and coupled modules, and estimates for block and dense students."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure, panel_labels
from lib.drawing.degeneracy import draw_numbers


def figure(volumes, students):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=9.0, height=3.7)
    words = {"coupled": "coupled, u² + v² + a²b²", "separate": "separate, u² + v²"}
    for i, (name, label) in enumerate(words.items()):
        draw_numbers(left, volumes.sel(loss=name), COLOURS[i], label)
    left.axhline(3, color="0.7", lw=0.8)
    left.set(xscale="log", xlabel="level ε of the loss", ylabel="effective number of parameters", ylim=(1.8, 3.15))
    left.legend(fontsize=8, loc="center left")
    lengths = list(students.length.values)
    for k in range(len(lengths)):
        one = students.isel(length=k)
        x = np.stack([np.full(students.sizes["teacher"], 3 * k + s) for s in (0, 1)])
        x = x + np.linspace(-0.2, 0.2, students.sizes["teacher"])
        right.plot(x, one.value, color="0.8", lw=0.8, zorder=1)
        for s, student in enumerate(students.student.values):
            own = one.sel(student=student)
            mixed = own.mixed.values.astype(bool)
            for chosen, face in ((mixed, COLOURS[s]), (~mixed, "white")):
                right.errorbar(
                    x[s, chosen], own.value.values[chosen], own.error.values[chosen], fmt="os"[s], color=COLOURS[s],
                    mfc=face,
                )  # fmt: skip
    for s, student in enumerate(students.student.values):
        right.plot([], [], "os"[s], color=COLOURS[s], label=str(student))
    right.axhline(students.attrs["parameters"] / 2, color="black", ls=":", lw=1, label="half the parameters")
    right.set_xticks([3 * k + 0.5 for k in range(len(lengths))], [f"{length}" for length in lengths])
    right.set(xlabel="steps of the chains", ylabel="estimated learning coefficient")
    right.legend(fontsize=7)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
