"""Layouts whose last digits do not depend on chance."""

from matplotlib.figure import Figure


def settle(figure: Figure) -> None:
    """Let the layout engine place the axes once, and keep the places to six digits of the figure's size.

    With grids inside grids the engine's solver may differ in the last bit between runs, and with it the names that an
    SVG gives to clip paths.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axis in figure.axes:
        axis.set_position([round(value, 6) for value in axis.get_position().bounds])
