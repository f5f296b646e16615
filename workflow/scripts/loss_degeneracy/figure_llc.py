"""Figure: Langevin estimates of learning coefficients against the known ones, and traces of the chains."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels


def figure(chains):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=10.0, height=3.8)
    known = chains.known.values
    final = chains.isel(length=-1)
    for k, scale in enumerate(chains.scale.values):
        one = final.sel(scale=scale)
        mixed = one.mixed.values.astype(bool)
        for chosen, face in ((mixed, COLOURS[k]), (~mixed, "white")):
            left.errorbar(
                known[chosen] * (1 + 0.02 * k), one.value.values[chosen], 2 * one.error.values[chosen],
                fmt=MARKERS[k], color=COLOURS[k], mfc=face,
                label=f"step {scale:g} / nβ" if face != "white" else None,
            )  # fmt: skip
    ends = np.array([0.9 * known.min(), 1.1 * known.max()])
    left.plot(ends, ends, label="known coefficient", **REFERENCE)
    left.plot(known, chains.parameters / 2, "_", color="0.4", ms=12, label="half the parameters")
    left.plot(known, chains.hessian_rank / 2, "_", color="0.7", ms=12, label="half the rank of the Hessian")
    left.set(xlabel="known learning coefficient", ylabel="estimate", xscale="log")
    left.set_yscale("symlog", linthresh=3)
    left.set_xticks(np.unique(known), [f"{value:g}" for value in np.unique(known)])
    left.set_xticks([], minor=True)
    ticks = [0, 2, 4, 6, 10, 16, 36]
    left.set_yticks(ticks, [str(tick) for tick in ticks])
    left.set_yticks([], minor=True)
    left.set_ylim(bottom=-0.4)
    left.legend(fontsize=7)
    for i, case in enumerate(chains.case.values):
        style = {"color": COLOURS[i % len(COLOURS)], "lw": 1}
        right.plot(chains.step, chains.trace.isel(case=i, scale=0), label=str(case), **style)
        right.axhline(known[i], ls="--", **style)
    right.set(xlabel="step", ylabel="nβ L, mean over chains", ylim=(0, 1.15 * known.max()))
    right.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1))
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
