"""Claims of the paper, each measured from the stores that it rests on."""

import numpy as np
from scipy.stats import binomtest, spearmanr

from lib.atlas.job.claims import measured
from lib.stats.intervals import standard_error

DEVIATIONS = ("residual_deviation", "variance_deviation", "correlation_deviation")
BALANCED_PAIRS = ("Al-Fe", "Si-Na", "Si-Al", "Si-Fe", "Ca-Na")
SIGNIFICANT_PAIRS = ("Al-Fe", "Si-Al", "Si-Fe", "Ca-Na")


def _pairs(data, name: str) -> np.ndarray:
    """Values of a matrix over all pairs i < j."""
    return data[name].values[np.triu_indices(data.sizes["part"], 1)]


def _at_pairs(data, name: str, pairs) -> dict[str, float]:
    """`al_fe`: value of a matrix at that pair of parts, for each pair."""
    parts = {pair: pair.split("-") for pair in pairs}
    return {
        pair.lower().replace("-", "_"): float(data[name].sel(part=first, part2=second))
        for pair, (first, second) in parts.items()
    }


def _rank_correlation(data, first: str, second: str) -> float:
    return spearmanr(_pairs(data, first), _pairs(data, second)).statistic


def _share(values) -> dict:
    """Mean share over simulations, with its standard error."""
    return measured(values.values.mean(), se=standard_error(values.values))


def _largest_change(data, name: str) -> np.ndarray:
    """Largest change of a matrix when a part is dropped, for each part."""
    return np.nanmax(np.abs(data[name].values), axis=(1, 2))


def c1(identities, study) -> dict:
    """Residuals, partial variances and partial correlations are the same for every reference."""
    return {
        **{name: float(identities[name].max()) for name in DEVIATIONS},
        "additive_deviation": float(identities.alr_deviation.max()),
        **{f"cups_{name}": float(study[name].max()) for name in DEVIATIONS},
        "cups_additive_deviation": float(study.alr_deviation.max()),
        "exact_arithmetic": bool(identities.rational.all()),
    }


def c2(study) -> dict:
    """The multiple correlation depends on the reference, the partial variance does not."""
    spread = study.R2.max("ref") - study.R2.min("ref")
    return {
        "spread": measured(spread.values, labels=study.part.values),
        "variance_deviation": float(study.variance_deviation.max()),
    }


def c3(identities, study, others: list) -> dict:
    """Partial correlations lie between -1 and 1, keep their value under scaling, and take both signs."""
    data_sets = [study, *others]
    titles = [data.attrs["label"] for data in data_sets]
    correlations = [_pairs(data, "pcor") for data in data_sets]
    return {
        "largest": measured([np.abs(r).max() for r in correlations], labels=titles),
        "random_largest": float(np.maximum(-identities.smallest, identities.largest).max()),
        "invariance": measured([float(data.invariance_deviation) for data in data_sets], labels=titles),
        "random_invariance": float(identities.invariance_deviation.max()),
        "negative": measured([int(np.sum(r < 0)) for r in correlations], labels=titles),
        "positive": measured([int(np.sum(r > 0)) for r in correlations], labels=titles),
    }


def c4(identities) -> dict:
    """Normalisation by parts that are held fixed and free of the pair changes nothing; with one of the pair it does."""
    return {
        "free": float(identities.free.max()),
        "free_inverse": float(identities.free_inverse.max()),
        "inside_median": float(identities.inside_inverse.median()),
        "inside_residual": float(identities.inside_residual.max()),
        "uncontrolled_median": float(identities.uncontrolled.median()),
        "both_inside_from_minus_one": float(identities.both.max()),
        "all_from_minus_one": float(identities["all"].max()),
    }


def c5(subcomp) -> dict:
    """Dropping a part changes partial correlations of either kind, and no variance of a log-ratio."""
    change = _largest_change(subcomp, "pcor")
    by_part = dict(zip(subcomp.dropped.values, change))
    return {
        "compositional": measured(change, labels=subcomp.dropped.values),
        "unconstrained": measured(_largest_change(subcomp, "unconstrained"), labels=subcomp.dropped.values),
        "proportionality": measured(_largest_change(subcomp, "rho_p"), labels=subcomp.dropped.values),
        "variation": float(_largest_change(subcomp, "T").max()),
        "drop_mn": by_part["Mn"],
        "drop_si": by_part["Si"],
        "reduction_deviation": float(subcomp.reduction_deviation.max()),
    }


def c6(study, intervals) -> dict:
    """Partial variances of the cups, in the published order, and the pairs that a Bonferroni test calls significant."""
    order = np.argsort(-study.pvar.values)
    names = np.array([str(name) for name in intervals.pair.values])
    significant = intervals.pvalue.values < 0.05 / len(_pairs(study, "pcor"))
    return {
        "order": measured(order, labels=study.part.values[order]),
        **{f"v_{name.lower()}": float(study.pvar.sel(part=name)) for name in ("Sb", "Mn", "Fe", "Si", "Al")},
        "significant": int(significant.sum()),
        "significant_as_named": int(np.isin(SIGNIFICANT_PAIRS, names[significant]).sum()),
        **_at_pairs(study, "pcor", SIGNIFICANT_PAIRS),
        "df": study.df.item(),
    }


def c7(study, intervals) -> dict:
    """Partial correlation and proportionality disagree on the pairs of the cups where control matters."""
    largest_pair = str(intervals.pair.values[np.argmax(intervals.rho_p.values)])
    partial = _at_pairs(study, "pcor", ("Al-Fe", "Si-Na"))
    proportionality = _at_pairs(study, "rho_p", ("Al-Fe", "Si-Na"))
    return {
        **{f"r_{pair}": value for pair, value in partial.items()},
        **{f"rho_{pair}": value for pair, value in proportionality.items()},
        "top_is_si_na": largest_pair == "Si-Na",
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
        se = standard_error(auroc, axis=1)
        partial = auroc[measures.index("partial correlation")]
        gain = partial - auroc[measures.index("proportionality")]
        quantities[f"auroc_{size}"] = measured(auroc.mean(axis=1), se=se, labels=measures, seeds=seeds)
        quantities[f"pcor_{size}"] = measured(partial.mean(), se=standard_error(partial), seeds=seeds)
        quantities[f"gain_{size}"] = measured(gain.mean(), se=standard_error(gain), seeds=seeds)
    return quantities


def c9(identities) -> dict:
    """Shrinking the covariance of the basis keeps the result free of the reference; shrinking log-ratios does not."""
    return {
        "basis": float(identities.basis_deviation.max()),
        "naive": float(identities.naive_deviation.median()),
        "naive_smallest": float(identities.naive_deviation.min()),
        "naive_largest": float(identities.naive_deviation.max()),
    }


def c10(identities) -> dict:
    """Independent parts of equal variance have partial correlation 1/(D - 1), the trace of the constraint."""
    return {"deviation": float(identities.independent_deviation.max())}


def c11(intervals) -> dict:
    """Intervals cover, and tests reject, at their nominal rates."""
    called, data_sets = int(np.sum(intervals.calls > 0)), intervals.sizes["data_set"]
    return {
        "coverage": _share(intervals.covered_share),
        "test_size": _share(intervals.rejected_share),
        "test_size_independent_parts": _share(intervals.rejected_independent_share),
        "any_call_independent_parts": measured(
            [called / data_sets, *binomtest(called, data_sets).proportion_ci(method="wilson")],
            labels=["rate", "95 % interval from", "to"],
        ),
        "called_by_permutation": int(np.sum(intervals.q <= 0.05)),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
