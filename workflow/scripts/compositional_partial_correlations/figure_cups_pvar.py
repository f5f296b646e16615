"""Figure: variance of each oxide's centred log-ratio, and its partial variance given the other oxides."""

import numpy as np
from scipy.special import chdtri

from lib.atlas.job.figure import COLOURS, new_figure


def figure(study, published_variances: dict):
    """Return the figure; bars are sorted by partial variance.

    Args:
        study: data set with its measures.
        published_variances: partial variances of the published table by oxide.
    """
    fig, axis = new_figure(width=6.6, height=3.7)
    order = np.argsort(-study.pvar.values)
    names = study.part.values[order]
    place = np.arange(len(order))
    n, d = study.X.shape
    m = n - d + 1
    v, unbiased = study.pvar.values[order], study.pvar_unbiased.values[order]
    low, high = m * unbiased / chdtri(m, [[0.025], [0.975]])  # RSS / sigma^2 is chi square
    axis.bar(place - 0.21, np.diagonal(study.clr_cov.values)[order], 0.4, color=COLOURS[5], label="clr variance")
    axis.bar(
        place + 0.21,
        v,
        0.4,
        color=COLOURS[0],
        hatch="///",
        edgecolor="white",
        lw=0,
        label="partial variance $v_i$, RSS / (n − 1)",
    )
    axis.errorbar(
        place + 0.21,
        unbiased,
        [unbiased - low, high - unbiased],
        fmt="o",
        ms=3,
        color="black",
        lw=1,
        label="RSS / (n − D + 1), 95 % interval",
    )
    known = [k for k, name in enumerate(names) if name in published_variances]
    axis.plot(
        np.array(known) + 0.21,
        [published_variances[names[k]] for k in known],
        "_",
        color=COLOURS[1],
        ms=13,
        mew=2,
        label="$v_i$ of the published table",
    )
    axis.set_yscale("log")
    axis.set(ylim=(4e-4, 0.6), xlabel="oxide", ylabel="variance of the log-ratio", title=study.attrs["label"])
    axis.set_xticks(place, names)
    axis.legend(ncols=2)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
