"""Figure: survival functions of the norm under a heavy tail, and where noise far out is taken to."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.diffusion.laws import student_radius

SHOWN = {"training data": 7, "student 0": 0, "exact denoiser": 2, "gaussian": 1}


def figure(tails):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=8.6, height=3.6)
    dim = int(tails.attrs["dim"])
    p = np.geomspace(1, 1e-5, 200)[1:]
    for i, source in enumerate(("student 0", "gaussian")):
        freedom = float(tails.freedom.sel(source=source))
        label = "law" if i == 0 else None
        left.plot(student_radius(p, dim, freedom), p, label=label, **REFERENCE)
    for source, i in SHOWN.items():
        norm = np.sort(tails.norm.sel(source=source).values)[::-1]
        share = np.arange(1, len(norm) + 1) / len(norm)
        chosen = np.unique(np.geomspace(1, len(norm), 60).astype(int) - 1)
        name = (
            "trained on Student" if source == "student 0" else "trained on Gaussian" if source == "gaussian" else source
        )
        left.plot(norm[chosen], share[chosen], MARKERS[i], ms=3, color=COLOURS[i], label=name)
    left.set(xscale="log", yscale="log", xlabel="norm", ylabel="share above", xlim=(1, None))
    left.legend(fontsize=7)
    for i, source in enumerate(tails.source.values[:-1]):
        ratio = tails.probe.sel(source=source).median("direction").values
        style = {"color": COLOURS[i % 8], "ls": LINESTYLES[i % 8], "marker": MARKERS[i % 8], "ms": 4}
        right.plot(tails.probability.values, ratio, label=str(source), **style)
    right.axhline(1, **REFERENCE)
    right.set(xscale="log", yscale="log", xlabel="tail probability p", ylabel="norm reached over the law's quantile")
    right.invert_xaxis()
    right.legend(fontsize=7)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
