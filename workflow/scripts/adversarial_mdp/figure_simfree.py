"""Figure: regret without a simulator against the number of episodes."""

from lib.atlas.job.figure import REFERENCE, new_figure, panel_labels
from lib.drawing.mdp import STYLES
from lib.drawing.ranges import draw_means

TITLES = {"switch": "losses that switch", "gap": "fixed losses"}


def figure(simulator_free):
    """Return the figure, with 8/9 and 14/15 as guides."""
    fig, axes = new_figure(ncols=2, width=8.6, height=3.8, sharey=True)
    regret = simulator_free.regret.mean("rep")
    episodes = simulator_free.episodes.values
    for axis, (kind, title) in zip(axes, TITLES.items()):
        for i, method in enumerate(simulator_free.algorithm.values):
            values = regret.sel(algorithm=method, kind=kind).transpose("env", "episodes").values
            draw_means(axis, episodes * 1.03**i, values, units=0, **STYLES[method])
        start = 1.5 * float(regret.sel(algorithm="uniform", kind=kind).mean("env")[0])
        for power, name in ((8 / 9, "8/9"), (14 / 15, "14/15")):
            line = start * (episodes / episodes[0]) ** power
            axis.plot(episodes, line, **REFERENCE)
            axis.annotate(
                f"$K^{{{name}}}$", (episodes[-1], line[-1]), fontsize=8, va="bottom" if power > 0.9 else "top"
            )
        axis.set(xscale="log", yscale="log", xlabel="episodes K", title=title)
    axes[0].set(ylabel="regret")
    axes[0].legend(fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
