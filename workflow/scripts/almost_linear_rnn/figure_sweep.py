"""Figure: quality, linear regions and share of successful trainings against the number P of rectified units."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure, panel_labels
from lib.drawing.ranges import draw_pass_band
from lib.stats.intervals import estimate_proportion

COLLAPSED = 14.0
AUTHORS = {"D_stsp": 3.52, "D_H": 0.143}
BOUNDS = {"D_stsp": 5.0, "D_H": 0.2}


def _draw_spread(axis, at, values, label, colour, marker):
    """Median and quartiles over trainings, every training as a dot, and how many diverged."""
    rows = [v[np.isfinite(v)] for v in values]
    nonempty = [i for i, v in enumerate(rows) if len(v)]
    quartiles = np.array([np.quantile(rows[i], [0.25, 0.5, 0.75]) for i in nonempty]).reshape(-1, 3)
    low, median, high = quartiles.T
    style = {"marker": marker, "color": colour, "mfc": "white", "ls": "", "label": label, "zorder": 3}
    axis.errorbar(np.array(at, float)[nonempty], median, [median - low, high - median], **style)
    for i in nonempty:
        axis.plot(np.full(len(rows[i]), at[i]), rows[i], ".", ms=4, color=colour, alpha=0.5)
    for i, v in enumerate(values):
        if len(rows[i]) < len(v):
            place = {"xycoords": ("data", "axes fraction"), "xytext": (0, -4), "textcoords": "offset points"}
            text = f"{len(v) - len(rows[i])} diverged"
            axis.annotate(text, (at[i], 1), ha="center", va="top", fontsize=6.5, **place)


def figure(lorenz, lorenz_full):
    """Return the figure; P = M, trained at settings of its own, stands apart at the right."""
    ps = np.unique(lorenz.rectified.values)
    at = [*ps.tolist(), int(ps.max()) + 2]
    names = [*map(str, ps), f"M = {lorenz_full.attrs['units']}"]
    runs = [lorenz.isel(run=np.flatnonzero(lorenz.rectified.values == p)) for p in ps] + [lorenz_full]
    fig, axes = new_figure(ncols=2, nrows=2, width=8.8, height=6.6)
    for axis, name, text in ((axes[0, 0], "D_stsp", "$D_{stsp}$ (nats)"), (axes[0, 1], "D_H", "$D_H$")):
        draw_pass_band(axis, 0, BOUNDS[name])
        _draw_spread(axis, at, [run[name].values for run in runs], "trainings", COLOURS[0], "o")
        axis.axhline(float(lorenz.chosen_floor.sel(measure=name)), label="data against data", **REFERENCE)
        axis.plot(2, AUTHORS[name], "*", ms=10, color="black", label="authors' model", zorder=4)
        axis.set(ylabel=text, ylim=(0, None))
    axes[0, 0].axhline(COLLAPSED, color="0.5", lw=1, ls=":", label="collapsed model")
    close = [run.D_stsp.values < BOUNDS["D_stsp"] for run in runs]
    regions = axes[1, 0]
    for name, text, colour, marker in (
        ("raw", "visited", COLOURS[0], "o"),
        ("used", "at least 0.5 % of the time", COLOURS[2], "^"),
        ("n95", "hold 95 % of the time", COLOURS[1], "s"),
    ):
        _draw_spread(
            regions, at, [run[name].values[c].astype(float) for run, c in zip(runs, close)], text, colour, marker
        )
    regions.plot(ps, 2.0**ps, label="$2^P$", **REFERENCE)
    regions.set(ylabel="linear regions ($D_{stsp}$ < 5)", yscale="log", ylim=(0.8, None))
    success = axes[1, 1]
    hits = [int(np.sum(c & (run.D_H.values < BOUNDS["D_H"]))) for run, c in zip(runs, close)]
    rate = estimate_proportion(np.array(hits), np.array([run.sizes["run"] for run in runs]))
    style = {"marker": "o", "color": COLOURS[0], "ls": "", "zorder": 3}
    success.errorbar(at, rate.value, [rate.value - rate.low, rate.high - rate.value], **style)
    for x, hit, run in zip(at, hits, runs):
        success.annotate(f"{hit} of {run.sizes['run']}", (x, 1.06), ha="center", fontsize=6.5)
    success.set(ylabel="share that reconstruct Lorenz-63", ylim=(-0.03, 1.15))
    for axis in axes.flat:
        axis.set(xlabel="rectified units P", xticks=at, xticklabels=names, xlim=(-0.6, at[-1] + 0.6))
        axis.axvline(at[-1] - 1, color="0.8", lw=0.8)
    for axis, place in ((axes[0, 0], "center right"), (axes[0, 1], "upper right"), (regions, "upper left")):
        axis.legend(loc=place, fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
