"""Measure every claim of the paper; verdicts are given elsewhere."""

import numpy as np

from lib.atlas.job.claims import claim, measured
from lib.stats.intervals import standard_error


def _mean(values) -> tuple[np.ndarray, np.ndarray | None]:
    """Mean and standard error over the first axis."""
    values = np.asarray(values)
    se = standard_error(values) if len(values) > 1 else None
    return values.mean(axis=0), se


def _ratio(run, alphas=None):
    """Final error over Bayes error by alpha: mean, standard error, labels and teachers."""
    run = run if alphas is None else run.sel(alpha=[a for a in alphas if a in run.alpha.values])
    mean, se = _mean(run.error.values[:, :, -1] / run.bayes_error.values)
    return mean, se, [f"alpha = {a:g}" for a in run.alpha.values], run.teacher.values


def _quantity(mean, se, labels, teachers):
    return measured(mean, se=se, labels=labels, seeds=teachers)


def _averaging(runs, alphas, values):
    """Values of several teachers at the wanted alphas, as a measured quantity."""
    kept = [a for a in alphas if a in runs[0].alpha.values]
    mean, se = _mean([values(run.sel(alpha=kept)) for run in runs])
    return measured(mean, se=se, labels=[f"alpha = {a:g}" for a in kept], seeds=range(len(runs)))


def claims(
    theory,
    amp_large,
    amp_clean,
    amp_small,
    amp_noisy,
    amp_threshold,
    amp_rank1,
    amp_goe,
    amp_plain,
    amp_onsager,
    gd_clean: list,
    gd_noisy: list,
    baselines,
    baselines_few,
    spectra,
) -> dict:
    """Return the measured quantities of each claim."""
    trend = [0.1, 0.2, 0.3]
    deviation = {name: np.mean(np.abs(_ratio(run, trend)[0] - 1)) for name, run in (("s", amp_small), ("l", amp_large))}
    threshold, threshold_se = _mean(amp_threshold.error.values[:, :, -1])
    below, above = int(np.argmin(amp_threshold.alpha.values)), int(np.argmax(amp_threshold.alpha.values))
    rie, linear = spectra.rie_error.values, spectra.linear_error.values

    noisy_at = [0.5]
    noisy = [run.sel(alpha=noisy_at) for run in gd_noisy]
    limit = np.mean([run.error_limit.values for run in noisy], axis=0)[0]
    best = int(np.argmin(limit))
    per_teacher = [run.error_limit.values[0, best] / run.amp_error.values[0] for run in noisy]
    to_amp, to_amp_se = _mean(per_teacher)
    to_bayes, _ = _mean([run.error_limit.values[0, best] / run.bayes_error.values[0] for run in noisy])

    norm = baselines.sel(estimator="min_norm").error.mean("teacher")
    inner = [a for a in baselines.alpha.values if 0.04 < a < 0.35]
    norm_deviation = np.abs(
        norm.sel(alpha=inner).values / (1 - 2 * baselines.samples.sel(alpha=inner) / baselines.d**2) - 1
    )
    amp_at = amp_small.error.sel(alpha=0.2).isel(iteration=-1).mean().item()
    norm_at = norm.sel(alpha=0.2).item() if 0.2 in baselines.alpha.values else norm.interp(alpha=0.2).item()

    goe, goe_se = _mean(amp_goe.error.values[:, :, -1])
    one, one_se = _mean(amp_rank1.error.values[:, :, -1])
    plain, _ = _mean(amp_plain.error.values[:, :, -1])
    kept, _ = _mean(amp_onsager.error.values[:, :, -1])
    at = [f"alpha = {a:g}" for a in amp_goe.alpha.values]
    few, few_se = _mean(baselines_few.error.values[:, 0, :])
    few = dict(zip(baselines_few.estimator.values, zip(few, [None] * len(few) if few_se is None else few_se)))
    teachers = baselines_few.teacher.values

    def few_measured(name):
        return measured(few[name][0], se=few[name][1], seeds=teachers)

    small_alpha = np.abs(theory.few_error.values - (1 - 2 * theory.few_alpha.values))
    single = "error_single"
    # where the identity (error 1) stops winning against averages, and against single runs
    averaged, _ = _mean([run.error_average.values[:, 0, -1] for run in gd_clean])
    alone, _ = _mean([run.error_single.values[:, 0].mean(-1) for run in gd_clean])
    at_alpha = [f"alpha = {a:g}" for a in gd_clean[0].alpha.values]
    return {
        "q1": claim(
            rests_on=["theory"],
            largest_deviation=np.max(np.abs(theory.reference_error.values - theory.reference_published.values)),
            largest_moment_error=np.max(np.abs(theory.moments.values / theory.moments_expected.values - 1)),
        ),
        "q2": claim(
            rests_on=["theory", "amp_threshold"],
            error_at_threshold=measured(
                theory.threshold_error.values, labels=[f"kappa = {k:g}" for k in theory.threshold.values]
            ),
            amp_above=measured(
                threshold[above],
                se=None if threshold_se is None else threshold_se[above],
                seeds=amp_threshold.teacher.values,
            ),
            amp_below=measured(
                threshold[below],
                se=None if threshold_se is None else threshold_se[below],
                seeds=amp_threshold.teacher.values,
            ),
        ),
        "q3": claim(
            rests_on=["amp_clean", "amp_small", "amp_large"],
            ratio=_quantity(*_ratio(amp_clean, trend)),
            deviation_growth=deviation["l"] - deviation["s"],
            deviation_small=deviation["s"],
            deviation_large=deviation["l"],
        ),
        "q4": claim(rests_on=["amp_noisy"], ratio=_quantity(*_ratio(amp_noisy))),
        "q5": claim(
            rests_on=["spectra"],
            largest_deviation=np.max(np.abs(rie / spectra.rie_theory.values - 1)),
            largest_ratio_to_linear=np.max(rie / linear),
        ),
        "q6": claim(
            rests_on=["gd_clean"],
            ratio=_averaging(
                gd_clean, trend, lambda run: (run[single].mean("initialisation") / run.error_limit).values[:, 0]
            ),
            largest_loss=max(float(run.loss.max()) for run in gd_clean),
        ),
        "q6b": claim(
            rests_on=["gd_clean"],
            ratio=_averaging(gd_clean, [0.1, 0.2], lambda run: run.error_limit.values[:, 0] / run.bayes_error.values),
            error_of_average=measured(averaged, labels=at_alpha, seeds=range(len(gd_clean))),
            error_of_single_run=measured(alone, labels=at_alpha, seeds=range(len(gd_clean))),
        ),
        "q6c": claim(
            rests_on=["gd_clean"],
            ratio=_averaging(gd_clean, [0.3], lambda run: run.error_limit.values[:, 0] / run.bayes_error.values),
            ratio_to_amp=_averaging(gd_clean, [0.3], lambda run: run.error_limit.values[:, 0] / run.amp_error.values),
        ),
        "q7": claim(
            rests_on=["gd_noisy"],
            ratio_to_amp=measured(to_amp, se=to_amp_se, seeds=range(len(gd_noisy))),
            ratio_to_bayes=to_bayes,
            best_decay=gd_noisy[0].decay.values[best],
        ),
        "q8": claim(
            rests_on=["baselines", "amp_small"],
            largest_deviation=np.max(norm_deviation.values),
            amp_over_min_norm=amp_at / norm_at,
        ),
        "q9": claim(
            rests_on=["amp_rank1", "amp_goe"],
            standard_errors=measured(np.abs(goe - one) / np.hypot(goe_se, one_se), labels=at),
            rank_one=measured(one, se=one_se, labels=at, seeds=amp_rank1.teacher.values),
            gaussian=measured(goe, se=goe_se, labels=at, seeds=amp_goe.teacher.values),
        ),
        "q10": claim(
            rests_on=["theory"],
            wide_deviation=np.max(np.abs(theory.wide_error.values - (1 - 2 * theory.wide_alpha.values))),
            narrow_deviation=np.max(np.abs(theory.narrow_error.values - theory.narrow_published.values)),
        ),
        "q11": claim(
            rests_on=["amp_plain", "amp_onsager"],
            ratio=measured(plain / kept, labels=at, seeds=amp_plain.teacher.values),
        ),
        "q12": claim(
            rests_on=["theory"],
            largest_difference=np.max(np.abs(theory.fixed_point.values - theory.fixed_point_error.values)),
        ),
        "q13": claim(
            rests_on=["theory", "baselines_few"],
            small_alpha_deviation=np.max(small_alpha),
            identity=few_measured("identity"),
            least_squares=min((few_measured(n) for n in ("min_norm", "ridge")), key=lambda q: q["value"]),
            linear_regression=few_measured("linear_regression"),
            constant=few_measured("constant"),
        ),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(claims, snakemake)
