"""The experiment with the reusable holdout on a table of the user's, by random thirds."""

from functools import partial

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.privacy.selection import KINDS, labelled_thirds, score_holdouts
from lib.progress import progress

NOISES = ("gaussian", "laplace")


def reuse_holdout_on_table(table, *, counts: list[int], seeds: int, root_seed: int) -> xr.Dataset:
    """Return `accuracy (mechanism, kind, k, seed)`; threshold 4 / sqrt(n) and noise 1 / sqrt(n) as published.

    Args:
        table: CSV with a column `label` of two values; all other columns are features.
        counts: numbers k of selected features.
        seeds: random divisions into training set, holdout and fresh set.
        root_seed: root of the random streams.
    """
    accuracy = np.zeros((1 + len(NOISES), len(KINDS), len(counts), seeds))
    spent = np.zeros((len(NOISES), seeds))
    for seed in progress(range(seeds), "divisions"):
        stream = partial(generator, root_seed, "adaptive_data_analysis", "reuse_holdout_on_table", seed)
        parts = labelled_thirds(table, stream())
        n, features = parts[0][0].shape
        accuracy[..., seed], spent[:, seed] = score_holdouts(
            *parts,
            counts,
            threshold=4 / np.sqrt(n),
            sigma=1 / np.sqrt(n),
            budget=features + len(counts),
            noises={noise: stream(noise) for noise in NOISES},
        )
    return xr.Dataset(
        {
            "accuracy": (("mechanism", "kind", "k", "seed"), accuracy, {"long_name": "accuracy"}),
            "spent": (("noise", "seed"), spent, {"long_name": "answers taken from the holdout"}),
        },
        coords={
            "mechanism": ["standard", "thresholdout", "thresholdout, Laplace"],
            "noise": list(NOISES),
            "kind": list(KINDS),
            "k": ("k", counts, {"long_name": "selected features"}),
        },
        attrs={"n": n, "d": features},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(reuse_holdout_on_table, snakemake)
