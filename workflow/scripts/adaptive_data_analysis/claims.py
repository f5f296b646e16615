"""Claims of the paper, each measured from the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, share_of
from lib.privacy.analysts import fixed_query_bound
from lib.privacy.capacity import tolerated_at_best_noise
from lib.stats.intervals import (
    Estimate,
    estimate_about_power_law,
    estimate_count,
    estimate_each,
    estimate_mean,
    estimate_ratio,
    estimate_slope,
    magnitude_of,
    without_error,
)

SIZES = "numbers of samples n, about a power law"


def _labels(symbol: str, values) -> list[str]:
    """`n = 500` for each value."""
    return [f"{symbol} = {value:.7g}" for value in np.asarray(values)]


def _mean(units: str, data, dim: str, labels=None) -> dict:
    """Mean of an array over the dimension of its independent units."""
    return mean_over(units, data.values, axis=data.get_axis_num(dim), labels=labels)


def _largest(data, labels=None) -> dict:
    """Largest value over seeds, and over all other dimensions unless they have labels; its error is not known."""
    dims = None if labels is None else "seed"
    return estimated(without_error(data.max(dims, skipna=False).values, data.sizes["seed"]), "seeds", labels=labels)


def _each_seed(data, *, positive: bool = False, symbol: str | None = None) -> dict:
    """The value of every seed, with the spread of all seeds as its error; `symbol` names the other dimension."""
    data = data.transpose(..., "seed")
    estimate = estimate_each(data.values, -1, positive=positive)
    labels = None
    if symbol is not None:
        labels = [
            f"{label}, seed {seed}" for label in _labels(symbol, data[data.dims[0]]) for seed in range(estimate.n)
        ]
    flat = [np.ravel(part) for part in estimate[:4]]
    return estimated(Estimate(*flat, estimate.n), "seeds, each judged", labels=labels)


def _each_count(counts) -> dict:
    """The count of every seed, with the interval of a Poisson mean."""
    return estimated(estimate_count(counts.values.ravel()), "seeds, each judged")


def _exponent(n: np.ndarray, y: np.ndarray) -> dict:
    """Exponent of y as a power of n; NaN unless all values are positive."""
    fits = (y > 0).all()
    return estimated(estimate_slope(np.log(n), np.log(y)) if fits else without_error(np.nan, len(n)), SIZES)


def _tolerated(n: np.ndarray, queries: np.ndarray) -> dict:
    return estimated(estimate_about_power_law(n, queries), SIZES, labels=_labels("n", n))


def _many(queries: np.ndarray) -> np.ndarray:
    """Which numbers of queries are many: from 4096, or the largest where a scale has none."""
    return queries >= 4096 if (queries >= 4096).any() else queries == queries.max()


def a1(signs) -> dict:
    """The sign attack's last query is off by what the normal approximation predicts, by much at m = n."""
    plain = signs.sel(sigma=0.0).transpose("n", "ratio", "seed", ...)
    labels = [f"n = {n}, m/n = {ratio:g}" for n in plain.n.values for ratio in plain.ratio.values]
    excess = (plain.error - plain.bias).stack(cell=("n", "ratio"))
    deviation = magnitude_of(estimate_mean(excess, excess.get_axis_num("seed")))
    return {
        "deviation": estimated(deviation, "data sets", labels=labels),
        "error_at_n": _mean("data sets", plain.error.sel(ratio=1.0), "seed", _labels("n", plain.n)),
    }


def a2(counts: list) -> dict:
    """Empirical means support a number of queries that grows with n."""
    n, tolerated = tolerated_at_best_noise(counts)
    ratio = estimate_about_power_law(n, tolerated["naive"] / n)
    return {
        "slope": _exponent(n, tolerated["naive"]),
        "ratio": estimated(ratio, SIZES, labels=_labels("n", n)),
        "tolerated": _tolerated(n, tolerated["naive"]),
    }


def a3(counts: list) -> dict:
    """Noise supports a number of queries that grows nearly with the square of n."""
    n, tolerated = tolerated_at_best_noise(counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = tolerated["gaussian"] / tolerated["naive"]
    *at_largest, sizes = estimate_about_power_law(n, gain)
    return {
        "slope": _exponent(n, tolerated["gaussian"]),
        "slope_gain": _exponent(n, gain),  # the difference of the slopes, paired by n
        "gain_at_largest": estimated(Estimate(*(values[-1] for values in at_largest), sizes), SIZES),
        "tolerated": _tolerated(n, tolerated["gaussian"]),
        "laplace": _tolerated(n, tolerated["laplace"]),
    }


def a4(small, large, certified) -> dict:
    """Private multiplicative weights stays accurate under reconstruction, where means and noise do not."""
    queries = small["queries"].values
    many = _many(queries)
    pmw, naive, gaussian = (
        small.worst.sel(mechanism=name).transpose("queries", "seed") for name in ("pmw", "naive", "gaussian")
    )
    return {
        "pmw": _each_seed(pmw, symbol="m"),
        "pmw_mean": _mean("seeds", pmw, "seed", _labels("m", queries)),
        "naive": _mean("seeds", naive.isel(queries=many), "seed", _labels("m", queries[many])),
        "gaussian_at_largest": _mean("seeds", gaussian.isel(queries=-1), "seed"),
        "pmw_without_noise": _largest(small.worst.sel(mechanism="pmw_exact")),
        "large_pmw": _largest(large.worst.sel(mechanism="pmw")),
        "large_naive": _mean("seeds", large.worst.sel(mechanism="naive").isel(queries=-1), "seed"),
        "epsilon_spent": _mean("seeds", small.epsilon.sel(composition="basic"), "seed"),
        "certified_epsilon": exact(certified.epsilon_bound),
        "certified_error": _largest(certified.worst.sel(mechanism="pmw")),
    }


def a4b(small) -> dict:
    """The updates of private multiplicative weights stay below their bound and hardly grow with the queries."""
    queries = small["queries"].values
    updates = small.updates.sel(variant="pmw").transpose("queries", "seed")
    labels = _labels("m", queries)
    first, last = updates.values[_many(queries)][0], updates.values[-1]
    # the slope of the logarithm of mean updates, as a mean over seeds: log x about the mean, to first order
    above_zero = updates.values[1:] + 0.25
    mean = above_zero.mean(axis=1, keepdims=True)
    slopes = estimate_slope(np.log(queries[1:]), np.log(mean) + (above_zero - mean) / mean).value
    return {
        "updates_over_bound": _mean("seeds", updates / small.update_bound, "seed", labels),
        "updates": _mean("seeds", updates, "seed", labels),
        "growth": estimated(estimate_ratio(last, first), "seeds"),
        "slope_in_log_m": mean_over("seeds", slopes),
    }


def a5(transfer, audit) -> dict:
    """A query that the exponential mechanism picks is biased by less than the transfer theorem allows."""
    epsilon, premises = transfer.epsilon.values, transfer.premises.values.astype(bool)
    runs = transfer.sizes["run"]
    bias = estimate_mean(transfer.bias, axis=transfer.bias.get_axis_num("run"))
    allowance = transfer.bound.values + 2 * bias.se
    excess = Estimate(bias.value - allowance, bias.se, bias.low - allowance, bias.high - allowance, bias.n)
    beyond = ~(np.abs(transfer.bias) <= transfer.tau)
    sharp = epsilon <= transfer.sharp_tau
    beyond_sharp = ~(transfer.bias < transfer.sharp_tau)
    mechanisms = list(audit.mechanism.values)
    return {
        "excess": estimated(excess, "runs", labels=_labels("eps", epsilon)),
        "bias": estimated(bias, "runs", labels=_labels("eps", epsilon)),
        "failures": share_of(
            "runs", beyond.sum("run").values[premises], runs, labels=_labels("eps", epsilon[premises])
        ),
        "failures_sequel": share_of(
            "runs", beyond_sharp.sum("run").values[sharp], runs, labels=_labels("eps", epsilon[sharp])
        ),
        "largest_mean": _mean("runs", transfer.largest, "run"),
        "samples_needed": exact(transfer.samples_needed),
        "accounted_epsilon": exact(audit.accounted.values, labels=mechanisms),
        "audited_epsilon": estimated(
            without_error(audit.audited.values, audit.trials),
            "trials on each neighbour; a lower confidence bound",
            labels=mechanisms,
        ),
    }


def a6(counts: list) -> dict:
    """Sample splitting supports a number of queries that grows with n."""
    n, tolerated = tolerated_at_best_noise(counts)
    return {"slope": _exponent(n, tolerated["split"]), "tolerated": _tolerated(n, tolerated["split"])}


def a7(signs) -> dict:
    """An analyst who ignores the answers meets no error above the union bound."""
    bound = fixed_query_bound(signs.control_size, signs.control_size, 0.05)
    within = signs.control.values <= bound
    return {
        "share_within": share_of("runs", within.sum(), len(within)),
        "bound": exact(bound),
        "mean_error": _mean("runs", signs.control, "run"),
    }


def _reported_gap(holdout, mechanism: str):
    """Reported minus fresh accuracy with the most features and no signal, by seed, for one kind of holdout."""
    accuracy = holdout.accuracy.isel(k=-1).sel(data="no signal", mechanism=mechanism)
    return accuracy.sel(kind="holdout") - accuracy.sel(kind="fresh")


def _reuse(holdout, mechanism: str) -> dict:
    """Gaps of a plain and of one reusable holdout, and the fresh accuracy with signal at 20 features."""
    standard, reusable = _reported_gap(holdout, "standard"), _reported_gap(holdout, mechanism)
    signal = holdout.accuracy.sel(data="signal", kind="fresh", k=20, mechanism=["standard", mechanism])
    return {
        "standard_gap": _mean("seeds", standard, "seed"),
        "thresholdout_gap": _mean("seeds", reusable, "seed"),
        "ratio": estimated(estimate_ratio(reusable.values, standard.values), "seeds, paired"),
        "fresh_with_signal": _mean("seeds", signal, "seed", ["plain holdout", "Thresholdout"]),
    }


def a8(holdout) -> dict:
    """Thresholdout reports the fresh accuracy of selected features where a plain holdout reports too much."""
    plain = holdout.accuracy.isel(k=-1).sel(data="no signal", mechanism="standard")
    spent = holdout.spent.sel(noise="gaussian")
    return {
        **_reuse(holdout, "thresholdout"),
        "reported_accuracy": _mean("seeds", plain.sel(kind="holdout"), "seed"),
        "fresh_accuracy": _mean("seeds", plain.sel(kind="fresh"), "seed"),
        "answers_from_holdout": _mean("seeds", spent, "seed", holdout["data"].values),
    }


def a8b(holdout) -> dict:
    """A classifier that was built through Thresholdout is as accurate on the holdout as on fresh data."""
    accuracy = holdout.accuracy.isel(k=-1).sel(data="no signal")
    gap = accuracy.sel(kind="holdout itself") - accuracy.sel(kind="fresh")
    return {
        "actual_holdout_gap": _mean("seeds", gap.sel(mechanism="thresholdout"), "seed"),
        "actual_holdout_gap_with_laplace_noise": _mean("seeds", gap.sel(mechanism="thresholdout, Laplace"), "seed"),
        "actual_holdout_gap_of_plain_holdout": _mean("seeds", gap.sel(mechanism="standard"), "seed"),
    }


def a8c(holdout) -> dict:
    """The same as a8 with the wider Laplace noise of the theorem."""
    spent = holdout.spent.sel(noise="laplace")
    return {
        **_reuse(holdout, "thresholdout, Laplace"),
        "answers_from_holdout": _mean("seeds", spent, "seed", holdout["data"].values),
    }


def a9(few) -> dict:
    """With few queries Gaussian noise errs more than empirical means."""
    names = ["naive", "gaussian", "pmw"]
    errors = few.worst.isel(queries=0).sel(mechanism=names)
    excess = errors.sel(mechanism="gaussian") - errors.sel(mechanism="naive")
    return {
        "gaussian_minus_naive": _mean("seeds, paired", excess, "seed"),
        "errors": _mean("seeds", errors, "seed", names),
    }


def a10(checks) -> dict:
    """A holdout catches all wrong guesses with few false alarms; one of few samples runs out of alarms early."""
    enough, few = checks.fate.isel(size=0), checks.fate.isel(size=-1)
    return {
        "missed": _each_count(enough.sel(what="of these missed")),
        "false_alarms": _each_count(enough.sel(what="false alarms")),
        "looked_at": _each_seed(enough.sel(what="guesses looked at"), positive=True),
        "looked_at_with_few_samples": _each_seed(few.sel(what="guesses looked at"), positive=True),
    }


def a10b(checks) -> dict:
    """Effective rounds answers the overfitted last query after one alarm; empirical means and noise do not."""
    error = checks.error.isel(queries=-1).transpose("n", "mechanism", "query", "seed")
    rounds = error.sel(mechanism="effective_rounds")
    last = error.sel(query="last")
    labels = _labels("n", checks.n)
    return {
        "last_error": _each_seed(rounds.sel(query="last")),
        "largest_error": _each_seed(rounds.max("query", skipna=False)),
        "alarms": _each_count(checks.alarms.isel(queries=-1).transpose("n", "seed")),
        "naive": _mean("seeds", last.sel(mechanism="naive"), "seed", labels),
        "gaussian": _mean("seeds", last.sel(mechanism="gaussian"), "seed", labels),
    }


def a11(screen) -> dict:
    """Regressions on screened noise look significant on the screening data, and on no other."""
    significant = screen.report.sel(measure="p_value") < 0.05
    same = screen.report.sel(route="same data")
    naive, gaussian = (screen.gap.sel(mechanism=name).values for name in ("naive", "gaussian"))

    def rejected(route: str) -> dict:
        return share_of("runs", significant.sel(route=route).sum().item(), screen.sizes["run"])

    return {
        "significant_on_same_data": rejected("same data"),
        "significant_on_fresh_sample": rejected("fresh sample"),
        "significant_on_split_sample": rejected("split sample"),
        "apparent_r2": _mean("runs", same.sel(measure="r2"), "run"),
        "fresh_r2": _mean("runs", same.sel(measure="fresh_r2"), "run"),
        "variables_kept": _mean("runs", screen.kept, "run"),
        "query_gap_ratio": estimated(estimate_ratio(naive, gaussian), "runs of the query form, paired"),
        "query_gaps": _mean("runs of the query form", screen.gap, "query_run", ["naive", "gaussian"]),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
