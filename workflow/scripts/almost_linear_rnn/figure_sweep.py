"""Figure: quality and number of linear regions against the number P of rectified units."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure, panel_labels

COLLAPSED = 14.0
AUTHORS = {"D_stsp": 3.52, "D_H": 0.143}


def _draw_spread(axis, at, values, label, colour, marker):
    """Median and quartiles over seeds, and every seed."""
    rows = [v[np.isfinite(v)] for v in values]
    nonempty = [i for i, v in enumerate(rows) if len(v)]
    quartiles = np.array([np.quantile(rows[i], [0.25, 0.5, 0.75]) for i in nonempty])
    x = np.array(at, float)[nonempty]
    if nonempty:
        if x[-1] == max(at):  # P = M is another kind of model: no line leads to it
            x = np.insert(x, -1, np.nan)
            quartiles = np.insert(quartiles, -1, np.nan, axis=0)
        low, median, high = quartiles.T
        style = {"marker": marker, "color": colour, "mfc": "white", "label": label, "zorder": 3}
        axis.errorbar(x, median, [median - low, high - median], **style)
    for i in nonempty:
        axis.plot(np.full(len(rows[i]), at[i]), rows[i], ".", ms=4, color=colour, alpha=0.7)
    for i, v in enumerate(values):
        if len(rows[i]) < len(v):
            place = {"xycoords": ("data", "axes fraction"), "xytext": (0, -4), "textcoords": "offset points"}
            text = f"{len(v) - len(rows[i])} diverged"
            axis.annotate(text, (at[i], 1), ha="center", va="top", fontsize=6.5, **place)


def figure(lorenz):
    """Return the figure; medians and quartiles over seeds, dots for single seeds; P = M stands at the right."""
    ps = np.unique(lorenz.rectified.values)
    units = lorenz.attrs["units"]
    at = [int(p) if p < units else int(ps[ps < units].max()) + 2 for p in ps]
    names = [str(p) if p < units else f"M = {p}" for p in ps]
    by_p = [np.flatnonzero(lorenz.rectified.values == p) for p in ps]
    fig, axes = new_figure(ncols=3, width=11.4, height=3.6)
    for axis, name, text in ((axes[0], "D_stsp", "$D_{stsp}$ (nats)"), (axes[1], "D_H", "$D_H$")):
        _draw_spread(axis, at, [lorenz[name].values[i] for i in by_p], "held-out half", COLOURS[0], "o")
        floor = float(lorenz.chosen_floor.sel(measure=name))
        axis.axhline(floor, label="data against data", **REFERENCE)
        axis.plot(2, AUTHORS[name], "*", ms=10, color="black", label="authors' model", zorder=4)
        axis.set(ylabel=text, ylim=(0, None))
    axes[0].axhline(COLLAPSED, color="0.5", lw=1, ls=":", label="collapsed model")
    close = [lorenz.D_stsp.values[i] < 5 for i in by_p]
    for name, text, colour, marker in (
        ("raw", "visited", COLOURS[0], "o"),
        ("used", "at least 0.5 %", COLOURS[2], "^"),
        ("n95", "hold 95 %", COLOURS[1], "s"),
    ):
        values = [lorenz[name].values[i][c].astype(float) for i, c in zip(by_p, close)]
        _draw_spread(axes[2], at, values, text, colour, marker)
    small = np.array([p for p in ps if p < units])
    axes[2].plot(small, 2.0**small, label="$2^P$", **REFERENCE)
    axes[2].set(ylabel="linear regions (runs with $D_{stsp}$ < 5)", yscale="log", ylim=(0.8, None))
    for axis in axes:
        axis.set(xlabel="rectified units P", xticks=at, xticklabels=names)
    axes[0].legend(loc="center", bbox_to_anchor=(0.68, 0.78), fontsize=7)
    axes[1].legend(loc="upper right", fontsize=7)
    axes[2].legend(loc="upper left", fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
