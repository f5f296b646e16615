"""Private sparse regression on a user's own table."""

import xarray as xr

from lib.regression.private_estimator import PrivateSparseRegression, read_table


def estimate_privately(
    rows, *, epsilon: float, delta: float, bound_x: float, bound_y: float, length: float, clip: bool, rng
) -> xr.Dataset:
    """Return coefficients, before and after the threshold, with their standard errors and 95 % intervals.

    Args:
        rows: CSV, last column the response.
        epsilon, delta: privacy of each row.
        bound_x, bound_y: bounds on entries, stated beforehand.
        length: bound on the length of the coefficients.
        clip: move entries beyond the bounds to them; otherwise they are refused.
        rng: source of the rows' noise.
    """
    x, y, names = read_table(rows)
    model = PrivateSparseRegression(epsilon, delta, bound_x, bound_y, length=length, clip=clip, random_state=rng).fit(
        x, y
    )
    low, high = model.interval()
    return xr.Dataset(
        {
            "coefficient": ("feature", model.coef_, {"long_name": "coefficient after the threshold"}),
            "unpenalised": ("feature", model.unpenalised_, {"long_name": "coefficient before the threshold"}),
            "standard_error": ("feature", model.standard_error_, {"long_name": "of noise and sampling"}),
            "low": ("feature", low, {"long_name": "lower end of the 95 % interval"}),
            "high": ("feature", high, {"long_name": "upper end of the 95 % interval"}),
            "level": ((), model.level_, {"long_name": "threshold"}),
        },
        coords={"feature": names},
        attrs={"rows": len(y), "epsilon": epsilon, "delta": delta},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(estimate_privately, snakemake)
