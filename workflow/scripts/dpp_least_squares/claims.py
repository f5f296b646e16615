"""Claims of the paper, each measured from the stores that it rests on."""

import itertools
from collections.abc import Callable

import numpy as np
from scipy import special

from lib.atlas.job.quantities import estimated, share_of
from lib.regression.weighted import conditioned_error_bound
from lib.stats.intervals import (
    Estimate,
    binomial_error,
    difference_of,
    estimate_from_error,
    estimate_mean,
    estimate_proportion,
    estimate_quantile,
    estimate_root_mean_square,
    extreme_of,
    magnitude_of,
    mean_of,
    ratio_of,
    side_by_side,
    standard_error,
    without_error,
)

REFERENCES = ("vol", "vol_mu")  # volume sampling with two references: the optimal density, and mu itself


def _each(estimate: Estimate, function: Callable) -> Estimate:
    """The same change of an estimate's value, error and ends: a multiple, or another order."""
    return Estimate(*map(function, estimate[:4]), estimate.n)


def _item(estimate: Estimate, index) -> Estimate:
    return _each(estimate, lambda values: values[index])


def _less(estimate: Estimate, allowance) -> Estimate:
    """An estimate less a number that is known."""
    value, se, low, high, n = estimate
    return Estimate(value - allowance, se, low - allowance, high - allowance, n)


def _geometric_mean(estimates: Estimate) -> Estimate:
    """Geometric mean of independent estimates whose standard errors are not known."""
    return _each(mean_of(_each(estimates, np.log)), np.exp)


def _in_errors(deviation, n) -> Estimate:
    """Magnitude of deviations that are measured in their own standard errors."""
    return magnitude_of(estimate_from_error(deviation, np.ones_like(deviation), n))


def _share(shares, trials: int) -> Estimate:
    """Shares of independent draws as a store holds them; NaN stays NaN."""
    known = np.isfinite(shares)
    estimate = estimate_proportion(np.where(known, np.rint(shares * trials), 0), trials)
    return _each(estimate, lambda values: np.where(known, values, np.nan))


def _root_mean_square(run, strategy: str, multiple: int, function: str = "runge") -> Estimate:
    """Root mean square over repetitions of |f - f_hat| / e_m at n = multiple * m."""
    at = run.sel(strategy=strategy, n=multiple * run.m, function=function)
    return estimate_root_mean_square((at.l2_error / at.best_error).values)


def _supremum(values, units: str, labels) -> dict:
    """Largest value over all units, the first axis; that of units which were not drawn is no smaller."""
    largest = values.max(axis=0).ravel()
    unknown, unbounded = np.full_like(largest, np.nan), np.full_like(largest, np.inf)
    return estimated(Estimate(largest, unknown, largest, unbounded, len(values)), units, labels=labels)


def _moments(run) -> dict:
    """Distance of the moments of the process from their exact values, in standard errors."""
    deviation = ((run.moment - run.moment_exact) / run.moment_se).values.ravel()
    labels = [f"{basis}: {name}" for basis in run.basis.values for name in run.moment_name.values]
    return estimated(_in_errors(deviation, run.draws), "draws", labels=labels)


def _p_value(run) -> Estimate:
    """Kolmogorov-Smirnov p-values by basis, between those of the band about the empirical distribution."""
    p_value = run.point_p_value.values
    distance, width = special.kolmogi(p_value), special.kolmogi(0.05)
    low, high = special.kolmogorov(distance + width), special.kolmogorov(np.maximum(distance - width, 0))
    return Estimate(p_value, np.full_like(p_value, np.nan), low, high, run.draws)


def _biases(run, strategy: str) -> Estimate:
    """Bias in standard errors, by basis; Student's interval is the widest that the norm of a vector can have."""
    at = run.sel(bias_strategy=strategy)
    return _in_errors((at.bias / at.bias_se).values, run.draws)


def _inverses(run, strategy: str, multiple: int) -> Estimate:
    """Mean of (n - m + 1) diag (Phi^T W Phi)^-1 at n = multiple * m, by basis."""
    at = run.sel(inverse_strategy=strategy, multiple=multiple)
    draws = run.iid_draws if strategy == "iid" else run.draws
    return estimate_from_error(at.inverse.values, at.inverse_se.values, draws)


def _volume_inverse(run, multiple: int) -> dict:
    """Mean inverses of volume sampling in the first basis, by reference."""
    inverses = side_by_side(_item(_inverses(run, strategy, multiple), 0) for strategy in REFERENCES)
    return estimated(inverses, "draws", labels=["optimal density", "reference"])


def _needed(sizes, strategy: str) -> Estimate:
    """Number of points for the smallest probability of success, by basis.

    The ends are the first sizes at which the interval of that probability reaches the level, and lies above it.
    """
    level, at = sizes.level.values[0], sizes.sel(strategy=strategy)
    probability = _share(at.probability.values, sizes.repetitions)

    def first(reached) -> np.ndarray:
        return np.where(reached, at.tried.values, np.inf).min(axis=-1)

    known = np.isfinite(at.probability.values).any(axis=-1) & np.isfinite(at.tried.values).any(axis=-1)
    needed = np.where(known, at.needed.sel(level=level).values, np.nan)
    low, high = first(probability.high >= level), first(probability.low >= level)
    return Estimate(needed, np.full_like(needed, np.nan), low, high, sizes.repetitions)


def _over_size(sizes, strategy: str) -> Estimate:
    """Number of points over m, by basis."""
    return _each(_needed(sizes, strategy), lambda needed: needed / sizes["size"].values)


def _repeated_over_iid(sizes) -> Estimate:
    """Points that repeated processes need over those of independent points, by basis."""
    return ratio_of(_needed(sizes, "rep"), _needed(sizes, "iid"))


def _conditions(conditioning) -> list[str]:
    return [f"{strategy}, n = {n}" for strategy in conditioning.strategy.values for n in conditioning.n.values]


def _deviation_of_tries(conditioning) -> np.ndarray:
    """Distance of the mean number of draws from 1 / (1 - eta) in standard errors, by strategy and number of points."""
    failure, tries = conditioning.failure.values, conditioning.tries.values
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = 1 / (1 - failure)
        se = np.hypot(standard_error(tries, axis=-1), binomial_error(failure, conditioning.draws) * expected**2)
        gap = tries.mean(-1) - expected
        return np.where(gap == 0, 0.0, np.where(failure == 1, np.inf, gap / se))


def _bound(conditioning, eta: Estimate) -> Estimate:
    """Bound of the mean square error, between those of the ends of the failure probability."""
    with np.errstate(divide="ignore"):
        low, high = (
            conditioned_error_bound(conditioning.n.values, conditioning.m, conditioning.delta, end)
            for end in (eta.low, eta.high)
        )
    bound = conditioning.bound.values
    return Estimate(bound, np.zeros_like(bound), low, high, conditioning.draws)


def _below(values, thresholds) -> np.ndarray:
    """Share of values at or below each threshold."""
    return np.searchsorted(np.sort(values), thresholds, side="right") / len(values)


def _violations(independent, repeated) -> int:
    """Thresholds at which repeated designs have the heavier lower tail, by three standard errors of the independent.

    The thresholds are the 99 percentiles of both samples together.
    """
    thresholds = np.quantile(np.concatenate([independent, repeated]), np.arange(1, 100) / 100)
    share = _below(independent, thresholds)
    allowed = share + 3 * binomial_error(share, len(independent))
    return int(np.sum(~(_below(repeated, thresholds) <= allowed)))


def _log_slope(x, means: Estimate) -> Estimate:
    """Least-squares slope of the logarithm of independent means on log x, with the error that theirs give it."""
    centred = np.log(x) - np.mean(np.log(x))
    weights = centred / (centred @ centred)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope, se = weights @ np.log(means.value), np.linalg.norm(weights * means.se / means.value)
    return estimate_from_error(slope, se, means.n)


def d1(identities) -> dict:
    """Moments of the process have their exact values, and one of its points the Christoffel density."""
    return {
        "standard_errors": _moments(identities),
        "p_value": estimated(_item(_p_value(identities), 0), "draws"),
    }


def d2(identities) -> dict:
    """Under volume sampling the mean of (n - m + 1) (Phi^T W Phi)^-1 is I, under independent points it is larger."""
    median = identities.inverse_median.sel(inverse_strategy="iid", multiple=2).values[0]
    return {
        "volume_2m": _volume_inverse(identities, 2),
        "volume_4m": _volume_inverse(identities, 4),
        "iid_mean_4m": estimated(_item(_inverses(identities, "iid", 4), 0), "draws"),
        "iid_median_2m": estimated(without_error(median, identities.iid_draws), "draws"),
    }


def d3(identities) -> dict:
    """Least squares on volume samples is unbiased."""
    first, names = identities.isel(basis=0), identities.bias_strategy.values
    draws = np.where(names == "iid", identities.iid_draws, identities.draws)
    bias = magnitude_of(estimate_from_error(first.bias.values, first.bias_se.values, draws))
    return {
        "volume_standard_errors": estimated(_item(_biases(identities, "vol"), 0), "draws"),
        "volume_bias": estimated(_item(bias, names.tolist().index("vol"))._replace(n=identities.draws), "draws"),
        "bias_over_best": estimated(bias, "draws", labels=names),
    }


def d3b(growth) -> dict:
    """Interpolation at a projection DPP has the mean square coefficient error m e_m^2."""
    mean = estimate_mean(growth.interpolation.values)
    deviation = (mean.value - growth.interpolation_size) / mean.se
    return {
        "standard_errors": estimated(_in_errors(deviation, mean.n), "draws"),
        "mean": estimated(mean, "draws"),
    }


def d4(volume) -> dict:
    """Volume sampling is quasi-optimal in expectation at every number of points."""
    return {
        f"rms_{multiple}m": estimated(_root_mean_square(volume, "vol", multiple), "designs")
        for multiple in (2, 4, 6, 10)
    }


def d4b(growth) -> dict:
    """With n = m ln m the error of volume samples over the best error stays bounded as m grows."""
    sizes = growth["size"].values
    errors = growth.error.sel(rule="1 m ln m", function="next")
    rms = {
        strategy: estimate_root_mean_square(errors.sel(strategy=strategy).values, axis=-1)
        for strategy in growth.strategy.values
    }
    large = _item(rms["vol"], sizes >= min(10, sizes[-2]))
    increase = difference_of(_item(large, slice(1, None)), _item(large, slice(-1)))
    labels = [f"m = {size}" for size in sizes]
    return {
        "volume": estimated(rms["vol"], "designs", labels=labels),
        "volume_growth": estimated(extreme_of(_less(increase, 2 * increase.se)), "designs"),
        "repeated": estimated(rms["rep"], "designs", labels=labels),
        "independent": estimated(rms["iid"], "designs", labels=labels),
    }


def d5(sizes_bases) -> dict:
    """Repeated projection DPPs need far fewer points than independent ones, in the Legendre space."""
    strategies = sizes_bases.strategy.values
    needed = side_by_side(_item(_needed(sizes_bases, strategy), 0) for strategy in strategies)
    return {
        "repeated_over_iid": estimated(_item(_repeated_over_iid(sizes_bases), 0), "designs"),
        "repeated_over_m": estimated(_item(_over_size(sizes_bases, "rep"), 0), "designs"),
        "needed": estimated(needed, "designs", labels=strategies),
    }


def d6(independent, volume, repeated) -> dict:
    """At small n errors order as repeated DPP, volume, independent, uniform."""
    runs = {"rep": repeated, "vol": volume, "iid": independent, "mc": independent}
    order = {strategy: _root_mean_square(run, strategy, 2) for strategy, run in runs.items()}
    at_end = {strategy: _root_mean_square(runs[strategy], strategy, 10) for strategy in ("rep", "vol", "iid")}
    steps = side_by_side(ratio_of(second, first) for first, second in itertools.pairwise(order.values()))
    names = [f"{second} over {first}" for first, second in itertools.pairwise(order)]
    has_three = 3 * independent.m in repeated.n.values
    return {
        "smallest_step_2m": estimated(extreme_of(steps, np.min), "designs"),
        "steps_2m": estimated(steps, "designs", labels=names),
        "rms_2m": estimated(side_by_side(order.values()), "designs", labels=list(order)),
        "repeated_2m": estimated(order["rep"], "designs"),
        "repeated_3m": estimated(_root_mean_square(repeated, "rep", 3 if has_three else 2), "designs"),
        "rms_10m": estimated(side_by_side(at_end.values()), "designs", labels=list(at_end)),
    }


def d7(conditioning) -> dict:
    """Independent optimal points fail with probability at most m exp(-n c / m)."""
    failure = _share(conditioning.iid_failure.values, conditioning.draws)
    labels = [f"n = {n}" for n in conditioning.bound_n.values]
    excess = _less(failure, conditioning.iid_bound.values + 2 * failure.se)
    return {
        "excess": estimated(excess, "designs", labels=labels),
        "failure": estimated(failure, "designs", labels=labels),
    }


def d8(conditioning) -> dict:
    """Conditioned designs share an error bound, rejection costs 1 / (1 - eta) draws, and repeated DPPs fail least."""
    labels, sizes = _conditions(conditioning), [f"n = {n}" for n in conditioning.n.values]
    eta = _share(conditioning.failure.values, conditioning.draws)
    fails = {name: _item(eta, s) for s, name in enumerate(conditioning.strategy.values)}
    mean_square = estimate_mean(conditioning.square_error.values, axis=-1)
    with np.errstate(invalid="ignore"):
        excess = _less(difference_of(mean_square, _bound(conditioning, eta)), 2 * mean_square.se)
    tries = _in_errors(_deviation_of_tries(conditioning), conditioning.sizes["repetition"])
    free, conditioned = (
        estimate_root_mean_square(np.sqrt(conditioning[name].sel(strategy="iid").values[:1]), axis=-1)
        for name in ("free_square_error", "square_error")
    )
    return {
        "excess": estimated(_each(excess, np.ravel), "designs", labels=labels),
        "tries_standard_errors": estimated(_each(tries, np.ravel), "designs", labels=labels),
        "eta_repeated_less_volume": estimated(difference_of(fails["rep"], fails["vol"]), "designs", labels=sizes),
        "eta_repeated_less_iid": estimated(difference_of(fails["rep"], fails["iid"]), "designs", labels=sizes),
        "conditioned_over_free": estimated(ratio_of(conditioned, free), "designs", labels=sizes[:1]),
        "mean_square": estimated(_each(mean_square, np.ravel), "designs", labels=labels),
        "eta": estimated(_each(eta, np.ravel), "designs", labels=labels),
    }


def d9(bounds) -> dict:
    """With damped weights the error never exceeds its bound by the best uniform error."""
    labels = [f"{strategy}, {function}" for strategy in bounds.strategy.values for function in bounds.function.values]
    ratio = bounds.uniform_ratio.transpose("repetition", "strategy", "function").values
    beyond = np.sum(~(ratio <= 1), axis=0).ravel()
    return {
        "largest_ratio": _supremum(ratio, "designs", labels),
        "beyond": share_of("designs", beyond, len(ratio), labels=labels),
    }


def d9b(bounds) -> dict:
    """With the density of an RKHS the error never exceeds its bound; at uniform points it is larger."""
    names = bounds.strategy.values
    ratio = bounds.kernel_ratio.sel(control=names).transpose("repetition", "control").values
    conditioned, uniform = (
        estimate_quantile(bounds.kernel_error.sel(control=control).transpose("repetition", ...).values, 0.99)
        for control in (names, "uniform points")
    )
    return {
        "largest_ratio": _supremum(ratio, "designs and functions", names),
        "beyond": share_of("designs and functions", np.sum(~(ratio <= 1), axis=0), len(ratio), labels=names),
        "control_over_conditioned": estimated(
            ratio_of(uniform, extreme_of(conditioned)), "designs and functions of each strategy"
        ),
    }


def d10(identities_bases, sizes_bases) -> dict:
    """Volume sampling keeps its identities, and repeated processes their advantage, in bases other than Legendre."""
    bases, strategies = identities_bases.basis.values, identities_bases.strategy.values
    others = sizes_bases.isel(basis=slice(1, None))
    small = others.isel(basis=np.flatnonzero(others["size"].values <= 11))
    repeated = sizes_bases.sel(strategy="rep")
    median = identities_bases.inverse_median.sel(inverse_strategy="iid", multiple=2)
    at_seven = repeated.probability.where(repeated.tried == 7 * sizes_bases["size"]).max("step").dropna("basis")
    needed = side_by_side(_over_size(others, strategy) for strategy in others.strategy.values)
    needed = _each(needed, lambda values: values.T.ravel())
    needed_labels = [f"{basis}, {strategy}" for basis in others.basis.values for strategy in others.strategy.values]
    draws = [identities_bases.iid_draws if name == "iid" else identities_bases.draws for name in strategies]
    rms = without_error(identities_bases.rms.sel(multiple=2).values.ravel(), draws * len(bases))
    return {
        "volume_inverse": estimated(_inverses(identities_bases, "vol", 2), "draws", labels=bases),
        "volume_inverse_reference": estimated(_inverses(identities_bases, "vol_mu", 2), "draws", labels=bases),
        "iid_median": estimated(without_error(median.values, identities_bases.iid_draws), "draws", labels=bases),
        "volume_bias_standard_errors": estimated(_biases(identities_bases, "vol"), "draws", labels=bases),
        "repeated_over_iid": estimated(_repeated_over_iid(others), "designs", labels=others.basis.values),
        "repeated_over_m": estimated(_over_size(small, "rep"), "designs", labels=small.basis.values),
        "probability_repeated_7m": estimated(
            _share(at_seven.values, sizes_bases.repetitions), "designs", labels=at_seven.basis.values
        ),
        "needed_over_m": estimated(needed, "designs", labels=needed_labels),
        "moments_standard_errors": _moments(identities_bases),
        "point_p_value": estimated(_p_value(identities_bases), "draws", labels=bases),
        "rms_2m": estimated(rms, "draws", labels=[f"{basis}, {name}" for basis in bases for name in strategies]),
    }


def d11(sizes_growth) -> dict:
    """Independent points need a number of order m log m, repeated DPPs fewer."""
    sizes = sizes_growth["size"].values
    iid, repeated, volume = (_needed(sizes_growth, strategy) for strategy in ("iid", "rep", "vol"))
    over_m = _over_size(sizes_growth, "rep")
    labels = [f"m = {size}" for size in sizes]
    at_20 = int(np.argmin(np.abs(sizes - 20)))
    return {
        "repeated_over_m_at_20": estimated(_item(over_m, at_20), "designs"),
        "iid_over_repeated": estimated(ratio_of(iid, repeated), "designs", labels=labels),
        "iid_over_m_log_m": estimated(
            _geometric_mean(_each(iid, lambda item: item / (sizes * np.log(sizes)))), "designs"
        ),
        "repeated_over_m": estimated(over_m, "designs", labels=labels),
        "volume_over_iid": estimated(ratio_of(volume, iid), "designs", labels=labels),
    }


def d12(errors) -> dict:
    """Relative errors at n = 2m are those of the paper's table, in its order."""
    order = ("rep_cond", "rep", "vol", "iid")
    at = errors.isel(size=0).sel(multiple=2, strategy=list(order))
    rms = estimate_root_mean_square(at.relative_error.transpose("draw", "strategy").values)
    quantile = estimate_quantile(at.relative_error.transpose("draw", "strategy").values, 0.95)
    over_paper = _each(rms, lambda values: values / at.printed_rms.values)
    steps = side_by_side(ratio_of(_item(rms, k + 1), _item(rms, k)) for k in range(3))
    wider = errors.isel(size=-1).sel(multiple=2, strategy=list(order))
    return {
        "repeated_over_paper": estimated(_item(over_paper, order.index("rep")), "draws"),
        "conditioned_over_paper": estimated(_item(over_paper, order.index("rep_cond")), "draws"),
        "volume_over_paper": estimated(_item(over_paper, order.index("vol")), "draws"),
        "smallest_step": estimated(extreme_of(steps, np.min), "draws"),
        "rms": estimated(rms, "draws", labels=order),
        "quantile": estimated(quantile, "draws", labels=order),
        "rms_largest_space": estimated(
            estimate_root_mean_square(wider.relative_error.transpose("draw", "strategy").values), "draws", labels=order
        ),
    }


def d13(rates) -> dict:
    """Without conditioning, the excess error of volume sampling falls as 1 / n."""
    excess = estimate_mean(rates.excess.values, axis=1)
    labels = [f"n = {multiple * rates.m}" for multiple in rates.multiple.values]
    return {
        "slope": estimated(_log_slope(rates.multiple.values, excess), "draws"),
        "excess": estimated(excess, "draws", labels=labels),
    }


def d14(rates) -> dict:
    """The mean of r independent projections on volume samples has an excess error proportional to 1 / r."""
    excess = estimate_mean(rates.averaged_excess.values, axis=1)
    labels = [f"r = {r}" for r in rates.copies.values]
    return {
        "slope": estimated(_log_slope(rates.copies.values, excess), "averages"),
        "excess": estimated(excess, "averages", labels=labels),
    }


def d15(rates) -> dict:
    """The lower tail of lambda_min of determinantal points is dominated by that of independent points."""
    cells = list(itertools.product(rates.tail_size.values, rates.tail_multiple.values))
    counts = []
    for size, multiple in cells:
        independent, repeated = (
            rates.smallest.sel(tail_size=size, tail_multiple=multiple, strategy=strategy).values
            for strategy in ("iid", "rep")
        )
        known = np.isfinite(independent).all() and np.isfinite(repeated).all()
        counts.append(_violations(independent, repeated) if known else np.nan)
    draws = rates.sizes["tail_draw"]
    return {
        "violations": estimated(
            without_error(np.array(counts, dtype=float), draws),
            "draws",
            labels=[f"m = {size}, n = {multiple * size}" for size, multiple in cells],
        )
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
