"""Figure: error of a scalar equation against the step size, for constant and varying A."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels

TITLES = ("constant A", "A(t), exponent at the right end", "A(t), mean exponent")


def figure(order):
    """Return the figure; grey lines have slopes 1 and 2."""
    fig, axes = new_figure(ncols=3, width=10.5, height=3.5, sharey=True)
    step = 1 / order.steps.values
    for axis, case, title in zip(axes, order.case.values, TITLES):
        curves = [
            (f"$\\lambda$ = {lam:g}", order.error.sel(case=case, lam=lam), float(order.order.sel(case=case, lam=lam)))
            for lam in order.lam.values
        ]
        near = order.error_near_half.sel(case=case), float(order.order_near_half.sel(case=case))
        curves.append(("$\\lambda$ = (1 + $\\Delta$)/2", *near))
        for i, (label, error, slope) in enumerate(curves):
            axis.loglog(
                step,
                error,
                color=COLOURS[i],
                marker=MARKERS[i],
                ls=LINESTYLES[i],
                label=f"{label}, order {slope:.2f}",
            )
        top = float(order.error.max())
        for power, text in ((1, "slope 1"), (2, "slope 2")):
            axis.loglog(step, 2 * top * (step / step[0]) ** power, color="#999999", lw=0.8, ls=":")
            axis.annotate(text, (step[-1], 2 * top * (step[-1] / step[0]) ** power), fontsize=7, color="#666666")
        axis.set(title=title, xlabel="step size $\\Delta$")
        axis.set_xlim(step[-1] / 1.3, step[0] * 1.3)
        axis.legend(loc="lower right")
    axes[0].set_ylabel("error of h(1)")
    axes[0].set_ylim(float(order.error.min()) / 30, float(np.max(order.error)) * 4)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
