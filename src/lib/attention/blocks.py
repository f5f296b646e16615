"""The block form of linear attention, Lightning Attention-2, on any device."""

import torch

from kernels.linear_attention import linear_attention


def block_attention(q, k, v, log_decay, chunk_size: int = 64) -> torch.Tensor:
    """Output of `linear_attention` in blocks: by Triton on CUDA, by PyTorch on a CPU, where `auto` is a recurrence."""
    return linear_attention(q, k, v, log_decay, chunk_size=chunk_size, backend="auto" if q.is_cuda else "chunked")[0]
