"""Measure every claim of the paper; verdicts are given elsewhere."""

import numpy as np

from lib.atlas.job.claims import claim, measured
from lib.stats.intervals import estimate_mean, estimate_slope, standard_error


def claims(signs, counts: list, small, large, few, certified, transfer, holdout, checks, screen, audit) -> dict:
    """Return the measured quantities of each claim."""
    n, tolerated = tolerated_queries(counts)
    slope = {name: estimate_slope(np.log(n), np.log(values)).value for name, values in tolerated.items()}
    labels = [f"n = {size}" for size in n]

    plain = signs.sel(sigma=0.0)
    mean, expected = plain.error.mean("seed"), plain.bias
    at_n = mean.sel(ratio=1.0)
    control_bound = np.sqrt(np.log(2 * signs.control_size / 0.05) / (2 * signs.control_size))

    queries = small["queries"].values
    many = queries >= 4096 if (queries >= 4096).any() else queries == queries.max()
    worst, worst_large = (data.worst.mean("seed") for data in (small, large))
    pmw = small.worst.sel(mechanism="pmw")
    updates = small.updates.sel(variant="pmw").mean("seed").values

    bias = estimate_mean(transfer.bias, axis=transfer.bias.get_axis_num("run"))
    missed = (np.abs(transfer.bias) > transfer.tau).mean("run").values[transfer.premises.values]

    told = holdout.accuracy.isel(k=-1).sel(data="no signal").mean("seed")
    gap = {
        m: (told.sel(mechanism=m, kind="holdout") - told.sel(mechanism=m, kind="fresh")).item()
        for m in told.mechanism.values
    }
    signal = holdout.accuracy.sel(data="signal", kind="fresh").isel(k=0).mean("seed")

    fate = checks.fate.transpose("size", "what", "seed").values
    rounds = checks.error.isel(queries=-1).transpose("n", "mechanism", "query", "seed")
    own = rounds.sel(mechanism="effective_rounds")

    report = screen.report.transpose("route", "measure", "run")
    f_test = (report.sel(measure="p_value") < 0.05).mean("run")
    naive_gap, gaussian_gap = screen.gap.mean("query_run").values
    one = few.worst.isel(queries=0)
    excess = (one.sel(mechanism="gaussian") - one.sel(mechanism="naive")).values
    seeds = range(small.sizes["seed"])
    return {
        "a1": claim(
            rests_on=["signs"],
            deviation=measured(
                np.abs(mean - expected).values.ravel(),
                labels=[f"n = {size}, m/n = {r:g}" for size in plain.n.values for r in plain.ratio.values],
            ),
            error_at_n=measured(
                at_n.values,
                se=standard_error(plain.error.sel(ratio=1.0), plain.error.sel(ratio=1.0).get_axis_num("seed")),
                labels=[f"n = {size}" for size in plain.n.values],
                seeds=range(plain.sizes["seed"]),
            ),
        ),
        "a2": claim(
            rests_on=["counts"],
            slope=slope["naive"],
            ratio=measured(tolerated["naive"] / n, labels=labels),
            tolerated=measured(tolerated["naive"], labels=labels),
        ),
        "a3": claim(
            rests_on=["counts"],
            slope=slope["gaussian"],
            slope_gain=slope["gaussian"] - slope["naive"],
            gain_at_largest=tolerated["gaussian"][-1] / tolerated["naive"][-1],
            tolerated=measured(tolerated["gaussian"], labels=labels),
            laplace=measured(tolerated["laplace"], labels=labels),
        ),
        "a4": claim(
            rests_on=["small", "large", "certified"],
            pmw=measured(
                pmw.mean("seed").values,
                se=standard_error(pmw, pmw.get_axis_num("seed")),
                labels=[f"m = {m}" for m in queries],
                seeds=seeds,
            ),
            pmw_worst_seed=measured(pmw.max("seed").values, labels=[f"m = {m}" for m in queries]),
            naive=measured(worst.sel(mechanism="naive").values[many], labels=[f"m = {m}" for m in queries[many]]),
            gaussian_at_largest=worst.sel(mechanism="gaussian").values[-1],
            pmw_without_noise=small.worst.sel(mechanism="pmw_exact").max().item(),
            large_pmw=large.worst.sel(mechanism="pmw").max().item(),
            large_naive=worst_large.sel(mechanism="naive").values[-1],
            epsilon_of_updates_made=small.epsilon.sel(composition="basic").mean().item(),
            certified_epsilon=certified.epsilon_bound,
            certified_error=certified.worst.sel(mechanism="pmw").max().item(),
        ),
        "a4b": claim(
            rests_on=["small"],
            updates_over_bound=measured(updates / small.update_bound, labels=[f"m = {m}" for m in queries]),
            updates=measured(updates, labels=[f"m = {m}" for m in queries], seeds=seeds),
            growth=updates[-1] / max(updates[many][0], 1e-9),
            slope_in_log_m=estimate_slope(np.log(queries[1:]), np.log(updates[1:] + 0.25)).value,
        ),
        "a5": claim(
            rests_on=["transfer", "audit"],
            excess=measured(
                (bias.value - transfer.bound - 2 * bias.se).values, labels=[f"eps = {e:g}" for e in transfer.epsilon]
            ),
            bias=measured(bias.value, se=bias.se, labels=[f"eps = {e:g}" for e in transfer.epsilon]),
            failures=measured(missed, labels=[f"eps = {e:g}" for e in transfer.epsilon.values[transfer.premises]]),
            largest_mean=transfer.largest.mean().item(),
            samples_needed=transfer.samples_needed,
            accounted_epsilon=measured(audit.accounted.values, labels=list(audit.mechanism.values)),
            audited_epsilon=measured(audit.audited.values, labels=list(audit.mechanism.values)),
        ),
        "a6": claim(
            rests_on=["counts"],
            slope=slope["split"],
            tolerated=measured(tolerated["split"], labels=labels),
        ),
        "a7": claim(
            rests_on=["signs"],
            share_within=float((signs.control.values <= control_bound).mean()),
            bound=control_bound,
            mean_error=signs.control.mean().item(),
        ),
        "a8": claim(
            rests_on=["holdout"],
            standard_gap=gap["standard"],
            thresholdout_gap=gap["thresholdout"],
            ratio=gap["thresholdout"] / gap["standard"],
            thresholdout_gap_with_laplace_noise=gap["thresholdout, Laplace"],
            fresh_with_signal=measured(signal.values, labels=list(signal.mechanism.values)),
            answers_from_holdout=measured(
                holdout.spent.sel(noise="gaussian").mean("seed").values, labels=list(holdout["data"].values)
            ),
        ),
        "a9": claim(
            rests_on=["few"],
            gaussian_minus_naive=measured(excess.mean(), se=standard_error(excess), seeds=range(len(excess))),
            errors=measured(
                [one.sel(mechanism=name).mean().item() for name in ("naive", "gaussian", "pmw")],
                labels=["naive", "gaussian", "pmw"],
            ),
        ),
        "a10": claim(
            rests_on=["checks"],
            missed=measured(fate[0, 1]),
            false_alarms=measured(fate[0, 2]),
            looked_at=measured(fate[0, 3]),
            looked_at_with_few_samples=measured(fate[-1, 3]),
        ),
        "a10b": claim(
            rests_on=["checks"],
            last_error=measured(own.sel(query="last").values.ravel()),
            largest_error=measured(own.max("query", skipna=False).values.ravel()),
            alarms=measured(checks.alarms.isel(queries=-1).values.ravel()),
            naive=measured(rounds.sel(mechanism="naive", query="last").mean("seed").values, labels=_sizes(checks)),
            gaussian=measured(
                rounds.sel(mechanism="gaussian", query="last").mean("seed").values, labels=_sizes(checks)
            ),
        ),
        "a11": claim(
            rests_on=["screen"],
            significant_on_same_data=f_test.sel(route="same data").item(),
            significant_on_fresh_sample=f_test.sel(route="fresh sample").item(),
            significant_on_split_sample=f_test.sel(route="split sample").item(),
            apparent_r2=report.sel(route="same data", measure="r2").mean().item(),
            fresh_r2=report.sel(route="same data", measure="fresh_r2").mean().item(),
            variables_kept=screen.kept.mean().item(),
            query_gap_ratio=naive_gap / gaussian_gap,
            query_gaps=measured([naive_gap, gaussian_gap], labels=["naive", "gaussian"]),
        ),
    }


def _sizes(checks) -> list[str]:
    return [f"n = {n}" for n in checks.n.values]


def tolerated_queries(counts: list) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Numbers of samples, and by mechanism the tolerated queries at its best noise."""
    runs = sorted(counts, key=lambda run: run.n)
    best = {
        name: np.array([run.tolerated.values[run.mechanism.values == name].max() for run in runs])
        for name in dict.fromkeys(runs[0].mechanism.values.tolist())
    }
    return np.array([run.n for run in runs]), best


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(claims, snakemake)
