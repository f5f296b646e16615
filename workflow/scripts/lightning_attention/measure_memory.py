"""Bytes that each form of attention keeps for its backward pass, and on a GPU the peak of its forward pass."""

import numpy as np
import torch
import xarray as xr

from lib.bench.operators import LINEAR_ATTENTION
from lib.bench.timing import kept_bytes, peak_extra_bytes


def measure_memory(
    *,
    batch: int,
    heads: int,
    width: int,
    tokens: list[int],
    methods: list[str],
    block: int,
    peak_shape: list[int],
    device: str,
) -> xr.Dataset:
    """Return kept bytes `(form, tokens)`, those of q, k, v and of a state, and the peak on CUDA (NaN elsewhere).

    Args:
        batch, heads, width: of the inputs, float32.
        tokens: sequence lengths.
        methods: operators.
        block: block length.
        peak_shape: shape at which the forward pass's extra bytes are measured on CUDA, bfloat16.
        device: where to compute.
    """
    sizes = np.empty((len(methods), len(tokens)), dtype=np.int64)
    for i, method in enumerate(methods):
        for j, length in enumerate(tokens):
            shape = (batch, heads, length, width)
            inputs, function = LINEAR_ATTENTION[method].build(shape, torch.float32, device, block)
            sizes[i, j] = kept_bytes(lambda f=function, x=inputs: f(*x))
    peak = np.nan
    if device == "cuda":
        inputs, function = LINEAR_ATTENTION["chunked"].build(tuple(peak_shape), torch.bfloat16, device, block)
        with torch.no_grad():
            function(*inputs)
            peak = peak_extra_bytes(lambda: function(*inputs)) / sum(x.numel() * 2 for x in inputs)
    element, rows = 4, batch * heads
    return xr.Dataset(
        {
            "kept": (("form", "tokens"), sizes, {"units": "bytes", "long_name": "kept for the backward pass"}),
            "inputs": ("tokens", 3 * element * rows * width * np.array(tokens), {"units": "bytes"}),
            "state": ((), element * rows * width**2, {"units": "bytes"}),
            "peak_extra": ((), peak, {"long_name": "forward peak beyond inputs and output, over the inputs"}),
        },
        coords={"form": methods, "tokens": tokens},
        attrs={"width": width},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_memory, snakemake)
