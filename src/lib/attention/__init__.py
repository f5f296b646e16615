"""Attention: linear attention with its decays, softmax attention, and the plain forms that they are held against."""

from kernels.linear_attention import chunk_linear_attention, linear_attention_step
from lib.attention.decay import alibi_slopes, layer_decay
from lib.attention.plain import cumsum_attention, quadratic_attention, recurrent_attention
from lib.attention.softmax import rope, softmax_attention

__all__ = [
    "alibi_slopes",
    "chunk_linear_attention",
    "cumsum_attention",
    "layer_decay",
    "linear_attention_step",
    "quadratic_attention",
    "recurrent_attention",
    "rope",
    "softmax_attention",
]
