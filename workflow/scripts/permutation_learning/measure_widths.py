"""How fast networks of finite width approach their limit: bias and variance of an output against the width."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.ntk.bits import bit_limits
from lib.ntk.networks import Networks, block_size, draw, fit_last_layer, predict, train
from lib.ntk.samples import pairs, unit
from lib.progress import progress


def measure_widths(
    *, size: int, widths: list[int], models: list[int], both: dict[str, list[int]], root_seed: int
) -> xr.Dataset:
    """Return by network the mean output at ones of inputs with two ones, and the mean square about the limit.

    Args:
        size: number k of bits.
        widths: hidden units.
        models: number of networks of each width.
        both: `widths`, and of each the number of `pairs` of networks whose layers are both trained. A pair starts with
            second layers of opposite sign, so that its mean does not vary with the outputs before training.
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
    pair_mean = np.full((len(both["widths"]), max(both["pairs"])), np.nan)
    for i, (width, count) in enumerate(zip(both["widths"], both["pairs"])):
        rng = generator(root_seed, "permutation_learning", "pairs of networks", width)
        for j in progress(range(count), f"pairs of networks, width {width}"):
            pair_mean[i, j] = _pair_mean(draw(1, width, size, size, rng), inputs)
    return xr.Dataset(
        {
            "mean": (("width", "model"), mean, {"long_name": "mean output at ones"}),
            "square": (("width", "model"), square, {"long_name": "mean square about the limit"}),
            "pair_mean": (("pair_width", "pair"), pair_mean, {"long_name": "mean output at ones of a pair"}),
        },
        coords={"width": widths, "pair_width": both["widths"]},
        attrs={
            "size": size,
            "inside": float(limits.inside),
            "variance": float(limits.variance),
            "both_inside": float(bit_limits("ntk", size, 2).inside),
        },
    )


def _pair_mean(networks: Networks, inputs: np.ndarray) -> float:
    """Mean output at ones of two networks with second layers of opposite sign, both layers trained."""
    target, tests = torch.eye(inputs.shape[1])[None], torch.from_numpy(unit(inputs)).float()
    pair = (networks, networks._replace(second=-networks.second))
    outputs = [predict(train(one, target, "ntk").networks, tests).double().numpy()[:, inputs > 0] for one in pair]
    return float(np.mean(outputs))


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_widths, snakemake)
