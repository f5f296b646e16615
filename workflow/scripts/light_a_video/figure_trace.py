"""Figure: targets of the fusion step by step, their light, and the jumps between them."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure
from lib.atlas.job.layout import settle
from lib.drawing.strips import draw_strip

TARGETS = ("consistency", "relit", "fused")


def figure(ddim):
    """Return the figure: images of the first clip, the fitted light of the targets, and the jumps."""
    schedules = {"full_50": "linear", "full_50_constant": "constant"}
    fused = np.flatnonzero(np.isfinite(ddim.target_frames.sel(traced="full_50").values[:, 2, 0, 0, 0, 0]))
    fig, axes = new_figure(1, 2, width=9.0, height=6.2, gridspec_kw={"height_ratios": [1.1, 1]})
    for axis in axes:
        axis.axis("off")
    pictures = axes[0].get_subplotspec().subgridspec(3, 1, hspace=0.05)
    frame = ddim.sizes["frame"] // 2
    for k, target in enumerate(TARGETS):
        axis = fig.add_subplot(pictures[k])
        images = ddim.target_frames.sel(traced="full_50", target=target).values[fused, frame]
        draw_strip(axis, images, target)
        width = images.shape[-1] + 1
        axis.set_xticks(width * np.arange(len(fused)) + width / 2 - 1, [f"{i}" for i in fused] if k == 2 else [])
        axis.tick_params(length=0)
        if k == 2:
            axis.set_xlabel(
                f"step (clip 0, frame {frame}, a toy of {width - 1} pixels, linear $\\lambda$, $\\gamma$ = 0.5)"
            )
    below = axes[1].get_subplotspec().subgridspec(1, 3, wspace=0.12)
    linear = fig.add_subplot(below[0])
    lights, jump = [linear, fig.add_subplot(below[1], sharey=linear)], fig.add_subplot(below[2])
    for s, (method, label) in enumerate(schedules.items()):
        rows = np.flatnonzero((ddim.method.values == method) & (ddim.seed.values == 0))
        for k, target in enumerate(TARGETS):
            values = ddim.target_light.sel(target=target).values[rows][:, fused]
            style = {"color": COLOURS[k], "marker": MARKERS[k], "ls": LINESTYLES[k], "ms": 4, "lw": 1.1}
            lights[s].errorbar(fused + 0.08 * (k - 1), values.mean(0), values.std(0), label=target, **style)
        lights[s].set(xlabel="step", title=f"{label} $\\lambda$")
        values = ddim.jump.values[rows][:, fused[1:]]
        if len(fused) > 1:
            style = {"color": COLOURS[3 + s], "marker": MARKERS[3 + s], "ls": LINESTYLES[s], "mfc": "white"}
            jump.errorbar(fused[1:] + 0.1 * s, values.mean(0), values.std(0), label=f"{label} $\\lambda$", **style)
    linear.set_ylabel("fitted direct intensity")
    linear.legend()
    lights[1].tick_params(labelleft=False)
    jump.set(xlabel="step", title="fused targets", ylabel="RMSE from the one before", ylim=(0, None))
    if len(fused) > 1:
        jump.legend()
    for axis in (*lights, jump):
        axis.xaxis.get_major_locator().set_params(integer=True)
    settle(fig)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
