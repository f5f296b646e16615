"""What a Mamba-3 layer carries from one token to the next."""

from typing import NamedTuple

import torch
from torch import Tensor


class Mamba3State(NamedTuple):
    """Recurrent state of the exponential-trapezoidal scan.

    Attributes:
        angle: cumulative rotation modulo 2 pi, `[b,H,S]` (S may be 0).
        h: state, `[b,H,P,N]`.
        B: rotated B of the previous token, one row for each rank, `[b,H,R,N]`.
        x: input of the previous token before the rank weights, `[b,H,P]`.
    """

    angle: Tensor
    h: Tensor
    B: Tensor
    x: Tensor

    def detach(self) -> "Mamba3State":
        """The same values without their history."""
        return Mamba3State(*(part.detach() for part in self))

    def copy(self, dtype: torch.dtype) -> "Mamba3State":
        """The same values in another type and in memory of their own."""
        return Mamba3State(*(part.to(dtype, copy=True) for part in self))

    def to(self, dtype: torch.dtype) -> "Mamba3State":
        """The same values in another type."""
        return Mamba3State(*(part.to(dtype) for part in self))


def zero_state(batch: int, heads: int, width: int, size: int, rank: int = 1, angles: int = 0, **options) -> Mamba3State:
    """State before the first token.

    Args:
        batch, heads, width, size, rank, angles: b, H, P, N, R and S of `Mamba3State`.
        options: dtype and device.
    """
    return Mamba3State(
        torch.zeros(batch, heads, angles, **options),
        torch.zeros(batch, heads, width, size, **options),
        torch.zeros(batch, heads, rank, size, **options),
        torch.zeros(batch, heads, width, **options),
    )
