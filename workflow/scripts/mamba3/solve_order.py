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

    Beside fixed weights stands lambda = 1/2 + step/2 (`near_half`): the paper's bound asks for a weight that differs
    from one half by no more than the order of the step (remark 3).

    Args:
        lambdas: weights of the right end of a step.
        steps: numbers of steps over [0, 1].
    """
    cases = [("constant", "right"), ("varying", "right"), ("varying", "average")]
    error, near_half = np.zeros((len(cases), len(lambdas), len(steps))), np.zeros((len(cases), len(steps)))
    for i, (name, exponent) in enumerate(cases):
        rate = _rates()[name]
        target = exact(rate, _drive)
        for k, n in enumerate(steps):
            error[i, :, k] = [abs(integrate(rate, _drive, n, lam, exponent) - target) for lam in lambdas]
            near_half[i, k] = abs(integrate(rate, _drive, n, 0.5 + 0.5 / n, exponent) - target)

    def slope(errors: np.ndarray) -> np.ndarray:
        return np.polyfit(-np.log(steps), np.log(errors).reshape(-1, len(steps)).T, 1)[0].reshape(errors.shape[:-1])

    return xr.Dataset(
        {
            "error": (("case", "lam", "steps"), error, {"long_name": "absolute error of h(1)"}),
            "order": (("case", "lam"), slope(error), {"long_name": "slope of log error over log step size"}),
            "error_near_half": (("case", "steps"), near_half, {"long_name": "absolute error of h(1)"}),
            "order_near_half": ("case", slope(near_half), {"long_name": "slope of log error over log step size"}),
        },
        coords={"case": [f"{name} A, {exponent}" for name, exponent in cases], "lam": lambdas, "steps": steps},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(solve_order, snakemake)
