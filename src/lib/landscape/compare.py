"""Two trained networks of one architecture: barrier, what curvature expects, which layers matter, units matched."""

import importlib
import importlib.util
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from lib.landscape.alignment import Specification, chain_specification, match_weights, permute
from lib.landscape.curvature import layer_terms
from lib.landscape.lines import ALPHAS, Barrier, barrier, layerwise_excess
from lib.landscape.losses import mean_over_batches, mlp, module_loss, running_statistics
from lib.landscape.parameters import Parameters, layers_of, subtract


class Comparison(NamedTuple):
    """What lies between two networks.

    `alphas`: points of the line; `loss` and `error`: barriers along it, `error` None where targets are not classes.
    `expected`: barrier that the curvature at both ends lets expect. `layers`: by layer, the rise of the loss where it
    alone is moved half of the way, and what curvature expects. `matched`: the barrier of the loss after the second
    network's hidden units were matched to the first's, None where no specification fits.
    """

    alphas: tuple[float, ...]
    loss: Barrier
    error: Barrier | None
    expected: float
    layers: dict[str, tuple[float, float]]
    matched: Barrier | None


def mean_error(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Share of wrong classes."""
    return (outputs.argmax(1) != targets).double().mean()


def compare_runs(
    module: nn.Module,
    first: Parameters,
    second: Parameters,
    batches: Iterable,
    *,
    alphas: Sequence[float] = ALPHAS,
    criterion: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = nn.functional.cross_entropy,
    reset_statistics: bool = False,
    specification: Specification | None = None,
) -> Comparison:
    """Compare two runs of one architecture on data.

    Args:
        module: of that architecture; its own parameters do not matter.
        first, second: parameters by the names of `Module.named_parameters()`, such as from `read_parameters`; buffers
            among them are left out, numbers of another precision are converted to the module's.
        batches: pairs (inputs, targets), read at every point: a list, or a DataLoader that does not shuffle.
        alphas: points of the line.
        criterion: mean loss of a batch; classes are counted as errors where it is the cross-entropy of integers.
        reset_statistics: for batch normalisation, see `lib.landscape.losses.module_loss`.
        specification: how hidden units are permuted; None: a plain sequence of layers, where the network is one.

    Raises:
        ValueError: a network lacks a parameter of the module or has one of another shape, or a loss at an end is not
            finite.
    """
    first, second = (_fitted(module, network) for network in (first, second))
    loss = module_loss(module, batches, criterion, reset_statistics)
    whole = barrier(loss, first, second, alphas)
    error = None
    if criterion is nn.functional.cross_entropy and not next(iter(batches))[1].is_floating_point():
        error = barrier(module_loss(module, batches, mean_error, reset_statistics), first, second, alphas)
    layers, delta = layers_of(first), subtract(second, first)
    excess = layerwise_excess(loss, first, second, layers)
    terms = sum(_terms(module, end, delta, layers, batches, criterion, reset_statistics) for end in (first, second))
    table = {name: (float(e), float(c) / 16) for name, e, c in zip(layers, excess, terms.diagonal())}
    expected = float(terms.sum()) / 16
    return Comparison(
        tuple(alphas), whole, error, expected, table, _matched(loss, first, second, alphas, specification)
    )


def _fitted(module: nn.Module, network: Parameters) -> Parameters:
    """The parameters of a module from a network, in the module's order and precision."""
    fitted = {}
    for name, own in module.named_parameters():
        if name not in network:
            raise ValueError(f"parameters: got none under {name!r}, expected those of {type(module).__name__}")
        if network[name].shape != own.shape:
            shapes = tuple(network[name].shape), tuple(own.shape)
            raise ValueError(f"parameters: got shape {shapes[0]} under {name!r}, expected {shapes[1]}")
        fitted[name] = network[name].to(own)
    return fitted


def _terms(module, end, delta, layers, batches, criterion, reset_statistics: bool) -> torch.Tensor:
    """Curvature between pairs of layers at one end, with its own running statistics."""
    buffers = running_statistics(module, end, batches) if reset_statistics else None
    return mean_over_batches(lambda loss: layer_terms(loss, end, delta, layers), module, batches, criterion, buffers)


def _matched(loss, first, second, alphas, specification) -> Barrier | None:
    if specification is None:
        try:
            specification = chain_specification(first)
        except ValueError:
            return None
    if not any(key for keys in specification.values() for key in keys):
        return None
    permutations = match_weights(first, second, specification).permutations
    return barrier(loss, first, permute(second, specification, permutations), alphas)


def perceptron_of(parameters: Parameters, activation: str = "relu") -> tuple[nn.Module, dict[str, str]]:
    """A perceptron with the sizes of linear layers in a row, and its names by those of the parameters.

    Layers are in the order of their names, numbers in them by value, since safetensors do not keep the order.

    Raises:
        ValueError: the layers are not weights (outputs, inputs) with a bias each that fit in a row in that order.
    """

    def place(layer: str) -> list:
        return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", layer) if part]

    layers = [
        sorted(keys, reverse=True) for _, keys in sorted(layers_of(parameters).items(), key=lambda p: place(p[0]))
    ]
    names = [name for keys in layers for name in keys]  # weight before bias
    shapes = [tuple(parameters[name].shape) for name in names]
    weights, biases = shapes[::2], shapes[1::2]
    fits = all(len(keys) == 2 for keys in layers) and all(len(w) == 2 and w[:1] == b for w, b in zip(weights, biases))
    if not names or not fits or any(a[0] != b[1] for a, b in pairwise(weights)):
        raise ValueError(f"parameters: got {dict(zip(names, shapes))}, expected linear layers in a row")
    module = mlp([weights[0][1], *(outputs for outputs, _ in weights)], activation)
    return module, dict(zip(names, (name for name, _ in module.named_parameters())))


def module_at(place: str) -> nn.Module:
    """The module that a function without arguments returns, from `package.module:function` or `file.py:function`.

    Raises:
        ValueError: the place has no such form, or the function returns no module.
    """
    where, _, name = place.rpartition(":")
    if not where:
        raise ValueError(f"model: got {place!r}, expected package.module:function or file.py:function")
    if where.endswith(".py"):
        description = importlib.util.spec_from_file_location(Path(where).stem, where)
        source = importlib.util.module_from_spec(description)
        description.loader.exec_module(source)
    else:
        source = importlib.import_module(where)
    module = getattr(source, name)()
    if not isinstance(module, nn.Module):
        raise ValueError(f"model: got {type(module).__name__} from {place!r}, expected a torch.nn.Module")
    return module.eval()


def read_batches(path: str | Path, size: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Batches from an `.npz` file with `inputs` (n, ...) and `targets` (n, ...); integers are classes.

    Raises:
        ValueError: an array is missing, or both have different lengths.
    """
    with np.load(path) as content:
        if lacking := [name for name in ("inputs", "targets") if name not in content]:
            raise ValueError(f"{path}: got {sorted(content)}, expected {lacking[0]}")
        inputs, targets = content["inputs"], content["targets"]
    if len(inputs) != len(targets):
        raise ValueError(f"{path}: got {len(inputs)} inputs and {len(targets)} targets, expected as many")
    inputs = torch.from_numpy(inputs.astype(np.float32))
    kind = np.int64 if targets.dtype.kind in "iu" else np.float32
    targets = torch.from_numpy(targets.astype(kind))
    return list(zip(inputs.split(size), targets.split(size)))
