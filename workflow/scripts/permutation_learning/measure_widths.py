"""How fast networks of finite width approach their limit: bias and variance of an output against the width."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.ntk.bits import bit_limits
from lib.ntk.networks import block_size, draw, fit_last_layer, predict
from lib.ntk.samples import pairs, unit
from lib.progress import progress


def measure_widths(*, size: int, widths: list[int], models: list[int], root_seed: int) -> xr.Dataset:
    """Return by network the mean output at ones of inputs with two ones, and the mean square about the limit.

    Args:
        size: number k of bits.
        widths: hidden units.
        models: number of networks of each width.
        root_seed: root of the random streams.
    """
    inputs = pairs(size)
    limits = bit_limits("last_layer", size, 2)
    mean, square = (np.full((len(widths), max(models)), np.nan) for _ in range(2))
    for i, (width, count) in enumerate(progress(list(zip(widths, models)), "widths")):
        rng = generator(root_seed, "permutation_learning", "width", width)
        block = block_size(width, size)
        for start in range(0, count, block):
            networks = draw(min(block, count - start), width, size, size, rng)
            trained = fit_last_layer(networks, torch.eye(size)[None])
            outputs = predict(trained, torch.from_numpy(unit(inputs)).float()).double().numpy()[:, inputs > 0]
            mean[i, start : start + len(outputs)] = outputs.mean(axis=1)
            square[i, start : start + len(outputs)] = ((outputs - limits.inside) ** 2).mean(axis=1)
    return xr.Dataset(
        {
            "mean": (("width", "model"), mean, {"long_name": "mean output at ones"}),
            "square": (("width", "model"), square, {"long_name": "mean square about the limit"}),
        },
        coords={"width": widths},
        attrs={"size": size, "inside": float(limits.inside), "variance": float(limits.variance)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_widths, snakemake)
