"""Histogram reconstruction from random subsets: the error over all queries, by mechanism and number of queries."""

import math
from functools import partial

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.privacy.analysts import ReconstructionAttack, total_variation
from lib.privacy.queries import Gaussian, Laplace, Naive, PrivateMultiplicativeWeights, SampleSplit
from lib.progress import progress

BETA = 0.05  # failure probability of the distance from the sample that is certified
CELLS = 1 << 22  # values of queries in memory at once
MECHANISMS = ("naive", "gaussian", "laplace", "pmw", "pmw_exact")


def reconstruct(
    *,
    size: int,
    universe: int,
    threshold: float,
    scale: float,
    sigma: float,
    queries: list[int],
    seeds: int,
    max_updates: int | None,
    private_test: bool,
    delta: float,
    root_seed: int,
) -> xr.Dataset:
    """Return `worst (mechanism, queries, seed)`, the largest error over all queries, the last included.

    `pmw_exact` corrects its hypothesis without noise: coordination without perturbation. `split` is set up for each m
    anew and is nan where m exceeds the number of samples.

    Args:
        size: number n of samples.
        universe: number U of points; the distribution is Dirichlet(1) on them.
        threshold, scale: T and b of private multiplicative weights.
        sigma: standard deviation of Gaussian and of Laplace noise.
        queries: numbers m, increasing.
        seeds: repetitions, each with its own distribution and sample.
        max_updates: updates after which private multiplicative weights stops; None for 16 log U / T^2.
        private_test: test against a noisy threshold, drawn again after each update.
        delta: failure probability at which epsilon is accounted.
        root_seed: root of the random streams.
    """
    names = [*MECHANISMS, "split"]
    worst = np.full((len(names), len(queries), seeds), np.nan)
    updates = np.full((2, len(queries), seeds), np.nan)
    epsilon = np.zeros((2, seeds))
    variation = np.zeros(seeds)
    chunk = max(1, min(1024, CELLS // universe))
    for seed in progress(range(seeds), "seeds"):
        stream = partial(generator, root_seed, "adaptive_data_analysis", "reconstruct", size, universe, seed)
        rng = stream("data")
        distribution = rng.dirichlet(np.ones(universe))
        sample = rng.choice(universe, size, p=distribution)
        variation[seed] = total_variation(sample, distribution)
        weights = partial(PrivateMultiplicativeWeights, sample, universe, threshold, max_updates=max_updates)
        oracles = {
            "naive": Naive(sample, universe),
            "gaussian": Gaussian(sample, universe, sigma, stream("gaussian")),
            "laplace": Laplace(sample, universe, sigma / math.sqrt(2), stream("laplace")),
            "pmw": weights(scale, stream("pmw"), private_test=private_test),
            "pmw_exact": weights(0.0, stream("pmw_exact")),
        }
        attack = ReconstructionAttack(distribution, oracles, stream("analyst"), chunk=chunk)
        for j, m in enumerate(queries):
            attack.ask(m - 1 - attack.queries)
            errors = attack.largest_errors()
            worst[:-1, j, seed] = [errors[name] for name in MECHANISMS]
            updates[:, j, seed] = [oracles[name].updates for name in ("pmw", "pmw_exact")]
            if m <= size:
                splits = {"split": SampleSplit(sample, universe, m)}
                split = ReconstructionAttack(distribution, splits, stream("split", m), chunk=chunk)
                split.ask(m - 1)
                worst[-1, j, seed] = split.largest_errors()["split"]
        ledger = oracles["pmw"].ledger
        epsilon[:, seed] = [ledger.epsilon(0.0), ledger.epsilon(delta) if ledger.pure else 0.0]
    return xr.Dataset(
        {
            "worst": (("mechanism", "queries", "seed"), worst, {"long_name": "largest error over all queries"}),
            "updates": (("variant", "queries", "seed"), updates, {"long_name": "updates of the hypothesis"}),
            "epsilon": (("composition", "seed"), epsilon, {"long_name": "privacy spent by the last query"}),
            "variation": ("seed", variation, {"long_name": "total variation of sample and distribution"}),
        },
        coords={
            "mechanism": names,
            "queries": ("queries", queries, {"long_name": "queries m"}),
            "variant": ["pmw", "pmw_exact"],
            "composition": ["basic", "best at delta"],
        },
        attrs={
            "n": size,
            "universe": universe,
            "threshold": threshold,
            "scale": scale,
            "sigma": sigma,
            "update_bound": oracles["pmw"].max_updates,
            "epsilon_bound": oracles["pmw"].epsilon_bound,
            "sample_error": oracles["pmw"].sample_error(queries[-1], BETA),
            "beta": BETA,
            "delta": delta,
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(reconstruct, snakemake)
