"""Figure: regret of every learner against the number of episodes, for three kinds of losses."""

import numpy as np

from lib.atlas.job.figure import REFERENCE, new_figure, panel_labels
from lib.drawing.mdp import STYLES
from lib.drawing.ranges import draw_means, tick_at

TITLES = {"gap": "fixed losses", "switch": "losses that switch", "noisy": "noisy losses, the worst gap"}


def _by_env(store, kind: str) -> np.ndarray:
    """Regret (env, K); of the noisy kinds, that whose mean is the largest at each K."""
    regret = store.regret.mean("rep")
    if kind != "noisy":
        return regret.sel(kind=kind).transpose("env", "episodes").values
    noisy = regret.sel(kind=[name for name in regret.kind.values if name.startswith("noisy")])
    return noisy.isel(kind=noisy.mean("env").argmax("kind")).transpose("env", "episodes").values


def figure(rates_luo, rates_lb, rates_mr, rates_ewn, rates_mr0, rates_uniform):
    """Return the figure."""
    stores = (rates_luo, rates_lb, rates_mr, rates_ewn, rates_mr0, rates_uniform)
    fig, axes = new_figure(ncols=3, width=11.0, height=3.8, sharey=True)
    for axis, (kind, title) in zip(axes, TITLES.items()):
        for i, store in enumerate(stores):
            draw_means(axis, store.episodes * 1.02**i, _by_env(store, kind), units=0, **STYLES[store.attrs["learner"]])
        episodes = rates_mr.episodes.values
        start = _by_env(rates_mr, kind).mean(axis=0)[0] * 0.6
        for power, name in ((1 / 2, "1/2"), (2 / 3, "2/3")):
            axis.plot(episodes, start * (episodes / episodes[0]) ** power, **REFERENCE)
            axis.annotate(f"$K^{{{name}}}$", (episodes[-1], start * (episodes[-1] / episodes[0]) ** power), fontsize=8)
        axis.set(xscale="log", yscale="log", xlabel="episodes K", title=title)
        tick_at(axis, episodes)
    axes[0].set(ylabel="regret")
    axes[0].legend(fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
