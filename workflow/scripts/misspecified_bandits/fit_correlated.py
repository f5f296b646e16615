"""The Lasso on correlated features: gaps over all actions when few of them were queried."""

import numpy as np
import xarray as xr
from scipy.signal import lfilter

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.sparse import lasso, minimum_norm

ALGORITHMS = ("lasso", "norm", "queried", "random")
ERRORS = ("fair", "aligned")


def fit_correlated(
    *, dim: int, actions: int, queries: int, correlations: list[float], sparsities: list[int], eps: float, draws: int,
    root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return `gap (algorithm, draw, error, correlation, sparsity)` over s eps.

    Rows are normal with covariance rho^|i - j|, divided by their largest absolute entry. Algorithms: the Lasso's
    prediction, that of the interpolant of least norm, the best queried row, a random row.

    Args:
        dim: dimension d.
        actions: number N of rows.
        queries: rows that are queried.
        correlations: rho.
        sparsities: s; theta is +-1 / sqrt(s) on a random support.
        eps: misspecification: +-eps by fair coins, or eps times the signs of a column off the support.
        draws: independent data sets.
        root_seed: root of the random streams.
    """
    shape = len(ALGORITHMS), draws, len(ERRORS), len(correlations), len(sparsities)
    gap = np.zeros(shape)
    for t, c in progress([(t, c) for t in range(draws) for c in range(len(correlations))], "data sets"):
        rng = generator(root_seed, "misspecified_bandits", "correlated", correlations[c], t)
        x = _rows(actions, dim, correlations[c], rng)
        for k, s in enumerate(sparsities):
            chosen = rng.choice(dim, size=s + 1, replace=False)
            theta = np.zeros(dim)
            theta[chosen[:s]] = rng.choice([-1.0, 1.0], s) / np.sqrt(s)
            queried = rng.choice(actions, size=queries, replace=False)
            for e, signs in enumerate((rng.choice([-1.0, 1.0], actions), np.sign(x[:, chosen[s]]))):
                rewards = x @ theta + eps * signs
                rows = x[queried]
                penalty = eps * np.sqrt((rows**2).mean(axis=0)).max()
                returned = (
                    np.argmax(x @ lasso(rows, rewards[queried], penalty)),
                    np.argmax(x @ minimum_norm(rows, rewards[queried])),
                    queried[np.argmax(rewards[queried])],
                    rng.integers(actions),
                )
                gap[:, t, e, c, k] = (rewards.max() - rewards[list(returned)]) / (s * eps)
    return xr.Dataset(
        {
            "gap": (
                ("algorithm", "draw", "error", "correlation", "sparsity"),
                gap,
                {"long_name": "sub-optimality", "units": "s eps"},
            )
        },
        coords={
            "algorithm": list(ALGORITHMS),
            "error": list(ERRORS),
            "correlation": correlations,
            "sparsity": sparsities,
        },
        attrs={"dim": dim, "actions": actions, "queries": queries, "eps": eps},
    )


def _rows(n: int, dim: int, rho: float, rng) -> np.ndarray:
    """Normal rows (n, dim) of covariance rho^|i - j|, over their largest absolute entry."""
    innovations = rng.standard_normal((n, dim))
    innovations[:, 1:] *= np.sqrt(1 - rho**2)
    x = lfilter([1.0], [1.0, -rho], innovations, axis=1)
    return x / np.abs(x).max()


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(fit_correlated, snakemake)
