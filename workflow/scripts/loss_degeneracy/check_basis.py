"""Invariance of the interaction basis under linear maps of the activations, and its form in linear networks."""

from itertools import pairwise

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.interaction.basis import basis_of_factors, gram, interaction_basis
from lib.interaction.relu import ReluNetwork, local_jacobian_factor, local_jacobian_gram, output_jacobian_grams
from lib.progress import progress


def check_basis(
    *, maps: int, width: int, following: int, n: int, condition: float, networks: int, widths: list[int], root_seed: int
) -> xr.Dataset:
    """Return relative changes of importances and coordinates under maps, and edges of deep linear networks.

    Args:
        maps: random invertible maps, each of activations of its own.
        width, following, n: of the activations, of the next layer, and samples.
        condition: largest ratio of singular values of a map.
        networks: deep linear networks.
        widths: of their node layers.
        root_seed: root of the random streams.
    """
    changes, grams = np.zeros((maps, 3)), np.zeros((maps, 2))
    for i in progress(range(maps), "maps"):
        rng = generator(root_seed, "loss_degeneracy", "map", i)
        activations = rng.standard_normal((n, width)) @ rng.standard_normal((width, width))
        weight = rng.standard_normal((following, width)) / np.sqrt(width)
        change = _map(width, condition, rng)
        pairs = (activations, weight), (activations @ change.T, weight @ np.linalg.inv(change))
        changes[i] = *_difference(*(_by_factors(*pair) for pair in pairs)), np.linalg.cond(change)
        grams[i] = _difference(*(_by_grams(*pair) for pair in pairs))
    linear = np.zeros((2, networks, 2))
    for i in range(networks):
        rng = generator(root_seed, "loss_degeneracy", "linear", i)
        weights = [rng.standard_normal((b, a)) / np.sqrt(a) for a, b in pairwise(widths)]
        linear[:, i] = _linear_edges(
            weights, rng.standard_normal((n, widths[0])) @ rng.standard_normal((widths[0],) * 2)
        )
    return xr.Dataset(
        {
            "change": (("map", "quantity"), changes, {"long_name": "relative change under a map"}),
            "gram_change": (("map", "of_grams"), grams, {"long_name": "the same where Gram matrices are formed"}),
            "linear": (("basis", "network", "part"), linear, {"long_name": "edges of linear networks"}),
        },
        coords={
            "quantity": ["importance", "coordinate", "condition"],
            "of_grams": ["importance", "coordinate"],
            "basis": ["local", "global"],
            "part": ["off_diagonal", "diagonal_error"],
        },
    )


def _map(size: int, condition: float, rng: np.random.Generator) -> np.ndarray:
    """An invertible matrix with singular values log-uniform up to a condition number."""
    left, right = (np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(2))
    return left * condition ** rng.uniform(-0.5, 0.5, size) @ right


def _by_factors(activations: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Importances and sizes of coordinates of a layer before ReLUs, in the interaction basis."""
    centred = activations - activations.mean(axis=0)
    firing = (activations @ weight.T > 0).astype(float)
    factor = local_jacobian_factor(weight, firing, np.eye(len(weight)))
    basis = basis_of_factors(centred / np.sqrt(len(centred)), factor)
    return basis.values, np.abs(centred @ basis.matrix.T)


def _by_grams(activations: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same from Gram matrices."""
    firing = (activations @ weight.T > 0).astype(float)
    basis = interaction_basis(gram(activations), local_jacobian_gram(weight, firing, np.eye(len(weight))), 1e-15)
    return basis.values, np.abs((activations - activations.mean(axis=0)) @ basis.matrix.T)


def _difference(before: tuple[np.ndarray, np.ndarray], after: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Largest relative change of an importance, and of a coordinate over the largest; infinite where one is dropped."""
    if before[0].shape != after[0].shape:
        return np.inf, np.inf
    return (
        float(np.max(np.abs(after[0] / before[0] - 1))),
        float(np.max(np.abs(after[1] - before[1])) / np.max(before[1])),
    )


def _linear_edges(weights: list[np.ndarray], inputs: np.ndarray) -> list[list[float]]:
    """Largest entry off the diagonal, and deviation of those on it from one in size, of C' W C+ over all layers."""
    activations = [inputs]
    for weight in weights:
        activations.append(activations[-1] @ weight.T)
    grams = [gram(values) for values in activations]
    ones = [np.ones((len(inputs), len(weight))) for weight in weights]
    outer = output_jacobian_grams(ReluNetwork(weights, [0.0] * len(weights)), ones)
    rows = []
    for kind in ("local", "global"):
        own = [interaction_basis(grams[-1], np.eye(len(grams[-1])))]
        for layer in reversed(range(len(weights))):
            inner = local_jacobian_gram(weights[layer], ones[layer], own[0].matrix)
            own.insert(0, interaction_basis(grams[layer], inner if kind == "local" else outer[layer]))
        off, on = [], []
        for here, following, weight in zip(own, own[1:], weights):
            edges = following.matrix @ weight @ here.inverse
            diagonal = np.diag(edges)
            off.append(np.max(np.abs(edges - np.diag(diagonal))))
            on.append(np.max(np.abs(np.abs(diagonal) - 1)))
        rows.append([max(off), max(on)])
    return rows


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_basis, snakemake)
