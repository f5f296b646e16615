"""Figure: effective parameters of separate and coupled modules, and estimates for block and dense students."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure, panel_labels
from lib.drawing.degeneracy import draw_numbers


def figure(volumes, students, held):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=9.0, height=3.7)
    words = {"coupled": "coupled, u² + v² + a²b²", "separate": "separate, u² + v²"}
    for i, (name, label) in enumerate(words.items()):
        draw_numbers(left, volumes.sel(loss=name), COLOURS[i], label)
    left.axhline(3, color="0.7", lw=0.8)
    left.set(xscale="log", xlabel="level ε of the loss", ylabel="effective number of parameters", ylim=(1.8, 3.15))
    left.legend(fontsize=8, loc="center left")
    groups = [(students, k) for k in range(students.sizes["length"])] + [(held, held.sizes["length"] - 1)]
    for g, (store, k) in enumerate(groups):
        _draw_pairs(right, store.isel(length=k), 3 * g)
    for s, student in enumerate(students.student.values):
        right.plot([], [], "os"[s], color=COLOURS[s], label=str(student))
    right.axhline(students.attrs["parameters"] / 2, color="black", ls=":", lw=1, label="half the parameters")
    words = [f"{store.length.values[k]}\nγ = {store.attrs['localisation']:g}" for store, k in groups]
    right.set_xticks([3 * g + 0.5 for g in range(len(groups))], words)
    right.set(xlabel="steps of the chains, and strength that holds them", ylabel="estimated learning coefficient")
    right.legend(fontsize=7)
    panel_labels((left, right))
    return fig


def _draw_pairs(axis, one, start: float) -> None:
    """Estimates of both students of each teacher, joined by a line; outlines where chains have not mixed."""
    x = start + np.arange(2)[:, None] + np.linspace(-0.2, 0.2, one.sizes["teacher"])
    axis.plot(x, one.value, color="0.8", lw=0.8, zorder=1)
    for s, student in enumerate(one.student.values):
        own = one.sel(student=student)
        mixed = own.mixed.values.astype(bool)
        for chosen, face in ((mixed, COLOURS[s]), (~mixed, "white")):
            values, errors = own.value.values[chosen], own.error.values[chosen]
            axis.errorbar(x[s, chosen], values, errors, fmt="os"[s], color=COLOURS[s], mfc=face)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
