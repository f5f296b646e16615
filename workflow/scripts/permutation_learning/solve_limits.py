"""The limit of infinite width in numbers: signs of the means, ensemble sizes, accuracy against their size."""

import numpy as np
import xarray as xr

from lib.ntk.bits import (
    SCOPES,
    THRESHOLDS,
    bit_limits,
    models_for_accuracy,
    models_required,
    success_probability,
)
from lib.ntk.kernels import KERNELS, tangent_kernel, trained_limit
from lib.ntk.samples import binary_inputs, unit

_DENSE = 9  # bits up to which the closed form is compared with a solve over all inputs


def solve_limits(
    *, largest: int, most_ones: int, sizes: list[int], failure: float, experiment: list[int], level: float, models: int
) -> xr.Dataset:
    """Return what the closed form says.

    Args:
        largest: number of bits up to which the signs of the means are looked at.
        most_ones: number of ones up to which the sign of the limit of many bits is looked at.
        sizes: numbers of bits for which ensemble sizes are solved.
        failure: probability of a wrong bit that these allow.
        experiment: numbers of bits of the accuracy curves.
        level: share of right inputs.
        models: largest number of networks of the accuracy curves.
    """
    every = np.arange(2, largest + 1)
    inside, outside = np.zeros((len(KERNELS), len(every))), np.zeros((len(KERNELS), len(every)))
    required = np.zeros((len(KERNELS), len(sizes), len(SCOPES), len(THRESHOLDS)), np.int64)
    number = np.arange(1, models + 1)
    accuracy = np.zeros((len(KERNELS), len(experiment), models))
    reach = np.zeros((len(KERNELS), len(experiment)), np.int64)
    asymptotic, deviation = np.zeros(len(KERNELS)), np.zeros(len(KERNELS))
    for a, kernel in enumerate(KERNELS):
        for i, size in enumerate(every):
            limits = bit_limits(kernel, size, np.arange(1, size + 1))
            inside[a, i] = limits.inside.min()
            outside[a, i] = limits.outside[1:-1].max(initial=-np.inf)
        deviation[a] = max(_deviation(kernel, size) for size in range(2, _DENSE + 1))
        # the sign of k delta outside as k grows: delta + m (c - row)
        ones = np.arange(2, most_ones + 1)
        apart = float(tangent_kernel(kernel, 0.0))
        delta = float(tangent_kernel(kernel, 1.0)) - apart
        asymptotic[a] = (delta + ones * (apart - tangent_kernel(kernel, 1 / np.sqrt(ones)))).max()
        for i, size in enumerate(sizes):
            for b, scope in enumerate(SCOPES):
                for d, threshold in enumerate(THRESHOLDS):
                    required[a, i, b, d] = models_required(kernel, size, scope, failure, threshold=threshold)
        for i, size in enumerate(experiment):
            accuracy[a, i] = success_probability(kernel, size, 2, number)
            reach[a, i] = models_for_accuracy(kernel, size, 2, level)
    return xr.Dataset(
        {
            "smallest_inside": (("kernel", "every"), inside, {"long_name": "smallest mean of a one"}),
            "largest_outside": (("kernel", "every"), outside, {"long_name": "largest mean of a zero, 2 to k - 1 ones"}),
            "deviation": ("kernel", deviation, {"long_name": "closed form less a solve over all inputs"}),
            "asymptotic": ("kernel", asymptotic, {"long_name": "largest k delta outside of infinitely many bits"}),
            "required": (("kernel", "size", "scope", "threshold"), required, {"long_name": "networks"}),
            "accuracy": (("kernel", "bits", "models"), accuracy, {"long_name": "expected share of right inputs"}),
            "reach": (("kernel", "bits"), reach, {"long_name": "networks at which it reaches the level"}),
        },
        coords={
            "kernel": list(KERNELS),
            "every": every,
            "size": sizes,
            "scope": list(SCOPES),
            "threshold": list(THRESHOLDS),
            "bits": experiment,
            "models": number,
        },
        attrs={"failure": failure, "level": level},
    )


def _deviation(kernel: str, size: int) -> float:
    """Largest difference of the closed form from a solve over all inputs, of means and variances."""
    inputs = binary_inputs(size)
    limits = bit_limits(kernel, size, inputs.sum(axis=1))
    dense = trained_limit(kernel, np.eye(size), np.eye(size), unit(inputs))
    mean = np.where(inputs > 0, limits.inside[:, None], limits.outside[:, None])
    return max(np.abs(dense.mean - mean).max(), np.abs(np.diag(dense.covariance) - limits.variance).max())


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(solve_limits, snakemake)
