"""Representations learned without a decoder: self-expression against the coding rate.

Self-expression with free features Z (n, d) and |Z|_F^2 = n minimises 1/2 |C|_F^2 + mu / 2 |Z - C Z|_F^2 over C and
Z. For fixed Z the least value is 1/2 sum_i mu s_i / (1 + mu s_i), s_i the eigenvalues of Z'Z: concave in s, so all
energy goes to one direction, whatever the data. The coding rate of unit rows is largest where s_i = n / d for all i.
"""

import numpy as np
import torch
from torch import nn

from lib.clustering.coding_rate import half_log_det


def self_expressive_value(features, mu: float) -> float:
    """Least value over C of 1/2 |C|_F^2 + mu / 2 |Z - C Z|_F^2, from the singular values of Z (n, d)."""
    s = np.linalg.svd(np.asarray(features, float), compute_uv=False) ** 2
    return float(0.5 * np.sum(mu * s / (1 + mu * s)))


def energy_shares(features: torch.Tensor) -> torch.Tensor:
    """Eigenvalues of Z'Z over their sum, descending, of features (..., n, d)."""
    squares = torch.linalg.svdvals(features).square()
    return squares / squares.sum(-1, keepdim=True)


def minimise_self_expression(start: torch.Tensor, mu: float, steps: int, rate: float) -> torch.Tensor:
    """Features (starts, n, d) that minimise the self-expressive value on |Z|_F^2 = n, by Adam.

    Args:
        start: (starts, n, d), double precision.
        mu: weight of the residual.
        steps, rate: of Adam.
    """

    def value(z):
        gram = z.mT @ z
        identity = torch.eye(gram.shape[-1], dtype=z.dtype)
        # mu G (I + mu G)^-1 = I - (I + mu G)^-1
        return 0.5 * (gram.shape[-1] - torch.linalg.inv(identity + mu * gram).diagonal(dim1=-2, dim2=-1).sum(-1)).sum()

    def whole(z):
        return z * (start.shape[-2] ** 0.5 / torch.linalg.norm(z, dim=(-2, -1), keepdim=True))

    return _descend(value, whole, start, steps, rate)


def maximise_coding_rate(start: torch.Tensor, eps2: float, steps: int, rate: float) -> torch.Tensor:
    """Features (starts, n, d) with unit rows that maximise the coding rate, by Adam; arguments as above."""
    n, d = start.shape[-2:]
    identity = torch.eye(d, dtype=start.dtype)

    def value(z):
        return -half_log_det(identity + d / (n * eps2) * (z.mT @ z)).sum()

    return _descend(value, lambda z: nn.functional.normalize(z, dim=-1), start, steps, rate)


def _descend(value, constrain, start, steps: int, rate: float) -> torch.Tensor:
    free = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([free], lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        value(constrain(free)).backward()
        optimiser.step()
    return constrain(free).detach()
