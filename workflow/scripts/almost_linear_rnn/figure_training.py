"""Figure: loss and score along training for each seed, with the selected model marked."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels


def _runs(stores, p):
    """Runs with P rectified units."""
    for store in stores:
        for r in np.flatnonzero(store.rectified.values == p):
            yield store.isel(run=r)


def figure(lorenz: list, rossler: list, rossler_gtf: list):
    """Return the figure: losses above, D_stsp below; Lorenz P = 2, Rössler P = 1 with either kind of forcing."""
    fig, axes = new_figure(ncols=3, nrows=2, width=11.4, height=5.8)
    for column, (stores, p, name) in enumerate(
        (
            (lorenz, 2, "Lorenz-63, P = 2, sparse forcing"),
            (rossler, 1, "Rössler, P = 1, sparse forcing"),
            (rossler_gtf, 1, "Rössler, P = 1, generalised forcing"),
        )
    ):
        above, below = axes[:, column]
        for k, one in enumerate(_runs(stores, p)):
            colour, line = COLOURS[k % 8], LINESTYLES[k % 8]
            above.plot(one.epoch, one.loss, color=colour, ls=line, lw=1, label=f"seed {int(one.seed)}")
            score = one.score.values
            below.plot(one.evaluated, score, color=colour, ls=line, lw=0.8)
            best = int(one.best)
            if best >= 0:
                style = {"ms": 8, "mfc": colour, "mec": "black", "zorder": 4, "label": f"kept: {score[best]:.2f}"}
                below.plot(one.evaluated[best], score[best], MARKERS[k % 8], **style)
        above.set(yscale="log", ylabel="loss", xlabel="epoch", title=name)
        below.axhline(14, color="0.5", lw=1, ls=":")
        below.set(ylabel="$D_{stsp}$ on the first half (nats)", xlabel="epoch", ylim=(0, 18))
        above.legend()
        below.legend(loc="upper center", ncols=3, fontsize=7, handletextpad=0.2, columnspacing=0.8)
    axes[1, 0].text(0.98, 14.15, "collapsed", transform=axes[1, 0].get_yaxis_transform(), ha="right", fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
