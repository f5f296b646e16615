"""Degeneracy of a network of one's own: free directions of layers, synchronised ReLUs, learning coefficient."""

import copy
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from lib.degeneracy.learning_coefficient import Coefficient, learning_coefficient, sgld
from lib.degeneracy.ranks import TOLERANCE, LayerCount, layer_free_directions, synchronised_blocks


class Inspection(NamedTuple):
    """What the data leave free in a network.

    Args:
        layers: for each linear layer by name, ranks of its activations (a constant for the bias included) and of the
            gradients into its outputs, and the free directions of its weights and bias that follow from them.
        blocks: for each ReLU module by name, units that are on and off together (`synchronised_blocks`).
        silent: for each ReLU module by name, units that are never on.
    """

    layers: dict[str, LayerCount]
    blocks: dict[str, list[np.ndarray]]
    silent: dict[str, np.ndarray]


def first_samples(loader: Iterable, count: int) -> torch.Tensor:
    """The first inputs of a data loader, whose batches are inputs or begin with them.

    Raises:
        ValueError: no batch.
    """
    parts, number = [], 0
    for batch in loader:
        inputs = batch[0] if isinstance(batch, list | tuple) else batch
        parts.append(torch.as_tensor(inputs))
        number += len(inputs)
        if number >= count:
            break
    if not parts:
        raise ValueError("loader: got no batch, expected some")
    return torch.cat(parts)[:count]


def _double(module: nn.Module, inputs: torch.Tensor) -> tuple[nn.Module, torch.Tensor]:
    """A copy of a module in double precision and evaluation mode, and inputs that fit it."""
    module = copy.deepcopy(module).cpu().double().eval()
    return module, inputs.cpu().double() if inputs.is_floating_point() else inputs.cpu()


def inspect_network(
    module: nn.Module, loader: Iterable, *, samples: int = 500, tolerance: float = TOLERANCE
) -> Inspection:
    """Count free directions of the linear layers of a network, and find its synchronised ReLUs.

    The network is copied and computed in double precision, each sample by itself. Where a layer is applied
    at several positions the counts are lower bounds over all of them. There is a backward pass for each output of a
    sample at each position.

    Args:
        module: maps inputs (n, ...) to outputs (n, ...), with `nn.Linear` and `nn.ReLU` as modules of their own.
        loader: of batches of inputs, or of tuples that begin with them.
        samples: first samples that are looked at; ranks are at most so large, so take more than a layer is wide.
        tolerance: of the ranks.

    Raises:
        ValueError: no batch, no linear layer, a layer that is used twice, or outputs that are not (n, ...).
    """
    module, inputs = _double(module, first_samples(loader, samples))
    linear = {name: layer for name, layer in module.named_modules() if isinstance(layer, nn.Linear)}
    relus = {name: layer for name, layer in module.named_modules() if isinstance(layer, nn.ReLU)}
    if not linear:
        raise ValueError(f"module: got {type(module).__name__} without an nn.Linear, expected some")
    entered: dict[str, torch.Tensor] = {}
    left: dict[str, torch.Tensor] = {}

    def note(name: str):
        def hook(_module, args, output):
            if name in left:
                raise ValueError(f"module: got {name!r} used twice, expected each layer to be used once")
            entered[name] = args[0].detach().flatten(0, -2).clone()
            left[name] = output

        return hook

    handles = [layer.register_forward_hook(note(name)) for name, layer in (linear | relus).items()]
    outputs = module(inputs)
    for handle in handles:
        handle.remove()
    if outputs.ndim < 2 or len(outputs) != len(inputs):
        raise ValueError(f"module: got outputs of shape {tuple(outputs.shape)}, expected ({len(inputs)}, ...)")
    names = [name for name in linear if name in left]
    rows: dict[str, list[np.ndarray]] = {name: [] for name in names}
    columns = outputs.flatten(1)
    for k in range(columns.shape[1]):
        gradients = torch.autograd.grad(
            columns[:, k].sum(), [left[name] for name in names], retain_graph=True, materialize_grads=True
        )
        for name, gradient in zip(names, gradients):
            rows[name].append(gradient.flatten(0, -2).numpy())
    layers = {}
    for name in names:
        activations = entered[name].numpy()
        if linear[name].bias is not None:
            activations = np.concatenate([activations, np.ones((len(activations), 1))], axis=1)
        layers[name] = layer_free_directions(activations, np.concatenate(rows[name]), tolerance)
    seen = {name: entered[name].numpy() for name in relus if name in entered}
    return Inspection(
        layers,
        {name: synchronised_blocks(values) for name, values in seen.items()},
        {name: np.flatnonzero(~(values > 0).any(axis=0)) for name, values in seen.items()},
    )


def behavioural_loss(module: nn.Module, inputs: torch.Tensor) -> tuple[Callable, torch.Tensor]:
    """Loss (1 / n) sum |f - f*|^2 about a module's own outputs, for `sgld`, and its parameters (1, P).

    Args:
        module: in evaluation mode; without randomness.
        inputs: (n, ...).
    """
    parameters = {name: value.detach() for name, value in module.named_parameters()}
    shapes = [value.shape for value in parameters.values()]
    sizes = [value.numel() for value in parameters.values()]
    with torch.no_grad():
        outputs = module(inputs)

    def loss(flat):
        parts = {
            name: part.view(shape) for name, part, shape in zip(parameters, flat.split(sizes), shapes, strict=True)
        }
        return (torch.func.functional_call(module, parts, (inputs,)) - outputs).square().sum() / len(inputs)

    batched = torch.func.vmap(torch.func.grad_and_value(loss))

    def loss_and_gradient(theta):
        gradient, value = batched(theta[0])
        return value[None], gradient[None]

    return loss_and_gradient, torch.cat([value.flatten() for value in parameters.values()])[None]


def estimate_learning_coefficient(
    module: nn.Module,
    loader: Iterable,
    *,
    samples: int = 500,
    strength: float = 1e4,
    step_size: float = 1e-6,
    steps: int = 5000,
    burn: float = 0.4,
    chains: int = 6,
    localisation: float = 1.0,
    seed: int = 0,
    refuse: bool = True,
) -> Coefficient:
    """Learning coefficient of the behavioural loss of a module about its own parameters, by Langevin chains.

    Args:
        module: without randomness in evaluation mode.
        loader: as in `inspect_network`.
        samples: first samples that are looked at.
        strength: n beta.
        step_size: eta; times n beta times the largest eigenvalue of the Hessian it should stay below about .3.
        steps, chains: of the dynamics.
        burn: first share of the steps, which does not count.
        localisation: gamma.
        seed: of the noise.
        refuse: raise `NotMixed` where the chains have not mixed.

    Raises:
        NotMixed: the chains have not mixed; take more steps.
        ValueError: no batch, or a chain that diverges.
    """
    module, inputs = _double(module, first_samples(loader, samples))
    loss_and_gradient, centre = behavioural_loss(module, inputs)
    losses = sgld(
        loss_and_gradient, centre, strength=strength, step_size=step_size, steps=steps, chains=chains,
        generator=torch.Generator().manual_seed(seed), localisation=localisation,
    )  # fmt: skip
    return learning_coefficient(losses[:, 0], strength=strength, burn=int(burn * steps), refuse=refuse)
