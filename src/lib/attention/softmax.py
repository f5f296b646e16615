"""Softmax attention and rotary positions."""

import torch


def rope(x: torch.Tensor, positions: torch.Tensor, theta: float = 10000.0) -> torch.Tensor:
    """Rotary positions: pairs (i, i + D / 2) of the last axis turned by position * theta^(-2 i / D).

    Args:
        x: `(..., T, D)`, D even.
        positions: `(T,)`.
        theta: base of the angles.

    Raises:
        ValueError: D is odd.

    Source: Su et al. 2021 (RoFormer), in the half-split layout.
    """
    width = x.shape[-1]
    if width % 2:
        raise ValueError(f"x: got width {width}, expected an even one")
    rate = theta ** (-torch.arange(0, width, 2, device=x.device, dtype=torch.float64) / width)
    angle = positions.to(torch.float64)[:, None] * rate
    cos, sin = torch.cos(angle).to(x.dtype), torch.sin(angle).to(x.dtype)
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)


def softmax_attention(q, k, v, causal: bool = True, bias: torch.Tensor | None = None) -> torch.Tensor:
    """softmax(Q K^T / sqrt(D) + bias) V for `(..., T, D)`: PyTorch's scaled_dot_product_attention.

    Args:
        q, k, v: `(..., T, D)`.
        causal: without a bias, whether later keys are left out; a bias says so itself.
        bias: `(..., T, T)`, or None.
    """
    attend = torch.nn.functional.scaled_dot_product_attention
    return attend(q, k, v, attn_mask=bias, is_causal=causal and bias is None)
