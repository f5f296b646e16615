"""Figure: noise hurts early answers and saves the last one; the largest error is smallest in between."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure
from lib.stats.intervals import standard_error


def figure(signs):
    """Return the figure; bars are twice the standard error over seeds."""
    fig, axis = new_figure(width=5.2, height=3.8)
    sigma = signs.tradeoff_sigma.values
    errors = {
        "largest of all": signs.tradeoff.max("query"),
        "first m - 1 answers": signs.tradeoff.isel(query=0),
        "last answer": signs.tradeoff.isel(query=1),
    }
    for i, (label, error) in enumerate(errors.items()):
        axis.errorbar(
            sigma,
            error.mean("seed"),
            2 * standard_error(error, error.get_axis_num("seed")),
            color=COLOURS[i],
            marker=MARKERS[i],
            linestyle=LINESTYLES[i],
            mfc="white",
            label=label,
        )
    m = round(signs.tradeoff_size * signs.tradeoff_ratio)
    axis.set(xlabel="standard deviation of the noise, s", ylabel="absolute error", ylim=(0, None))
    axis.set_title(f"sign attack, n = {signs.tradeoff_size}, m = {m}")
    axis.legend()
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
