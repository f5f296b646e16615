"""The Jacobian of a whole sampler, and the Poincaré inequality that rests on it.

For x = T(z) with z standard normal and any smooth phi, Var phi(x) <= E |J(z)^T grad phi(x)|^2: the local Jacobian
bounds the variance, without a global Lipschitz constant.
"""

from collections.abc import Callable

import torch


def sampler_jacobian(
    sampler: Callable[[torch.Tensor], torch.Tensor], z: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Jacobian of a sampler at one noise, by one backward pass.

    The sampler runs on as many copies of the noise as a sample has features; copy i carries the gradient of feature i.

    Args:
        sampler: of (N, ...) to (N, ...), each sample by itself.
        z: one noise, without the axis of samples.

    Returns:
        The sample (features,) and the Jacobian (features, features), rows those of the sample.
    """
    copies = z.expand(z.numel(), *z.shape).clone().requires_grad_(True)
    x = sampler(copies).flatten(1)
    (rows,) = torch.autograd.grad(x.diagonal().sum(), copies)
    return x[0].detach(), rows.flatten(1).detach()


def pull_back(
    sampler: Callable[[torch.Tensor], torch.Tensor], z: torch.Tensor, functional: Callable[[torch.Tensor], torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Values of a functional and gradients J^T grad phi with respect to the noise, where the Jacobian is too large.

    Args:
        sampler: of (N, ...) to (N, ...), each sample by itself.
        z: noises (N, ...).
        functional: phi, of (N, features) to (N,).

    Returns:
        Values (N,) and gradients (N, features).
    """
    z = z.clone().requires_grad_(True)
    values = functional(sampler(z).flatten(1))
    (gradient,) = torch.autograd.grad(values.sum(), z)
    return values.detach(), gradient.flatten(1)
