"""Claims of the paper, each measured from the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, share_of
from lib.stats.intervals import (
    Estimate,
    difference_of,
    estimate_difference,
    estimate_mean,
    estimate_ratio,
    extreme_of,
    magnitude_of,
    mean_of,
    ratio_of,
    side_by_side,
    without_error,
)

TREND = [0.1, 0.2, 0.3]  # values of alpha at which the trend of message passing with the dimension is judged


def _at(run, alphas):
    """The run at those alphas that it has."""
    return run.sel(alpha=[alpha for alpha in alphas if alpha in run.alpha.values])


def _labels(run) -> list[str]:
    return [f"alpha = {alpha:g}" for alpha in run.alpha.values]


def _mean(values: np.ndarray) -> Estimate:
    """Mean over the teachers, the first axis, whose run converged; the error of a single one is not known."""
    return _over_known(estimate_mean, values)


def _over_known(estimate, *columns: np.ndarray) -> Estimate:
    """An estimate of paired columns (teacher, alpha), or (teacher,), over the teachers that have all values.

    It is not a number where no teacher has them; its error is not known where one has.
    """
    if columns[0].ndim > 1:
        return side_by_side(_over_known(estimate, *one) for one in zip(*(column.T for column in columns)))
    known = np.isfinite(columns).all(axis=0)
    chosen = [column[known] for column in columns]
    if known.sum() > 1:
        return estimate(*chosen)
    if not known.any():
        return without_error(np.nan, 0)
    doubled = estimate(*(np.repeat(column, 2) for column in chosen))
    return without_error(doubled.value, 1)


def _final_errors(run) -> np.ndarray:
    """Errors of message passing after its last iteration, (teacher, alpha), NaN where it did not converge."""
    return run.error.values[:, :, -1]


def _over_bayes(run) -> np.ndarray:
    """Final errors of message passing over the Bayes error, (teacher, alpha)."""
    return _final_errors(run) / run.bayes_error.values


def _deviation_from_bayes(run) -> Estimate:
    """Mean distance of the mean ratio from 1; every alpha has teachers of its own."""
    return mean_of(magnitude_of(_mean(_over_bayes(run) - 1)))


def _over_teachers(values, run) -> dict:
    """Mean over the teachers of a run whose message passing converged, of values (teacher, alpha)."""
    return estimated(_mean(values), "teachers", labels=_labels(run))


def _converged(run) -> dict:
    """Share of the runs of message passing that converged."""
    known = np.isfinite(_final_errors(run))
    return share_of("runs", int(known.sum()), known.size)


def _main(runs, alphas=None) -> list:
    """Runs of gradient descent in the dimension of the claims, one for each teacher; at those alphas that they have."""
    return _in_dimension("main", runs, alphas)


def _in_dimension(name: str, runs, alphas=None) -> list:
    runs = [run.sel(dimension=name) for run in runs]
    return runs if alphas is None else [_at(run, alphas) for run in runs]


def _by_teacher(runs, values) -> np.ndarray:
    """`values(run)` of runs of gradient descent, one for each teacher: (teacher, alpha)."""
    return np.array([values(run) for run in runs])


def _over_runs(runs, values) -> dict:
    """`values(run)` by alpha, mean over the teachers with a value."""
    estimate = _mean(_by_teacher(runs, values))
    return estimated(estimate, "teachers", labels=_labels(runs[0]), ids=range(len(runs)))


def _limit_over_bayes(run) -> np.ndarray:
    """De-biased error of averaged descent without weight decay, over the Bayes error, (alpha,)."""
    return run.error_limit.values[:, 0] / run.bayes_error.values


def _average_reaches_bayes(runs, alphas) -> dict:
    """Averaged descent beside the Bayes error at some alphas, and how that changes from the smaller dimension."""
    runs, small = (_in_dimension(name, runs, alphas) for name in ("main", "small"))
    growth = difference_of(*(_mean(_by_teacher(dimension, _limit_over_bayes)) for dimension in (runs, small)))
    return {
        "ratio": _over_runs(runs, _limit_over_bayes),
        "ratio_small": _over_runs(small, _limit_over_bayes),
        "growth": estimated(growth, "teachers", labels=_labels(runs[0])),
    }


def q1(theory) -> dict:
    """The closed form gives the authors' values, and a density with the right moments."""
    points = zip(theory.reference_alpha.values, theory.reference_noise.values)
    return {
        "largest_deviation": exact(np.max(np.abs(theory.reference_error.values - theory.reference_published.values))),
        "largest_moment_error": exact(np.max(np.abs(theory.moments.values / theory.moments_expected.values - 1))),
        "error": exact(
            theory.reference_error.values, labels=[f"alpha = {alpha:g}, noise = {noise:g}" for alpha, noise in points]
        ),
    }


def q2(theory, amp_threshold) -> dict:
    """The Bayes error vanishes at the recovery threshold, and message passing follows it."""
    errors = _final_errors(amp_threshold)
    above, below = np.argmax(amp_threshold.alpha.values), np.argmin(amp_threshold.alpha.values)
    return {
        "error_at_threshold": exact(
            theory.threshold_error.values, labels=[f"kappa = {kappa:g}" for kappa in theory.threshold.values]
        ),
        "amp_above": estimated(_mean(errors[:, above]), "teachers"),
        "amp_below": estimated(_mean(errors[:, below]), "teachers"),
    }


def q3(amp_clean, amp_small, amp_large) -> dict:
    """Without noise message passing reaches the Bayes error, the closer the larger the dimension."""
    clean = _at(amp_clean, TREND)
    small, large = (_deviation_from_bayes(_at(run, TREND)) for run in (amp_small, amp_large))
    return {
        "ratio": _over_teachers(_over_bayes(clean), clean),
        "converged": _converged(clean),
        "deviation_growth": estimated(difference_of(large, small), "teachers"),
        "deviation_small": estimated(small, "teachers"),
        "deviation_large": estimated(large, "teachers"),
    }


def q4(amp_noisy) -> dict:
    """With noise message passing reaches the Bayes error."""
    return {"ratio": _over_teachers(_over_bayes(amp_noisy), amp_noisy), "converged": _converged(amp_noisy)}


def q5(spectra) -> dict:
    """The optimal denoiser has its asymptotic error, at most that of linear shrinkage."""
    rie = spectra.rie_error.values
    largest = {
        "largest_deviation": np.max(np.abs(rie / spectra.rie_theory.values - 1)),
        "largest_ratio_to_linear": np.max(rie / spectra.linear_error.values),
    }
    units = "matrices, one for each kappa and noise"
    return {name: estimated(without_error(value, rie.size), units) for name, value in largest.items()}


def q6(gd_clean: list) -> dict:
    """One run of gradient descent has twice the error of the average over runs."""
    runs = _main(gd_clean, TREND)
    scored = np.isfinite([run.error_limit.values for run in runs])
    losses = np.array([run.loss.values for run in runs])[scored]
    return {
        "ratio": _over_runs(runs, lambda run: (run.error_single.mean("initialisation") / run.error_limit).values[:, 0]),
        "largest_loss": exact(losses.max() if losses.size else np.nan),
        "converged": share_of("points of all teachers", int(scored.sum()), scored.size),
    }


def q6b(gd_clean: list) -> dict:
    """Averaged descent reaches the Bayes error; averages and single runs beside the identity, whose error is 1."""
    return _average_reaches_bayes(gd_clean, [0.1, 0.2]) | {
        "error_of_average": _over_runs(_main(gd_clean), lambda run: run.error_average.values[:, 0, -1]),
        "error_of_single_run": _over_runs(_main(gd_clean), lambda run: run.error_single.values[:, 0].mean(-1)),
    }


def q6c(gd_clean: list) -> dict:
    """Averaged descent reaches the Bayes error close to the threshold; also beside message passing."""
    runs = _main(gd_clean, [0.3])
    return _average_reaches_bayes(gd_clean, [0.3]) | {
        "ratio_to_amp": _over_runs(runs, lambda run: run.error_limit.values[:, 0] / run.amp_error.values),
    }


def q7(gd_noisy: list) -> dict:
    """With noise averaged descent stays above message passing at every weight decay."""
    runs = [run.sel(alpha=0.5) for run in _main(gd_noisy)]
    limits = np.array([run.error_limit.values for run in runs])
    best = int(np.argmin(limits.mean(axis=0)))
    references = {"ratio_to_amp": "amp_error", "ratio_to_bayes": "bayes_error"}
    ratios = {
        name: estimated(_mean(limits[:, best] / [run[error].item() for run in runs]), "teachers", ids=range(len(runs)))
        for name, error in references.items()
    }
    return ratios | {"best_decay": estimated(without_error(runs[0].decay.values[best], len(runs)), "teachers")}


def q7b(gd_noisy: list) -> dict:
    """Under noise, without decay, starts end in many networks where labels are few and in one where they are many."""

    def single_over_average(run) -> np.ndarray:
        return run.error_single.values[:, 0].mean(-1) / run.error_average.values[:, 0, -1]

    runs = _main(gd_noisy)

    def over_runs(alpha) -> dict:
        ratios = _by_teacher(runs, lambda run: single_over_average(_at(run, [alpha])).item())
        return estimated(_mean(ratios), "teachers", ids=range(len(runs)))

    return {
        "ratio_below": over_runs(0.1),
        "ratio_above": over_runs(0.5),
        "ratio": _over_runs(runs, single_over_average),
        "average_over_bayes": _over_runs(runs, lambda run: run.error_average.values[:, 0, -1] / run.bayes_error.values),
    }


def q8(baselines, amp_small) -> dict:
    """Minimum-norm interpolation has the error 1 - 2 alpha, well above that of message passing."""
    norm = baselines.error.sel(estimator="min_norm")
    inner = [alpha for alpha in baselines.alpha.values if 0.04 < alpha < 0.35]
    expected = 1 - 2 * baselines.samples.sel(alpha=inner).values / baselines.d**2
    deviations = magnitude_of(_mean(norm.sel(alpha=inner).values / expected - 1))
    message_passing = _mean(amp_small.error.sel(alpha=0.2).isel(iteration=-1).values)
    at_the_same_alpha = norm.sel(alpha=0.2) if 0.2 in baselines.alpha.values else norm.interp(alpha=0.2)
    return {
        "largest_deviation": estimated(extreme_of(deviations), "teachers"),
        "deviations": estimated(deviations, "teachers", labels=[f"alpha = {alpha:g}" for alpha in inner]),
        "amp_over_min_norm": estimated(ratio_of(message_passing, _mean(at_the_same_alpha.values)), "teachers"),
    }


def q9(amp_rank1, amp_goe) -> dict:
    """Message passing has the same error with rank-one and with Gaussian sensing matrices."""
    rank_one, gaussian = _final_errors(amp_rank1), _final_errors(amp_goe)
    difference = _over_known(estimate_difference, gaussian, rank_one)  # the teachers are the same
    value, se, low, high, n = difference
    error = np.hypot(_mean(gaussian).se, _mean(rank_one).se)
    in_errors = magnitude_of(Estimate(value / error, se / error, low / error, high / error, n))
    labels = _labels(amp_goe)
    return {
        "standard_errors": estimated(in_errors, "teachers, paired", labels=labels),
        "difference": estimated(difference, "teachers, paired", labels=labels),
        "rank_one": _over_teachers(rank_one, amp_rank1),
        "gaussian": _over_teachers(gaussian, amp_goe),
    }


def q10(theory) -> dict:
    """Wide networks have the error 1 - 2 alpha, narrow ones the authors' values."""
    return {
        "wide_deviation": exact(np.max(np.abs(theory.wide_error.values - (1 - 2 * theory.wide_alpha.values)))),
        "narrow_deviation": exact(np.max(np.abs(theory.narrow_error.values - theory.narrow_published.values))),
        "narrow": exact(
            theory.narrow_error.values, labels=[f"alpha / kappa = {ratio:g}" for ratio in theory["narrow"].values]
        ),
    }


def q11(amp_plain, amp_rank1) -> dict:
    """Without the Onsager term the error of message passing is larger."""
    onsager = _final_errors(amp_rank1.sel(teacher=amp_plain.teacher, alpha=amp_plain.alpha))
    plain = _final_errors(amp_plain)
    ratio = _over_known(estimate_ratio, plain, onsager)
    return {"ratio": estimated(ratio, "teachers, paired", labels=_labels(amp_plain))}


def q12(theory) -> dict:
    """State evolution ends at the error of the closed form."""
    return {"largest_difference": exact(np.max(np.abs(theory.fixed_point.values - theory.fixed_point_error.values)))}


def q13(theory, baselines_few) -> dict:
    """With n = O(d) samples the Bayes error is 1 - 2 alpha, and linear estimators stay at the level of the identity."""
    at = baselines_few.isel(alpha=0)
    errors = {
        name: mean_over("teachers", at.error.sel(estimator=name).values, ids=at.teacher.values)
        for name in at.estimator.values
    }
    return {
        "small_alpha_deviation": exact(np.max(np.abs(theory.few_error.values - (1 - 2 * theory.few_alpha.values)))),
        "identity": errors["identity"],
        "least_squares": min((errors["min_norm"], errors["ridge"]), key=lambda quantity: quantity["value"]),
        "linear_regression": errors["linear_regression"],
        "constant": errors["constant"],
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
