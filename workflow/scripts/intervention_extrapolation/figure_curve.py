"""Figure: the effect of one action on a line."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure, panel_labels
from lib.drawing.styles import styles_of

METHODS = {
    "mmr": "autoencoder, constraint",
    "vanilla": "autoencoder",
    "oracle": "oracle",
    "mlp": "MLP on A",
    "ols": "least squares on A",
}


def figure(curve):
    """Return the figure, a panel for each training support; actions are turned so that they raise Z."""
    fig, axes = new_figure(ncols=curve.sizes["half_width"], width=10.5, height=3.7, sharey=True, squeeze=False)
    styles = styles_of(METHODS)
    x = curve.action.values
    for axis, half_width in zip(axes[0], curve.half_width.values):
        panel = curve.sel(half_width=half_width)
        axis.axvspan(-half_width, half_width, color="0.92", zorder=0, label="training support")
        truth = panel.truth.transpose("seed", "action").values
        falls = np.gradient(truth, x, axis=1)[:, [len(x) // 2]] < 0
        for name, style in styles.items():
            effect = panel.effect.sel(estimator=name).transpose("seed", "action").values
            effect = np.where(falls, effect[:, ::-1], effect)
            axis.plot(x, effect.mean(axis=0), **style | {"marker": None, "lw": 1.3})
            if name == "mmr":
                axis.fill_between(x, effect.min(axis=0), effect.max(axis=0), color=COLOURS[0], alpha=0.18, lw=0)
        axis.plot(x, np.where(falls, truth[:, ::-1], truth)[0], color="black", lw=2, zorder=1, label="truth")
        low, high = float(panel.truth.min()), float(panel.truth.max())
        margin = 0.4 * (high - low)
        axis.set(xlabel="action a", title=f"γ = {half_width:g}", ylim=(low - margin, high + margin))
    axes[0, 0].set(ylabel="E[Y | do(a)]")
    axes[0, -1].legend(fontsize=6.5, loc="lower right")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
