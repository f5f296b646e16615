"""Students of two-block teachers, masked into two modules or dense, and their behavioural loss for Langevin dynamics.

The teacher is two random ReLU networks on the two halves of the input. All students of a stack train at once, each on
its own data, and each stops at the first step at which its loss is below the bound.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from lib.progress import progress
from lib.training.adamw import AdamW


class Shape(NamedTuple):
    """Widths of a student with one hidden layer."""

    inputs: int
    hidden: int
    outputs: int

    @property
    def parameters(self) -> int:
        """Number of parameters, biases included."""
        return self.inputs * self.hidden + self.hidden + self.hidden * self.outputs + self.outputs

    def split(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Weights (models, d_in, hidden), biases (models, 1, hidden), and the same of the outputs, of (models, P)."""
        d, h, k = self
        sizes = [d * h, h, h * k, k]
        first, first_bias, second, second_bias = theta.split(sizes, dim=-1)
        return first.view(-1, d, h), first_bias[:, None], second.view(-1, h, k), second_bias[:, None]

    def mask(self) -> torch.Tensor:
        """Ones (P,) at the weights inside either of two blocks, and at the biases."""
        d, h, k = self
        half = torch.arange(2).repeat_interleave(h // 2)
        first = (torch.arange(2).repeat_interleave(d // 2)[:, None] == half).double()
        second = (half[:, None] == torch.arange(2).repeat_interleave(k // 2)).double()
        return torch.cat([first.flatten(), torch.ones(h).double(), second.flatten(), torch.ones(k).double()])


def forward(shape: Shape, theta: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """Outputs (models, n, outputs) of parameters (models, P) on inputs (models, n, d)."""
    first, first_bias, second, second_bias = shape.split(theta)
    return torch.baddbmm(second_bias, torch.baddbmm(first_bias, inputs, first).relu_(), second)


def two_block_teacher(shape: Shape, n: int, rng: np.random.Generator, *, width: int = 6) -> tuple:
    """Inputs (n, d) and targets (n, outputs) of unit deviation: two random networks on the halves of the input."""
    half_in, half_out = shape.inputs // 2, shape.outputs // 2
    inputs = rng.standard_normal((n, shape.inputs))
    targets = []
    for part in np.split(inputs, 2, axis=1):
        first, second = rng.standard_normal((half_in, width)), rng.standard_normal((width, half_out))
        targets.append(np.maximum(part @ first, 0) @ second)
    targets = np.concatenate(targets, axis=1)
    return inputs, targets / targets.std(axis=0)


class Trained(NamedTuple):
    """Parameters (models, P) at the first loss below the bound, losses there, and steps taken (-1: not reached)."""

    theta: torch.Tensor
    loss: np.ndarray
    steps: np.ndarray


def train_students(
    shape: Shape,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    masks: torch.Tensor,
    generator: torch.Generator,
    *,
    bound: float,
    steps: int,
    rate: float,
    later_rate: float,
    later: int,
) -> Trained:
    """Train by Adam on the full batch until the loss (sum over outputs, mean over inputs) falls below a bound.

    Args:
        shape: of the students.
        inputs, targets: (models, n, d) and (models, n, outputs), float64.
        masks: (models, P), zero where a weight stays zero.
        generator: source of initial weights, uniform in +-1/sqrt(inputs that the mask leaves to a unit).
        bound: of the loss.
        steps: at most.
        rate, later_rate, later: learning rate, and that after so many steps.
    """
    models = len(inputs)
    into_hidden, _, into_outputs, _ = shape.split(masks)
    widths = [into_hidden.sum(1).repeat_interleave(shape.inputs, dim=0), into_hidden.sum(1)]
    widths += [into_outputs.sum(1).repeat_interleave(shape.hidden, dim=0), into_outputs.sum(1)]
    scale = torch.cat([width.reshape(models, -1) for width in widths], dim=1) ** -0.5
    theta = (2 * torch.rand(models, shape.parameters, generator=generator, dtype=torch.float64) - 1) * scale * masks
    adam = AdamW([{"params": [theta], "weight_decay": 0.0}], rate, (0.9, 0.999))
    reached, best = np.full(models, -1), theta.clone()
    gradient_of = behavioural_loss(shape, inputs, targets)
    for step in progress(range(steps), "training steps"):
        loss, gradient = (value[:, 0] for value in gradient_of(theta[:, None]))
        now = (loss.numpy() < bound) & (reached < 0)
        best[torch.from_numpy(now)] = theta[torch.from_numpy(now)]
        reached[now] = step
        if (reached >= 0).all():
            break
        adam.param_groups[0]["lr"] = rate if step < later else later_rate
        theta.grad = gradient * masks
        adam.step()
    missing = torch.from_numpy(reached < 0)
    best[missing] = theta[missing]
    return Trained(best, gradient_of(best[:, None])[0][:, 0].numpy(), reached)


def behavioural_loss(shape: Shape, inputs: torch.Tensor, targets: torch.Tensor, chains: int = 1) -> Callable:
    """Loss (1 / n) sum |f - target|^2 of chains of models, and its gradient, for `sgld`.

    Args:
        shape: of the networks.
        inputs: (models, n, d).
        targets: (models, n, outputs); outputs of theta* for the behavioural loss.
        chains: of each model.
    """
    models, n, _ = inputs.shape
    inputs, targets = (values.repeat_interleave(chains, dim=0) for values in (inputs, targets))
    across = inputs.transpose(1, 2).contiguous()

    def loss_and_gradient(theta):
        flat = theta.reshape(models * chains, -1)
        first, first_bias, second, second_bias = shape.split(flat)
        hidden = torch.baddbmm(first_bias, inputs, first).relu_()
        error = torch.baddbmm(second_bias, hidden, second).sub_(targets)
        loss = error.square().sum((1, 2)) / n
        error.mul_(2 / n)
        back = torch.ops.aten.threshold_backward(torch.bmm(error, second.transpose(1, 2)), hidden, 0)
        blocks = (torch.bmm(across, back), back.sum(1), torch.bmm(hidden.transpose(1, 2), error), error.sum(1))
        gradient = torch.cat([block.flatten(1) for block in blocks], dim=1)
        return loss.view(models, chains), gradient.view_as(theta)

    return loss_and_gradient


def output_jacobian(shape: Shape, theta: torch.Tensor, inputs: torch.Tensor) -> np.ndarray:
    """Derivatives (n outputs, P) of the outputs of one network with respect to its parameters (P,), in closed form."""
    first, first_bias, second, _ = shape.split(theta[None].double())
    inputs = inputs.double()
    hidden = (inputs @ first[0] + first_bias[0]).relu()
    back = torch.einsum("nh,hk->nkh", (hidden > 0).double(), second[0])
    eye = torch.eye(shape.outputs, dtype=torch.float64)
    blocks = [
        torch.einsum("nd,nkh->nkdh", inputs, back),
        back,
        torch.einsum("nh,kl->nkhl", hidden, eye),
        eye.expand(len(inputs), -1, -1),
    ]
    return torch.cat([block.reshape(len(inputs) * shape.outputs, -1) for block in blocks], dim=1).numpy()
