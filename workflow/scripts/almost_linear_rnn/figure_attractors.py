"""Figure: true and generated attractors, coloured by symbol, with the fixed points of the linear regions."""

import numpy as np
from matplotlib.patches import Rectangle

from lib.atlas.job.figure import COLOURS, new_figure, panel_labels
from lib.drawing.symbols import SHADES


def eigenvalue_type(real, imag) -> str:
    """The type of a fixed point, from its leading eigenvalue."""
    size = np.hypot(real, imag)
    if imag == 0 and size > 1:
        return f"saddle, λ = {real:.3f}"
    return f"{'unstable' if size > 1 else 'stable'} {'spiral' if imag != 0 else 'node'}, |λ| = {size:.3f}"


def _draw_free_run(axis, run, d, i, j, limits):
    """Points of the free run `d` by symbol, and the fixed points of its three most used regions."""
    orbit, code, symbols = run.orbit.values[d], run.code.values[d], run.symbol.values[d]
    ranks = [r for r in range(len(symbols)) if symbols[r] >= 0 and run.fraction.values[d, r] >= 0.0005][:6]
    for r in ranks:
        points = orbit[code == symbols[r]][:, [i, j]]
        label = f"region {r + 1}: {100 * run.fraction.values[d, r]:.1f} % of the time"
        axis.scatter(*points.T, s=1.2, lw=0, color=SHADES[r], rasterized=True, label=label)
    for r in ranks[:3]:
        point = run.point.values[d, r]
        if not np.isfinite(point).all():
            continue
        inside = all(low <= point[k] <= high for k, (low, high) in zip((i, j), limits))
        real = bool(run.is_real.values[d, r])
        kind = eigenvalue_type(run.eigenvalue_real.values[d, r, 0], run.eigenvalue_imag.values[d, r, 0])
        where = "" if inside else f"\nat ({point[i]:.1f}, {point[j]:.1f}), outside"
        label = f"{'real' if real else 'virtual'}: {kind}{where}"
        face, edge = (SHADES[r], "black") if real else ("white", SHADES[r])
        at = (point[i], point[j]) if inside else (np.nan, np.nan)
        axis.plot(*at, "o" if real else "X", ms=8, mfc=face, mec=edge, ls="", label=label)


def _draw_scores(axis, run, bounds, authors):
    """D_stsp against D_H of every training with the target P; the pass rule as a shaded corner."""
    own = run.isel(run=np.flatnonzero(run.rectified.values == run.attrs["target"]))
    distance, spectrum, d = own.D_stsp.values, own.D_H.values, int(run.best_detail)
    corner = {"facecolor": COLOURS[2], "alpha": 0.12, "lw": 0, "zorder": 0, "label": "pass rule"}
    axis.add_patch(Rectangle((0, 0), *bounds, **corner))
    axis.plot(distance, spectrum, "o", ms=5, color=COLOURS[0], mfc="none", ls="", label=f"{len(distance)} trainings")
    axis.plot(distance[d], spectrum[d], "o", ms=5, color=COLOURS[1], mec="black", ls="", label="chosen, shown left")
    floor = run.chosen_floor
    axis.plot(*(float(floor.sel(measure=m)) for m in ("D_stsp", "D_H")), "k+", ms=9, ls="", label="data against data")
    if authors:
        axis.plot(*authors, "*", ms=11, color="black", ls="", label="authors' model")
    right = 1.1 * max(bounds[0], np.nanmax(distance, initial=0))
    axis.set(xlabel="$D_{stsp}$ (nats)", ylabel="$D_H$", xlim=(0, right))
    axis.set_ylim(0, 1.1 * max(bounds[1], np.nanmax(spectrum, initial=0)))
    axis.set_title("every training, held-out half")
    axis.legend(fontsize=7)


def figure(lorenz_series, lorenz, rossler_series, rossler):
    """Return the figure: Lorenz above, Rössler below; the series, the chosen model, the scores of all trainings."""
    ratios = {"width_ratios": [1.1, 1.1, 0.9]}
    fig, axes = new_figure(ncols=3, nrows=2, width=12.6, height=8.0, gridspec_kw=ratios)
    for row, (series, run, (i, j), name, bounds, authors) in enumerate(
        (
            (lorenz_series, lorenz, (0, 2), "Lorenz-63", (5, 0.2), (3.52, 0.143)),
            (rossler_series, rossler, (0, 1), "Rössler", (3, 0.1), None),
        )
    ):
        x, d = series.x.values[: run.sizes["step"]], int(run.best_detail)
        axes[row, 0].plot(x[:, i], x[:, j], color="0.25", lw=0.35, rasterized=True)
        limits = [(x[:, k].min() - 0.6, x[:, k].max() + 0.6) for k in (i, j)]
        if series.sizes.get("point"):
            axes[row, 0].plot(
                *series.fixed_point.values[:, [i, j]].T, "o", ms=8, mfc="white", mec="black", label="fixed points"
            )
            axes[row, 0].legend(loc="upper right")
        _draw_free_run(axes[row, 1], run, d, i, j, limits)
        axes[row, 0].set_title(f"{name}, series")
        axes[row, 1].set_title(f"{name}, free run of the chosen model, P = {run.attrs['target']}")
        for axis in axes[row, :2]:
            labels = "xyz"
            axis.set(xlabel=f"{labels[i]} (standard deviations)", ylabel=f"{labels[j]} (standard deviations)")
            axis.set(xlim=limits[0], ylim=limits[1])
        axes[row, 1].legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, markerscale=1, fontsize=7)
        for handle in axes[row, 1].get_legend().legend_handles:
            if hasattr(handle, "set_sizes"):
                handle.set_sizes([25])
        _draw_scores(axes[row, 2], run, bounds, authors)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
