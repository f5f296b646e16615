"""Transfer: the query that the exponential mechanism chooses misleads by at most exp(epsilon) - 1."""

import numpy as np
import xarray as xr

from lib.privacy.mechanisms import exponential_mechanism


def transfer(
    *, size: int, candidates: int, epsilons: list[float], runs: int, tau: float, beta: float, rng
) -> xr.Dataset:
    """Return `bias (epsilon, run)` of the chosen query, sample minus population, and that of the largest mean.

    The queries are independent fair bits on every sample, so that all truths are 1/2; the utility of a query is its
    bias, of sensitivity 1/n. The premises of the pure-DP transfer theorem are n >= 12 log(4 / beta) / tau^2 and
    epsilon <= tau / 2. The sequel (arXiv 1506.02629, corollary 7) is sharper: with epsilon <= tau, P(bias >= tau) is at
    most 3 exp(-tau^2 n); `sharp_tau` is the tau at which this is beta.

    Args:
        size: number n of samples.
        candidates: number K of queries.
        epsilons: privacy parameters.
        runs: repetitions.
        tau, beta: accuracy and failure probability of the theorem.
        rng: source of randomness.
    """
    scores = rng.binomial(size, 0.5, (runs, candidates)) / size - 0.5
    bias = np.stack(
        [
            np.take_along_axis(scores, exponential_mechanism(scores, eps, 1 / size, rng)[:, None], 1)[:, 0]
            for eps in epsilons
        ]
    )
    least_size = 12 * np.log(4 / beta) / tau**2
    return xr.Dataset(
        {
            "bias": (("epsilon", "run"), bias, {"long_name": "sample mean minus population mean"}),
            "largest": ("run", scores.max(axis=1), {"long_name": "bias of the query of largest sample mean"}),
            "bound": ("epsilon", np.expm1(epsilons), {"long_name": "exp(epsilon) - 1"}),
            "premises": ("epsilon", (np.array(epsilons) <= tau / 2) & (size >= least_size)),
        },
        coords={"epsilon": epsilons},
        attrs={
            "n": size,
            "candidates": candidates,
            "tau": tau,
            "sharp_tau": float(np.sqrt(np.log(3 / beta) / size)),
            "beta": beta,
            "samples_needed": float(least_size),
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(transfer, snakemake)
