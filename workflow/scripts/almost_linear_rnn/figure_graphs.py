"""Figure: transition graphs between linear regions; the width of an edge is its probability."""

import numpy as np

from lib.atlas.job.figure import new_figure, panel_labels
from lib.drawing.symbols import chain_layout, draw_transition_graph


def figure(lorenz, rossler):
    """Return the figure: one panel for each seed, Lorenz above, Rössler below."""
    columns = max(lorenz.sizes["detail"], rossler.sizes["detail"])
    ratios = {"height_ratios": [2.9, 1.4]}
    fig, axes = new_figure(columns, 2, width=3.6 * columns, height=5.6, squeeze=False, gridspec_kw=ratios)
    for row, (run, name) in enumerate(((lorenz, "Lorenz-63"), (rossler, "Rössler"))):
        for d in range(columns):
            axis = axes[row, d]
            if d >= run.sizes["detail"]:
                axis.set_axis_off()
                continue
            k = int(np.sum(run.fraction.values[d] >= 0.001))
            transition = run.transition.values[d, :k, :k]
            symbols, fraction = run.symbol.values[d, :k], run.fraction.values[d, :k]
            draw_transition_graph(axis, symbols, fraction, transition, chain_layout(transition))
            distance = float(run.D_stsp[np.flatnonzero(run.rectified.values == run.attrs["target"])[d]])
            axis.set_title(f"{name}, P = {run.attrs['target']}, seed {int(run.detail_seed[d])}, D = {distance:.2f}")
    panel_labels([axis for axis in axes.flat if axis.axison])
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
