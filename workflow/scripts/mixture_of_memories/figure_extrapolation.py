"""Figure: loss of the last characters against the length of the window."""

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure
from lib.drawing.ranges import draw_range
from lib.drawing.recall import TEXT_LABELS


def figure(text: list):
    """Return the figure: rise over the loss at the shortest window, means and ranges of seeds.

    Args:
        text: one store for each architecture.
    """
    fig, axis = new_figure(width=6.4, height=3.6)
    axis.axhline(0, **REFERENCE)
    for i, run in enumerate(text):
        rise = run.end_loss - run.end_loss.isel(length=0)
        x = run.length.values * 1.02 ** (i - len(text) / 2)
        draw_range(
            axis,
            x,
            rise.transpose("length", "seed"),
            "seed",
            color=COLOURS[i],
            marker=MARKERS[i],
            capsize=2,
            label=TEXT_LABELS[run.arch],
        )
    lengths = text[0].length.values
    axis.set_xscale("log", base=2)
    axis.set_xticks(lengths, [str(length) for length in lengths])
    axis.minorticks_off()
    seeds = max(run.sizes["seed"] for run in text)
    axis.set(
        xlabel=f"characters in the window (trained on {lengths[0]})",
        ylabel=f"loss of the last 64 minus that at {lengths[0]}, nats\n({seeds} seed{'s' if seeds > 1 else ''})",
    )
    axis.legend()
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
