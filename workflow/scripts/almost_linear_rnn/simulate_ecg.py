"""Make a synthetic electrocardiogram, in delay coordinates."""

import numpy as np
import xarray as xr

from lib.dynamics.ecg import delay_embedding, synthetic_ecg
from lib.dynamics.systems import standardise


def simulate_ecg(*, steps: int, rate: float, variability: float, dim: int, delay: int, rng) -> xr.Dataset:
    """Return `x (time, dim)`, a synthetic electrocardiogram with mean 0 and standard deviation 1 in delay coordinates.

    Args:
        steps: embedded samples.
        rate: samples per second.
        variability: relative standard deviation of the length of a beat.
        dim, delay: of the embedding, the delay in samples.
        rng: draws the lengths of the beats.
    """
    ecg = synthetic_ecg(steps + (dim - 1) * delay, rng, rate, 1.0, variability)
    x, mean, sd = standardise(delay_embedding(ecg, dim, delay))
    return xr.Dataset(
        {
            "x": (("time", "dim"), x.astype(np.float32), {"long_name": "synthetic ECG, standardised"}),
            "mean": ("dim", mean),
            "sd": ("dim", sd),
        },
        coords={
            "time": ("time", np.arange(steps) / rate, {"long_name": "time", "units": "s"}),
            "dim": [f"lag {delay * k}" for k in range(dim)],
        },
        attrs={"system": "synthetic_ecg", "dt": 1 / rate},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(simulate_ecg, snakemake)
