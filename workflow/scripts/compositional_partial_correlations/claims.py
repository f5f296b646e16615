"""Measure every claim of the paper; verdicts are given elsewhere."""

import numpy as np
from scipy.stats import binomtest, spearmanr

from lib.atlas.claims import claim, measured
from lib.stats.intervals import standard_error


def _pairs(data, name):
    """Values of a matrix over all pairs i < j."""
    return data[name].values[np.triu_indices(data.sizes["part"], 1)]


def _at(data, name, pair):
    first, second = pair.split("-")
    return float(data[name].sel(part=first, part2=second))


def _named(data, name, pairs):
    """`al_fe`: value of a matrix at that pair of parts, for each pair."""
    return {pair.lower().replace("-", "_"): _at(data, name, pair) for pair in pairs}


def _rank_correlation(data, first, second):
    return spearmanr(_pairs(data, first), _pairs(data, second)).statistic


def _share(values):
    """Mean share over simulations, with its standard error."""
    return measured(values.values.mean(), se=standard_error(values.values))


def _recovery(runs):
    """Mean AUROC by measure, and the paired gain over proportionality, for each number of parts."""
    quantities = {}
    for run in runs:
        size, seeds = run.attrs["parts"], run.seed.values
        values = run.auroc.values
        at = list(run.measure.values)
        se = standard_error(values, axis=1)
        quantities[f"auroc_{size}"] = measured(values.mean(axis=1), se=se, labels=at, seeds=seeds)
        own = values[at.index("partial correlation")]
        gain = own - values[at.index("proportionality")]
        quantities[f"pcor_{size}"] = measured(own.mean(), se=standard_error(own), seeds=seeds)
        quantities[f"gain_{size}"] = measured(gain.mean(), se=standard_error(gain), seeds=seeds)
    return quantities


def claims(study, others: list, identities, subcomp, intervals, recovery: list) -> dict:
    """Return the measured quantities of each claim."""
    every = [study, *others]
    titles = [data.attrs["label"] for data in every]
    ranges = [_pairs(data, "pcor") for data in every]
    signed = measured([int(np.sum(r < 0)) for r in ranges], labels=titles)
    positive = measured([int(np.sum(r > 0)) for r in ranges], labels=titles)
    spread = study.R2.max("ref") - study.R2.min("ref")
    order = np.argsort(-study.pvar.values)
    count = len(ranges[0])
    names = np.array([str(name) for name in intervals.pair.values])
    significant = intervals.pvalue.values < 0.05 / count
    expected = ["Al-Fe", "Si-Al", "Si-Fe", "Ca-Na"]
    deviations = ("residual_deviation", "variance_deviation", "correlation_deviation")

    def change(name):
        return np.nanmax(np.abs(subcomp[name].values), axis=(1, 2))

    dropped = dict(zip(subcomp.dropped.values, change("pcor")))
    largest_pair = names[np.argmax(intervals.rho_p.values)]
    called, data_sets = int(np.sum(intervals.calls > 0)), intervals.sizes["data_set"]
    return {
        "c1": claim(
            rests_on=["identities", "study"],
            **{name: float(identities[name].max()) for name in deviations},
            additive_deviation=float(identities.alr_deviation.max()),
            **{f"cups_{name}": float(study[name].max()) for name in deviations},
            cups_additive_deviation=float(study.alr_deviation.max()),
            exact_arithmetic=bool(identities.rational.all()),
        ),
        "c2": claim(
            rests_on=["study"],
            spread=measured(spread.values, labels=study.part.values),
            variance_deviation=float(study.variance_deviation.max()),
        ),
        "c3": claim(
            rests_on=["identities", "study", "others"],
            largest=measured([np.abs(r).max() for r in ranges], labels=titles),
            random_largest=float(np.maximum(-identities.smallest, identities.largest).max()),
            invariance=measured([float(data.invariance_deviation) for data in every], labels=titles),
            random_invariance=float(identities.invariance_deviation.max()),
            negative=signed,
            positive=positive,
        ),
        "c4": claim(
            rests_on=["identities"],
            free=float(identities.free.max()),
            free_inverse=float(identities.free_inverse.max()),
            inside_median=float(identities.inside_inverse.median()),
            inside_residual=float(identities.inside_residual.max()),
            uncontrolled_median=float(identities.uncontrolled.median()),
            both_inside_from_minus_one=float(identities.both.max()),
            all_from_minus_one=float(identities["all"].max()),
        ),
        "c5": claim(
            rests_on=["subcomp"],
            compositional=measured(change("pcor"), labels=subcomp.dropped.values),
            unconstrained=measured(change("unconstrained"), labels=subcomp.dropped.values),
            proportionality=measured(change("rho_p"), labels=subcomp.dropped.values),
            variation=float(change("T").max()),
            drop_mn=dropped["Mn"],
            drop_si=dropped["Si"],
            reduction_deviation=float(subcomp.reduction_deviation.max()),
        ),
        "c6": claim(
            rests_on=["study", "intervals"],
            order=measured(order, labels=study.part.values[order]),
            **{f"v_{name.lower()}": float(study.pvar.sel(part=name)) for name in ("Sb", "Mn", "Fe", "Si", "Al")},
            significant=int(significant.sum()),
            significant_as_named=int(np.isin(expected, names[significant]).sum()),
            **_named(study, "pcor", expected),
            df=int(study.df),
        ),
        "c7": claim(
            rests_on=["study"],
            **{f"r_{key}": value for key, value in _named(study, "pcor", ["Al-Fe", "Si-Na"]).items()},
            **{f"rho_{key}": value for key, value in _named(study, "rho_p", ["Al-Fe", "Si-Na"]).items()},
            top_is_si_na=bool(largest_pair == "Si-Na"),
            rank_correlation=_rank_correlation(study, "pcor", "rho_p"),
        ),
        "c7b": claim(
            rests_on=["study"],
            rank_with_proportionality=_rank_correlation(study, "balance_corr", "rho_p"),
            rank_with_partial=_rank_correlation(study, "balance_corr", "pcor"),
            rank_with_clr=_rank_correlation(study, "balance_corr", "clr_corr"),
            **_named(study, "balance_corr", ["Al-Fe", "Si-Na", "Si-Al", "Si-Fe", "Ca-Na"]),
        ),
        "c8": claim(rests_on=["recovery"], **_recovery(recovery)),
        "c9": claim(
            rests_on=["identities"],
            basis=float(identities.basis_deviation.max()),
            naive=float(identities.naive_deviation.median()),
            naive_smallest=float(identities.naive_deviation.min()),
            naive_largest=float(identities.naive_deviation.max()),
        ),
        "c10": claim(rests_on=["identities"], deviation=float(identities.independent_deviation.max())),
        "c11": claim(
            rests_on=["intervals"],
            coverage=_share(intervals.covered_share),
            test_size=_share(intervals.rejected_share),
            test_size_independent_parts=_share(intervals.rejected_independent_share),
            any_call_independent_parts=measured(
                [called / data_sets, *binomtest(called, data_sets).proportion_ci(method="wilson")],
                labels=["rate", "95 % interval from", "to"],
            ),
            called_by_permutation=int(np.sum(intervals.q <= 0.05)),
        ),
    }


if "snakemake" in globals():
    from lib.atlas.stage import run

    run(claims, snakemake)
