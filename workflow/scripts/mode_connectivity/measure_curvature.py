"""What the curvature at the ends predicts: barriers of pairs, and excess losses of single layers and groups of them."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.landscape.curvature import endpoint_estimate, fork_estimate, lanczos, layer_terms, trace
from lib.landscape.experiments import stored_ends, stored_task
from lib.landscape.lines import barrier, layer_sets, layerwise_excess
from lib.landscape.parameters import inner, layers_of, subtract
from lib.progress import progress

PREDICTORS = ("endpoint", "distance", "distance_largest", "distance_trace", "fork")


def measure_curvature(
    *, pairs: xr.Dataset, alphas: int, hybrids: list[int], lanczos_steps: int, probes: int, root_seed: int
) -> xr.Dataset:
    """Return predicted barriers, excess losses by layer with their predictions, and barriers towards hybrids.

    Args:
        pairs: of `train_pairs`.
        alphas: points of a line to a hybrid network.
        hybrids: forks of which these lines are measured, beside those of independent runs.
        lanczos_steps: Hessian-vector products for the largest eigenvalue at an end.
        probes: random vectors for the trace.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    task, (names, first, second) = stored_task(pairs), stored_ends(pairs)
    seeds = pairs.sizes["seed"]
    loss = task.loss_of(range(seeds))
    like = task.like()
    layers = layers_of(like)
    sets: dict[str, list[str]] = {}
    for family, group in layer_sets(like).items():  # of equal sets the first alone
        sets |= {f"{family} {label}": keys for label, keys in group.items() if keys not in sets.values()}
    member = np.array([[set(layers[layer]) <= set(keys) for layer in layers] for keys in sets.values()], dtype=float)
    grid = np.linspace(0, 1, alphas).tolist()
    shape = (len(names), seeds)
    predicted = np.full((len(PREDICTORS), *shape), np.nan)
    terms = np.empty((len(layers), len(layers), *shape))
    excess, distances = np.empty((len(sets), *shape)), np.empty((len(layers), *shape))
    hybrid, far = (np.full((len(sets), 2, *shape), np.nan) for _ in range(2))
    starts = pairs.children.sel(after=0).isel(run=0).transpose("fork", "seed", "parameter").values
    draws = torch.Generator().manual_seed(int(generator(root_seed, "mode_connectivity", "probes").integers(2**62)))
    for i in progress(range(len(names)), "groups of pairs"):
        one, other = task.networks(first[i]), task.networks(second[i])
        delta = subtract(other, one)
        distance = inner(delta, delta, stacked=True).numpy()
        spectra = [lanczos(loss, end, lanczos_steps, draws) for end in (one, other)]
        largest = np.mean([spectrum.values[-1] for spectrum in spectra], axis=0)
        mean = np.mean([trace(loss, end, probes, draws).mean(0).numpy() for end in (one, other)], axis=0)
        predicted[0, i] = endpoint_estimate(loss, one, other)
        predicted[1, i] = distance
        predicted[2, i] = distance * largest
        predicted[3, i] = distance * mean / first.shape[-1]
        with torch.no_grad():
            ends = (loss(one) + loss(other)).double().numpy() / 2
        if i < len(starts):
            predicted[4, i] = fork_estimate(loss, task.networks(starts[i]), one, other).numpy() - ends
        both = [layer_terms(loss, end, delta, layers) for end in (one, other)]
        terms[:, :, i] = (both[0] + both[1]).numpy() / 2
        distances[:, i] = [inner({k: delta[k] for k in keys}, delta, stacked=True).numpy() for keys in layers.values()]
        excess[:, i] = layerwise_excess(loss, one, other, sets).numpy()
        if names[i] not in [*(f"k = {k}" for k in hybrids), "independent"]:
            continue
        for place, keys in enumerate(sets.values()):
            for way, (a, b) in enumerate(((one, other), (other, one))):
                line = barrier(loss, a, b, grid, keys)
                hybrid[place, way, i], far[place, way, i] = line.height.numpy(), line.curve[-1].numpy()
    expected = np.einsum("ga,gb,ab...->g...", member, member, terms) / 8
    return xr.Dataset(
        {
            "predicted": (("predictor", "pair", "seed"), predicted),
            "interaction": (("layer", "other", "pair", "seed"), terms, {"long_name": "curvature between two layers"}),
            "excess": (("set", "pair", "seed"), excess, {"long_name": "rise with half of the way in these layers"}),
            "expected": (("set", "pair", "seed"), expected, {"long_name": "the same, from the curvature at the ends"}),
            "distance": (("layer", "pair", "seed"), distances, {"long_name": "squared distance in one layer"}),
            "hybrid": (("set", "way", "pair", "seed"), hybrid, {"long_name": "barrier towards the hybrid"}),
            "hybrid_end": (("set", "way", "pair", "seed"), far, {"long_name": "loss of the hybrid"}),
        },
        coords={
            "predictor": list(PREDICTORS), "pair": names, "seed": pairs.seed.values, "set": list(sets),
            "layer": list(layers), "other": list(layers),
        },
    )  # fmt: skip


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_curvature, snakemake)
