"""Figure: what the moment head owes to its parts."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure
from lib.drawing.probing import draw_gain

OTHERS = {
    "cls": "class token",
    "gap": "mean word",
    "cls+gap": "class token and mean word",
    "perceptron": "perceptron, same parameters",
    "second alone": "second moment alone",
    "two moments": "two raw moments",
    "characteristic function": "characteristic function",
    "covariance": "full covariance",
    "covariance, equal parameters": "full covariance, same parameters",
    "covariance, equal features": "full covariance, same features",
}


def figure(probes, ablation):
    """Return the figure."""
    names = [name for name in OTHERS if name in probes.probe.values]
    rows = len(names) + ablation.sizes["variant"] + 1
    fig, axis = new_figure(width=7.2, height=0.24 * rows + 0.9)
    mp = probes.accuracy.sel(probe="mp")
    labels, position = [], []
    for k, name in enumerate(names):
        gain = 100 * (probes.accuracy.sel(probe=name) - mp).mean("images").values
        draw_gain(axis, -k, gain, COLOURS[0], horizontal=True)
        labels.append(f"{OTHERS[name]} ({_count(probes.parameters.sel(probe=name))})")
        position.append(-k)
    for k, name in enumerate(ablation.variant.values, len(names) + 1):
        gain = 100 * (ablation.accuracy.sel(variant=name) - ablation.standard).mean("images").values
        draw_gain(axis, -k, gain, COLOURS[1], horizontal=True, marker="s")
        labels.append(f"{name} ({_count(ablation.parameters.sel(variant=name))})")
        position.append(-k)
    axis.axvline(0, **REFERENCE)
    axis.set(yticks=position, xlabel="test accuracy less that of the standard moment head, points")
    axis.set_yticklabels(labels)
    axis.set_title(f"standard head: {_count(probes.parameters.sel(probe='mp'))} parameters", fontsize=9)
    return fig


def _count(parameters) -> str:
    return f"{int(np.max(parameters.values)):,}"


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
