"""Free directions of a layer, counted as missing rank of stacked Jacobians (singular values in double precision).

A direction in parameter space is free where no output on the data changes to first order. Their number is the number of
parameters less the rank of the Jacobian of all outputs at all inputs.

Source: Bushnaq et al., arXiv 2405.10927, section 3.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import torch

TOLERANCE = 1e-9  # of a singular value, relative to the largest


class Rank(NamedTuple):
    """Numerical rank, and the ratio of the smallest singular value that counts to the largest that does not.

    The gap is infinite where nothing lies below, and a rank with a small gap is not to be trusted.
    """

    rank: int
    gap: float


def numerical_rank(matrix, tolerance: float = TOLERANCE) -> Rank:
    """Rank of a matrix by its singular values.

    Args:
        matrix: (rows, columns), computed with in float64.
        tolerance: singular values up to this times the largest count as zero.

    Raises:
        ValueError: not a matrix, empty, or with entries that are not finite.
    """
    matrix = np.asarray(matrix, dtype=float)
    if matrix.ndim != 2 or not matrix.size:
        raise ValueError(f"matrix: got shape {matrix.shape}, expected (rows, columns) with at least one entry")
    if not np.isfinite(matrix).all():
        raise ValueError("matrix: got entries that are not finite, expected finite ones")
    values = np.linalg.svd(matrix, compute_uv=False)
    rank = int(np.sum(values > tolerance * values[0]))
    if rank == 0:
        return Rank(0, np.inf)
    below = values[rank] if rank < len(values) else 0.0
    return Rank(rank, float(values[rank - 1] / below) if below else np.inf)


def jacobian(
    function: "Callable[[dict[str, torch.Tensor], torch.Tensor], torch.Tensor]",
    parameters: "Mapping[str, torch.Tensor]",
    inputs: "torch.Tensor",
) -> np.ndarray:
    """Stacked Jacobian (inputs times outputs, parameters) of a network's outputs, in float64.

    Args:
        function: maps parameters by name and inputs (n, ...) to outputs (n, ...).
        parameters: by name; columns have their order.
        inputs: (n, ...).
    """
    import torch

    parameters = {name: value.detach().double() for name, value in parameters.items()}
    inputs = inputs.double() if inputs.is_floating_point() else inputs
    blocks = torch.func.jacrev(lambda p: function(p, inputs).flatten())(parameters)
    return torch.cat([blocks[name].flatten(1) for name in parameters], dim=1).detach().cpu().numpy()


def jacobian_rank(function, parameters, inputs, tolerance: float = TOLERANCE) -> Rank:
    """Rank of the stacked Jacobian, with the arguments of `jacobian`; parameters less rank directions are free."""
    return numerical_rank(jacobian(function, parameters, inputs), tolerance)


class LayerCount(NamedTuple):
    """Free directions of one linear layer that follow from dependent activations and gradients.

    `free` is what d_in d_out - r s counts, a lower bound that generic data attain; `gap` the smaller of both gaps.
    """

    activation_rank: int
    gradient_rank: int
    free: int
    gap: float


def layer_free_directions(activations, gradients, tolerance: float = TOLERANCE) -> LayerCount:
    """Free directions of a layer p = W f from the spans of its inputs and of the gradients into its outputs.

    Args:
        activations: f at each input, (n, d_in), with a column of ones where the layer has a bias.
        gradients: derivatives of outputs with respect to p, (n times outputs, d_out).
        tolerance: of `numerical_rank`.

    Raises:
        ValueError: as `numerical_rank`.
    """
    activations, gradients = (np.asarray(values, dtype=float) for values in (activations, gradients))
    (r, first), (s, second) = (numerical_rank(values, tolerance) for values in (activations, gradients))
    return LayerCount(r, s, activations.shape[1] * gradients.shape[1] - r * s, min(first, second))


def synchronised_blocks(pre_activations) -> list[np.ndarray]:
    """Units of a ReLU layer that are on and off together on all inputs: index arrays in the order of their first unit.

    A unit that is never on belongs to no block: it contributes nothing, and all its weights are free.

    Args:
        pre_activations: (n, units).

    Raises:
        ValueError: not (n, units).
    """
    pre_activations = np.asarray(pre_activations)
    if pre_activations.ndim != 2:
        raise ValueError(f"pre_activations: got shape {pre_activations.shape}, expected (n, units)")
    blocks: dict[bytes, list[int]] = {}
    for unit, pattern in enumerate((pre_activations > 0).T):
        if pattern.any():
            blocks.setdefault(np.packbits(pattern).tobytes(), []).append(unit)
    return [np.array(units) for units in blocks.values()]
