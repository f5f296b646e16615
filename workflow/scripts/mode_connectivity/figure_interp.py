"""Figure: losses and errors between two networks, by how late they parted."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, new_figure, panel_labels
from lib.drawing.landscape import draw_band


def figure(lines):
    """Return the figure."""
    fig, axes = new_figure(ncols=2, width=7.6, height=3.4)
    names = [name for name in lines.pair.values if not name.startswith("plain")]
    for axis, measure, label in zip(axes, ("train_loss", "train_error"), ("training loss", "wrong training labels")):
        for i, name in enumerate(names):
            values = lines.curve.sel(measure=measure, pair=name).transpose("alpha", "seed")
            apart = name in ("independent", "matched")
            style = {"color": "black" if apart else COLOURS[i], "linestyle": LINESTYLES[i % len(LINESTYLES)]}
            label_of = {"matched": "independent, matched"}.get(name, name)
            draw_band(axis, lines.alpha.values, values.values, label=label_of, **style)
        axis.set(xlabel="share of the way, α", ylabel=label)
        axis.set_ylim(bottom=0)
    axes[0].legend(fontsize=7, ncols=2, loc="upper left")
    axes[0].set_ylim(top=1.45 * axes[0].get_ylim()[1])
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
