"""How the launches of the Triton kernels fill a device."""

import torch

from kernels.linear_attention import fused
from kernels.packed import segment_length
from lib.bench.operators import Shape


def programs_per_processor(shape: Shape, block: int, processors: int, dtype: torch.dtype = torch.bfloat16) -> float:
    """Programs of a launch of linear attention for each processor of the device.

    Args:
        shape: batch, heads, tokens, width of a head.
        block: block length that the caller asks for.
        processors: of the device.
        dtype: of the inputs.
    """
    batch, heads, tokens, width = shape
    columns, block, _, _ = fused.configuration(dtype, width, block)
    uncut = batch * heads * -(-width // columns)
    return uncut * -(-tokens // segment_length(tokens, uncut, processors, block)) / processors
