"""Sample a chaotic system, standardised."""

import numpy as np
import xarray as xr

from lib.dynamics.systems import lorenz63, lorenz63_fixed_points, rossler, standardise


def simulate(*, system: str, steps: int, dt: float, transient: int) -> xr.Dataset:
    """Return `x (time, dim)` with mean 0 and standard deviation 1, and the fixed points inside the lobes in its units.

    Args:
        system: `lorenz` or `rossler`.
        steps: samples.
        dt: time between samples.
        transient: samples to discard first.

    Raises:
        ValueError: an unknown system.
    """
    systems = {"lorenz": lorenz63, "rossler": rossler}
    if system not in systems:
        raise ValueError(f"system: got {system!r}, expected lorenz or rossler")
    x, mean, sd = standardise(systems[system](steps, dt, transient))
    points = (lorenz63_fixed_points() - mean) / sd if system == "lorenz" else np.zeros((0, 3))
    return xr.Dataset(
        {
            "x": (("time", "dim"), x.astype(np.float32), {"long_name": f"{system}, standardised"}),
            "mean": ("dim", mean),
            "sd": ("dim", sd),
            "fixed_point": (("point", "dim"), points, {"long_name": "fixed points inside the lobes, standardised"}),
        },
        coords={"time": ("time", dt * np.arange(steps), {"long_name": "time"}), "dim": ["x", "y", "z"]},
        attrs={"system": system, "dt": dt},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(simulate, snakemake)
