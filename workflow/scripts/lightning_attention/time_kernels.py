"""Wall times of the forms of attention against sequence length, and of the block form against its block length."""

import torch
import xarray as xr

from lib.bench.operators import LINEAR_ATTENTION, measure


def time_kernels(
    *,
    batch: int,
    heads: int,
    width: int,
    dtype: str,
    forward: dict[str, list[int]],
    both: dict[str, list[int]],
    block: int,
    repeats: int,
    block_lengths: list[int],
    block_widths: list[int],
    block_tokens: int,
    shapes: list[list[int]],
    device: str,
) -> xr.Dataset:
    """Return times of all cases and repeats (`lib.bench.operators.measure`), on one thread where there is no GPU.

    Args:
        batch, heads, width, dtype: of the inputs along `tokens`.
        forward, both: sequence lengths of each operator, for the forward pass and for forward and backward.
        block: block length.
        repeats: calls that count.
        block_lengths, block_widths, block_tokens: block lengths tried at each width of a head, and the length.
        shapes: further (batch, heads, tokens, width) for all operators with a count, timed on a GPU only.
        device: where to compute.
    """
    kind = getattr(torch, dtype)
    cases = [
        (name, way, (batch, heads, length, width))
        for way, lengths in (("forward", forward), ("both", both))
        for name in lengths
        for length in lengths[name]
    ]
    if device == "cuda":
        names = [name for name, operator in LINEAR_ATTENTION.items() if operator.count]
        cases += [(name, way, tuple(shape)) for shape in shapes for name in names for way in ("forward", "both")]
    options = {"device": device, "dtype": kind, "repeats": repeats, "warmup": 25 if device == "cuda" else 1}
    table = measure(LINEAR_ATTENTION, cases, block=block, **options)
    grid = [
        measure(
            LINEAR_ATTENTION,
            [("chunked", "forward", (batch, heads, block_tokens, w)) for w in block_widths],
            block=c,
            **options,
        ).time_ms.values
        for c in block_lengths
    ]
    table["block_ms"] = xr.DataArray(
        grid, dims=("block", "block_width", "repeat"), coords={"block": block_lengths, "block_width": block_widths}
    )
    table["block_ms"].attrs = {"units": "ms", "long_name": f"forward pass of {block_tokens} tokens"}
    return table


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(time_kernels, snakemake)
