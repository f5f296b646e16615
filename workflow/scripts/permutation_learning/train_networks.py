"""Trained networks against their Gaussian limit: outputs by number of ones and target bit, and the rate of training."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.ntk.bits import bit_limits
from lib.ntk.networks import block_size, draw, fit_networks, permutation, predict, train
from lib.ntk.samples import binary_inputs, unit
from lib.progress import progress


def train_networks(*, cases: list[dict], width: int, contraction: dict, root_seed: int) -> xr.Dataset:
    """Return moments of outputs by network, some outputs as they are, and residuals during training.

    Args:
        cases: kernels, sizes and numbers of networks.
        width: hidden units.
        contraction: size, width and number of the networks whose residuals are kept.
        root_seed: root of the random streams.
    """
    most = max(case["size"] for case in cases)
    count = max(case["models"] for case in cases)
    ones = np.arange(2, most + 1)
    shape = (len(cases), len(ones), 2, count)
    mean, square = np.full(shape, np.nan), np.full(shape, np.nan)
    value = np.full((len(cases), len(ones), most, count), np.nan, np.float32)
    limits = np.full((len(cases), len(ones), 3), np.nan)
    first_target = np.full((len(cases), len(ones), most), np.nan)
    for a, case in enumerate(cases):
        size = case["size"]
        inputs = binary_inputs(size, least=2)
        number = inputs.sum(axis=1)
        limits[a, : size - 1] = np.stack(bit_limits(case["kernel"], size, np.arange(2, size + 1)), axis=1)
        rng = generator(root_seed, "permutation_learning", "train", case["kernel"], size)
        order = permutation(3, size, rng)
        target = inputs @ order.numpy().T.astype(int) > 0
        firsts = np.array([np.flatnonzero(number == m)[0] for m in range(2, size + 1)])
        first_target[a, : size - 1, :size] = target[firsts]
        block = block_size(width, size)
        for start in progress(range(0, case["models"], block), f"blocks, {case['kernel']}, k = {size}"):
            models = slice(start, min(start + block, case["models"]))
            networks = fit_networks(case["kernel"], draw(models.stop - start, width, size, size, rng), order[None])
            outputs = predict(networks, torch.from_numpy(unit(inputs)).float()).numpy()
            for i in range(size - 1):
                rows = number == i + 2
                value[a, i, :size, models] = outputs[:, firsts[i]].T
                for bit in (0, 1):
                    chosen = outputs[:, rows][:, target[rows] == bit].astype(float)
                    if chosen.size:
                        mean[a, i, bit, models] = chosen.mean(axis=1)
                        square[a, i, bit, models] = ((chosen - limits[a, i, 1 - bit]) ** 2).mean(axis=1)
    residual = _residuals(**contraction, rng=generator(root_seed, "permutation_learning", "contraction"))
    names = [f"{case['kernel']}, k = {case['size']}" for case in cases]
    return xr.Dataset(
        {
            "mean": (("case", "ones", "bit", "model"), mean, {"long_name": "mean output of a network"}),
            "square": (("case", "ones", "bit", "model"), square, {"long_name": "mean square about the limit's mean"}),
            "value": (("case", "ones", "coordinate", "model"), value, {"long_name": "outputs at one input"}),
            "target": (("case", "ones", "coordinate"), first_target, {"long_name": "target bits of that input"}),
            "limit": (("case", "ones", "moment"), limits, {"long_name": "moments of the limit"}),
            "residual": (("step", "run"), residual, {"long_name": "norm of the residual without its common mode"}),
        },
        coords={
            "case": names,
            "ones": ones,
            "bit": [0, 1],
            "moment": ["inside", "outside", "variance"],
            "kernel": ("case", [case["kernel"] for case in cases]),
            "size": ("case", [case["size"] for case in cases]),
        },
        attrs={"width": width, "contraction_size": contraction["size"], "contraction_width": contraction["width"]},
    )


def _residuals(size: int, width: int, models: int, rng) -> np.ndarray:
    """Norms (step, network) of the residual at the basis vectors, its mean over inputs taken out."""
    residual = train(draw(models, width, size, size, rng), permutation(3, size, rng)[None], "ntk").residual
    return torch.linalg.matrix_norm(residual - residual.mean(dim=3, keepdim=True)).numpy()


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_networks, snakemake)
