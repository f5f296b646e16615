"""Count free directions of layers with planted degeneracies, and walk along some of them."""

import numpy as np
import xarray as xr
from scipy.linalg import expm

from lib.atlas.job.seeds import generator
from lib.degeneracy.planted import (
    DependentLayer,
    Units,
    attention_heads,
    dependent_layer,
    null_projection,
    relu_units,
    unit_free_directions,
)
from lib.degeneracy.ranks import layer_free_directions, numerical_rank, synchronised_blocks
from lib.progress import progress

SOURCES = ["activations", "gradients", "ReLUs"]


def count_directions(
    *, instances: int, activation_ranks: list[int], gradient_ranks: list[int], units: list[int], seeds: int,
    heads: list[list[int]], walks: int, mixing: float, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return counted and predicted free directions, and how far outputs move along directions that should be free.

    Args:
        instances: layers with dependent activations and gradients.
        activation_ranks, gradient_ranks: smallest and largest dimension that these may span.
        units: numbers of ReLUs.
        seeds: layers for each number of ReLUs or shape of heads.
        heads: numbers of heads and their sizes.
        walks: steps along free directions of each source, and along random ones.
        mixing: norm of the generator tX of the mixing e^(tX) of ReLUs.
        root_seed: root of the random streams.
    """
    layers = np.zeros((instances, 5))
    for i in progress(range(instances), "layers"):
        rng = generator(root_seed, "loss_degeneracy", "layer", i)
        r, s = (
            rng.integers(activation_ranks[0], activation_ranks[1] + 1),
            rng.integers(gradient_ranks[0], gradient_ranks[1] + 1),
        )
        one = dependent_layer(int(r), int(s), rng)
        rank = numerical_rank(one.jacobian())
        spans = layer_free_directions(one.activations, one.gradients().reshape(-1, len(one.weight)))
        size = one.weight.size
        layers[i] = size - rank.rank, spans.free, spans.activation_rank, spans.gradient_rank, min(rank.gap, spans.gap)
    relus = np.zeros((2, len(units), seeds, 3))
    for k, together in enumerate((True, False)):
        for u, m in enumerate(units):
            for seed in range(seeds):
                rng = generator(root_seed, "loss_degeneracy", "units", m, together, seed)
                relus[k, u, seed] = _count_units(relu_units(m, together, rng), together)
    attention = np.zeros((2, len(heads), seeds, 3))
    for k, equal in enumerate((True, False)):
        for h, (m, size) in enumerate(heads):
            for seed in range(seeds):
                one = attention_heads(
                    m, size, equal, generator(root_seed, "loss_degeneracy", "heads", m, size, equal, seed)
                )
                jacobian = one.jacobian()
                rank = numerical_rank(jacobian)
                predicted = (m * size) ** 2 if equal else m * size**2
                attention[k, h, seed] = jacobian.shape[1] - rank.rank, predicted, rank.gap
    moved, contrast = np.zeros((len(SOURCES), walks)), np.zeros((len(SOURCES), walks))
    for i in range(walks):
        rng = generator(root_seed, "loss_degeneracy", "walk", i)
        moved[:2, i], contrast[:2, i] = _walk_layer(dependent_layer(6, 4, rng), rng)
        moved[2, i], contrast[2, i] = _walk_units(relu_units(4, True, rng), mixing, rng)
    return xr.Dataset(
        {
            "layer": (("instance", "quantity"), layers, {"long_name": "free directions of a layer"}),
            "relu": (("synchronised", "unit_count", "seed", "count"), relus, {"long_name": "free directions of ReLUs"}),
            "attention": (
                ("equal", "head_shape", "seed", "count"),
                attention,
                {"long_name": "free directions of heads"},
            ),
            "moved": (("source", "walk"), moved, {"long_name": "largest change of an output over their deviation"}),
            "contrast": (("source", "walk"), contrast, {"long_name": "the same along random directions"}),
        },
        coords={
            "quantity": ["free", "predicted", "activation_rank", "gradient_rank", "gap"],
            "count": ["free", "predicted", "gap"],
            "synchronised": [True, False],
            "equal": [True, False],
            "unit_count": units,
            "head_shape": [f"{m} x {size}" for m, size in heads],
            "source": SOURCES,
        },
    )


def _count_units(one: Units, together: bool) -> tuple[int, int, float]:
    """Free directions of ReLUs, what their blocks predict, and the gap of the rank."""
    jacobian = one.branches().jacobian()
    rank = numerical_rank(jacobian)
    d_in, d_out = one.inputs.shape[1], len(one.second)
    blocks = synchronised_blocks(one.inputs @ one.first.T)
    predicted = sum(unit_free_directions(len(block), together, d_in, d_out) for block in blocks)
    return jacobian.shape[1] - rank.rank, predicted, rank.gap


def _change(new: np.ndarray, old: np.ndarray) -> float:
    return float(np.max(np.abs(new - old) / old.std(axis=0)))


def _walk_layer(one: DependentLayer, rng: np.random.Generator) -> tuple[list[float], float]:
    """Change of outputs by unit steps in the null spaces of activations and of gradients, and in a random direction."""
    outputs = one.outputs(one.weight)
    idle = null_projection(one.activations, layer_free_directions(one.activations, one.inner).activation_rank)
    blind = null_projection(one.inner, len(one.inner))
    step = rng.standard_normal(one.weight.shape)
    changes = []
    for direction in (step @ idle, blind @ step, step):
        changes.append(_change(one.outputs(one.weight + direction / np.linalg.norm(direction)), outputs))
    return changes[:2], changes[2]


def _walk_units(one: Units, mixing: float, rng: np.random.Generator) -> tuple[float, float]:
    """Change of outputs by mixing synchronised ReLUs, and by a random step of the same length.

    Raises:
        ValueError: the mixing changes a pattern.
    """
    outputs = one.outputs()
    generator_of_mixing = rng.standard_normal((len(one.first),) * 2)
    generator_of_mixing *= mixing / np.linalg.norm(generator_of_mixing)
    mixed = Units(expm(generator_of_mixing) @ one.first, one.second @ expm(-generator_of_mixing), one.inputs)
    if not np.array_equal(mixed.patterns(), one.patterns()):
        raise ValueError(f"mixing: got {mixing}, which changes where a unit is on, expected less")
    length = np.hypot(np.linalg.norm(mixed.first - one.first), np.linalg.norm(mixed.second - one.second))
    steps = [rng.standard_normal(part.shape) for part in (one.first, one.second)]
    scale = length / np.hypot(*map(np.linalg.norm, steps))
    moved = Units(one.first + scale * steps[0], one.second + scale * steps[1], one.inputs)
    return _change(mixed.outputs(), outputs), _change(moved.outputs(), outputs)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(count_directions, snakemake)
