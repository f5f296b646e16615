"""Figure: errors over their almost-sure bounds in stronger norms, and the tails without conditioning."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.regression.functions import FORMULAS
from lib.sampling.designs import LABELS

INDEX = {name: i for i, name in enumerate(LABELS)}


def _draw_row(axis, values, row, name, label) -> None:
    """Smallest to largest value (line), 5 % to 95 % (bar) and median (mark) of a sample."""
    low, q5, middle, q95, high = np.quantile(values, [0, 0.05, 0.5, 0.95, 1])
    colour = COLOURS[INDEX[name]]
    axis.plot([low, high], [row, row], color=colour, lw=1)
    axis.plot([q5, q95], [row, row], color=colour, lw=4, alpha=0.45, solid_capstyle="butt")
    axis.plot(middle, row, color=colour, marker=MARKERS[INDEX[name]], ls="none", mfc="white", label=label)
    axis.annotate(f"{high:.2g}", (high, row), (4, 0), textcoords="offset points", va="center", fontsize=7)


def figure(bounds):
    """Return the figure: ratios of errors to bounds, and the share of larger errors in the RKHS experiment."""
    fig, axes = new_figure(ncols=2, width=10.5, height=3.8, gridspec_kw={"width_ratios": [1.3, 1]})
    names, rows = bounds.strategy.values, [*bounds.function.values, None]
    for r, function in enumerate(rows):
        for s, name in enumerate(names):
            at = (
                bounds.kernel_ratio.sel(control=name)
                if function is None
                else bounds.uniform_ratio.sel(function=function)
            )
            values = (at if function is None else at.sel(strategy=name)).values
            _draw_row(axes[0], values, len(rows) - 1 - r + 0.18 * (1 - 2 * s), name, LABELS[name] if r == 0 else None)
    axes[0].axvline(1, label="bound", **REFERENCE)
    labels = [f"uniform norm\n{FORMULAS[function]}" for function in bounds.function.values] + ["RKHS norm\nrandom f"]
    axes[0].set_yticks(np.arange(len(rows))[::-1], labels)
    axes[0].set(xscale="log", xlabel="error over its almost-sure bound", ylim=(-0.6, len(rows) - 0.4), xlim=(None, 1.5))
    axes[0].set_title(f"{bounds.sizes['repetition']} conditioned designs each, n = {bounds.n}")
    axes[0].legend(fontsize=7, loc="lower center")
    for k, name in enumerate(bounds.control.values):
        error = np.sort(bounds.kernel_error.sel(control=name).values)
        known = name in INDEX
        axes[1].step(
            error,
            1 - np.arange(len(error)) / len(error),
            where="pre",
            color=COLOURS[INDEX[name if known else "mc"]],
            ls=LINESTYLES[k],
            label=f"{LABELS[name]}, conditioned" if known else "uniform, not conditioned",
        )
    axes[1].set(xscale="log", yscale="log", xlabel="$L^2$ error", ylabel="share of larger errors")
    axes[1].set_title(f"random functions of the RKHS, n = {bounds.n}")
    axes[1].legend(fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
