"""Count the edges that one transformer needs to add, in the local interaction basis and in principal components."""

import numpy as np
import torch
import xarray as xr

from lib.interaction.addition import AdditionTransformer, addition_chain, all_sums
from lib.interaction.chain import analyse_chain, fewest_edges
from lib.training.state import as_results, results_so_far

BASES = ["pca", "local"]
LAYERS = ["attention", "perceptron", "unembedding"]


def analyse_addition(
    weights: xr.Dataset, *, seed: int, edge_drop: float, batch: int, device: str, checkpoint=None
) -> xr.Dataset:
    """Return fewest edges by basis and layer, and the accuracy of the transformer on unseen pairs.

    Args:
        weights: of all transformers (`train_addition`).
        seed: of the one analysed.
        edge_drop: of the accuracy on all pairs that the edges may cost.
        batch: pairs in memory at once.
        device: torch device.
        checkpoint: counts so far.
    """
    chain, starts, sums = _start(weights, seed, batch, device)
    results = results_so_far(checkpoint)
    for kind in BASES:
        analysed = None
        for layer, name in enumerate(LAYERS):
            key = f"{kind} {name}"
            if key in results:
                continue
            analysed = analysed or analyse_chain(chain, starts, kind)
            results[key] = np.array(fewest_edges(chain, analysed, layer, starts, sums, edge_drop))
            if checkpoint:
                checkpoint.save(as_results(results))
    edges = np.array([[float(results[f"{kind} {name}"]) for name in LAYERS] for kind in BASES])
    return xr.Dataset(
        {
            "edges": (("ablated", "layer"), edges, {"long_name": "fewest edges within the drop"}),
            "accuracy": ((), float(weights.accuracy[seed]), {"long_name": "accuracy on unseen pairs"}),
        },
        coords={"ablated": BASES, "layer": LAYERS},
    )


def _start(weights: xr.Dataset, seed: int, batch: int, device: str) -> tuple:
    """One transformer as a chain, the residual streams that enter it, and the sums."""
    modulus = int(weights.attrs["modulus"])
    model = AdditionTransformer(modulus, [0], width=weights["query"].shape[1], hidden=weights["first"].shape[2])
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weights[name].values[seed : seed + 1]))
            parameter.requires_grad_(False)
    model = model.to(device)
    contexts, sums = (part.to(device).split(batch) for part in all_sums(modulus))
    return addition_chain(model), [model.embed(part)[0] for part in contexts], list(sums)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(analyse_addition, snakemake)
