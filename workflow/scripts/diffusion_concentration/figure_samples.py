"""Figure: real and generated digits, and norms along the steps of Heun's sampler."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, new_figure
from lib.diffusion.digits import CLASSES, SIDE, real_digits
from lib.drawing.pictures import draw_picture

ROWS = 3  # of each kind


def figure(samples):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=8.2, height=3.4, gridspec_kw={"width_ratios": [1.3, 1]})
    pixels, labels = real_digits()
    own = samples.isel(sample=samples.sampler.values == "ddim")
    rows = [
        np.concatenate([_framed(x, label, k, row) for k in range(CLASSES)], axis=1)
        for x, label in ((pixels, labels), (own.x.values, own.label.values))
        for row in range(ROWS)
    ]
    gap = np.ones((2, rows[0].shape[1]), np.float32)
    draw_picture(left, np.concatenate([*rows[:ROWS], gap, *rows[ROWS:]]), -1, 1)
    middle = ROWS * (SIDE + 1)
    for place, text in ((middle / 2, "real"), (1.5 * middle + 2, "generated")):
        left.text(-1.5, place, text, rotation=90, ha="right", va="center", fontsize=8)
    steps = np.arange(1, samples.sizes["step"] + 1)
    for i, kind in enumerate(samples.kind.values):
        norm = samples.norm.sel(kind=kind).values
        low, median, high = np.quantile(norm, (0.01, 0.5, 0.99), axis=1)
        right.plot(steps, median, color=COLOURS[i], ls=LINESTYLES[i], marker="o", ms=3, label=str(kind))
        right.fill_between(steps, low, high, color=COLOURS[i], alpha=0.2, lw=0)
    right.set(yscale="log", xlabel="step of Heun's sampler", ylabel="norm")
    right.legend(fontsize=7)
    return fig


def _framed(x: np.ndarray, label: np.ndarray, k: int, place: int) -> np.ndarray:
    """An image of a class by its place among them, with a white line below and to its right."""
    image = x[np.flatnonzero(label == k)[place]].reshape(SIDE, SIDE)
    return np.pad(image, ((0, 1), (0, 1)), constant_values=1)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
