"""Claims of the paper, each measured from the stores that it rests on."""

import math

import numpy as np

from lib.atlas.job.claims import measured
from lib.privacy.analysts import fixed_query_bound
from lib.privacy.capacity import tolerated_at_best_noise
from lib.stats.intervals import estimate_mean, estimate_slope, standard_error


def _labels(symbol: str, values) -> list[str]:
    """`n = 500` for each value."""
    return [f"{symbol} = {value:g}" for value in np.asarray(values)]


def _power(x: np.ndarray, y: np.ndarray) -> float:
    """Exponent of y as a power of x; NaN unless all values are positive."""
    if not (y > 0).all():
        return math.nan
    return estimate_slope(np.log(x), np.log(y)).value


def _many(queries: np.ndarray) -> np.ndarray:
    """Which numbers of queries are many: from 4096, or the largest where a scale has none."""
    return queries >= 4096 if (queries >= 4096).any() else queries == queries.max()


def _mean_over_seeds(errors) -> dict:
    """Mean and standard error of errors (queries, seed)."""
    se = standard_error(errors, errors.get_axis_num("seed"))
    labels = [f"m = {m}" for m in errors.queries.values]
    return measured(errors.mean("seed", skipna=False).values, se=se, labels=labels, seeds=range(errors.sizes["seed"]))


def a1(signs) -> dict:
    """The sign attack's last query is off by what the normal approximation predicts, by much at m = n."""
    plain = signs.sel(sigma=0.0)
    at_n = plain.error.sel(ratio=1.0)
    labels = [f"n = {n}, m/n = {ratio:g}" for n in plain.n.values for ratio in plain.ratio.values]
    return {
        "deviation": measured(np.abs(plain.error.mean("seed") - plain.bias).values.ravel(), labels=labels),
        "error_at_n": measured(
            at_n.mean("seed").values,
            se=standard_error(at_n, at_n.get_axis_num("seed")),
            labels=[f"n = {n}" for n in plain.n.values],
            seeds=range(plain.sizes["seed"]),
        ),
    }


def a2(counts: list) -> dict:
    """Empirical means support a number of queries that grows with n."""
    n, tolerated = tolerated_at_best_noise(counts)
    labels = [f"n = {size}" for size in n]
    return {
        "slope": _power(n, tolerated["naive"]),
        "ratio": measured(tolerated["naive"] / n, labels=labels),
        "tolerated": measured(tolerated["naive"], labels=labels),
    }


def a3(counts: list) -> dict:
    """Noise supports a number of queries that grows nearly with the square of n."""
    n, tolerated = tolerated_at_best_noise(counts)
    labels = [f"n = {size}" for size in n]
    slope = _power(n, tolerated["gaussian"])
    return {
        "slope": slope,
        "slope_gain": slope - _power(n, tolerated["naive"]),
        "gain_at_largest": tolerated["gaussian"][-1] / tolerated["naive"][-1],
        "tolerated": measured(tolerated["gaussian"], labels=labels),
        "laplace": measured(tolerated["laplace"], labels=labels),
    }


def a4(small, large, certified) -> dict:
    """Private multiplicative weights stays accurate under reconstruction, where means and noise do not."""
    queries = small["queries"].values
    many = _many(queries)
    worst = small.worst.mean("seed", skipna=False)
    pmw = small.worst.sel(mechanism="pmw")
    return {
        "pmw": _mean_over_seeds(pmw),
        "pmw_worst_seed": measured(pmw.max("seed", skipna=False).values, labels=[f"m = {m}" for m in queries]),
        "naive": measured(worst.sel(mechanism="naive").values[many], labels=[f"m = {m}" for m in queries[many]]),
        "gaussian_at_largest": worst.sel(mechanism="gaussian").values[-1],
        "pmw_without_noise": small.worst.sel(mechanism="pmw_exact").max().item(),
        "large_pmw": large.worst.sel(mechanism="pmw").max().item(),
        "large_naive": large.worst.mean("seed").sel(mechanism="naive").values[-1],
        "epsilon_of_updates_made": small.epsilon.sel(composition="basic").mean().item(),
        "certified_epsilon": certified.epsilon_bound,
        "certified_error": certified.worst.sel(mechanism="pmw").max().item(),
    }


def a4b(small) -> dict:
    """The updates of private multiplicative weights stay below their bound and hardly grow with the queries."""
    queries = small["queries"].values
    updates = small.updates.sel(variant="pmw").mean("seed").values
    labels = [f"m = {m}" for m in queries]
    return {
        "updates_over_bound": measured(updates / small.update_bound, labels=labels),
        "updates": measured(updates, labels=labels, seeds=range(small.sizes["seed"])),
        "growth": updates[-1] / np.maximum(updates[_many(queries)][0], 1e-9),
        "slope_in_log_m": _power(queries[1:], updates[1:] + 0.25),
    }


def a5(transfer, audit) -> dict:
    """A query that the exponential mechanism picks is biased by less than the transfer theorem allows."""
    bias = estimate_mean(transfer.bias, axis=transfer.bias.get_axis_num("run"))
    epsilon, premises = transfer.epsilon.values, transfer.premises.values.astype(bool)
    beyond = (np.abs(transfer.bias) > transfer.tau).where(transfer.bias.notnull())
    labels = _labels("eps", epsilon)
    return {
        "excess": measured(bias.value - transfer.bound.values - 2 * bias.se, labels=labels),
        "bias": measured(bias.value, se=bias.se, labels=labels),
        "failures": measured(beyond.mean("run").values[premises], labels=_labels("eps", epsilon[premises])),
        "largest_mean": transfer.largest.mean().item(),
        "samples_needed": transfer.samples_needed,
        "accounted_epsilon": measured(audit.accounted.values, labels=list(audit.mechanism.values)),
        "audited_epsilon": measured(audit.audited.values, labels=list(audit.mechanism.values)),
    }


def a6(counts: list) -> dict:
    """Sample splitting supports a number of queries that grows with n."""
    n, tolerated = tolerated_at_best_noise(counts)
    return {
        "slope": _power(n, tolerated["split"]),
        "tolerated": measured(tolerated["split"], labels=[f"n = {size}" for size in n]),
    }


def a7(signs) -> dict:
    """An analyst who ignores the answers meets no error above the union bound."""
    bound = fixed_query_bound(signs.control_size, signs.control_size, 0.05)
    return {
        "share_within": float((signs.control.values <= bound).mean()),
        "bound": bound,
        "mean_error": signs.control.mean().item(),
    }


def a8(holdout) -> dict:
    """Thresholdout reports the fresh accuracy of selected features where a plain holdout reports too much."""
    largest = holdout.accuracy.isel(k=-1).sel(data="no signal").mean("seed")
    gap = {
        mechanism: (
            largest.sel(mechanism=mechanism, kind="holdout") - largest.sel(mechanism=mechanism, kind="fresh")
        ).item()
        for mechanism in largest.mechanism.values
    }
    signal = holdout.accuracy.sel(data="signal", kind="fresh").isel(k=0).mean("seed")
    spent = holdout.spent.sel(noise="gaussian").mean("seed")
    return {
        "standard_gap": gap["standard"],
        "thresholdout_gap": gap["thresholdout"],
        "ratio": np.divide(gap["thresholdout"], gap["standard"]),
        "thresholdout_gap_with_laplace_noise": gap["thresholdout, Laplace"],
        "fresh_with_signal": measured(signal.values, labels=list(signal.mechanism.values)),
        "answers_from_holdout": measured(spent.values, labels=list(holdout["data"].values)),
    }


def a9(few) -> dict:
    """With few queries Gaussian noise errs more than empirical means."""
    errors = few.worst.isel(queries=0)
    excess = (errors.sel(mechanism="gaussian") - errors.sel(mechanism="naive")).values
    names = ("naive", "gaussian", "pmw")
    return {
        "gaussian_minus_naive": measured(excess.mean(), se=standard_error(excess), seeds=range(len(excess))),
        "errors": measured([errors.sel(mechanism=name).mean().item() for name in names], labels=names),
    }


def a10(checks) -> dict:
    """A holdout catches all wrong guesses with few false alarms; one of few samples runs out of alarms early."""
    fate = checks.fate.transpose("size", "what", "seed")
    enough, few = fate.isel(size=0), fate.isel(size=-1)
    return {
        "missed": measured(enough.sel(what="of these missed").values),
        "false_alarms": measured(enough.sel(what="false alarms").values),
        "looked_at": measured(enough.sel(what="guesses looked at").values),
        "looked_at_with_few_samples": measured(few.sel(what="guesses looked at").values),
    }


def a10b(checks) -> dict:
    """Effective rounds answers the overfitted last query after one alarm; empirical means and noise do not."""
    error = checks.error.isel(queries=-1).transpose("n", "mechanism", "query", "seed")
    rounds = error.sel(mechanism="effective_rounds")
    last = error.sel(query="last").mean("seed")
    labels = [f"n = {n}" for n in checks.n.values]
    return {
        "last_error": measured(rounds.sel(query="last").values.ravel()),
        "largest_error": measured(rounds.max("query", skipna=False).values.ravel()),
        "alarms": measured(checks.alarms.isel(queries=-1).values.ravel()),
        "naive": measured(last.sel(mechanism="naive").values, labels=labels),
        "gaussian": measured(last.sel(mechanism="gaussian").values, labels=labels),
    }


def a11(screen) -> dict:
    """Regressions on screened noise look significant on the screening data, and on no other."""
    report = screen.report.transpose("route", "measure", "run")
    significant = (report.sel(measure="p_value") < 0.05).mean("run")
    same = report.sel(route="same data")
    naive_gap, gaussian_gap = screen.gap.mean("query_run").values
    return {
        "significant_on_same_data": significant.sel(route="same data").item(),
        "significant_on_fresh_sample": significant.sel(route="fresh sample").item(),
        "significant_on_split_sample": significant.sel(route="split sample").item(),
        "apparent_r2": same.sel(measure="r2").mean().item(),
        "fresh_r2": same.sel(measure="fresh_r2").mean().item(),
        "variables_kept": screen.kept.mean().item(),
        "query_gap_ratio": naive_gap / gaussian_gap,
        "query_gaps": measured([naive_gap, gaussian_gap], labels=["naive", "gaussian"]),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
