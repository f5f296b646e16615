"""Measure every claim of the paper; verdicts are given elsewhere."""

import itertools

import numpy as np

from lib.atlas.job.claims import claim, measured
from lib.stats.intervals import binomial_error, estimate_mean, estimate_root_mean_square, standard_error


def _errors(run, strategy, multiple, function="runge"):
    """Errors over the best error of all repetitions at n = multiple * m."""
    chosen = run.sel(strategy=strategy, n=multiple * run.m, function=function)
    return (chosen.l2_error / chosen.best_error).values


def _quantity(errors):
    value, se, *_ = estimate_root_mean_square(errors)
    return measured(value, se=se)


def _deviations(run):
    """Moments of the process from their exact values, in standard errors: values and labels."""
    deviation = np.abs(run.moment - run.moment_exact) / run.moment_se
    labels = [f"{b}: {name}" for b in run.basis.values for name in run.moment_name.values]
    return deviation.values.ravel(), labels


def _biases(run, strategy):
    """Bias in standard errors, by basis."""
    chosen = run.sel(bias_strategy=strategy)
    return (chosen.bias / chosen.bias_se).values


def _inverse(run, strategy, multiple, name="inverse"):
    chosen = run.sel(inverse_strategy=strategy, multiple=multiple)
    return chosen[name].values


def claims(
    identities,
    identities_bases,
    independent,
    volume,
    repeated,
    conditioning,
    sizes_growth,
    sizes_bases,
    growth,
    bounds,
) -> dict:
    """Return the measured quantities of each claim."""
    moments, moment_labels = _deviations(identities)
    other_moments, other_labels = _deviations(identities_bases)
    both = ["optimal density", "reference"]

    def inverse(multiple):
        pairs = [(_inverse(identities, s, multiple)[0], _inverse(identities, s, multiple, "inverse_se")[0]) for s in
                 ("vol", "vol_mu")]  # fmt: skip
        return measured([p[0] for p in pairs], se=[p[1] for p in pairs], labels=both)

    m = independent.m
    rms_at = {k: _quantity(_errors(volume, "vol", k)) for k in (2, 4, 6, 10)}
    order = [
        estimate_root_mean_square(_errors(run, s, 2))
        for run, s in ((repeated, "rep"), (volume, "vol"), (independent, "iid"), (independent, "mc"))
    ]
    at_end = [
        estimate_root_mean_square(_errors(run, s, 10))
        for run, s in ((repeated, "rep"), (volume, "vol"), (independent, "iid"))
    ]

    grown = {
        s: estimate_root_mean_square(growth.error.sel(strategy=s, rule="1 m ln m", function="next").values, axis=-1)
        for s in growth.strategy.values
    }
    size_labels = [f"m = {s}" for s in growth["size"].values]
    large = np.flatnonzero(growth["size"].values >= min(10, growth["size"].values[-2]))
    rise = np.diff(grown["vol"][0][large]) - 2 * np.hypot(grown["vol"][1][large][:-1], grown["vol"][1][large][1:])
    interpolation, interpolation_se, *_ = estimate_mean(growth.interpolation.values, axis=-1)

    first = sizes_bases.level.values[0]
    needed = sizes_bases.needed.sel(level=first)
    over_m = (needed / sizes_bases["size"]).transpose("basis", "strategy")
    ratio = (needed.sel(strategy="rep") / needed.sel(strategy="iid")).values
    legendre, others = 0, list(range(1, len(ratio)))
    names = [sizes_bases.basis.values[i] for i in others]
    small = [i for i in others if sizes_bases["size"].values[i] <= 11]

    at_seven = sizes_bases.probability.sel(strategy="rep").where(
        sizes_bases.tried.sel(strategy="rep") == 7 * sizes_bases["size"]
    )
    at_seven = at_seven.max("step").dropna("basis")

    failure_se = binomial_error(conditioning.iid_failure, conditioning.draws)
    failure_excess = (conditioning.iid_failure - conditioning.iid_bound - 2 * failure_se).values

    condition_labels = [f"{s}, n = {n}" for s in conditioning.strategy.values for n in conditioning.n.values]
    square = conditioning.square_error.values
    mean_square, mean_square_se, *_ = estimate_mean(square, axis=-1)
    bound_gap = mean_square - 2 * mean_square_se - conditioning.bound.values
    failure = conditioning.failure.values
    tries = conditioning.tries.values
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = 1 / (1 - failure)
        spread = np.hypot(standard_error(tries, axis=-1), binomial_error(failure, conditioning.draws) * expected**2)
        gap = np.abs(tries.mean(-1) - expected)
        tries_deviation = np.where(gap == 0, 0.0, np.where(failure == 1, np.inf, gap / spread))
    eta = conditioning.failure
    middle = f"n = {conditioning.n.values[0]}"
    free = estimate_root_mean_square(np.sqrt(conditioning.free_square_error.sel(strategy="iid").values[0]))
    kept = estimate_root_mean_square(np.sqrt(conditioning.square_error.sel(strategy="iid").values[0]))

    level = sizes_growth.level.values[0]
    grow = sizes_growth.needed.sel(level=level)
    grow_m = sizes_growth["size"].values
    grow_labels = [f"m = {s}" for s in grow_m]
    at_20 = int(np.argmin(np.abs(grow_m - 20)))
    iid, rep = grow.sel(strategy="iid").values, grow.sel(strategy="rep").values

    control = bounds.kernel_error.quantile(0.99, "repetition")
    conditioned = control.sel(control=bounds.strategy.values).max()
    uniform_labels = [f"{s}, {f}" for s in bounds.strategy.values for f in bounds.function.values]
    return {
        "d1": claim(
            rests_on=["identities"],
            standard_errors=measured(moments, labels=moment_labels),
            p_value=identities.point_p_value.values[0],
        ),
        "d2": claim(
            rests_on=["identities"],
            volume_2m=inverse(2),
            volume_4m=inverse(4),
            iid_mean_4m=measured(
                _inverse(identities, "iid", 4)[0], se=_inverse(identities, "iid", 4, "inverse_se")[0]
            ),
            iid_median_2m=_inverse(identities, "iid", 2, "inverse_median")[0],
        ),
        "d3": claim(
            rests_on=["identities"],
            volume_standard_errors=_biases(identities, "vol")[0],
            bias_over_best=measured(
                identities.bias.values[0], se=identities.bias_se.values[0], labels=identities.bias_strategy.values
            ),
        ),
        "d3b": claim(
            rests_on=["growth"],
            standard_errors=abs(interpolation - growth.interpolation_size) / interpolation_se,
            mean=measured(interpolation, se=interpolation_se),
        ),
        "d4": claim(rests_on=["volume"], **{f"rms_{k}m": q for k, q in rms_at.items()}),
        "d4b": claim(
            rests_on=["growth"],
            volume=measured(grown["vol"][0], se=grown["vol"][1], labels=size_labels),
            volume_growth=np.max(rise),
            repeated=measured(grown["rep"][0], se=grown["rep"][1], labels=size_labels),
            independent=measured(grown["iid"][0], se=grown["iid"][1], labels=size_labels),
        ),
        "d5": claim(
            rests_on=["sizes_bases"],
            repeated_over_iid=ratio[legendre],
            repeated_over_m=over_m.sel(strategy="rep").values[legendre],
            needed=measured(needed.values[legendre], labels=sizes_bases.strategy.values),
        ),
        "d6": claim(
            rests_on=["independent", "volume", "repeated"],
            smallest_step_2m=min(b[0] / a[0] for a, b in itertools.pairwise(order)),
            rms_2m=measured([o[0] for o in order], se=[o[1] for o in order], labels=["rep", "vol", "iid", "mc"]),
            repeated_2m=measured(order[0][0], se=order[0][1]),
            repeated_3m=_quantity(_errors(repeated, "rep", 3)) if 3 * m in repeated.n.values else order[0][0],
            rms_10m=measured([o[0] for o in at_end], se=[o[1] for o in at_end], labels=["rep", "vol", "iid"]),
        ),
        "d7": claim(
            rests_on=["conditioning"],
            excess=measured(failure_excess, labels=[f"n = {n}" for n in conditioning.bound_n.values]),
            failure=measured(
                conditioning.iid_failure.values, se=failure_se.values,
                labels=[f"n = {n}" for n in conditioning.bound_n.values],
            ),
        ),
        "d8": claim(
            rests_on=["conditioning"],
            excess=measured(bound_gap.ravel(), labels=condition_labels),
            tries_standard_errors=measured(tries_deviation.ravel(), labels=condition_labels),
            eta_repeated_less_volume=(eta.sel(strategy="rep") - eta.sel(strategy="vol")).values,
            eta_repeated_less_iid=(eta.sel(strategy="rep") - eta.sel(strategy="iid")).values,
            conditioned_over_free=measured([kept[0] / free[0]], labels=[middle]),
            mean_square=measured(mean_square.ravel(), se=mean_square_se.ravel(), labels=condition_labels),
            eta=measured(failure.ravel(), labels=condition_labels),
        ),
        "d9": claim(
            rests_on=["bounds"],
            largest_ratio=measured(bounds.uniform_ratio.max("repetition").values.ravel(), labels=uniform_labels),
        ),
        "d9b": claim(
            rests_on=["bounds"],
            largest_ratio=measured(
                bounds.kernel_ratio.sel(control=bounds.strategy.values).max("repetition").values,
                labels=bounds.strategy.values,
            ),
            control_over_conditioned=float(control.sel(control="uniform points") / conditioned),
        ),
        "d10": claim(
            rests_on=["identities_bases", "sizes_bases"],
            volume_inverse=measured(
                _inverse(identities_bases, "vol", 2), se=_inverse(identities_bases, "vol", 2, "inverse_se"),
                labels=identities_bases.basis.values,
            ),
            volume_bias_standard_errors=measured(
                _biases(identities_bases, "vol"), labels=identities_bases.basis.values
            ),
            repeated_over_iid=measured(ratio[others], labels=names),
            repeated_over_m=measured(
                over_m.sel(strategy="rep").values[small], labels=[sizes_bases.basis.values[i] for i in small]
            ),
            probability_repeated_7m=measured(at_seven.values, labels=at_seven.basis.values),
            needed_over_m=measured(
                over_m.values[others].ravel(),
                labels=[f"{b}, {s}" for b in names for s in sizes_bases.strategy.values],
            ),
            moments_standard_errors=measured(other_moments, labels=other_labels),
            point_p_value=measured(identities_bases.point_p_value.values, labels=identities_bases.basis.values),
            rms_2m=measured(
                identities_bases.rms.sel(multiple=2).values.ravel(),
                labels=[f"{b}, {s}" for b in identities_bases.basis.values for s in identities_bases.strategy.values],
            ),
        ),
        "d11": claim(
            rests_on=["sizes_growth"],
            repeated_over_m_at_20=rep[at_20] / grow_m[at_20],
            iid_over_repeated=measured(iid / rep, labels=grow_labels),
            iid_over_m_log_m=np.exp(np.mean(np.log(iid / (grow_m * np.log(grow_m))))),
            repeated_over_m=measured(rep / grow_m, labels=grow_labels),
            volume_over_iid=measured(grow.sel(strategy="vol").values / iid, labels=grow_labels),
        ),
    }  # fmt: skip


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(claims, snakemake)
