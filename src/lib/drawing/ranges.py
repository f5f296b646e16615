"""Series whose bars reach from the smallest to the largest value, of seeds or repeats."""


def draw_range(axis, x, values, over: str, *, middle: str = "mean", **style) -> None:
    """Draw means or medians over a dimension, with bars from the smallest to the largest value.

    Args:
        axis: where to draw.
        x: positions, one for each item of the other dimension.
        values: DataArray of two dimensions.
        over: the dimension that the bars are of, such as `seed`.
        middle: `mean` or `median`.
        style: options of `Axes.errorbar`.
    """
    centre = getattr(values, middle)(over)
    axis.errorbar(x, centre, [centre - values.min(over), values.max(over) - centre], **style)
