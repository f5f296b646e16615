"""Figure: errors of empirical gradients against the number of samples."""

from lib.atlas.job.figure import COLOURS, new_figure
from lib.drawing.ranges import draw_guide, draw_means


def figure(gaps):
    """Return the figure."""
    fig, axis = new_figure(width=4.8, height=3.6)
    values = gaps.gap.transpose("samples", "draw").values
    draw_means(axis, gaps.samples.values, values, color=COLOURS[0], marker="o", label="at the true causes")
    draw_guide(axis, gaps.samples.values, values[0].mean() * 0.8, -0.5, "slope −1/2")
    axis.set(xscale="log", yscale="log", xlabel="samples n in each environment", ylabel="largest error of the gradient")
    axis.set_title(f"d = {gaps.attrs['dim']}, {gaps.sizes['draw']} models")
    axis.legend(fontsize=8)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
