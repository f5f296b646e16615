"""Claims of offline_to_online_rl: a function for each, named by its id, of the stores that it rests on."""

import math

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over
from lib.stats.bootstrap import percentile_estimate
from lib.stats.intervals import (
    Estimate,
    end_of,
    estimate_from_error,
    estimate_mean,
    estimate_proportion,
    extreme_of,
    ratio_of,
    side_by_side,
    without_error,
)

RESAMPLES = 2000


def _slope(x, y) -> np.ndarray:
    """Least-squares slope of log y on log x along the last axis."""
    x = np.log(np.asarray(x, dtype=float))
    x = x - x.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.log(np.asarray(y, dtype=float)) @ x / (x @ x)


def _resampled(values, rng) -> np.ndarray:
    """Means over resampled units of each row of values (rows, units), (rows, resamples)."""
    n = values.shape[1]
    drawn = rng.integers(0, n, (len(values), RESAMPLES, n))
    return np.take_along_axis(values[:, None], drawn, axis=2).mean(axis=2)


def _case(store, variable: str, case: int) -> np.ndarray:
    """Values of the runs of one case."""
    values = store[variable].values[case]
    return values[np.isfinite(values)] if np.isfinite(values).any() else values[:2]


def _failures(gaps, eps) -> Estimate:
    """Share of runs that lose more than eps; NaN where a gap is not a number."""
    gaps = np.asarray(gaps, dtype=float)
    if not np.isfinite(gaps).all():
        return without_error(math.nan, gaps.size)
    return estimate_proportion(int(np.sum(gaps > eps * (1 + 1e-9))), gaps.size)


def _labels(eps) -> list[str]:
    return [f"eps = {one:g}" for one in eps]


def o1(requirements):
    """The design asks for 1 / eps^2 online episodes without offline data, and for 1 / eps with them."""
    inverse = 1 / requirements.eps.values
    samples = requirements.samples.values
    return {
        "slope_online": exact(float(_slope(inverse, samples[0]))),
        "slope_hybrid": exact(float(_slope(inverse, samples[1]))),
        "layers_over_mixture": exact(float((requirements.samples_layers.values / samples).max())),
        "samples_online": exact(samples[0], labels=_labels(requirements.eps.values)),
        "samples_hybrid": exact(samples[1], labels=_labels(requirements.eps.values)),
    }


def _ratios(store, offline: float) -> tuple[np.ndarray, np.ndarray]:
    """Accuracies, and episodes over those of the design (case, run), of the cases that are judged."""
    chosen = np.flatnonzero(store.offline.values == offline)
    episodes = np.array([_case(store, "episodes", case) for case in chosen])
    return store.eps.values[chosen], episodes / store.required.values[chosen, None]


def _spread(ratios, rng) -> Estimate:
    """Largest mean over smallest of rows (rows, units), with a bootstrap interval."""
    means, resampled = ratios.mean(axis=1), _resampled(ratios, rng)
    ends = resampled.max(axis=0) / resampled.min(axis=0)
    return percentile_estimate(means.max() / means.min(), ends, ratios.shape[1])


def o2(tracking, rng):
    """The episodes of elimination follow those of the design, with one constant."""
    eps, ratios = _ratios(tracking, 1)
    means, resampled = ratios.mean(axis=1), _resampled(ratios, rng)
    slope = percentile_estimate(_slope(1 / eps, means), _slope(1 / eps, resampled.T), ratios.shape[1])
    other_eps, others = _ratios(tracking, 0)
    return {
        "ratio": mean_over("seeds", ratios.T, labels=_labels(eps)),
        "spread": estimated(_spread(ratios, rng), "seeds"),
        "slope": estimated(slope, "seeds"),
        "ratio_online": mean_over("seeds", others.T, labels=_labels(other_eps)),
    }


def _budget_errors(budgets, learner: str) -> np.ndarray:
    """Standard errors of log budgets: of the share of successes, over its slope in the log budget, and of bisection."""
    runs = budgets.attrs["runs"]
    success, factor = budgets.success.sel(learner=learner).values, np.log(budgets.factor.values)
    slope = (success[:, -1] - success[:, 0]) / (factor[-1] - factor[0])
    delta = budgets.attrs["delta"]
    with np.errstate(divide="ignore"):
        return np.hypot(np.sqrt(delta * (1 - delta) / runs) / slope, 0.01)


def _budgets(budgets, learner: str) -> Estimate:
    value, error = budgets.budget.sel(learner=learner).values, _budget_errors(budgets, learner)
    return Estimate(
        value,
        value * error,
        value * np.exp(-1.96 * error),
        value * np.exp(1.96 * error),
        np.full(len(value), budgets.attrs["runs"]),
    )


def _budget_slope(budgets, learner: str) -> Estimate:
    x = np.log(1 / budgets.eps.values)
    x = x - x.mean()
    error = np.linalg.norm(x / (x @ x) * _budget_errors(budgets, learner))
    slope = _slope(1 / budgets.eps.values, budgets.budget.sel(learner=learner).values)
    return estimate_from_error(slope, error, budgets.attrs["runs"])


def _items(estimate: Estimate, keep) -> Estimate:
    return Estimate(*(np.asarray(one)[keep] for one in estimate))


def _smallest_offline(budgets) -> Estimate:
    """Least failure rate of a learner with offline data alone, over learners and accuracies."""
    gaps = budgets.offline_gap.values.reshape(-1, budgets.sizes["offline_run"])
    return extreme_of(side_by_side(_failures(row, 1) for row in gaps), np.min)


def o3(budgets, tracking, far, spent):
    """Both kinds of data need 1 / eps online episodes, online data alone 1 / eps^2, and offline data alone fail."""
    at = np.flatnonzero(np.isclose(budgets.eps.values, 0.0025))
    ratio = ratio_of(_items(_budgets(budgets, "online"), at), _items(_budgets(budgets, "hybrid"), at))
    eps = tracking.eps.values[tracking.offline.values > 0]
    with_data, without = (
        [
            estimate_mean(_case(tracking, "episodes", case))
            for case in np.flatnonzero(tracking.offline.values == offline)
        ]
        for offline in (1, 0)
    )
    gains = side_by_side(ratio_of(more, less) for more, less in zip(without, with_data))
    last = int(np.argmin(np.abs(eps - 0.0025)))
    order = np.argsort(-eps)
    online = _failures(spent.gap.sel(learner="online certainty equivalence").isel(eps=-1).values, spent.eps.values[-1])
    certified = _failures(_case(far, "gap", 0), far.eps.values[0])
    gap = spent.gap.sel(learner="online certainty equivalence").isel(eps=slice(None, -1)).values
    return {
        "slope_hybrid": estimated(_budget_slope(budgets, "hybrid"), "runs at each budget"),
        "slope_online": estimated(_budget_slope(budgets, "online"), "runs at each budget"),
        "ratio": estimated(ratio, "runs at each budget", labels=_labels(budgets.eps.values[at])),
        "offline_failures": estimated(_smallest_offline(budgets), "runs"),
        "gain": estimated(_items(gains, slice(None)), "seeds", labels=_labels(eps)),
        "gain_fine": estimated(_items(gains, last), "seeds"),
        "gain_grows": exact(bool(np.all(np.diff(gains.value[order]) > 0))),
        "online_failures": estimated(online, "runs"),
        "online_failures_low": estimated(end_of(online, "low"), "runs"),
        "certified_failures": estimated(certified, "runs"),
        "certified_failures_high": estimated(end_of(certified, "high"), "runs"),
        "online_failures_coarse": estimated(
            side_by_side(_failures(row, one) for row, one in zip(gap, spent.eps.values)),
            "runs",
            labels=_labels(spent.eps.values[:-1]),
        ),
    }


def _breaking_divisor(divisors, failures) -> float:
    """Smallest divisor of beta at which failures reach 5 %; NaN where none does."""
    reached = [divisor for divisor, failure in zip(divisors, failures) if failure.value >= 0.05]
    return float(min(reached)) if reached else math.nan


def _large(stores) -> dict:
    """Failures, gaps and episodes of the runs on large processes."""
    gaps = np.array([float(store.gap) / store.attrs["eps"] for store in stores])
    return {
        "large_failures": estimated(_failures(gaps, 1), "processes"),
        "large_gap": mean_over("processes", gaps),
        "large_episodes": mean_over("processes", [float(store.episodes) for store in stores]),
    }


def o4(failures, random, large):
    """Elimination fails in no more than 5 % of the runs; with a beta that is far too small it does."""
    rare = [
        _failures(_case(failures, "gap", case), failures.eps.values[case]) for case in range(failures.sizes["case"])
    ]
    divisors = failures.divisor.values
    linear = [
        _failures(random.gap.sel(divisor=one).values.ravel(), random.attrs["eps"]) for one in random.divisor.values
    ]
    own, control = int(np.argmin(divisors)), int(np.argmin(np.abs(divisors - 300)))
    return {
        "rare": estimated(rare[own], "runs"),
        "rare_high": estimated(end_of(rare[own], "high"), "runs"),
        "linear": estimated(linear[0], "runs"),
        "linear_high": estimated(end_of(linear[0], "high"), "runs"),
        "control": estimated(rare[control], "runs"),
        "by_divisor": estimated(side_by_side(rare), "runs", labels=[f"beta / {one:g}" for one in divisors]),
        "linear_by_divisor": estimated(
            side_by_side(linear), "runs", labels=[f"beta / {one:g}" for one in random.divisor.values]
        ),
        "breaks_at": exact(_breaking_divisor(divisors, rare)),
        "linear_breaks_at": exact(_breaking_divisor(random.divisor.values, linear)),
        "correct": estimated(_complement(rare[own]), "runs"),
        **_large(large),
    }


def _complement(share: Estimate) -> Estimate:
    return Estimate(1 - share.value, share.se, 1 - share.high, 1 - share.low, share.n)


def o5(coverage):
    """More offline data never ask for more online episodes, and better coverage for fewer."""
    smaller = {"one policy": "none", "five policies": "none", "both": "one policy"}
    pairs = [*smaller.items(), ("both", "five policies")]
    violations = sum(
        int(np.sum(~(coverage[f"{name}_bound"].sel(data=more).values <= coverage[name].sel(data=less).values)))
        for name in ("norm", "required")
        for more, less in pairs
    )
    at = coverage.norm.sel(spent=100)
    labels = [f"layer {layer}" for layer in coverage.layer.values]
    result = {"violations": exact(violations)}
    for name, more, less in (("one", "one policy", "none"), ("five", "five policies", "one policy")):
        ratio = estimate_mean((at.sel(data=more) / at.sel(data=less)).values)
        result[f"{name}_ratio"] = estimated(ratio, "processes", labels=labels)
        result[f"{name}_ratio_high"] = estimated(end_of(ratio, "high"), "processes", labels=labels)
    last = coverage.norm.isel(spent=-1)
    result["one_ratio_later"] = mean_over(
        "processes", (last.sel(data="one policy") / last.sel(data="none")).values, labels=labels
    )
    return result


def o6(values, rng):
    """Errors of values stay within their widths, are comparable with them, and fall like the root of the data."""
    standard = (values.error / values.width).values  # (episodes, set, policy)
    labels = [f"n = {n}" for n in values.episodes.values]
    squares = (values.error.values**2).mean(axis=2)
    slope = percentile_estimate(
        _slope(values.episodes.values, np.sqrt(squares.mean(axis=1))),
        _slope(values.episodes.values, np.sqrt(_paired(squares, rng))),
        squares.shape[1],
    )
    return {
        "largest": estimated(
            without_error(np.abs(standard).max(axis=(1, 2)), standard.shape[1]), "data sets", labels=labels
        ),
        "mean_square": mean_over("data sets", (standard**2).mean(axis=2).T, labels=labels),
        "slope": estimated(slope, "data sets"),
    }


def _paired(rows, rng) -> np.ndarray:
    """Means over units that are resampled alike in all rows, (resamples, rows)."""
    drawn = rng.integers(0, rows.shape[1], (RESAMPLES, rows.shape[1]))
    return rows[:, drawn].mean(axis=2).T


def _verifier(verified, limit: str, cases) -> tuple[Estimate, np.ndarray]:
    """Mean pulls on the base bandit in some cases."""
    return estimate_mean(verified.pulls.sel(limit=limit, bandit="base").values[cases].T)


def _mean_slope(x, estimate: Estimate) -> Estimate:
    """Slope of log means on log x, with the error of the means."""
    x = np.log(np.asarray(x, dtype=float))
    x = x - x.mean()
    error = np.linalg.norm(x / (x @ x) * estimate.se / estimate.value)
    return estimate_from_error(np.log(estimate.value) @ x / (x @ x), error, estimate.n)


def o7(verified):
    """Pessimism is right without a pull and cannot know it; to verify takes of the order of (A - 1) / eps^2 pulls."""
    base, alternatives = (
        verified.pessimism.sel(alternative=name).values / verified.eps.values[:, None] for name in ("base", "nu_j")
    )
    others = alternatives[np.arange(alternatives.shape[1]) < verified.arms.values[:, None]]
    others = others[np.isfinite(others)] if np.isfinite(others).any() else np.array([math.nan])
    gaps = verified.gap.sel(limit="rounds").values / verified.eps.values[:, None]  # (bandit, case, run)
    right = side_by_side(_complement(_failures(row, 1)) for row in gaps.reshape(-1, gaps.shape[-1]))
    names = [f"{bandit}, {case}" for bandit in verified.bandit.values for case in verified.case.values]
    pulls = _verifier(verified, "rounds", slice(None))
    ratio = Estimate(
        *(np.asarray(one) / verified.bound.values for one in pulls[:4]), np.full(len(pulls.value), pulls.n)
    )
    by_eps = np.flatnonzero(verified.arms.values == verified.attrs["eps_arms"])
    by_arms = np.flatnonzero(verified.eps.values == verified.attrs["arms_eps"])
    arms = verified.arms.values[by_arms]
    scale = np.log(4 * arms / verified.attrs["delta"])
    result = {
        "pessimism_base": exact(float(base[:, 0].max())),
        "pessimism_alternative": exact([float(others.min()), float(others.max())], labels=["least", "largest"]),
        "correct": estimated(right, "runs", labels=names),
        "correct_low": estimated(extreme_of(end_of(right, "low"), np.min), "runs"),
        "ratio": estimated(ratio, "runs", labels=verified.case.values),
    }
    for limit, ending in (("rounds", ""), ("looks", "_looks")):
        scaled = _verifier(verified, limit, by_arms)
        scaled = Estimate(*(np.asarray(one) / scale for one in scaled[:4]), scaled.n)
        inverse = 1 / verified.eps.values[by_eps]
        result[f"slope_eps{ending}"] = estimated(_mean_slope(inverse, _verifier(verified, limit, by_eps)), "runs")
        result[f"slope_arms{ending}"] = estimated(_mean_slope(arms - 1, scaled), "runs")
    result["designed_over_bound"] = exact(
        (verified.designed / verified.bound).values, labels=[str(case) for case in verified.case.values]
    )
    return result


def o8(mixtures):
    """A designed mixture knows the worst policy better than uniform mixing, in norms and in errors of values."""
    norms = (mixtures.norm.sel(mixture="uniform") / mixtures.norm.sel(mixture="designed")).values
    errors = (mixtures.error.sel(mixture="uniform") / mixtures.error.sel(mixture="designed")).values
    spent, layers = mixtures.spent.values, mixtures.layer.values
    labels = [f"T = {episodes}, layer {layer}" for episodes in spent for layer in layers]
    norm, error = estimate_mean(norms.reshape(len(norms), -1)), estimate_mean(errors)
    own = [f"T = {episodes}" for episodes in spent]
    return {
        "norm_ratio": estimated(norm, "processes", labels=labels),
        "norm_ratio_low": estimated(end_of(norm, "low"), "processes", labels=labels),
        "error_ratio": estimated(error, "processes", labels=own),
        "error_ratio_low": estimated(end_of(error, "low"), "processes", labels=own),
    }


def o9(horizons, rng):
    """A beta free of the horizon is enough at horizons 2 to 5, and episodes follow the design all the same."""
    layers = horizons.layers.values[horizons.offline.values == 1]
    labels = [f"H = {one}" for one in layers]
    _, ratios = _ratios(horizons, 1)
    ample = np.flatnonzero(horizons.offline.values > 1)
    more = np.array([_case(horizons, "episodes", case) for case in ample]) / horizons.required.values[ample, None]
    own = np.flatnonzero(horizons.offline.values == 1)
    failures = side_by_side(_failures(_case(horizons, "gap", case), horizons.eps.values[case]) for case in own)
    sums = (horizons.required_layers / horizons.required).values
    return {
        "ratio": mean_over("seeds", ratios.T, labels=labels),
        "spread": estimated(_spread(ratios, rng), "seeds"),
        "failures": estimated(failures, "seeds", labels=labels),
        "failures_high": estimated(end_of(failures, "high"), "seeds", labels=labels),
        "layers_over_mixture": exact(sums[own], labels=labels),
        "ratio_ample": mean_over("seeds", more.T, labels=[f"H = {one}" for one in horizons.layers.values[ample]]),
        "spread_long": estimated(_spread(ratios[layers > 2], rng), "seeds"),
    }


def o10(budgets, tracking):
    """Budgets of learners without a certificate are within a small factor of what any learner needs."""
    keep = np.flatnonzero(budgets.eps.values >= 0.0025 * (1 - 1e-9))
    result = {"offline_failures": estimated(_smallest_offline(budgets), "runs")}
    for learner in ("hybrid", "online"):
        bound = budgets.bound.sel(learner=learner).values[keep]
        estimate = _items(_budgets(budgets, learner), keep)
        ratio = Estimate(*(one / bound for one in estimate[:4]), estimate.n)
        top, bottom = (Estimate(*(one[choose(ratio.value)] for one in ratio)) for choose in (np.argmax, np.argmin))
        result[f"{learner}_ratio"] = estimated(ratio, "runs at each budget", labels=_labels(budgets.eps.values[keep]))
        result[f"{learner}_spread"] = estimated(ratio_of(top, bottom), "runs at each budget")
    bounds = {float(eps): budgets.bound.sel(eps=eps).values for eps in budgets.eps.values}
    for row, (offline, name) in enumerate(((1, "elimination"), (0, "elimination_online"))):
        cases = np.flatnonzero(tracking.offline.values == offline)
        cases = [case for case in cases if float(tracking.eps.values[case]) in bounds]
        scaled = [_case(tracking, "episodes", case) / bounds[float(tracking.eps.values[case])][row] for case in cases]
        result[f"{name}_ratio"] = mean_over("seeds", np.array(scaled).T, labels=_labels(tracking.eps.values[cases]))
    return result


def o11(collected):
    """OptCov reaches its tolerance, with episodes of the order of the best mixture's."""
    fine = collected.isel(target=int(collected.target.values.argmin()))
    needed = fine.designed.values > 0
    ratio = np.where(needed, fine.episodes.values / np.where(needed, fine.designed.values, 1), np.nan)
    ratio = ratio[needed] if needed.sum() > 1 else np.full(2, math.nan)
    sharp = collected.isel(target=np.flatnonzero(collected.target.values <= 1e-3 * (1 + 1e-9)))
    guaranteed = (sharp.episodes / (16 * sharp.designed_bound)).values
    idle = collected.episodes.values[collected.designed.values == 0]
    reached = (collected.reached / collected.target).values
    return {
        "reached": exact(float(reached.max())),
        "least_ratio": exact(float(ratio.min())),
        "largest_ratio": exact(float(ratio.max())),
        "ratio": mean_over("runs", ratio),
        "over_guarantee": exact(float(guaranteed.max())),
        "idle_episodes": exact(float(idle.mean()) if idle.size else math.nan),
        "idle_runs": exact(int(idle.size)),
    }


def o12(coverage):
    """T times the largest squared norm of the best mixture is at most d, and one-hot arms attain it."""
    d = coverage.attrs["dim"]
    scaled = (coverage.norm.sel(data="none") * coverage.spent).values / d
    attained = (coverage.arms * coverage.spent).values[coverage.spent.values >= 1000] / d
    return {
        "largest": exact(float(scaled.max())),
        "mean": mean_over("processes", scaled.mean(axis=(1, 2))),
        "arms": exact(
            attained, labels=[f"T = {one:g}" for one in coverage.spent.values[coverage.spent.values >= 1000]]
        ),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
