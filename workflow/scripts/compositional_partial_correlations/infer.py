"""Intervals of the partial correlations, and whether tests, intervals and false discovery rates keep their level."""

import numpy as np
import xarray as xr

from lib.compositional.inference import permutation_fdr, permutation_null
from lib.compositional.logratio import clr_covariance
from lib.compositional.partial import partial, partial_from_precision, precision
from lib.compositional.simulate import contrasts, without_association
from lib.stats.bootstrap import bootstrap_counts, percentile_estimate
from lib.stats.correlation import correlation_pvalue, covariance, estimate_correlation


def _sampled(cov, noise):
    """Partial correlations (R, D, D) of samples whose white contrasts have the sample covariances `noise`."""
    basis = contrasts(len(cov))
    values, vectors = np.linalg.eigh(basis.T @ cov @ basis)
    root = basis @ (vectors * np.sqrt(values))
    return partial_from_precision(precision(root @ noise @ root.T)).correlation


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
    """Return intervals `(pair)` and error rates `(pair)` with the number of simulations behind them.

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
    again = clr_covariance(S=covariance(L, bootstrap_counts(n, resamples, rng)))
    resampled = partial_from_precision(precision(again)).correlation[:, i, j]
    bootstrap = percentile_estimate(r[i, j], resampled, n, level=level)
    fisher = estimate_correlation(r[i, j], df, level)
    # the same white samples for every pair: rates of pairs are dependent, and errors count simulations
    noise = covariance(rng.standard_normal((simulations, n, d - 1)))
    truth = _sampled(study.clr_cov.values, noise)[:, i, j]
    simulated = estimate_correlation(truth, df, level)
    covered = (simulated.low <= r[i, j]) & (r[i, j] <= simulated.high)
    rejected = np.zeros((simulations, len(i)), dtype=bool)
    for p, pair in enumerate(zip(i, j)):
        null = _sampled(clr_covariance(T=without_association(study["T"].values, study.precision.values, *pair)), noise)
        rejected[:, p] = correlation_pvalue(null[:, *pair], df) < 1 - level
    # complete independence: every part of the study permuted on its own
    independent = rng.permuted(np.broadcast_to(L, (data_sets, n, d)), axis=1)
    measured = partial(np.exp(independent)).correlation
    by_chance = correlation_pvalue(measured[:, i, j], df) < 1 - level
    # one data set at a time, because its permutations are the large axis
    q = [permutation_fdr(m, permutation_null(one, permutations, rng)) for m, one in zip(measured, independent)]
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
            "rejected_independent": ("pair", by_chance.sum(axis=0), rates),
            "covered_share": ("simulation", covered.mean(axis=1), shares),
            "rejected_share": ("simulation", rejected.mean(axis=1), shares),
            "rejected_independent_share": ("data_set", by_chance.mean(axis=1), shares),
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
