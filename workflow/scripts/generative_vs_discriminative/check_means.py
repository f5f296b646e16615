"""How many samples make the means of all features accurate, by draws of naive Bayes' means and by the formula."""

import numpy as np
import xarray as xr

from lib.probing.mixtures import mean_accuracy_size
from lib.probing.naive_bayes import PooledGaussianNB

BLOCK = 250  # repetitions fitted at once


def check_means(*, dims: list[int], fitted_dims: list[int], tolerance: float, probability: float, draws: int, rng):
    """Return the least m (dim, way) at which the share of draws with all means within the tolerance is large enough.

    Ways: `formula`; `law`, means drawn as N(0, 1 / m); `fit`, naive Bayes fitted to m samples of one class, at the
    smaller dimensions. Of `law` the same standard normal numbers serve every m, so that its least m is a quantile.

    Args:
        dims: numbers n of unit-variance features.
        fitted_dims: those at which naive Bayes is fitted.
        tolerance: largest error of a mean, in deviations of a feature.
        probability: least share of draws.
        draws: repetitions.
        rng: source of randomness.
    """
    sizes = np.full((len(dims), 3), np.nan)
    for d, dim in enumerate(dims):
        sizes[d, 0] = mean_accuracy_size(dim, tolerance, probability)
        largest = np.array([np.abs(rng.standard_normal(dim)).max() for _ in range(draws)])
        sizes[d, 1] = np.ceil((np.quantile(largest, probability, method="inverted_cdf") / tolerance) ** 2)
        if dim in fitted_dims:
            sizes[d, 2] = _least_fitted(dim, tolerance, probability, draws, int(sizes[d, 0]), rng)
    return xr.Dataset(
        {
            "m": (("dim", "way"), sizes, {"long_name": "least number of samples"}),
            "fitted": ("dim", [dim in fitted_dims for dim in dims], {"long_name": "whether naive Bayes was fitted"}),
        },
        coords={"dim": dims, "way": ["formula", "law", "fit"]},
        attrs={"tolerance": tolerance, "probability": probability, "draws": draws},
    )


def _least_fitted(dim, tolerance, probability, draws, start, rng) -> int:
    """Bisection over m, between a fifth below the start and a fifth above."""
    low, high = int(start / 1.2), int(start * 1.2)  # not enough, enough
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _share(dim, middle, tolerance, draws, rng) >= probability else (middle, high)
    return high


def _share(dim, m, tolerance, draws, rng) -> float:
    within = 0
    for start in range(0, draws, BLOCK):
        repetitions = min(BLOCK, draws - start)
        x = rng.standard_normal((m, repetitions * dim))  # repetitions side by side, features of one model
        means = PooledGaussianNB().fit(x, np.zeros(m, int)).theta_.reshape(repetitions, dim)
        within += int(np.sum(np.abs(means).max(axis=1) < tolerance))
    return within / draws


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_means, snakemake)
