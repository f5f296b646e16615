"""Figure: rows and columns of F in super-resolution, beside those of bicubic up-sampling."""

from lib.atlas.job.figure import new_figure
from lib.drawing.pictures import draw_picture, draw_signed


def figure(filters):
    """Return the figure."""
    places = filters.sizes["place"]
    fig, axes = new_figure(ncols=places + 1, nrows=4, width=1.3 * (places + 1) + 0.6, height=5.6)
    for row, (part, operator) in enumerate(
        (part, operator) for part in ("rows", "columns") for operator in filters.operator.values
    ):
        images = filters[part].sel(operator=operator).values
        for column in range(places):
            draw_signed(axes[row, column + 1], images[column])
        axes[row, 1].set_ylabel(f"{part},\n{operator}", fontsize=8)
    draw_picture(axes[0, 0], filters.crop.values, 0, 1)
    draw_picture(axes[2, 0], filters.output.values, 0, 1)
    side = filters.attrs["side"]
    axes[0, 0].set_title(f"{str(filters.image.values[0]).split()[0]}, {side} x {side}", fontsize=8)
    axes[2, 0].set_title("output", fontsize=8)
    axes[1, 0].set_visible(False)
    axes[3, 0].set_visible(False)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
