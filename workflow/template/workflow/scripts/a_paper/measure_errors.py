"""Errors of the mean of n standard normal numbers."""

import numpy as np
import xarray as xr


def measure_errors(*, samples: list[int], repetitions: int, rng: np.random.Generator) -> xr.Dataset:
    """Return `error (samples, repetition)`, the mean of n standard normal numbers, whose expectation is 0.

    Args:
        samples: numbers of samples n.
        repetitions: repetitions at each n.
        rng: source of randomness.
    """
    errors = [rng.standard_normal((repetitions, n)).mean(axis=1) for n in samples]
    return xr.Dataset({"error": (("samples", "repetition"), errors)}, coords={"samples": samples})


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_errors, snakemake)
