"""Claims of the paper, each measured from the stores that it rests on."""

import numpy as np

from lib.atlas.job.claims import measured
from lib.stats.intervals import standard_error

TREND = [0.1, 0.2, 0.3]  # values of alpha at which the trend of message passing with the dimension is judged


def _mean(values) -> tuple[np.ndarray, np.ndarray | None]:
    """Mean over the first axis, and its standard error where there is more than one unit."""
    values = np.asarray(values)
    return values.mean(axis=0), standard_error(values) if len(values) > 1 else None


def _item(mean, se, index: int, seeds) -> dict:
    """One item of a mean as a measured quantity."""
    return measured(mean[index], se=None if se is None else se[index], seeds=seeds)


def _at(run, alphas):
    """The run at those alphas that it has."""
    return run.sel(alpha=[alpha for alpha in alphas if alpha in run.alpha.values])


def _labels(run) -> list[str]:
    return [f"alpha = {alpha:g}" for alpha in run.alpha.values]


def _final_errors(run) -> tuple[np.ndarray, np.ndarray | None]:
    """Errors of message passing after its last iteration, by alpha: mean over teachers and standard error."""
    return _mean(run.error.values[:, :, -1])


def _over_bayes(run) -> dict:
    """Final error of message passing over the Bayes error, by alpha."""
    mean, se = _mean(run.error.values[:, :, -1] / run.bayes_error.values)
    return measured(mean, se=se, labels=_labels(run), seeds=run.teacher.values)


def _deviation_from_bayes(run) -> float:
    """Mean distance of that ratio from 1."""
    return np.mean(np.abs(np.array(_over_bayes(run)["value"]) - 1))


def _over_runs(runs, values) -> dict:
    """`values(run)` by alpha, mean over the runs (one for each teacher)."""
    mean, se = _mean([values(run) for run in runs])
    return measured(mean, se=se, labels=_labels(runs[0]), seeds=range(len(runs)))


def _average_over_bayes(runs, alphas) -> dict:
    """De-biased error of averaged descent without weight decay, over the Bayes error."""
    return _over_runs(
        [_at(run, alphas) for run in runs], lambda run: run.error_limit.values[:, 0] / run.bayes_error.values
    )


def q1(theory) -> dict:
    """The closed form gives the authors' values, and a density with the right moments."""
    return {
        "largest_deviation": np.max(np.abs(theory.reference_error.values - theory.reference_published.values)),
        "largest_moment_error": np.max(np.abs(theory.moments.values / theory.moments_expected.values - 1)),
    }


def q2(theory, amp_threshold) -> dict:
    """The Bayes error vanishes at the recovery threshold, and message passing follows it."""
    mean, se = _final_errors(amp_threshold)
    alphas, teachers = amp_threshold.alpha.values, amp_threshold.teacher.values
    return {
        "error_at_threshold": measured(
            theory.threshold_error.values, labels=[f"kappa = {kappa:g}" for kappa in theory.threshold.values]
        ),
        "amp_above": _item(mean, se, int(np.argmax(alphas)), teachers),
        "amp_below": _item(mean, se, int(np.argmin(alphas)), teachers),
    }


def q3(amp_clean, amp_small, amp_large) -> dict:
    """Without noise message passing reaches the Bayes error, the closer the larger the dimension."""
    small, large = (_deviation_from_bayes(_at(run, TREND)) for run in (amp_small, amp_large))
    return {
        "ratio": _over_bayes(_at(amp_clean, TREND)),
        "deviation_growth": large - small,
        "deviation_small": small,
        "deviation_large": large,
    }


def q4(amp_noisy) -> dict:
    """With noise message passing reaches the Bayes error."""
    return {"ratio": _over_bayes(amp_noisy)}


def q5(spectra) -> dict:
    """The optimal denoiser has its asymptotic error, at most that of linear shrinkage."""
    rie = spectra.rie_error.values
    return {
        "largest_deviation": np.max(np.abs(rie / spectra.rie_theory.values - 1)),
        "largest_ratio_to_linear": np.max(rie / spectra.linear_error.values),
    }


def q6(gd_clean: list) -> dict:
    """One run of gradient descent has twice the error of the average over runs."""
    runs = [_at(run, TREND) for run in gd_clean]
    return {
        "ratio": _over_runs(runs, lambda run: (run.error_single.mean("initialisation") / run.error_limit).values[:, 0]),
        "largest_loss": np.max([np.max(run.loss.values) for run in gd_clean]),
    }


def q6b(gd_clean: list) -> dict:
    """Averaged descent reaches the Bayes error; averages and single runs beside the identity, whose error is 1."""
    labels, teachers = _labels(gd_clean[0]), range(len(gd_clean))
    average, _ = _mean([run.error_average.values[:, 0, -1] for run in gd_clean])
    single, _ = _mean([run.error_single.values[:, 0].mean(-1) for run in gd_clean])
    return {
        "ratio": _average_over_bayes(gd_clean, [0.1, 0.2]),
        "error_of_average": measured(average, labels=labels, seeds=teachers),
        "error_of_single_run": measured(single, labels=labels, seeds=teachers),
    }


def q6c(gd_clean: list) -> dict:
    """Averaged descent reaches the Bayes error close to the threshold; also beside message passing."""
    runs = [_at(run, [0.3]) for run in gd_clean]
    return {
        "ratio": _average_over_bayes(gd_clean, [0.3]),
        "ratio_to_amp": _over_runs(runs, lambda run: run.error_limit.values[:, 0] / run.amp_error.values),
    }


def q7(gd_noisy: list) -> dict:
    """With noise averaged descent stays above message passing at every weight decay."""
    runs = [run.sel(alpha=0.5) for run in gd_noisy]
    best = int(np.argmin(np.mean([run.error_limit.values for run in runs], axis=0)))
    limits = [run.error_limit.values[best] for run in runs]
    to_amp, se = _mean([limit / run.amp_error.values for limit, run in zip(limits, runs)])
    to_bayes, _ = _mean([limit / run.bayes_error.values for limit, run in zip(limits, runs)])
    return {
        "ratio_to_amp": measured(to_amp, se=se, seeds=range(len(runs))),
        "ratio_to_bayes": to_bayes,
        "best_decay": gd_noisy[0].decay.values[best],
    }


def q8(baselines, amp_small) -> dict:
    """Minimum-norm interpolation has the error 1 - 2 alpha, well above that of message passing."""
    norm = baselines.sel(estimator="min_norm").error.mean("teacher")
    inner = [alpha for alpha in baselines.alpha.values if 0.04 < alpha < 0.35]
    expected = 1 - 2 * baselines.samples.sel(alpha=inner).values / baselines.d**2
    message_passing = amp_small.error.sel(alpha=0.2).isel(iteration=-1).mean().item()
    at_the_same_alpha = norm.sel(alpha=0.2) if 0.2 in baselines.alpha.values else norm.interp(alpha=0.2)
    return {
        "largest_deviation": np.max(np.abs(norm.sel(alpha=inner).values / expected - 1)),
        "amp_over_min_norm": message_passing / at_the_same_alpha.item(),
    }


def q9(amp_rank1, amp_goe) -> dict:
    """Message passing has the same error with rank-one and with Gaussian sensing matrices."""
    gaussian, gaussian_se = _final_errors(amp_goe)
    rank_one, rank_one_se = _final_errors(amp_rank1)
    labels = _labels(amp_goe)
    return {
        "standard_errors": measured(np.abs(gaussian - rank_one) / np.hypot(gaussian_se, rank_one_se), labels=labels),
        "rank_one": measured(rank_one, se=rank_one_se, labels=labels, seeds=amp_rank1.teacher.values),
        "gaussian": measured(gaussian, se=gaussian_se, labels=labels, seeds=amp_goe.teacher.values),
    }


def q10(theory) -> dict:
    """Wide networks have the error 1 - 2 alpha, narrow ones the authors' values."""
    return {
        "wide_deviation": np.max(np.abs(theory.wide_error.values - (1 - 2 * theory.wide_alpha.values))),
        "narrow_deviation": np.max(np.abs(theory.narrow_error.values - theory.narrow_published.values)),
    }


def q11(amp_plain, amp_onsager) -> dict:
    """Without the Onsager term the error of message passing is larger."""
    ratio = _final_errors(amp_plain)[0] / _final_errors(amp_onsager)[0]
    return {"ratio": measured(ratio, labels=_labels(amp_plain), seeds=amp_plain.teacher.values)}


def q12(theory) -> dict:
    """State evolution ends at the error of the closed form."""
    return {"largest_difference": np.max(np.abs(theory.fixed_point.values - theory.fixed_point_error.values))}


def q13(theory, baselines_few) -> dict:
    """With n = O(d) samples the Bayes error is 1 - 2 alpha, and linear estimators stay at the level of the identity."""
    mean, se = _mean(baselines_few.error.values[:, 0, :])
    names, teachers = list(baselines_few.estimator.values), baselines_few.teacher.values
    errors = {name: _item(mean, se, names.index(name), teachers) for name in names}
    return {
        "small_alpha_deviation": np.max(np.abs(theory.few_error.values - (1 - 2 * theory.few_alpha.values))),
        "identity": errors["identity"],
        "least_squares": min((errors["min_norm"], errors["ridge"]), key=lambda quantity: quantity["value"]),
        "linear_regression": errors["linear_regression"],
        "constant": errors["constant"],
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
