"""Read a recording that the user supplies, in delay coordinates where an embedding is asked for."""

from pathlib import Path

import numpy as np
import xarray as xr

from lib.dynamics.ecg import delay_embedding, first_minimum_delay
from lib.dynamics.systems import standardise


def load_recording(
    recording: Path, *, system: str, dt: float, units: str, embedding: int, shortest: int, scaled: bool
) -> xr.Dataset:
    """Return `x (time, dim)`.

    Args:
        recording: `.npy`, or a Zarr array, of shape (time, N), or (time,) when an embedding is asked for.
        system: name of the data set.
        dt: time between samples.
        units: of time.
        embedding: dimension of the delay embedding of a series of one column, with the delay at the first minimum
            of the mutual information; a series of several columns is not embedded.
        shortest: the series must be longer than this.
        scaled: whether every coordinate is standardised.

    Raises:
        ValueError: another shape, too few rows, or values that are not finite.
    """
    if isinstance(recording, xr.Dataset):
        if len(recording.data_vars) != 1:
            raise ValueError(f"{system}: got {len(recording.data_vars)} variables, expected a store of one")
        x = next(iter(recording.data_vars.values())).values
    elif recording.suffix == ".npy":
        x = np.load(recording, allow_pickle=False)
    else:
        import zarr

        contents = zarr.open(recording, mode="r")
        array = contents if hasattr(contents, "shape") else contents[next(iter(contents.array_keys()))]
        x = array[:]
    x = np.asarray(x, np.float64)
    if embedding > 1 and (x.ndim == 1 or (x.ndim == 2 and x.shape[1] == 1)):
        x = x.ravel()
        x = delay_embedding(x, embedding, first_minimum_delay(x))
    if x.ndim != 2 or len(x) <= shortest or x.shape[1] < 1 or not np.isfinite(x).all():
        raise ValueError(f"{system}: got an array of shape {x.shape}, expected finite (time, N), time > {shortest}")
    mean, sd = np.zeros(x.shape[1]), np.ones(x.shape[1])
    if scaled:
        x, mean, sd = standardise(x)
    return xr.Dataset(
        {
            "x": (("time", "dim"), x.astype(np.float32), {"long_name": system}),
            "mean": ("dim", mean),
            "sd": ("dim", sd),
        },
        coords={
            "time": ("time", dt * np.arange(len(x)), {"long_name": "time", "units": units}),
            "dim": [f"x{k + 1}" for k in range(x.shape[1])],
        },
        attrs={"system": system, "dt": dt},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(load_recording, snakemake)
