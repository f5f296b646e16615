"""Figure: singular values of each class, and cosines between classes."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure, panel_labels


def figure(features):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=8.5, height=3.5)
    order = np.arange(1, features.sizes["order"] + 1)
    for f, name in enumerate(features.features.values):
        spectra = features.spectrum.sel(features=name).mean("seed").values
        left.semilogy(order, spectra.T, color=COLOURS[f], lw=0.7, alpha=0.6)
        left.semilogy(order, spectra.mean(0), color=COLOURS[f], lw=2, ls=("--", "-")[f], label=f"after {name}")
    pixels = features.pixel_spectrum.mean("digit").values[: len(order)]
    left.semilogy(order, pixels, color=COLOURS[7], lw=2, ls=":", label="pixels")
    left.set(xlabel="order", ylabel="singular value over the first", ylim=(0.01, 1.1))
    left.legend()
    x = [0, 1]
    for s, seed in enumerate(features.seed.values):
        chosen = seed == 0
        right.plot(
            x, features.between.isel(seed=s), color=COLOURS[1] if chosen else COLOURS[0], marker="D" if chosen else "o",
            ms=4, lw=1, label="seed 0, which chose the settings" if chosen else "judged seeds" if s == 1 else None,
        )  # fmt: skip
    right.axhline(float(features.pixel_between), **REFERENCE, label="centred pixels")
    random = np.sqrt(2 / (np.pi * features.attrs["dim"]))
    right.axhline(random, color=COLOURS[7], ls=":", label="random directions")
    right.set_xticks(x, ["after stage 1", "after stage 2"])
    right.set(ylabel="mean |cosine| between classes", xlim=(-0.3, 1.3), ylim=(0, None))
    right.legend(fontsize=7)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
