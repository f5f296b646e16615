"""Figure: image-to-image networks on one scene of each task: linear part, residual, displacement of rows."""

from lib.atlas.job.figure import new_figure
from lib.drawing.pictures import draw_picture, draw_signed

COLUMNS = {
    "input": "input",
    "target": "target",
    "made": "output y",
    "part": "F x, mean of channels",
    "rest": "r, mean of channels",
}


def figure(translators):
    """Return the figure."""
    tasks = translators.task.values
    fig, axes = new_figure(ncols=len(COLUMNS) + 1, nrows=len(tasks), width=11, height=1.85 * len(tasks), squeeze=False)
    for row, task in enumerate(tasks):
        one = translators.sel(task=task)
        for column, (name, title) in enumerate(COLUMNS.items()):
            axis = axes[row, column]
            if column < 3:
                draw_picture(axis, one[name].values, -1, 1)
            else:
                drawn = draw_signed(axis, one[name].values.mean(0))
                fig.colorbar(drawn, ax=axis, shrink=0.75).ax.tick_params(labelsize=6)
            if row == 0:
                axis.set_title(title, fontsize=8)
        axes[row, 0].set_ylabel(str(task))
        field = axes[row, -1]
        draw_picture(field, one["input"].values, -2, 2)
        (y, x), (dy, dx) = one.place.values.T, one.offset.values.T
        field.quiver(
            x,
            y,
            dx,
            dy,
            color="#D55E00",
            angles="xy",
            scale_units="xy",
            scale=1,
            width=0.012,
            headwidth=4,
            headlength=4,
        )
        field.plot(x, y, "o", color="#D55E00", ms=2)
        if row == 0:
            field.set_title("pixel to its row's centre", fontsize=8)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
