"""Figure: error against the number of rows; ours beside least squares on more rows, and on fresh rows."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.medians import draw_medians
from lib.drawing.ranges import draw_guide, tick_at


def figure(sizes, rows):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=9.0, height=3.6)
    places = np.flatnonzero([str(name).startswith("rows:") for name in sizes.point.values])
    numbers = sizes.rows.values[places]
    for i, (method, words) in enumerate((("ours", "fixed level"), ("ours_oracle", "best level"))):
        values = sizes.error.sel(estimator=method).transpose("point", "seed").values[places]
        draw_medians(left, numbers * 1.02**i, values, color=COLOURS[i], marker=MARKERS[i], label=f"ours, {words}")
    start = float(np.median(sizes.error.sel(estimator="ours").transpose("point", "seed").values[places[0]]))
    draw_guide(left, numbers, start, -1.0, "slope −1")
    ends = np.array([numbers.min(), numbers.max()])
    left.plot(ends, start * (ends / ends[0]) ** -0.5, ":", color="black", lw=1, label="slope −1/2")
    left.set(xscale="log", yscale="log", xlabel="rows n", ylabel="prediction error")
    left.set_title(f"d = {sizes.dim.values[places[0]]}, σ = {sizes.noise.values[places[0]]:g}")
    tick_at(left, numbers)
    for i, (sample, words) in enumerate((("error", "in the sample"), ("fresh", "on fresh rows"))):
        for k, (kind, label) in enumerate((("ours", "ours"), ("least squares", "least squares"), ("ridge", "ridge"))):
            chosen = [str(case).startswith(kind) for case in rows.case.values]
            values = rows[sample].transpose("case", "seed").values[chosen]
            known = np.isfinite(values).all(axis=1)
            if known.any():
                style = {"color": COLOURS[k], "marker": MARKERS[k], "mfc": COLOURS[k] if i == 0 else "white"}
                places_of = rows.rows.values[chosen][known] * (1.0 if i == 0 else 1.06)
                draw_medians(right, places_of, values[known], ls="", label=f"{label}, {words}", **style)
    dim, noise = rows.attrs["dim"], rows.attrs["noise"]
    grid = np.geomspace(dim * 1.05, rows.rows.values.max(), 50)
    right.plot(grid, noise**2 * dim / grid, label="σ² d / n", **REFERENCE)
    right.set(xscale="log", yscale="log", xlabel="rows n", title=f"common factor, d = {dim}, σ = {noise:g}")
    tick_at(right, sorted(set(rows.rows.values.tolist())))
    for axis in (left, right):
        axis.legend(fontsize=7)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
