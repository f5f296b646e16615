"""Whether hidden states keep inputs apart: the theorem's premises on trained networks and on random transformers."""

import numpy as np
import torch
import xarray as xr

from lib.abstraction.causal import draw_inputs, equality_bits
from lib.abstraction.distances import closest_pair, duplicates, smallest_distances
from lib.abstraction.networks import LAYERS, unpack_networks
from lib.abstraction.transformer import SmallTransformer
from lib.atlas.job.seeds import generator, seed_sequence
from lib.progress import progress
from lib.training.stacked import generators

PAPER = "nonlinear_dilemma"
KINDS = ("all", "equal output", "different output", "equal variables", "different variables")


def measure(
    networks: xr.Dataset, *, seeds: int, inputs: int, compared: int, transformers: dict, root_seed: int
) -> xr.Dataset:
    """Return repeated states and smallest distances by layer and kind of pair, and those of random transformers.

    Args:
        networks: weights (`train_networks`).
        seeds: networks of the equality task.
        inputs: of each; repeated states are counted among all.
        compared: of these, inputs that are compared with all others.
        transformers: `seeds`, `layers`, `width`, `heads`, `vocabulary`, `length`, and number of `sequences`.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    model = unpack_networks(networks, "equality", ["trained"], seeds).double()
    distance = np.zeros((seeds, LAYERS + 1, len(KINDS)))
    repeated = np.zeros((seeds, LAYERS + 1), int)
    classes = np.zeros(seeds, int)
    drawn = [draw_inputs("equality", inputs, generator(root_seed, PAPER, "pairs", seed))[0] for seed in range(seeds)]
    x = torch.from_numpy(np.stack(drawn)).double()
    outputs = model(x).argmax(-1).numpy()
    for layer in range(LAYERS + 1):
        states = model.lower(x, layer).numpy()
        for seed in progress(range(seeds), f"networks, layer {layer}"):
            variables = equality_bits(drawn[seed]) @ np.array([1, 2])
            masks = {
                "equal output": (outputs[seed], True),
                "different output": (outputs[seed], False),
                "equal variables": (variables, True),
                "different variables": (variables, False),
            }
            repeated[seed, layer] = duplicates(states[seed])
            distance[seed, layer] = list(smallest_distances(states[seed], masks, compared).values())
            classes[seed] = len(np.unique(outputs[seed]))
    return xr.Dataset(
        {
            "duplicates": (("seed", "place"), repeated, {"long_name": "hidden vectors that repeat an earlier one"}),
            "distance": (("seed", "place", "pairs"), distance, {"long_name": "smallest Euclidean distance"}),
            "classes": ("seed", classes, {"long_name": "classes among the outputs"}),
            **_transformers(**transformers, root_seed=root_seed),
        },
        coords={"place": range(LAYERS + 1), "pairs": list(KINDS), "state": ["whole layer", "last token"]},
        attrs={"inputs": inputs, "sequences": transformers["sequences"]},
    )


def _transformers(seeds, layers, width, heads, vocabulary, length, sequences, root_seed) -> dict:
    """Closest pairs of states of random transformers, and the control without positions."""
    closest, control = np.zeros((seeds, layers, 2)), np.zeros(seeds)
    for seed in progress(range(seeds), "transformers"):
        rng = generator(root_seed, PAPER, "sequences", seed)
        drawn = np.unique(rng.integers(0, vocabulary, (sequences + sequences // 8, length)), axis=0)
        tokens = torch.from_numpy(rng.permutation(drawn)[:sequences])
        source = [seed_sequence(root_seed, PAPER, "injective", seed)]
        model = SmallTransformer(vocabulary, length, layers, width, heads, generators(source)).double()
        with torch.no_grad():
            for layer, stream in enumerate(model.states(tokens)):
                closest[seed, layer, 0] = closest_pair(stream[0].flatten(1).numpy())[0]
                closest[seed, layer, 1] = closest_pair(stream[0, :, -1].numpy())[0]
            # one sequence, its earlier tokens in other orders: without positions the last token cannot tell
            start = tokens[0, :-1].numpy()
            start = start if len(np.unique(start)) > 1 else np.arange(length - 1) % vocabulary
            orders = np.unique(np.stack([rng.permutation(start) for _ in range(32)]), axis=0)
            permuted = torch.from_numpy(np.concatenate([orders, np.full((len(orders), 1), int(tokens[0, -1]))], 1))
            blind = SmallTransformer(vocabulary, length, 1, width, heads, generators(source), positions=False).double()
            control[seed] = closest_pair(blind.states(permuted)[0][0, :, -1].numpy())[0]
    names = ("model", "depth", "state")
    return {
        "closest": (names, closest, {"long_name": "smallest distance of states, random transformers"}),
        "control": ("model", control, {"long_name": "the same without positions, earlier tokens permuted"}),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure, snakemake)
