"""Attention: linear attention with its decays, softmax attention, and the plain forms that they are checked against.

Linear attention has the axes `[B, T, H, D]` of the kernels; softmax attention and rotary positions have those of
PyTorch's scaled_dot_product_attention, `[B, H, T, D]`.
"""

from kernels.linear_attention import linear_attention, linear_attention_step
from lib.attention.decay import alibi_slopes, layer_decay
from lib.attention.plain import cumsum_attention, quadratic_attention, recurrent_attention
from lib.attention.softmax import rope, softmax_attention

__all__ = [
    "alibi_slopes",
    "cumsum_attention",
    "layer_decay",
    "linear_attention",
    "linear_attention_step",
    "quadratic_attention",
    "recurrent_attention",
    "rope",
    "softmax_attention",
]
