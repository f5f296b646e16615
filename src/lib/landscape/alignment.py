"""Permutations of hidden units that bring one network close to another (weight matching, Ainsworth et al. 2023).

A specification names, for each axis of each parameter, the permutation that acts on it, or None. It is written by hand
for any architecture; `chain_specification` makes it for a plain sequence of layers.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from lib.landscape.parameters import Parameters, check_alike, inner

Specification = Mapping[str, tuple[str | None, ...]]
Permutations = dict[str, np.ndarray]


class Matching(NamedTuple):
    """Permutations by name, what the names act on, and the inner product of the first with the permuted second network.

    `sweeps`: until nothing changed; 0 where that was not reached.
    """

    permutations: Permutations
    specification: Specification
    objective: float
    sweeps: int


def chain_specification(parameters: Parameters) -> dict[str, tuple[str | None, ...]]:
    """Specification of layers in a row, linear or convolutional, in the order of the parameters.

    Each layer has a weight (outputs, inputs, ...) and perhaps vectors of its outputs (bias, norm); the inputs of the
    first and the outputs of the last are not permuted. A linear layer that flattens feature maps is refused.

    Raises:
        ValueError: the outputs of a layer do not fit the inputs of the next.
    """
    specification: dict[str, tuple[str | None, ...]] = {}
    weights = [name for name, value in parameters.items() if value.ndim > 1]
    before, layer = None, -1
    for name, value in parameters.items():
        if value.ndim > 1:
            layer += 1
            if layer and value.shape[1] != parameters[weights[layer - 1]].shape[0]:
                raise ValueError(
                    f"parameters: got {value.shape[1]} inputs of {name!r} after "
                    f"{parameters[weights[layer - 1]].shape[0]} outputs, expected a plain sequence of layers"
                )
            after = f"units {layer}" if layer < len(weights) - 1 else None
            specification[name] = (after, before, *[None] * (value.ndim - 2))
            before = after
        else:
            specification[name] = (f"units {layer}" if 0 <= layer < len(weights) - 1 else None,) * value.ndim
    return specification


def permute(parameters: Parameters, specification: Specification, permutations: Permutations) -> Parameters:
    """The network with its hidden units reordered: entry i of an axis is entry `permutation[i]` of the old one."""
    result = {}
    for name, value in parameters.items():
        for axis, key in enumerate(specification.get(name, ())):
            if key is not None:
                index = torch.from_numpy(np.asarray(permutations[key])).to(value.device)
                value = value.index_select(axis, index)
        result[name] = value
    return result


def random_permutations(parameters: Parameters, specification: Specification, rng: np.random.Generator) -> Permutations:
    """A uniform permutation for each name of the specification."""
    return {key: rng.permutation(size) for key, size in _sizes(parameters, specification).items()}


def _sizes(parameters: Parameters, specification: Specification) -> dict[str, int]:
    """Length of each permutation.

    Raises:
        ValueError: a parameter that is not there, another number of axes, or axes of one permutation that differ.
    """
    sizes: dict[str, int] = {}
    for name, keys in specification.items():
        if name not in parameters or len(keys) != parameters[name].ndim:
            raise ValueError(f"specification: got {name!r} with {len(keys)} axes, which the network does not have")
        for key, size in zip(keys, parameters[name].shape):
            if key is not None and sizes.setdefault(key, size) != size:
                raise ValueError(f"specification: got axes of {sizes[key]} and {size} units under {key!r}")
    return sizes


def _products(
    first: Parameters, second: Parameters, specification: Specification, permutations: Permutations, key: str
) -> np.ndarray:
    """Inner products of unit i of the first network with unit j of the second, over all axes that `key` permutes.

    All other axes of the second are permuted as they stand, also where `key` acts on two axes of one parameter.
    """
    total = 0.0
    for name, keys in specification.items():
        for axis, one in enumerate(keys):
            if one == key:
                others = {name: tuple(None if i == axis else other for i, other in enumerate(keys))}
                moved = permute({name: second[name]}, others, permutations)[name]
                a, b = (value.movedim(axis, 0).double() for value in (first[name], moved))
                total = total + a.reshape(len(a), -1) @ b.reshape(len(b), -1).T
    return total.cpu().numpy()


def match_weights(
    first: Parameters,
    second: Parameters,
    specification: Specification | None = None,
    rng: np.random.Generator | None = None,
    sweeps: int = 50,
) -> Matching:
    """Permutations of the second network's units that bring its weights close to the first's, by coordinate ascent.

    Maximises the inner product of the first network with the permuted second, one permutation at a time by a linear
    assignment, in random order, until a sweep changes nothing. An assignment is accepted where the inner product grows.

    Args:
        first, second: networks of one architecture.
        specification: None: `chain_specification` of the first.
        rng: of the orders.
        sweeps: at most this many.

    Raises:
        ValueError: networks that differ in names or shapes, or a specification that does not fit.
    """
    check_alike(first, second)
    specification = chain_specification(first) if specification is None else specification
    rng = np.random.default_rng(0) if rng is None else rng
    permutations = {key: np.arange(size) for key, size in _sizes(first, specification).items()}
    best = float(inner(first, second))
    for sweep in range(1, sweeps + 1):
        changed = False
        for key in rng.permutation(list(permutations)):
            products = _products(first, second, specification, permutations, key)
            trial = {**permutations, key: linear_sum_assignment(products, maximize=True)[1]}
            value = float(inner(first, permute(second, specification, trial)))
            if value > best + 1e-12 * abs(best):
                permutations, best, changed = trial, value, True
        if not changed:
            return Matching(permutations, specification, best, sweep)
    return Matching(permutations, specification, best, 0)
