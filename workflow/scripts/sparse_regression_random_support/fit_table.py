"""A sparse fit to a user's own table, with its certificate."""

import numpy as np
import xarray as xr

from lib.regression.private_estimator import read_table
from lib.regression.random_support_estimator import RandomSupportRegression


def fit_table(table, *, sparsity: int, noise: float | None, tries: int, root_seed: int) -> xr.Dataset:
    """Return coefficients of each feature, whether it spans the preconditioner, and the certificate.

    Args:
        table: CSV with a header, last column the response.
        sparsity: number of features that the certificate supposes.
        noise: deviation of the noise; None chooses the level by cross-validation.
        tries: preconditioners that are drawn, of which cross-validation chooses.
        root_seed: seed of the preconditioners and the folds.
    """
    x, y, names = read_table(table)
    model = RandomSupportRegression(sparsity, noise=noise, tries=tries, random_state=root_seed).fit(x, y)
    spans = np.isin(np.arange(len(names)), model.columns_)
    return xr.Dataset(
        {
            "coefficient": ("feature", model.coef_, {"long_name": "coefficient of the feature"}),
            "spans": ("feature", spans, {"long_name": "the feature spans the preconditioner"}),
            "distance": ("feature", model.distances_ / np.sqrt(len(y)), {"long_name": "share outside the span"}),
            "level": ((), model.level_, {"long_name": "penalty of the Lasso"}),
            "noise": ((), model.noise_, {"long_name": "deviation of the noise, given or from validation"}),
            "failure_bound": (
                (),
                model.failure_bound_,
                {"long_name": "chance that a random support is bad"},
            ),
            "error_bound": ((), model.error_bound_, {"long_name": "bound on the prediction error"}),
            "error_bound_failure": ((), model.error_bound_failure_, {"long_name": "chance that the bound fails"}),
        },
        coords={"feature": names},
        attrs={"rows": len(y), "sparsity": sparsity},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(fit_table, snakemake)
