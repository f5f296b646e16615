"""Two-layer ReLU networks of finite width on binary inputs, many at a time, trained on the basis vectors."""

import math
from typing import NamedTuple

import torch

from lib.ntk.kernels import KERNELS, tangent_kernel

_ELEMENTS = 2**23  # hidden activations that are held at once


class Networks(NamedTuple):
    """Networks W2 relu(W1 x / sqrt(k)) / sqrt(n), in tangent parametrisation.

    Attributes:
        first: W1, (models, width n, size k).
        second: W2, (models, outputs, width).
    """

    first: torch.Tensor
    second: torch.Tensor


class Fit(NamedTuple):
    """Trained networks and how they got there.

    Attributes:
        networks: after training.
        residual: (steps + 1, models, outputs, size) outputs less targets at the basis vectors, before each step and at
            the end.
    """

    networks: Networks
    residual: torch.Tensor


def block_size(width: int, size: int) -> int:
    """Networks that train together fastest: as many as fit a processor's cache."""
    return max(1, 2**18 // (width * size))


def draw(models: int, width: int, size: int, outputs: int, rng, *, dtype=torch.float32) -> Networks:
    """Networks with standard normal weights.

    Args:
        models, width, size, outputs: shape.
        rng: NumPy's source of randomness.
        dtype: of the weights; they are drawn in float32.
    """
    shapes = (models, width, size), (models, outputs, width)
    return Networks(*(torch.from_numpy(rng.standard_normal(shape, dtype="float32")).to(dtype) for shape in shapes))


def _hidden(first: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """relu(W1 x / sqrt(k)) / sqrt(n): (models, width, inputs), for inputs (inputs, size)."""
    scale = 1 / math.sqrt(first.shape[1] * first.shape[2])
    return torch.relu_(first @ (inputs.T * scale))


def predict(networks: Networks, inputs: torch.Tensor) -> torch.Tensor:
    """Outputs (models, inputs, outputs) for inputs (inputs, size), a slice of inputs at a time."""
    return _linear(networks.first, networks.second, inputs).transpose(1, 2)


def _linear(first: torch.Tensor, second: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """Second @ hidden activations: (models, rows of second, inputs)."""
    step = max(1, _ELEMENTS // (first.shape[0] * first.shape[1]))
    return torch.cat([second @ _hidden(first, part) for part in inputs.split(step)], dim=2)


def fit_last_layer(networks: Networks, targets: torch.Tensor) -> Networks:
    """Networks whose second layer gradient descent has trained to the end, in closed form.

    W2 + (Y - W2 A) (A^T A)^-1 A^T is the interpolation nearest to W2, to which gradient descent converges; A are the
    hidden activations at the basis vectors. It is solved in float64.

    Args:
        networks: before training.
        targets: Y, (models or 1, outputs, size).

    Raises:
        RuntimeError: activations that do not determine the outputs (a width below the size).
    """
    first, second = networks
    hidden = _hidden(first, torch.eye(first.shape[2], dtype=first.dtype))
    gram = (hidden.mT @ hidden).double()
    residual = targets.double() - (second @ hidden).double()
    factor, info = torch.linalg.cholesky_ex(gram)
    if info.any():
        raise RuntimeError(f"width {first.shape[1]}: the activations of {gram.shape[1]} basis vectors are dependent")
    weights = torch.cholesky_solve(residual.mT, factor).mT.to(second.dtype)
    return Networks(first, second + weights @ hidden.mT)


def step_size(kernel: str, size: int) -> float:
    """Step of gradient descent, 1.6 over the sum of the tangent kernel's two eigenvalues on the basis vectors."""
    low, high = eigenvalues(kernel, size)
    return 1.6 / (low + high)


def eigenvalues(kernel: str, size: int) -> tuple[float, float]:
    """Smallest and largest eigenvalue of the tangent kernel on the basis vectors; the smallest has size - 1 vectors."""
    apart = float(tangent_kernel(kernel, 0.0))
    low = (float(tangent_kernel(kernel, 1.0)) - apart) / size
    return low, low + apart


def train(networks: Networks, targets: torch.Tensor, kernel: str, *, tolerance: float = 1e-5, most: int = 300) -> Fit:
    """Train by full-batch gradient descent on half the squared error at the basis vectors.

    Basis vectors make the first layer a look-up of columns, so that no product is needed.

    Args:
        networks: before training; left as they are.
        targets: Y, (models or 1, outputs, size).
        kernel: "ntk" trains both layers, "last_layer" the second alone.
        tolerance: largest error at which training stops.
        most: number of steps after which it gives up.

    Raises:
        ValueError: an unknown kernel.
        RuntimeError: an error above the tolerance after the last step.
    """
    if kernel not in KERNELS:
        raise ValueError(f"kernel: got {kernel!r}, expected one of {', '.join(KERNELS)}")
    first, second = networks.first.clone(), networks.second.clone()
    width, size = first.shape[1:]
    rate, scale = step_size(kernel, size), 1 / math.sqrt(width * size)
    residuals = []
    for _ in range(most + 1):
        hidden = torch.relu(first) * scale
        residual = second @ hidden - targets
        residuals.append(residual)
        if not residual.isfinite().all() or residual.abs().max() < tolerance:
            break
        gradient = second.mT @ residual if kernel == "ntk" else None
        second -= (rate * residual) @ hidden.mT
        if gradient is not None:
            first -= (rate * scale) * gradient * (first > 0)
    worst = float(residuals[-1].abs().max())
    if not worst < tolerance:
        raise RuntimeError(f"training: an error of {worst:.2g} after {most} steps, expected below {tolerance:g}")
    return Fit(Networks(first, second), torch.stack(residuals))


def fit_networks(kernel: str, networks: Networks, targets: torch.Tensor) -> Networks:
    """Networks trained to the end, by `train` for "ntk", by `fit_last_layer` for "last_layer"."""
    if kernel == "last_layer":
        return fit_last_layer(networks, targets)
    return train(networks, targets, kernel).networks


def train_standard(
    models: int, width: int, targets: torch.Tensor, inputs: torch.Tensor, rng, *, rate: float, steps: int, device="cpu"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Train networks in the parametrisation of deep-learning libraries, and return their outputs.

    Weights N(0, 1 / fan-in), biases that start at 0 and are trained, gradient descent on the squared error's mean over
    basis vectors and outputs.

    Args:
        models: number of networks.
        width: hidden units.
        targets: (outputs, size).
        inputs: (inputs, size), unit vectors.
        rng: NumPy's source of randomness.
        rate: learning rate.
        steps: number of steps.
        device: where to train.

    Returns:
        Outputs (models, inputs, outputs), and the largest error at the basis vectors of each network, on the CPU.
    """
    outputs, size = targets.shape
    w1 = torch.from_numpy(rng.standard_normal((models, width, size), dtype="float32")).to(device).div_(math.sqrt(size))
    w2 = torch.from_numpy(rng.standard_normal((models, outputs, width), dtype="float32")).to(device)
    w2.div_(math.sqrt(width))
    b1, b2 = w1.new_zeros(models, width, 1), w1.new_zeros(models, outputs, 1)
    targets, inputs = targets.to(w1), inputs.to(w1)
    scale = 2 * rate / (outputs * size)
    for _ in range(steps):
        hidden = torch.relu(w1 + b1)
        residual = torch.baddbmm(b2, w2, hidden) - targets
        gradient = (w2.mT @ residual).mul_(hidden > 0)
        w2 -= scale * (residual @ hidden.mT)
        b2 -= scale * residual.sum(dim=2, keepdim=True)
        w1 -= scale * gradient
        b1 -= scale * gradient.sum(dim=2, keepdim=True)
    error = (torch.baddbmm(b2, w2, torch.relu(w1 + b1)) - targets).abs().amax(dim=(1, 2))
    step = max(1, _ELEMENTS // (models * width))
    parts = [torch.baddbmm(b2, w2, torch.relu_(w1 @ part.T + b1)) for part in inputs.split(step)]
    return torch.cat(parts, dim=2).mT.cpu(), error.cpu()


def permutation(kind: int, size: int, rng) -> torch.Tensor:
    """Matrix of a permutation: 0 the identity, 1 the reversal, 2 a cycle through all bits, others drawn uniformly."""
    order = {0: torch.arange(size), 1: torch.arange(size).flip(0), 2: torch.arange(size).roll(1)}.get(kind)
    order = torch.from_numpy(rng.permutation(size)) if order is None else order
    return torch.eye(size)[order]
