"""Intervals of the partial correlations, and whether tests, intervals and false discovery rates keep their level."""

import numpy as np
import xarray as xr

from lib.compositional.inference import (
    bootstrap_correlations,
    intervals_cover,
    null_rejections,
    permutation_fdr,
    permutation_null,
    sampled_correlations,
)
from lib.compositional.partial import partial
from lib.stats.bootstrap import percentile_estimate
from lib.stats.correlation import correlation_pvalue, covariance, estimate_correlation


def infer(
    study,
    *,
    resamples: int,
    level: float,
    simulations: int,
    data_sets: int,
    permutations: int,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Return intervals `(pair)` and error rates `(pair)` with the number of simulations that they rest on.

    Args:
        study: data set with its measures.
        resamples: bootstrap resamples.
        level: confidence level; tests are at one minus it.
        simulations: Gaussian data sets with the study's covariance, or with one association taken out.
        data_sets: data sets of independent parts for the false discovery rate.
        permutations: permutations of each.
        rng: random generator.
    """
    X, r, df = study.X.values, study.pcor.values, int(study.df)
    n, d = X.shape
    i, j = np.triu_indices(d, 1)
    L = np.log(X)
    bootstrap = percentile_estimate(r[i, j], bootstrap_correlations(L, resamples, rng)[:, i, j], n, level=level)
    fisher = estimate_correlation(r[i, j], df, level)
    # the same white samples for every pair: rates of pairs are dependent, and errors count simulations
    white = covariance(rng.standard_normal((simulations, n, d - 1)))
    covered = intervals_cover(r, sampled_correlations(study.clr_cov.values, white), df, level)
    rejected = null_rejections(study["T"].values, study.precision.values, white, df, 1 - level)
    # complete independence: the samples of each part permuted on their own
    independent = rng.permuted(np.broadcast_to(L, (data_sets, n, d)), axis=1)
    by_chance = partial(np.exp(independent)).correlation
    rejected_by_chance = correlation_pvalue(by_chance[:, i, j], df) < 1 - level
    # one data set at a time, because its permutations are the large axis
    q = [permutation_fdr(m, permutation_null(one, permutations, rng)) for m, one in zip(by_chance, independent)]
    calls = np.array([np.sum(one[i, j] <= 1 - level) for one in q])
    q_study = permutation_fdr(r, permutation_null(L, permutations, rng))
    names = study.part.values
    rates, shares = {"long_name": "count of simulations"}, {"long_name": "share of the pairs"}
    return xr.Dataset(
        {
            "pcor": ("pair", r[i, j]),
            "rho_p": ("pair", study.rho_p.values[i, j]),
            "pvalue": ("pair", study.pvalue.values[i, j]),
            "q": ("pair", q_study[i, j], {"long_name": "false discovery rate by permutation"}),
            "bootstrap": (("end", "pair"), np.stack([bootstrap.low, bootstrap.high])),
            "fisher": (("end", "pair"), np.stack([fisher.low, fisher.high])),
            "covered": ("pair", covered.sum(axis=0), rates),
            "rejected": ("pair", rejected.sum(axis=0), rates),
            "rejected_independent": ("pair", rejected_by_chance.sum(axis=0), rates),
            "covered_share": ("simulation", covered.mean(axis=1), shares),
            "rejected_share": ("simulation", rejected.mean(axis=1), shares),
            "rejected_independent_share": ("data_set", rejected_by_chance.mean(axis=1), shares),
            "calls": ("data_set", calls, {"long_name": "pairs called among independent parts"}),
            "simulations": ((), simulations),
            "level": ((), level),
        },
        coords={
            "pair": [f"{names[a]}-{names[b]}" for a, b in zip(i, j)],
            "end": ["low", "high"],
        },
        attrs={"label": study.attrs["label"]},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(infer, snakemake)
