"""Figure: true and generated attractors, coloured by symbol, with the fixed points of the linear regions."""

import numpy as np

from lib.atlas.job.figure import new_figure, panel_labels
from lib.drawing.symbols import SHADES


def eigenvalue_type(real, imag) -> str:
    """The type of a fixed point, from its leading eigenvalue."""
    size = np.hypot(real, imag)
    if imag == 0 and size > 1:
        return f"saddle, λ = {real:.4g}"
    return f"{'unstable' if size > 1 else 'stable'} {'spiral' if imag != 0 else 'node'}, |λ| = {size:.4g}"


def _draw_free_run(axis, run, d, i, j, limits):
    """Points of the free run `d` by symbol, and the fixed points of its three most used regions."""
    orbit, code, symbols = run.orbit.values[d], run.code.values[d], run.symbol.values[d]
    ranks = [r for r in range(len(symbols)) if symbols[r] >= 0 and run.fraction.values[d, r] >= 0.0005][:6]
    for r in ranks:
        points = orbit[code == symbols[r]][:, [i, j]]
        label = f"symbol {symbols[r]}: {100 * run.fraction.values[d, r]:.1f} %"
        axis.scatter(*points.T, s=1.2, lw=0, color=SHADES[r], rasterized=True, label=label)
        point = run.point.values[d, r]
        inside = all(low <= point[k] <= high for k, (low, high) in zip((i, j), limits))
        if r >= 3 or not np.isfinite(point).all():
            continue
        real = bool(run.is_real.values[d, r])
        kind = eigenvalue_type(run.eigenvalue_real.values[d, r, 0], run.eigenvalue_imag.values[d, r, 0])
        where = "" if inside else f"\nat ({point[i]:.1f}, {point[j]:.1f}), outside"
        label = f"{'real' if real else 'virtual'}: {kind}{where}"
        face, edge = (SHADES[r], "black") if real else ("white", SHADES[r])
        at = (point[i], point[j]) if inside else (np.nan, np.nan)
        axis.plot(*at, "o" if real else "X", ms=8, mfc=face, mec=edge, ls="", label=label)


def figure(lorenz_series, lorenz, rossler_series, rossler):
    """Return the figure: Lorenz above, Rössler below; the series on the left, the best model on the right."""
    fig, axes = new_figure(ncols=2, nrows=2, width=9.6, height=8.2)
    for row, (series, run, (i, j), name) in enumerate(
        ((lorenz_series, lorenz, (0, 2), "Lorenz-63"), (rossler_series, rossler, (0, 1), "Rössler"))
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
        shown = run.isel(run=np.flatnonzero(run.rectified.values == run.attrs["target"])[d])
        axes[row, 1].set_title(
            f"{name}, free run, P = {run.attrs['target']}: "
            f"$D_{{stsp}}$ = {float(shown.D_stsp):.2f}, $D_H$ = {float(shown.D_H):.3f}"
        )
        for axis in axes[row]:
            labels = "xyz"
            axis.set(xlabel=f"{labels[i]} (standard deviations)", ylabel=f"{labels[j]} (standard deviations)")
            axis.set(xlim=limits[0], ylim=limits[1])
        axes[row, 1].legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, markerscale=1)
        for handle in axes[row, 1].get_legend().legend_handles:
            if hasattr(handle, "set_sizes"):
                handle.set_sizes([25])
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
