"""Accuracy at a fixed total of samples, split into few or many environments."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.scm.discovery import bivariate_rule
from lib.scm.exchangeable import bivariate
from lib.scm.independence import kernel_test

USES = ("one pair", "all pairs")


def split_samples(*, total: int, samples: list[int], seeds: int, root_seed: int) -> xr.Dataset:
    """Return `right (use, samples, seed)`.

    One pair takes the first two samples of each environment, all pairs takes every second one with its successor;
    pairs of one environment are not independent of each other, so that the latter overstates its sample. With one
    sample in each environment pairs have to be made across environments.

    Args:
        total: samples of a data set.
        samples: samples in each environment.
        seeds: data sets.
        root_seed: root of the random streams.
    """
    right = np.zeros((len(USES), len(samples), seeds), bool)
    directed = np.zeros((len(samples), seeds), bool)
    for seed in progress(range(seeds), "data sets"):
        for j, n in enumerate(samples):
            rng = generator(root_seed, "causal_de_finetti", "split", n, seed)
            data, truth = bivariate(total // n, n, rng)
            directed[j, seed] = truth < 2
            if n == 1:
                first, second = data[:, 0::2, 0], data[:, 1::2, 0]
                pairs = [np.stack([first, second], axis=2)] * 2
            else:
                every = data[:, :, : 2 * (n // 2)].reshape(2, -1, 2)
                pairs = [data[:, :, :2], every]
            for i, pair in enumerate(pairs):
                right[i, j, seed] = bivariate_rule(pair[0], pair[1], kernel_test).choice == truth
    return xr.Dataset(
        {"right": (("use", "samples", "seed"), right), "directed": (("samples", "seed"), directed)},
        coords={"use": list(USES), "samples": ("samples", samples, {"long_name": "samples in each environment"})},
        attrs={"total": total},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(split_samples, snakemake)
