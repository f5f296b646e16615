"""The reusable holdout: accuracy of selected features by a plain holdout, by a reusable one, and on fresh data."""

from functools import partial

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.privacy.selection import KINDS, score_holdouts, signed_features
from lib.progress import progress

NOISES = ("gaussian", "laplace")


def reuse_holdout(
    *,
    size: int,
    features: int,
    counts: list[int],
    signal: int,
    bias: float,
    threshold: float,
    sigma: float,
    budget: int,
    seeds: int,
    root_seed: int,
) -> xr.Dataset:
    """Return `accuracy (data, mechanism, kind, k, seed)`; the holdout's as reported, and its own.

    Args:
        size: samples n in each of training set, holdout and fresh set.
        features: number d of features.
        counts: numbers k of selected features.
        signal: features that carry signal in the second kind of data; the first has none.
        bias: shift of these features, times sqrt(n).
        threshold, sigma: of Thresholdout, once with Gaussian and once with Laplace noise.
        budget: answers that Thresholdout may take from the holdout.
        seeds: repetitions.
        root_seed: root of the random streams.
    """
    accuracy = np.zeros((2, 3, len(KINDS), len(counts), seeds))
    spent = np.zeros((2, 2, seeds))
    for seed in progress(range(seeds), "seeds"):
        for i, carriers in enumerate((0, signal)):
            stream = partial(generator, root_seed, "adaptive_data_analysis", "reuse_holdout", carriers, seed)
            rng = stream()
            data = [signed_features(size, features, carriers, bias / np.sqrt(size), rng) for _ in range(3)]
            accuracy[i, ..., seed], spent[i, :, seed] = score_holdouts(
                *data,
                counts,
                threshold=threshold,
                sigma=sigma,
                budget=budget,
                noises={noise: stream(noise) for noise in NOISES},
            )
    return xr.Dataset(
        {
            "accuracy": (("data", "mechanism", "kind", "k", "seed"), accuracy, {"long_name": "accuracy"}),
            "spent": (("data", "noise", "seed"), spent, {"long_name": "answers taken from the holdout"}),
        },
        coords={
            "data": ["no signal", "signal"],
            "mechanism": ["standard", "thresholdout", "thresholdout, Laplace"],
            "noise": list(NOISES),
            "kind": list(KINDS),
            "k": ("k", counts, {"long_name": "selected features"}),
        },
        attrs={"n": size, "d": features, "threshold": threshold, "sigma": sigma, "signal": signal},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(reuse_holdout, snakemake)
