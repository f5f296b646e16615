"""Draw Gaussian numbers."""

import os
import time

import xarray as xr

from lib.toy.numbers import gaussian


def draw(*, draws: int, spread: float, rng) -> xr.Dataset:
    """Return `x: (draw,)`; a test can make the stage wait so that it can be killed."""
    while os.path.exists("wait"):
        time.sleep(0.05)
    return xr.Dataset({"x": ("draw", gaussian(rng, draws, spread))})


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(draw, snakemake)
