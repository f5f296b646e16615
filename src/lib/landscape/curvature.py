"""Second derivatives of losses: Hessian-vector products, curvature along a line, the barrier as an integral, spectra.

For a stack of networks, whose loss returns one number for each, all products are taken for each network by itself.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from lib.landscape.lines import Loss, interpolate
from lib.landscape.parameters import Parameters, flatten, inner, restrict, subtract, unflatten


def _leaves(parameters: Parameters) -> Parameters:
    return {name: value.detach().requires_grad_() for name, value in parameters.items()}


def _derive(value: torch.Tensor, leaves: Parameters, graph: bool = False) -> Parameters:
    """Derivative by every parameter; zeros where the value does not depend on any."""
    if not value.requires_grad:
        return {name: torch.zeros_like(leaf) for name, leaf in leaves.items()}
    gradients = torch.autograd.grad(value, list(leaves.values()), create_graph=graph, materialize_grads=True)
    return dict(zip(leaves, gradients))


def gradient(loss: Loss, parameters: Parameters) -> Parameters:
    """Gradient of the loss, for each network of a stack."""
    leaves = _leaves(parameters)
    return _derive(loss(leaves).sum(), leaves)


def _product(loss: Loss, parameters: Parameters, direction: Parameters) -> tuple[Parameters, bool]:
    """Hessian times direction, and whether the loss is that of a stack."""
    leaves = _leaves(parameters)
    values = loss(leaves)
    first = _derive(values.sum(), leaves, graph=True)
    return _derive(sum((first[name] * value).sum() for name, value in direction.items()), leaves), values.ndim > 0


def hvp(loss: Loss, parameters: Parameters, direction: Parameters) -> Parameters:
    """Hessian of the loss times a direction, by the gradient of the gradient along it.

    Two backward passes take as long as `torch.func.jvp` over `torch.func.grad`, and more operators have them.

    Args:
        loss: of one network, or of a stack (one number for each).
        parameters: where the Hessian is taken.
        direction: tensors of the same shapes.
    """
    return _product(loss, parameters, direction)[0]


def quadratic_form(loss: Loss, parameters: Parameters, direction: Parameters) -> torch.Tensor:
    """direction^T H direction at `parameters`, float64: a number, or `(networks,)` for a stack."""
    product, stacked = _product(loss, parameters, direction)
    return inner(direction, product, stacked)


def directional_curvature(loss: Loss, first: Parameters, second: Parameters, alphas: Sequence[float]) -> torch.Tensor:
    """Delta^T H(theta_alpha) Delta along the line, with Delta = second - first: `(alphas,)` or `(alphas, pairs)`."""
    delta = subtract(second, first)
    return torch.stack([quadratic_form(loss, interpolate(first, second, alpha), delta) for alpha in alphas])


def slope(loss: Loss, parameters: Parameters, direction: Parameters) -> torch.Tensor:
    """Derivative of the loss along a direction, float64: a number, or `(networks,)` for a stack."""
    leaves = _leaves(parameters)
    values = loss(leaves)
    return inner(direction, _derive(values.sum(), leaves), values.ndim > 0)


def half_nodes(nodes: int, alpha: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of Gauss and Legendre on [0, alpha] and [alpha, 1], `nodes` on each, in growing order."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    x, w = (x + 1) / 2, w / 2
    return np.concatenate([alpha * x, alpha + (1 - alpha) * x]), np.concatenate([alpha * w, (1 - alpha) * w])


def green(t, alpha: float = 0.5) -> np.ndarray:
    """Green function of -d^2/dt^2 on [0, 1], zero at both ends: t (1 - alpha) up to alpha, alpha (1 - t) beyond."""
    t = np.asarray(t, dtype=float)
    return np.where(t <= alpha, t * (1 - alpha), alpha * (1 - t))


def barrier_identity(
    loss: Loss, first: Parameters, second: Parameters, nodes: int = 16, order: int = 2, alpha: float = 0.5
) -> torch.Tensor:
    """Rise of the loss at a point of the line above the chord, B(alpha), as an integral along the line.

    order 2: -int_0^1 g(t) Delta^T H(theta_t) Delta dt with the Green function g; exact for losses with two continuous
    derivatives, not for ReLU networks, whose kinks carry curvature.
    order 1: (1 - alpha) int_0^alpha - alpha int_alpha^1 of grad L(theta_t)^T Delta dt; for ReLU networks too.

    Args:
        loss, first, second: as of `lib.landscape.lines.barrier`; double precision where digits matter.
        nodes: of Gauss and Legendre on either side of alpha, where g has its kink.
        order: of the derivatives.
        alpha: the point, strictly between 0 and 1.

    Raises:
        ValueError: another order, or a point that is not between the ends.
    """
    if order not in (1, 2):
        raise ValueError(f"order: got {order}, expected 1 or 2")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha: got {alpha}, expected a number between 0 and 1")
    delta, total = subtract(second, first), 0.0
    for t, weight in zip(*half_nodes(nodes, alpha)):
        point = interpolate(first, second, t)
        if order == 2:
            total = total - weight * float(green(t, alpha)) * quadratic_form(loss, point, delta)
        else:
            total = total + (1 - alpha if t < alpha else -alpha) * weight * slope(loss, point, delta)
    return total


def layer_terms(loss: Loss, parameters: Parameters, delta: Parameters, sets: dict[str, Iterable[str]]) -> torch.Tensor:
    """Bilinear terms Delta_S^T H Delta_S' of disjoint sets of parameters: `(sets, sets)`, or `(sets, sets, networks)`.

    Where the sets cover all parameters, the terms sum to Delta^T H Delta.
    """
    parts = [restrict(delta, keys) for keys in sets.values()]
    rows = []
    for part in parts:
        product, stacked = _product(loss, parameters, part)
        rows.append(torch.stack([inner(other, product, stacked) for other in parts]))
    return torch.stack(rows)


def layer_decomposition(
    loss: Loss, first: Parameters, second: Parameters, sets: dict[str, Iterable[str]], nodes: int = 16
) -> torch.Tensor:
    """B(1/2) by pairs of layers: -int g(t) Delta_S^T H(theta_t) Delta_S' dt; the terms sum to `barrier_identity`."""
    delta, total = subtract(second, first), 0.0
    for t, weight in zip(*half_nodes(nodes)):
        total = total - weight * float(green(t)) * layer_terms(loss, interpolate(first, second, t), delta, sets)
    return total


def endpoint_estimate(loss: Loss, first: Parameters, second: Parameters) -> torch.Tensor:
    """Barrier that the curvature at both ends lets expect: Delta^T (H(theta_1) + H(theta_2)) Delta / 16.

    The mean of two expansions by half of the way from an end at which the gradient vanishes.
    """
    return directional_curvature(loss, first, second, [0.0, 1.0]).sum(0) / 16


def fork_estimate(loss: Loss, start: Parameters, first: Parameters, second: Parameters) -> torch.Tensor:
    """Loss at the midpoint expanded to second order about the point where both runs parted.

    L_0 + g_0^T (d_1 + d_2) / 2 + (d_1 + d_2)^T H_0 (d_1 + d_2) / 8, with d_i the displacement of run i.
    """
    way = {name: (first[name] + second[name]) / 2 - value for name, value in start.items()}
    with torch.no_grad():
        value = loss(start).double()
    return value + slope(loss, start, way) + quadratic_form(loss, start, way) / 2


def _is_stack(loss: Loss, parameters: Parameters) -> bool:
    with torch.no_grad():
        return loss(parameters).ndim > 0


class Spectrum(NamedTuple):
    """Quadrature of the spectral measure of a start vector by Lanczos.

    `values` (steps, ...) are Ritz values in growing order and `weights` their squared first components, which sum to 1:
    sum of weights * f(values) approximates v^T f(H) v. The largest and smallest approach the ends of the spectrum.
    """

    values: np.ndarray
    weights: np.ndarray


def lanczos(loss: Loss, parameters: Parameters, steps: int, generator: torch.Generator) -> Spectrum:
    """Spectrum of the Hessian as seen from a random vector, with full reorthogonalisation.

    Args:
        loss: of one network, or of a stack, each network of which has a Lanczos run of its own.
        parameters: where the Hessian is taken.
        steps: Hessian-vector products, at most as many as there are parameters.
        generator: of the start vector, on the CPU.

    Returns:
        `(steps,)`, or `(steps, networks)` for stacks. Where the Krylov space is exhausted before, the remaining rows
        have weight 0.

    Raises:
        ValueError: steps below 1 or above the number of parameters.
    """
    stacked = _is_stack(loss, parameters)
    shape = flatten(parameters, stacked).shape
    if not 1 <= steps <= shape[-1]:
        raise ValueError(f"steps: got {steps}, expected 1 to {shape[-1]}")
    some = next(iter(parameters.values()))
    vector = torch.randn(shape, generator=generator, dtype=torch.float64).to(some.device)
    vector = vector / vector.norm(dim=-1, keepdim=True)
    basis, diagonal, below = [vector], [], []
    for _ in range(steps):
        direction = unflatten(basis[-1].to(some.dtype), parameters, stacked)
        product = flatten(hvp(loss, parameters, direction), stacked).double()
        diagonal.append((product * basis[-1]).sum(-1))
        known = torch.stack(basis, -2)  # (..., vectors, P)
        for _ in range(2):  # twice is enough (Kahan, Parlett)
            product = product - (known.mT @ (known @ product[..., None]))[..., 0]
        length = product.norm(dim=-1)
        exhausted = length <= 1e-7 * torch.stack(diagonal).abs().amax(0).clamp_min(1e-300)
        below.append(torch.where(exhausted, 0.0, length))
        basis.append(torch.where(exhausted[..., None], 0.0, product / length.clamp_min(1e-300)[..., None]))
    return _ritz(
        torch.stack(diagonal, -1).cpu().numpy(), torch.stack(below[:-1], -1).cpu().numpy() if steps > 1 else None
    )


def _ritz(diagonal: np.ndarray, below: np.ndarray | None) -> Spectrum:
    """Eigenvalues and squared first components of tridiagonal matrices `(..., steps)`, steps first."""
    steps = diagonal.shape[-1]
    matrix = np.zeros((*diagonal.shape, steps))
    index = np.arange(steps)
    matrix[..., index, index] = diagonal
    if below is not None:
        matrix[..., index[1:], index[:-1]] = matrix[..., index[:-1], index[1:]] = below
    values, vectors = np.linalg.eigh(matrix)
    return Spectrum(np.moveaxis(values, -1, 0), np.moveaxis(vectors[..., 0, :] ** 2, -1, 0))


def trace(loss: Loss, parameters: Parameters, probes: int, generator: torch.Generator) -> torch.Tensor:
    """Hutchinson's estimates of the trace of the Hessian from random signs: `(probes,)`, or `(probes, networks)`."""
    some, stacked = next(iter(parameters.values())), _is_stack(loss, parameters)
    shape, rows = flatten(parameters, stacked).shape, []
    for _ in range(probes):
        signs = torch.randint(0, 2, shape, generator=generator).to(some) * 2 - 1
        rows.append(quadratic_form(loss, parameters, unflatten(signs, parameters, stacked)))
    return torch.stack(rows)
