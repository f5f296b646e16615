"""Figure: nominal and audited epsilon, of honest and of broken mechanisms."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure


def figure(audit):
    """Return the figure; the line is where audited and nominal epsilon are equal."""
    fig, axis = new_figure(width=5.2, height=4.0)
    top = 1.1 * float(max(audit.epsilon.max(), audit.control.max()))
    axis.plot([0, top], [0, top], label="audited = nominal", **REFERENCE)
    axis.errorbar(
        audit.epsilon,
        audit.audited,
        1.96 * audit.audited_se,
        color=COLOURS[0],
        marker=MARKERS[0],
        ls="none",
        label="randomiser",
    )
    nominal = audit.attrs["control_epsilon"] * (1 + 0.04 * (np.arange(audit.sizes["kind"]) - 1))
    for k, kind in enumerate(audit.kind.values):
        value = float(audit.control.isel(kind=k))
        axis.plot(nominal[k], value, color=COLOURS[1 + k], marker=MARKERS[1 + k], ls="none", label=f"broken: {kind}")
    axis.set(xlabel="nominal ε", ylabel="lower bound on ε, confidence .999", xlim=(0, None), ylim=(0, top))
    axis.legend(fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
