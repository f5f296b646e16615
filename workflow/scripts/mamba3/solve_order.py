"""Global error of the exponential-trapezoidal recurrence against the number of steps, for a scalar equation."""

import numpy as np
import xarray as xr

from lib.ssm.discretization import exact, integrate


def _rates() -> dict:
    return {
        "constant": lambda t: -2.0 + 0.0 * np.asarray(t),
        "varying": lambda t: -2.0 - 1.5 * np.sin(3 * np.asarray(t)),
    }


def _drive(t):
    return np.cos(2 * np.asarray(t)) * (1 + 0.5 * np.asarray(t))


def solve_order(*, lambdas: list[float], steps: list[int]) -> xr.Dataset:
    """Return the error of h(1) and its fitted order in the step size.

    Args:
        lambdas: weights of the right end of a step.
        steps: numbers of steps over [0, 1].
    """
    cases = [("constant", "right"), ("varying", "right"), ("varying", "average")]
    error = np.zeros((len(cases), len(lambdas), len(steps)))
    for i, (name, exponent) in enumerate(cases):
        rate = _rates()[name]
        target = exact(rate, _drive)
        for j, lam in enumerate(lambdas):
            error[i, j] = [abs(integrate(rate, _drive, n, lam, exponent) - target) for n in steps]
    slope = np.polyfit(-np.log(steps), np.log(error).reshape(-1, len(steps)).T, 1)[0].reshape(error.shape[:2])
    return xr.Dataset(
        {
            "error": (("case", "lam", "steps"), error, {"long_name": "absolute error of h(1)"}),
            "order": (("case", "lam"), slope, {"long_name": "slope of log error over log step size"}),
        },
        coords={"case": [f"{name} A, {exponent}" for name, exponent in cases], "lam": lambdas, "steps": steps},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(solve_order, snakemake)
