"""Losses as functions of parameters: of any module on batches of data, and of stacks of perceptrons written out.

`module_loss` serves one network of any architecture. Stacks of perceptrons, `mlp_losses`, take a batched product for
each layer, which is several times faster than `torch.func.vmap` over a module.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.func import functional_call, vmap

from lib.landscape.parameters import Parameters
from lib.training.stacked import draw, generators

ACTIVATIONS = {"relu": torch.relu, "gelu": nn.functional.gelu, "tanh": torch.tanh}
MODULES = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}


def module_loss(
    module: nn.Module,
    batches: Iterable,
    criterion: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = nn.functional.cross_entropy,
    reset_statistics: bool = False,
    buffers: dict[str, torch.Tensor] | None = None,
) -> Callable[[Parameters], torch.Tensor]:
    """The loss of a module on data as a function of its parameters.

    Args:
        module: of any kind; its mode (training or not) is left as it is, its buffers are used and not changed.
        batches: pairs (inputs, targets), all of them read at each call: a list, or a DataLoader that does not shuffle.
        criterion: mean loss of a batch from outputs and targets; batches count by their number of targets.
        reset_statistics: take running statistics (batch normalisation) anew from these batches at the given parameters,
            as every point of a line needs; see `running_statistics`.
        buffers: in place of the module's own.

    Raises:
        ValueError: there is no batch.
    """
    buffers = dict(module.named_buffers()) if buffers is None else buffers

    def loss(parameters: Parameters) -> torch.Tensor:
        state = {**buffers, **parameters}
        if reset_statistics:
            state |= running_statistics(module, parameters, batches)
        total, count = 0.0, 0
        for inputs, targets in batches:
            total = total + criterion(functional_call(module, state, (inputs,)), targets) * len(targets)
            count += len(targets)
        if not count:
            raise ValueError("batches: got none, expected at least one")
        return total / count

    return loss


def mean_over_batches(
    measure: Callable[[Callable[[Parameters], torch.Tensor]], torch.Tensor],
    module: nn.Module,
    batches: Iterable,
    criterion: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = nn.functional.cross_entropy,
    buffers: dict[str, torch.Tensor] | None = None,
) -> torch.Tensor:
    """A measure that is linear in the loss (a curvature, a slope), one batch in memory at a time.

    Args:
        measure: takes a loss of parameters, such as `lambda loss: endpoint_estimate(loss, first, second)`.
        module, batches, criterion, buffers: as of `module_loss`.

    Raises:
        ValueError: there is no batch.
    """
    total, count = 0.0, 0
    for batch in batches:
        size = len(batch[1])
        total, count = total + measure(module_loss(module, [batch], criterion, buffers=buffers)) * size, count + size
    if not count:
        raise ValueError("batches: got none, expected at least one")
    return total / count


def running_statistics(module: nn.Module, parameters: Parameters, batches: Iterable) -> dict[str, torch.Tensor]:
    """Buffers of batch normalisation as averages over the batches at these parameters; the module is not changed."""
    norms = {
        name: part
        for name, part in module.named_modules()
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.track_running_stats
    }
    modes = {name: (part.training, part.momentum) for name, part in norms.items()}
    state = {name: value.clone() for name, value in module.named_buffers()} | {
        name: value.detach() for name, value in parameters.items()
    }
    try:
        for name, part in norms.items():
            part.training, part.momentum = True, None  # a plain average over batches
            for key in ("running_mean", "running_var", "num_batches_tracked"):
                state[f"{name}.{key}" if name else key].zero_()
        with torch.no_grad():
            for inputs, _ in batches:
                functional_call(module, state, (inputs,))
    finally:
        for name, part in norms.items():
            part.training, part.momentum = modes[name]
    return {name: state[name] for name, _ in module.named_buffers()}


def module_losses(
    module: nn.Module, criterion: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = nn.functional.cross_entropy
) -> Callable[[Parameters, torch.Tensor, torch.Tensor], torch.Tensor]:
    """Losses of a stack of networks of one architecture, each on a batch of its own, by `torch.func.vmap`.

    Returns:
        A function of stacked parameters, inputs `(networks, batch, ...)` and targets `(networks, batch, ...)` that
        returns `(networks,)`; the module must not have running statistics.
    """

    def one(parameters, inputs, targets):
        return criterion(functional_call(module, parameters, (inputs,)), targets)

    return vmap(one)


def widths_of(width: int, depth: int, inputs: int = 64, classes: int = 10) -> list[int]:
    """Sizes of a perceptron with `depth` hidden layers: inputs, hidden, ..., classes."""
    return [inputs, *[width] * depth, classes]


def mlp(widths: Sequence[int], activation: str = "relu") -> nn.Sequential:
    """A perceptron as a module; its parameters have the names that `draw_mlps` gives."""
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(widths)):
        layers += [nn.Linear(a, b)] + ([MODULES[activation]()] if i < len(widths) - 2 else [])
    return nn.Sequential(*layers)


def draw_mlps(widths: Sequence[int], seeds: Sequence[int]) -> Parameters:
    """A stack of perceptrons at their start, as PyTorch draws linear layers, each from its own seed.

    Returns:
        `0.weight` `(networks, outputs, inputs)`, `0.bias` `(networks, outputs)`, `2.weight`, ...
    """
    sources, parameters = generators(seeds), {}
    for i, (a, b) in enumerate(pairwise(widths)):
        parameters[f"{2 * i}.weight"] = draw(sources, (b, a), "uniform", a**-0.5).detach()
        parameters[f"{2 * i}.bias"] = draw(sources, (b,), "uniform", a**-0.5).detach()
    return parameters


def mlp_outputs(parameters: Parameters, inputs: torch.Tensor, activation: str = "relu") -> torch.Tensor:
    """Outputs of a stack of perceptrons, `(networks, samples, classes)`.

    Args:
        parameters: from `draw_mlps`.
        inputs: `(networks, samples, inputs)`, or `(samples, inputs)` for all.
        activation: `relu`, `gelu` or `tanh`.
    """
    weights = [value for name, value in parameters.items() if name.endswith("weight")]
    biases = [value for name, value in parameters.items() if name.endswith("bias")]
    x = inputs if inputs.ndim == 3 else inputs.expand(len(weights[0]), *inputs.shape)
    for i, (weight, bias) in enumerate(zip(weights, biases)):
        x = torch.baddbmm(bias[:, None], x, weight.mT)
        if i < len(weights) - 1:
            x = ACTIVATIONS[activation](x)
    return x


def mlp_losses(
    parameters: Parameters, inputs: torch.Tensor, targets: torch.Tensor, activation: str = "relu"
) -> torch.Tensor:
    """Mean cross-entropy of each perceptron, `(networks,)`; targets `(networks, samples)`."""
    outputs = mlp_outputs(parameters, inputs, activation)
    chosen = outputs.gather(-1, targets[..., None])[..., 0]
    return (outputs.logsumexp(-1) - chosen).mean(-1)


def mlp_errors(
    parameters: Parameters, inputs: torch.Tensor, targets: torch.Tensor, activation: str = "relu"
) -> torch.Tensor:
    """Share of wrong classes of each perceptron, `(networks,)`, float64."""
    return (mlp_outputs(parameters, inputs, activation).argmax(-1) != targets).double().mean(-1)
