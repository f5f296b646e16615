"""Feature motion in gradient descent: predicted from the kernel where training starts, and as it is."""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lib.ntk.empirical import split_kernel
from lib.ntk.linearised import linearised_descent


class FeatureMotion(NamedTuple):
    """Mean changes of features at some steps, (marks,), and losses on the training samples there."""

    change: np.ndarray
    loss: np.ndarray


def linearised_motion(
    module: nn.Module, head: np.ndarray, bias: np.ndarray, inputs: torch.Tensor, labels: np.ndarray,
    others: torch.Tensor, step: float, marks: list[int],
) -> FeatureMotion:  # fmt: skip
    """Change of features by the linearised dynamics of gradient descent on the mean cross-entropy.

    The features of x move by sum_i J(x) J(x_i)^T V^T a_i, a the weights of `linearised_descent`: one product with J^T
    over the training samples, and one with J at the others.

    Args:
        module: gives features (n, h), in evaluation mode.
        head, bias: V (C, h) and b (C,).
        inputs, labels: training samples.
        others: samples whose features are followed.
        step: of gradient descent.
        marks: numbers of steps at which changes are measured.
    """
    weights = {name: value.detach().clone().requires_grad_() for name, value in module.named_parameters()}
    values = list(weights.values())
    v = torch.as_tensor(head, dtype=values[0].dtype)
    start = torch.func.functional_call(module, weights, (inputs,))
    followed = torch.func.functional_call(module, weights, (others,))
    probe = torch.zeros_like(followed, requires_grad=True)
    pulled = torch.autograd.grad(followed, values, probe, create_graph=True, materialize_grads=True)
    outputs = start.detach().numpy() @ head.T + bias
    kernel = split_kernel(module, v, inputs).total.numpy()
    changes, losses = [], []
    for number, a in enumerate(linearised_descent(kernel, outputs, labels, step, max(marks)), 1):
        if number in marks:
            cotangent = torch.as_tensor(a, dtype=v.dtype) @ v
            moved = torch.autograd.grad(start, values, cotangent, retain_graph=True, materialize_grads=True)
            # J^T u is linear in u, so that its own transpose is J
            (change,) = torch.autograd.grad(pulled, probe, moved, retain_graph=True)
            changes.append(float(change.norm(dim=1).mean()))
            now = outputs + np.einsum("ncmd,md->nc", kernel, a)
            losses.append(float(functional.cross_entropy(torch.from_numpy(now), torch.from_numpy(labels))))
    return FeatureMotion(np.array(changes), np.array(losses))


def descended_motion(
    module: nn.Module, heads: np.ndarray, biases: np.ndarray, inputs: torch.Tensor, labels: np.ndarray,
    others: torch.Tensor, step: float, marks: list[int],
) -> list[FeatureMotion]:  # fmt: skip
    """Change of features by plain full-batch gradient descent on all parameters, for several heads at once.

    Args:
        heads, biases: (runs, C, h) and (runs, C); all else as of `linearised_motion`.
    """
    base = {name: value.detach() for name, value in module.named_parameters()}
    weights = {name: value.expand(len(heads), *value.shape).clone() for name, value in base.items()}
    kind = next(iter(base.values())).dtype
    parameters = {**weights, "head": torch.tensor(heads, dtype=kind), "bias": torch.tensor(biases, dtype=kind)}
    targets = torch.as_tensor(labels)

    def loss(values):
        own = {name: value for name, value in values.items() if name in base}
        features = torch.func.functional_call(module, own, (inputs,))
        return functional.cross_entropy(features @ values["head"].mT + values["bias"], targets)

    every = torch.func.vmap(loss)
    with torch.no_grad():
        start = module(others)

        def moved(values):
            own = {name: value for name, value in values.items() if name in base}
            return (torch.func.functional_call(module, own, (others,)) - start).norm(dim=1).mean()

        change = torch.func.vmap(moved)
    changes, losses = [], []
    for number in range(1, max(marks) + 1):
        values = {name: value.requires_grad_() for name, value in parameters.items()}
        gradients = torch.autograd.grad(every(values).sum(), list(values.values()), materialize_grads=True)
        parameters = {name: (v - step * g).detach() for (name, v), g in zip(values.items(), gradients)}
        if number in marks:
            with torch.no_grad():
                changes.append(change(parameters).numpy())
                losses.append(every(parameters).numpy())
    return [FeatureMotion(*pair) for pair in zip(np.stack(changes, 1), np.stack(losses, 1))]
