"""Learned feature maps of linear attention."""

import torch
from torch import Tensor, nn

LEAST = 1e-12  # of a feature, so that normalisers stay positive


class LearnedMap(nn.Module):
    """phi(x) = [softmax(x M), softmax(-x M)] with a D x D matrix M for each head.

    Args:
        heads, width: H and D.
        source: generator of M, uniform within +-sqrt(6 / D) (Kaiming).

    Source: Zhang et al. 2025 (LoLCATs).
    """

    def __init__(self, heads: int, width: int, source: torch.Generator):
        super().__init__()
        start = (2 * torch.rand(heads, width, width, generator=source) - 1) * (6 / width) ** 0.5
        self.weight = nn.Parameter(start)

    def forward(self, x: Tensor) -> Tensor:
        """Features `(B, T, H, 2 D)` of `(B, T, H, D)`, at least 1e-12."""
        y = torch.einsum("bthd,hde->bthe", x, self.weight.to(x.dtype))
        return torch.cat((torch.softmax(y, -1), torch.softmax(-y, -1)), -1).clamp_min(LEAST)
