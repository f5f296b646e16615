"""Figure: loss and score along training over all seeds, with the models that are kept."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure, panel_labels
from lib.drawing.ranges import draw_pass_band

COLLAPSED, AUTHORS = 14.0, 3.52


def _runs(stores, p):
    """Losses (seed, epoch), scores (seed, evaluation), the best evaluation of each seed, of runs with this P."""
    chosen = [store.isel(run=np.flatnonzero(store.rectified.values == p)) for store in stores]
    return tuple(np.concatenate([store[name].values for store in chosen]) for name in ("loss", "score", "best"))


def _draw_band(axis, x, values, colour, label):
    """Median over seeds, and the range between their quartiles and between their extremes; diverged runs left out."""
    whole = np.isfinite(values).any(axis=0)
    low, first, middle, third, high = np.nanquantile(values[:, whole], [0, 0.25, 0.5, 0.75, 1], axis=0)
    axis.fill_between(x[whole], low, high, color=colour, alpha=0.15, lw=0, label="all")
    axis.fill_between(x[whole], first, third, color=colour, alpha=0.35, lw=0, label="middle half")
    axis.plot(x[whole], middle, color=colour, lw=1.2, label=label)


def figure(lorenz: list, rossler: list, rossler_gtf: list):
    """Return the figure: losses above, D_stsp below; Lorenz P = 2, Rössler P = 1 with either kind of forcing."""
    fig, axes = new_figure(ncols=3, nrows=2, width=11.4, height=5.8)
    for column, (stores, p, bound, name) in enumerate(
        (
            (lorenz, 2, 5, "Lorenz-63, P = 2, sparse forcing"),
            (rossler, 1, 3, "Rössler, P = 1, sparse forcing"),
            (rossler_gtf, 1, 3, "Rössler, P = 1, generalised"),
        )
    ):
        above, below = axes[:, column]
        loss, score, best = _runs(stores, p)
        evaluated = stores[0].evaluated.values
        _draw_band(above, stores[0].epoch.values, loss, COLOURS[0], "median")
        draw_pass_band(below, 0, bound)
        for seed, scores in enumerate(score):
            below.plot(evaluated, scores, color="0.6", lw=0.3, label=f"{len(score)} trainings" if seed == 0 else None)
        whole = np.isfinite(score).any(axis=0)
        middle = np.nanmedian(score[:, whole], axis=0)
        below.plot(evaluated[whole], middle, color=COLOURS[0], lw=1.2, label="median", zorder=3)
        ends = np.array([(evaluated[k], score[seed, k]) for seed, k in enumerate(best) if k >= 0]).reshape(-1, 2)
        below.plot(*ends.T, "o", ms=5, color=COLOURS[1], mec="black", mew=0.5, zorder=4, label="models kept")
        above.set(yscale="log", ylabel="loss", xlabel="epoch", title=name)
        below.axhline(COLLAPSED, color="0.5", lw=1, ls=":", label="collapsed model")
        below.set(ylabel="$D_{stsp}$ on the first half (nats)", xlabel="epoch", ylim=(0, 21))
    axes[1, 0].axhline(AUTHORS, label="authors' model", **REFERENCE)
    axes[0, 0].legend(fontsize=7)
    axes[1, 0].legend(fontsize=7, loc="upper center", ncols=2)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
