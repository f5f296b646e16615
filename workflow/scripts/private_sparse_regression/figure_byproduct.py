"""Figure: sparse regression without privacy, errors and times."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels
from lib.drawing.ranges import draw_guide, draw_means, tick_at

NAMES = {
    "closed_form": "closed form",
    "closed_form_cv": "closed form, cross-validated",
    "closed_form_oracle": "closed form, best level",
    "least_squares": "least squares",
    "lasso_theory": "Lasso",
    "lasso_cv": "Lasso, cross-validated",
    "lasso_oracle": "Lasso, best level",
    "hard_thresholding": "hard thresholding",
}


def figure(byproduct, times):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=9.5, height=3.8)
    styles = {
        name: {
            "color": COLOURS[i % len(COLOURS)],
            "marker": MARKERS[i % len(MARKERS)],
            "ls": LINESTYLES[i % 4],
            "label": words,
        }
        for i, (name, words) in enumerate(NAMES.items())
    }
    dim = int(byproduct.dim.values[-1])
    for name in byproduct.estimator.values:
        values = byproduct.error.sel(estimator=name, dim=dim).transpose("rows", "seed").values
        draw_means(left, byproduct.rows.values, values, **styles[str(name)])
    start = float(byproduct.error.sel(estimator="closed_form", dim=dim).isel(rows=0).mean())
    draw_guide(left, byproduct.rows.values, start * 1.3, -0.5, "slope −1/2")
    for name in times.estimator.values:
        right.plot(times.rows, 1e3 * times.time.sel(estimator=name).min("repeat"), **styles[str(name)])
    left.set(ylabel="ℓ2 error", title=f"d = {dim}, k = {byproduct.attrs['sparsity']}")
    right.set(ylabel="smallest time (ms)", title=f"d = {times.attrs['dim']}, one thread")
    for axis, store in ((left, byproduct), (right, times)):
        axis.set(xscale="log", yscale="log", xlabel="rows n")
        tick_at(axis, store.rows.values)
        axis.legend(fontsize=6)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
