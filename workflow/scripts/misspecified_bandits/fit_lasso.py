"""The Lasso on well-conditioned features with fewer queries than dimensions, beside the interpolant of least norm."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.sparse import lasso, minimum_norm

ERRORS = ("fair", "aligned")


def fit_lasso(
    *, dim: int, queries: int, sparsities: list[int], eps: float, radii: list[float], radii_sparsity: int, draws: int,
    root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return l1 errors over s eps: `lasso` and `norm (draw, error, sparsity)`, `by_radius (draw, error, eps)` unscaled.

    Features are +-1 with fair coins, theta is +-1 / sqrt(s) on a random support, the penalty is eps.

    Args:
        dim: dimension d.
        queries: number n of random actions.
        sparsities: s.
        eps: misspecification: +-eps by fair coins, or eps times the signs of a feature off the support.
        radii: misspecifications at the sparsity `radii_sparsity`.
        radii_sparsity: see `radii`.
        draws: independent data sets.
        root_seed: root of the random streams.
    """
    scaled, norm = (np.zeros((draws, len(ERRORS), len(sparsities))) for _ in range(2))
    by_radius = np.zeros((draws, len(ERRORS), len(radii)))
    for t in progress(range(draws), "draws"):
        for k, s in enumerate(sparsities):
            rng = generator(root_seed, "misspecified_bandits", "lasso", s, t)
            x, theta, errors = _data(dim, queries, s, rng)
            for e, signs in enumerate(errors):
                y = x @ theta + eps * signs
                scaled[t, e, k] = np.abs(lasso(x, y, eps) - theta).sum() / (s * eps)
                norm[t, e, k] = np.abs(minimum_norm(x, y) - theta).sum() / (s * eps)
                if s == radii_sparsity:
                    for r, radius in enumerate(radii):
                        y = x @ theta + radius * signs
                        by_radius[t, e, r] = np.abs(lasso(x, y, radius) - theta).sum()
    dims = ("draw", "error", "sparsity")
    return xr.Dataset(
        {
            "lasso": (dims, scaled, {"long_name": "l1 error of the Lasso", "units": "s eps"}),
            "norm": (dims, norm, {"long_name": "l1 error of the interpolant of least norm", "units": "s eps"}),
            "by_radius": (("draw", "error", "eps"), by_radius, {"long_name": "l1 error of the Lasso"}),
        },
        coords={"error": list(ERRORS), "sparsity": sparsities, "eps": radii},
        attrs={"dim": dim, "queries": queries, "misspecification": eps, "radii_sparsity": radii_sparsity},
    )


def _data(dim: int, queries: int, s: int, rng) -> tuple:
    """Features, parameter, and signs of the errors of each kind."""
    x = rng.choice([-1.0, 1.0], (queries, dim))
    chosen = rng.choice(dim, size=s + 1, replace=False)
    theta = np.zeros(dim)
    theta[chosen[:s]] = rng.choice([-1.0, 1.0], s) / np.sqrt(s)
    return x, theta, (rng.choice([-1.0, 1.0], queries), x[:, chosen[s]])


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(fit_lasso, snakemake)
