"""How many networks does it take until nine of ten inputs with two ones are right: pools of networks, and the limit."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.checkpoint import Checkpoint
from lib.atlas.job.seeds import generator
from lib.ntk.bits import models_for_accuracy
from lib.ntk.networks import block_size, draw, fit_networks, permutation, predict, train_standard
from lib.ntk.samples import first_hits, pairs, unit
from lib.progress import progress

_LEVEL = 0.9
_PARTS = 20  # most parts that a pool is split into


def measure_hits(
    *, pools: list[dict], width: int, orderings: int, limits: list[dict], device: str,
    checkpoint: Checkpoint | None, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return first hits of orderings of trained networks, their mean accuracy, and first hits of the limit.

    Args:
        pools: mode ("ntk", "last_layer" or "standard"), size and number of networks of each; of the standard
            parametrisation also learning rate and steps.
        width: hidden units.
        orderings: random orderings of each part of a pool. Parts share no networks, so that they are independent; each
            is at least twice as large as the ensemble that the limit expects.
        limits: kernel, sizes whose first hits are drawn, and how many of these.
        device: where networks of the standard parametrisation train.
        checkpoint: where finished blocks of networks are kept.
        root_seed: root of the random streams.
    """
    hits, subset = (np.full((len(pools), _PARTS, orderings), np.nan) for _ in range(2))
    predicted = np.zeros(len(pools), np.int64)
    error = np.zeros(len(pools))
    for a, pool in enumerate(pools):
        outputs, error[a] = _pool(a, pool, width, device, checkpoint, root_seed)
        kernel = "ntk" if pool["mode"] == "ntk" else "last_layer"
        predicted[a] = models_for_accuracy(kernel, pool["size"], 2, _LEVEL)
        rng = generator(root_seed, "permutation_learning", "orderings", pool["name"])
        parts = int(np.clip(pool["models"] // (2 * predicted[a]), 1, _PARTS))
        for b, part in enumerate(np.array_split(outputs, parts)):
            hits[a, b], subset[a, b] = _orderings(part, pairs(pool["size"]), int(predicted[a]), orderings, rng)
    points = [(entry["kernel"], size, entry["draws"]) for entry in limits for size in entry["sizes"]]
    sampled = np.full((len(points), max(draws for _, _, draws in points)), np.nan)
    for i, (kernel, size, draws) in enumerate(progress(points, "sizes of the limit")):
        rng = generator(root_seed, "permutation_learning", "hits", kernel, size)
        sampled[i, :draws] = first_hits(kernel, size, _LEVEL, draws, rng)
    return xr.Dataset(
        {
            "hit": (("pool", "part", "ordering"), hits, {"long_name": "networks at the first hit"}),
            "predicted": ("pool", predicted, {"long_name": "networks at which the limit expects the level"}),
            "subset": (("pool", "part", "ordering"), subset, {"long_name": "accuracy of so many networks"}),
            "error": ("pool", error, {"long_name": "largest error at a training input"}),
            "sampled": (("point", "draw"), sampled, {"long_name": "networks at the first hit, in the limit"}),
        },
        coords={
            "pool": [pool["name"] for pool in pools],
            **{key: ("pool", [pool[key] for pool in pools]) for key in ("mode", "size", "models")},
            "kernel": ("point", [kernel for kernel, _, _ in points]),
            "bits": ("point", [size for _, size, _ in points]),
        },
        attrs={"width": width, "level": _LEVEL},
    )


def _pool(index: int, pool: dict, width: int, device: str, checkpoint, root_seed: int) -> tuple[np.ndarray, float]:
    """Outputs (models, inputs, size) at the inputs with two ones, the permutation undone; largest training error."""
    size, models = pool["size"], pool["models"]
    inputs = torch.from_numpy(unit(pairs(size))).float()
    order = permutation(3, size, generator(root_seed, "permutation_learning", "pool", pool["name"]))
    state = checkpoint.load() if checkpoint else None
    if not state or int(state["pool"]) != index:
        state = {
            "pool": np.array(index),
            "outputs": np.zeros((models, len(inputs), size), np.float32),
            "error": np.zeros(models),
            "done": np.array(0),
        }
    block = min(50, max(1, 2**24 // (width * size))) if pool["mode"] == "standard" else block_size(width, size)
    for start in progress(range(int(state["done"]), models, block), f"blocks of networks, {pool['name']}"):
        count = min(block, models - start)
        rng = generator(root_seed, "permutation_learning", "pool", pool["name"], start)
        if pool["mode"] == "standard":
            outputs, error = train_standard(
                count, width, order, inputs, rng, rate=pool["rate"], steps=pool["steps"], device=device
            )
        else:
            trained = fit_networks(pool["mode"], draw(count, width, size, size, rng), order[None])
            outputs = predict(trained, inputs)
            error = (predict(trained, torch.eye(size)).mT - order).abs().amax(dim=(1, 2))
        state["outputs"][start : start + count] = (outputs @ order).numpy()
        state["error"][start : start + count] = error.numpy()
        state["done"] = np.array(start + count)
        if checkpoint:
            checkpoint.save_if_due(lambda: state)
    return state["outputs"], float(state["error"].max())


def _orderings(
    outputs: np.ndarray, inputs: np.ndarray, predicted: int, orderings: int, rng
) -> tuple[np.ndarray, np.ndarray]:
    """First hit of each random ordering of networks (their number where there is none), and accuracy at `predicted`."""
    hits, subset = np.full(orderings, len(outputs)), np.zeros(orderings)
    target = inputs > 0
    most = min(len(outputs), 3 * predicted)
    for i in range(orderings):
        chosen = rng.permutation(len(outputs))[:most]
        total = np.cumsum(outputs[chosen], axis=0, dtype=np.float64)
        accuracy = ((total > 0) == target).all(axis=2).mean(axis=1)
        reached = np.flatnonzero(accuracy >= _LEVEL - 1e-9)
        if len(reached):
            hits[i] = reached[0] + 1
        subset[i] = accuracy[min(predicted, most) - 1]
    return hits, subset


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_hits, snakemake)
