"""Figure: number of points needed against m, and for each basis."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels
from lib.sampling.designs import LABELS

STYLE = {name: {"color": COLOURS[i % 8], "marker": MARKERS[i % 8]} for i, name in enumerate(LABELS)}


def figure(growth, bases):
    """Return the figure; filled marks ask for the first level, open ones for the second."""
    fig, axes = new_figure(ncols=2, width=10.0, height=4.2, gridspec_kw={"width_ratios": [1, 1.15]})
    m = growth["size"].values
    for name in growth.strategy.values:
        for k, level in enumerate(growth.level.values):
            axes[0].plot(
                m * 1.03 ** (k * 2 - 1),
                growth.needed.sel(strategy=name, level=level),
                ls="none",
                mfc=STYLE[name]["color"] if k == 0 else "white",
                label=f"{LABELS[name]}, {level:g}",
                **STYLE[name],
            )
        needed = growth.needed.sel(strategy=name).isel(level=0).values
        if name == "iid":
            scale = np.exp(np.nanmean(np.log(needed / (m * np.log(m)))))
            line = np.geomspace(m.min(), m.max(), 50)
            axes[0].plot(line, scale * line * np.log(line), color="black", lw=1, label=f"{scale:.1f} m ln m")
        if name == "rep":
            scale = np.exp(np.nanmean(np.log(needed / m)))
            axes[0].plot(m, scale * m, color="black", lw=1, ls=LINESTYLES[1], label=f"{scale:.1f} m")
    axes[0].set(xscale="log", yscale="log", xlabel="number of functions m", ylabel="number of points n")
    axes[0].set_xticks(m, [str(v) for v in m])
    axes[0].minorticks_off()
    axes[0].set_title(f"Pr($\\lambda_{{\\min}} \\geq$ {1 - growth.delta:g}) of at least 0.9, 0.99; Legendre")
    axes[0].legend(fontsize=7)
    place = np.arange(bases.sizes["basis"])
    names = [name for name in LABELS if name in bases.strategy.values]
    for k, name in enumerate(names):
        over = bases.needed.sel(strategy=name) / bases["size"]
        at = place + (k - (len(names) - 1) / 2) * 0.16
        axes[1].vlines(at, over.isel(level=0), over.isel(level=-1), color=STYLE[name]["color"], lw=1)
        axes[1].plot(at, over.isel(level=0), ls="none", label=f"{LABELS[name]}", **STYLE[name])
        axes[1].plot(at, over.isel(level=-1), ls="none", mfc="white", **STYLE[name])
    labels = [f"{b}\nm = {s}" for b, s in zip(bases.basis.values, bases["size"].values)]
    axes[1].set_xticks(place, [label.replace(" 2-d", "\n2-d") for label in labels], fontsize=7)
    axes[1].set(ylabel="points over functions, n / m", title="filled: 0.9, open: 0.99", ylim=(0, None))
    axes[1].legend(ncols=2)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
