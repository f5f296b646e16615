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


def draw_pass_band(axis, low: float, high: float, label: str | None = "pass rule") -> None:
    """Shade the values of the vertical axis that a pass rule accepts.

    Args:
        axis: where to draw.
        low, high: ends of the band.
        label: in the legend; None for none.
    """
    axis.axhspan(low, high, color="#009E73", alpha=0.12, lw=0, zorder=0, label=label)
