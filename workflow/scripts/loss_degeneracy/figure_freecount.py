"""Figure: free directions as counted from ranks, against what structure predicts."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure


def figure(directions, digits):
    """Return the figure."""
    fig, axis = new_figure(width=5.6, height=4.4)
    layer = directions.layer
    style = {"ls": "none", "ms": 5, "alpha": 0.7}
    axis.plot(
        layer.sel(quantity="predicted"), layer.sel(quantity="free"), "o", color=COLOURS[0],
        label="dependent activations and gradients", **style,
    )  # fmt: skip
    for colour, marker, table, flag, words in (
        (COLOURS[1], "s", directions.relu, "synchronised", ("ReLUs on together", "ReLUs not on together")),
        (COLOURS[2], "^", directions.attention, "equal", ("heads with one pattern", "heads with several")),
    ):
        for planted, label in zip((True, False), words):
            one = table.sel({flag: planted})
            axis.plot(
                one.sel(count="predicted").values.ravel(), one.sel(count="free").values.ravel(), marker, color=colour,
                mfc=colour if planted else "white", label=label, **style,
            )  # fmt: skip
    rank, r, s = (digits["count"].sel(quantity=name).values for name in ("rank", "activation_rank", "gradient_rank"))
    total = digits["count"].sel(quantity="parameters").values
    axis.plot(total - r * s, total - rank, "D", color=COLOURS[3], label="trained classifiers (bound)", **style)
    ends = np.array([1, 1.3 * max(float(layer.sel(quantity="free").max()), float(np.max(total - rank)))])
    axis.plot(ends, ends, label="counted = predicted", **REFERENCE)
    axis.set(xscale="log", yscale="log", xlabel="free directions predicted", ylabel="free directions counted")
    axis.legend(fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
