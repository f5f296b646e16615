"""Claims of the paper, each measured from the stores that it rests on."""

import numpy as np
from scipy.stats import spearmanr

from lib.atlas.job.quantities import estimated, exact, mean_over, share_of
from lib.stats.intervals import estimate_median, without_error

DEVIATIONS = ("residual_deviation", "variance_deviation", "correlation_deviation")
BALANCED_PAIRS = ("Al-Fe", "Si-Na", "Si-Al", "Si-Fe", "Ca-Na")
SIGNIFICANT_PAIRS = ("Al-Fe", "Si-Al", "Si-Fe", "Ca-Na")


def _pairs(data, name: str) -> np.ndarray:
    """Values of a matrix over all pairs i < j."""
    return data[name].values[np.triu_indices(data.sizes["part"], 1)]


def _at_pairs(data, name: str, pairs) -> dict[str, dict]:
    """`al_fe`: value of a matrix at that pair of parts, for each pair."""
    parts = {pair: pair.split("-") for pair in pairs}
    return {
        pair.lower().replace("-", "_"): exact(data[name].sel(part=first, part2=second).item())
        for pair, (first, second) in parts.items()
    }


def _rank_correlation(data, first: str, second: str) -> dict:
    return exact(spearmanr(_pairs(data, first), _pairs(data, second)).statistic)


def _largest(deviations) -> dict:
    """Largest error of an identity over all instances that it was checked on."""
    return exact(deviations.max().item())


def _median(deviations) -> dict:
    """Median over random compositions of what is no identity."""
    return estimated(estimate_median(deviations.values), "random compositions")


def _largest_change(data, name: str) -> np.ndarray:
    """Largest change of a matrix when a part is dropped, for each part."""
    return np.nanmax(np.abs(data[name].values), axis=(1, 2))


def c1(identities, study) -> dict:
    """Residuals, partial variances and partial correlations are the same for every reference."""
    return {
        **{name: _largest(identities[name]) for name in DEVIATIONS},
        "additive_deviation": _largest(identities.alr_deviation),
        **{f"cups_{name}": _largest(study[name]) for name in DEVIATIONS},
        "cups_additive_deviation": _largest(study.alr_deviation),
        "exact_arithmetic": exact(identities.rational.all().item()),
    }


def c2(study) -> dict:
    """The multiple correlation depends on the reference, the partial variance does not."""
    spread = study.R2.max("ref") - study.R2.min("ref")
    return {
        "spread": exact(spread.values, labels=study.part.values),
        "variance_deviation": _largest(study.variance_deviation),
    }


def c3(identities, study, others: list) -> dict:
    """Partial correlations lie between -1 and 1, keep their value under scaling, and take both signs."""
    data_sets = [study, *others]
    titles = [data.attrs["label"] for data in data_sets]
    correlations = [_pairs(data, "pcor") for data in data_sets]
    # all of a Dirichlet law are 1 / (D - 1): what is negative in a sample of it is noise
    signs = [(title, r) for title, r in zip(titles, correlations) if title != "Dirichlet"]
    invariance = [data.invariance_deviation.item() for data in data_sets]
    return {
        "largest": exact([np.abs(r).max() for r in correlations], labels=titles),
        "random_largest": _largest(np.maximum(-identities.smallest, identities.largest)),
        "invariance": exact(invariance, labels=titles),
        "random_invariance": _largest(identities.invariance_deviation),
        # of these data sets: that a sign occurs needs one example, and is no estimate for other draws
        "negative": exact([np.sum(r < 0) for _, r in signs], labels=[title for title, _ in signs]),
        "positive": exact([np.sum(r > 0) for r in correlations], labels=titles),
    }


def c4(identities) -> dict:
    """Normalisation by parts that are held fixed and free of the pair changes nothing; with one of the pair it does."""
    return {
        "free": _largest(identities.free),
        "free_inverse": _largest(identities.free_inverse),
        "inside_median": _median(identities.inside_inverse),
        "inside_residual": _largest(identities.inside_residual),
        "uncontrolled_median": _median(identities.uncontrolled),
        "both_inside_from_minus_one": _largest(identities.both),
        "all_from_minus_one": _largest(identities["all"]),
    }


def c5(subcomp) -> dict:
    """Dropping a part changes partial correlations of either kind, and no variance of a log-ratio."""
    change = _largest_change(subcomp, "pcor")
    parts = subcomp.dropped.values
    by_part = dict(zip(parts, change))
    return {
        "compositional": exact(change, labels=parts),
        "unconstrained": exact(_largest_change(subcomp, "unconstrained"), labels=parts),
        "proportionality": exact(_largest_change(subcomp, "rho_p"), labels=parts),
        "variation": exact(_largest_change(subcomp, "T").max()),
        "drop_mn": exact(by_part["Mn"]),
        "drop_si": exact(by_part["Si"]),
        "reduction_deviation": _largest(subcomp.reduction_deviation),
    }


def c6(study, intervals) -> dict:
    """Partial variances of the cups, in the published order, and the pairs that a Bonferroni test calls significant."""
    order = np.argsort(-study.pvar.values)
    names = np.array([str(name) for name in intervals.pair.values])
    significant = intervals.pvalue.values < 0.05 / len(_pairs(study, "pcor"))
    return {
        "order": exact(order, labels=study.part.values[order]),
        **{f"v_{name.lower()}": exact(study.pvar.sel(part=name).item()) for name in ("Sb", "Mn", "Fe", "Si", "Al")},
        "significant": exact(significant.sum()),
        "significant_as_named": exact(np.isin(SIGNIFICANT_PAIRS, names[significant]).sum()),
        **_at_pairs(study, "pcor", SIGNIFICANT_PAIRS),
        "df": exact(study.df.item()),
    }


def c7(study, intervals) -> dict:
    """Partial correlation and proportionality disagree on the pairs of the cups where control matters."""
    largest_pair = str(intervals.pair.values[np.argmax(intervals.rho_p.values)])
    partial = _at_pairs(study, "pcor", ("Al-Fe", "Si-Na"))
    proportionality = _at_pairs(study, "rho_p", ("Al-Fe", "Si-Na"))
    return {
        **{f"r_{pair}": value for pair, value in partial.items()},
        **{f"rho_{pair}": value for pair, value in proportionality.items()},
        "top_is_si_na": exact(largest_pair == "Si-Na"),
        "rank_correlation": _rank_correlation(study, "pcor", "rho_p"),
    }


def c7b(study) -> dict:
    """Correlations of balances order the pairs as proportionality does."""
    return {
        "rank_with_proportionality": _rank_correlation(study, "balance_corr", "rho_p"),
        "rank_with_partial": _rank_correlation(study, "balance_corr", "pcor"),
        "rank_with_clr": _rank_correlation(study, "balance_corr", "clr_corr"),
        **_at_pairs(study, "balance_corr", BALANCED_PAIRS),
    }


def c8(recovery: list) -> dict:
    """Partial correlation recovers the edges of the basis graph better than proportionality does."""
    quantities = {}
    for run in recovery:
        size, seeds, measures = run.attrs["parts"], run.seed.values, list(run.measure.values)
        auroc = run.auroc.values
        partial = auroc[measures.index("partial correlation")]
        gain = partial - auroc[measures.index("proportionality")]
        quantities[f"auroc_{size}"] = mean_over("graphs", auroc, axis=1, labels=measures, ids=seeds)
        quantities[f"pcor_{size}"] = mean_over("graphs", partial, ids=seeds)
        quantities[f"gain_{size}"] = mean_over("graphs, paired", gain, ids=seeds)
    return quantities


def c9(identities) -> dict:
    """Shrinking the covariance of the basis keeps the result free of the reference; shrinking log-ratios does not."""
    naive = identities.naive_deviation
    return {
        "basis": _largest(identities.basis_deviation),
        "naive": _median(naive),
        "naive_smallest": estimated(without_error(naive.min(), naive.size), "random compositions"),
        "naive_largest": estimated(without_error(naive.max(), naive.size), "random compositions"),
    }


def c10(identities) -> dict:
    """Independent parts of equal variance have partial correlation 1/(D - 1), the trace of the constraint."""
    return {"deviation": _largest(identities.independent_deviation)}


def c11(intervals) -> dict:
    """Intervals cover, and tests reject, at their nominal rates."""
    permuted = "permutations of one data set"
    known = bool(np.isfinite(intervals.q).all() and np.isfinite(intervals.calls).all())
    called = np.sum(intervals.q <= 0.05).item() if known else np.nan
    return {
        "coverage": mean_over("simulations, one covariance", intervals.covered_share),
        "test_size": mean_over("simulations, one covariance", intervals.rejected_share),
        "test_size_independent_parts": mean_over(permuted, intervals.rejected_independent_share),
        "any_call_independent_parts": (
            share_of(permuted, np.sum(intervals.calls > 0).item(), intervals.sizes["data_set"])
            if known
            else exact(np.nan)
        ),
        "called_by_permutation": estimated(without_error(called, 1), "sets of permutations"),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
