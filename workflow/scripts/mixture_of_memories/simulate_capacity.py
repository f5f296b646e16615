"""Recall of random pairs from one memory and from several."""

import numpy as np
import xarray as xr

from lib.attention.capacity import simulate_recall


def simulate_capacity(
    *, pairs: list[int], d_key: int, d_value: int, stores: list[list[int]], repetitions: int, rng
) -> xr.Dataset:
    """Return accuracy and cross-talk `(store, pairs, repetition)`.

    Args:
        pairs: numbers N of pairs.
        d_key, d_value: widths of one memory's keys and of values.
        stores: number of memories and multiple of the key width of each store.
        repetitions: independent draws.
        rng: source of randomness.
    """
    shape = (len(stores), len(pairs), repetitions)
    accuracy, crosstalk = np.empty(shape), np.empty(shape)
    for i, (memories, multiple) in enumerate(stores):
        for j, number in enumerate(pairs):
            result = simulate_recall(number, multiple * d_key, d_value, memories, repetitions, rng)
            accuracy[i, j], crosstalk[i, j] = result
    return xr.Dataset(
        {
            "accuracy": (("store", "pairs", "repetition"), accuracy, {"long_name": "share of values read rightly"}),
            "crosstalk": (("store", "pairs", "repetition"), crosstalk, {"long_name": "squared weight of other values"}),
        },
        coords={
            "store": [f"{memories} x {multiple * d_key}" for memories, multiple in stores],
            "memories": ("store", [memories for memories, _ in stores]),
            "d_key": ("store", [multiple * d_key for _, multiple in stores]),
            "pairs": pairs,
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(simulate_capacity, snakemake)
