"""Alignment maps: bijections of a hidden space, many at once.

A map acts on `(models, rows, d)`; `forward` leads to the coordinates that variables own, `inverse` back. Every
parameter has the leading model axis, so that maps of several networks, layers and seeds train as one
(`lib.training.stacked`).
"""

import torch
from torch import nn
from torch.nn.utils.parametrizations import orthogonal

from lib.training.stacked import draw


class Identity(nn.Module):
    """The map that changes nothing: variables own neurons."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """The hidden states themselves."""
        return hidden

    def inverse(self, codes: torch.Tensor) -> torch.Tensor:
        """The codes themselves."""
        return codes


class _Square(nn.Module):
    """One square matrix for each model, which a parametrisation can constrain."""

    def __init__(self, weight: nn.Parameter):
        super().__init__()
        self.weight = weight


class Orthogonal(nn.Module):
    """z = h Q with a learned orthogonal Q for each model: distributed alignment search.

    Q is the matrix exponential of a skew matrix times the orthogonal factor of a matrix that starts uniform in
    +-1/sqrt(d), as PyTorch's linear layers do.

    Args:
        d: width of the hidden space.
        sources: one generator for each model.
        dtype: of Q; a map that is cast afterwards is orthogonal to the digits of before.
    """

    def __init__(self, d: int, sources: list[torch.Generator], dtype: torch.dtype = torch.float32):
        super().__init__()
        start = nn.Parameter(draw(sources, (d, d), "uniform", d**-0.5).detach().to(dtype))
        self.rotation = orthogonal(_Square(start), orthogonal_map="matrix_exp")

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Codes `(models, rows, d)`."""
        return hidden @ self.rotation.weight

    def inverse(self, codes: torch.Tensor) -> torch.Tensor:
        """Hidden states `(models, rows, d)`."""
        return codes @ self.rotation.weight.mT


class RevNet(nn.Module):
    """Reversible residual blocks on the two halves (u, v) of a hidden state, with an exact inverse.

    Block k: u <- u + F_k(v), then v <- v + G_k(u), where F_k and G_k are Linear(d/2, m), ReLU, Linear(m, d/2). The
    inverse takes the same steps backwards with minus signs. Parameters start as those of PyTorch's linear layers.

    Args:
        d: width of the hidden space, even.
        blocks: number K of blocks.
        hidden: width m inside a block.
        sources: one generator for each model.

    Raises:
        ValueError: an odd width.
    """

    def __init__(self, d: int, blocks: int, hidden: int, sources: list[torch.Generator]):
        super().__init__()
        if d % 2:
            raise ValueError(f"d: got {d}, expected an even number, which has two halves")
        half, steps = d // 2, range(2 * blocks)
        self.enter = nn.ParameterList(draw(sources, (hidden, half), "uniform", half**-0.5) for _ in steps)
        self.enter_bias = nn.ParameterList(draw(sources, (hidden, 1), "uniform", half**-0.5) for _ in steps)
        self.leave = nn.ParameterList(draw(sources, (half, hidden), "uniform", hidden**-0.5) for _ in steps)
        self.leave_bias = nn.ParameterList(draw(sources, (half, 1), "uniform", hidden**-0.5) for _ in steps)

    def _steps(self) -> list[tuple[torch.Tensor, ...]]:
        return list(zip(self.enter, self.enter_bias, self.leave, self.leave_bias))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Codes `(models, rows, d)`."""
        moving, still = hidden.mT.chunk(2, 1)  # features before rows: products of matrices this narrow are faster so
        for enter, enter_bias, leave, leave_bias in self._steps():
            inside = torch.relu_(torch.baddbmm(enter_bias, enter, still))
            moving, still = still, torch.baddbmm(moving + leave_bias, leave, inside)
        return torch.cat((moving, still), 1).mT

    def inverse(self, codes: torch.Tensor) -> torch.Tensor:
        """Hidden states `(models, rows, d)`."""
        moving, still = codes.mT.chunk(2, 1)
        for enter, enter_bias, leave, leave_bias in reversed(self._steps()):
            inside = torch.relu_(torch.baddbmm(enter_bias, enter, moving))
            moving, still = torch.baddbmm(still - leave_bias, leave, inside, alpha=-1), moving
        return torch.cat((moving, still), 1).mT


class Standardised(nn.Module):
    """Another map after h is shifted and scaled: phi((h - mean) / scale), with the inverse to match.

    Args:
        phi: the map inside.
        mean: `(d,)` or `(models, 1, d)`.
        scale: one number, or `(models, 1, 1)`.
    """

    def __init__(self, phi: nn.Module, mean: torch.Tensor, scale: torch.Tensor):
        super().__init__()
        self.phi = phi
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Codes `(models, rows, d)`."""
        return self.phi((hidden - self.mean) / self.scale)

    def inverse(self, codes: torch.Tensor) -> torch.Tensor:
        """Hidden states `(models, rows, d)`."""
        return self.phi.inverse(codes) * self.scale + self.mean


def random_rotation(d: int, sources: list[torch.Generator], dtype: torch.dtype = torch.float32) -> Orthogonal:
    """An orthogonal map that is drawn uniformly and never trained: the baseline without a search."""
    phi = Orthogonal(d, sources, dtype)
    with torch.no_grad():
        drawn = torch.stack([torch.randn((d, d), generator=source) for source in sources]).to(dtype)
        q, r = torch.linalg.qr(drawn)
        phi.rotation.weight = q * r.diagonal(dim1=-2, dim2=-1).sign()[:, None]
    return phi.requires_grad_(False)
