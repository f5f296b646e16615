"""Parameters of networks as dictionaries of tensors: differences, inner products, flat vectors, layers, files.

Every function takes one network, with tensors as in `Module.named_parameters()`, or a stack of networks, with a leading
axis; `stacked=True` says that inner products and vectors are to be taken for each network of a stack by itself.
"""

from collections.abc import Iterable
from pathlib import Path

import torch

Parameters = dict[str, torch.Tensor]


def parameters_of(module: torch.nn.Module) -> Parameters:
    """Detached parameters of a module by name, buffers not among them."""
    return {name: value.detach() for name, value in module.named_parameters()}


def read_parameters(path: str | Path) -> Parameters:
    """Tensors of a file: safetensors where the name ends so, else a `state_dict` saved by `torch.save`.

    A `state_dict` may be wrapped in a dictionary under `state_dict` or `model`.

    Raises:
        ValueError: the file holds no dictionary, or something in it is not a tensor.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    content = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: got {type(content).__name__}, expected a dictionary of tensors")
    for key in ("state_dict", "model"):
        if isinstance(content.get(key), dict):
            content = content[key]
    wrong = [name for name, value in content.items() if not isinstance(value, torch.Tensor)]
    if wrong:
        raise ValueError(f"{path}: got {type(content[wrong[0]]).__name__} under {wrong[0]!r}, expected tensors alone")
    return dict(content)


def check_alike(first: Parameters, second: Parameters) -> None:
    """Raise ValueError unless both have the same names and shapes."""
    if first.keys() != second.keys():
        odd = sorted(first.keys() ^ second.keys())
        raise ValueError(f"parameters: got {odd[:4]} in one network alone, expected the same names in both")
    for name, value in first.items():
        if value.shape != second[name].shape:
            raise ValueError(
                f"parameters: got shapes {tuple(value.shape)} and {tuple(second[name].shape)} for {name!r}, "
                "expected equal ones"
            )


def select(parameters: Parameters, index) -> Parameters:
    """Some networks of a stack, or one: `value[index]` of every tensor."""
    return {name: value[index] for name, value in parameters.items()}


def stack(networks: Iterable[Parameters]) -> Parameters:
    """One stack from several networks."""
    networks = list(networks)
    return {name: torch.stack([network[name] for network in networks]) for name in networks[0]}


def concatenate(stacks: Iterable[Parameters]) -> Parameters:
    """One stack from several stacks."""
    stacks = list(stacks)
    return {name: torch.cat([one[name] for one in stacks]) for name in stacks[0]}


def combine(factor, first: Parameters, other, second: Parameters) -> Parameters:
    """Factor * first + other * second; factors are numbers, or tensors `(networks,)` for stacks."""

    def times(scale, value):
        if isinstance(scale, torch.Tensor) and scale.ndim:
            return scale.to(value.dtype).view(-1, *[1] * (value.ndim - 1)) * value
        return scale * value

    return {name: times(factor, value) + times(other, second[name]) for name, value in first.items()}


def subtract(first: Parameters, second: Parameters) -> Parameters:
    """First - second."""
    return {name: value - second[name] for name, value in first.items()}


def restrict(direction: Parameters, names: Iterable[str]) -> Parameters:
    """The direction with zeros at every parameter that is not named."""
    names = set(names)
    return {name: value if name in names else torch.zeros_like(value) for name, value in direction.items()}


def inner(first: Parameters, second: Parameters, stacked: bool = False) -> torch.Tensor:
    """Inner product, summed in float64: a number, or `(networks,)` for stacks."""
    start = 1 if stacked else 0
    return sum((value.double() * second[name].double()).flatten(start).sum(-1) for name, value in first.items())


def flatten(parameters: Parameters, stacked: bool = False) -> torch.Tensor:
    """All entries as one vector `(P,)`, or `(networks, P)` for stacks, in the order of the dictionary."""
    start = 1 if stacked else 0
    return torch.cat(
        [value.flatten(start) if value.ndim > start else value[..., None] for value in parameters.values()], -1
    )


def unflatten(vector: torch.Tensor, like: Parameters, stacked: bool = False) -> Parameters:
    """The inverse of `flatten`: tensors of the shapes of `like`, where a stack in `like` may have another length.

    Raises:
        ValueError: the vector has another number of entries.
    """
    shapes = {name: value.shape[1:] if stacked else value.shape for name, value in like.items()}
    sizes = [shape.numel() for shape in shapes.values()]
    if vector.shape[-1] != sum(sizes):
        raise ValueError(f"vector: got {vector.shape[-1]} entries, expected {sum(sizes)}")
    parts = vector.split(sizes, -1)
    return {name: part.reshape(*vector.shape[:-1], *shape) for (name, shape), part in zip(shapes.items(), parts)}


def layers_of(parameters: Parameters) -> dict[str, list[str]]:
    """Names of the parameters of each layer, weight and bias together: those that differ in the last part alone."""
    layers: dict[str, list[str]] = {}
    for name in parameters:
        layers.setdefault(name.rpartition(".")[0], []).append(name)
    return layers
