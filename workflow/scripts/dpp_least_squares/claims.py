"""Claims of the paper, each measured from the stores that it rests on."""

import itertools

import numpy as np

from lib.atlas.job.claims import measured
from lib.stats.intervals import binomial_error, estimate_mean, estimate_root_mean_square, standard_error

REFERENCES = ("vol", "vol_mu")  # volume sampling with two references: the optimal density, and mu itself


def _root_mean_square(run, strategy: str, multiple: int, function: str = "runge") -> tuple[float, float]:
    """Root mean square over repetitions of |f - f_hat| / e_m at n = multiple * m, and its standard error."""
    at = run.sel(strategy=strategy, n=multiple * run.m, function=function)
    value, se, *_ = estimate_root_mean_square((at.l2_error / at.best_error).values)
    return value, se


def _measured_at(run, strategy: str, multiple: int) -> dict:
    """The same as a measured quantity."""
    value, se = _root_mean_square(run, strategy, multiple)
    return measured(value, se=se)


def _with_errors(estimates, labels) -> dict:
    """Pairs of a value and its standard error as one list."""
    return measured([value for value, _ in estimates], se=[se for _, se in estimates], labels=labels)


def _moments(run) -> dict:
    """Distance of the moments of the process from their exact values, in standard errors."""
    deviation = np.abs(run.moment - run.moment_exact) / run.moment_se
    labels = [f"{basis}: {name}" for basis in run.basis.values for name in run.moment_name.values]
    return measured(deviation.values.ravel(), labels=labels)


def _biases(run, strategy: str) -> np.ndarray:
    """Bias in standard errors, by basis."""
    at = run.sel(bias_strategy=strategy)
    return (at.bias / at.bias_se).values


def _inverses(run, strategy: str, multiple: int, name: str = "inverse") -> np.ndarray:
    """Mean (or `inverse_se`, `inverse_median`) of (n - m + 1) diag (Phi^T W Phi)^-1 at n = multiple * m, by basis."""
    return run[name].sel(inverse_strategy=strategy, multiple=multiple).values


def _inverse(run, strategies, multiple: int, labels) -> dict:
    """Mean inverses of the first basis, by strategy."""
    estimates = [
        (_inverses(run, strategy, multiple)[0], _inverses(run, strategy, multiple, "inverse_se")[0])
        for strategy in strategies
    ]
    return _with_errors(estimates, labels)


def _needed(sizes):
    """Number of points for the smallest probability of success, by basis and strategy."""
    return sizes.needed.sel(level=sizes.level.values[0])


def _repeated_over_iid(sizes) -> np.ndarray:
    """Points that repeated processes need over those of independent points, by basis."""
    needed = _needed(sizes)
    return (needed.sel(strategy="rep") / needed.sel(strategy="iid")).values


def _over_size(sizes):
    """Number of points over m, by basis and strategy."""
    return (_needed(sizes) / sizes["size"]).transpose("basis", "strategy")


def _conditions(conditioning) -> list[str]:
    return [f"{strategy}, n = {n}" for strategy in conditioning.strategy.values for n in conditioning.n.values]


def _deviation_of_tries(conditioning) -> np.ndarray:
    """Distance of the mean number of draws from 1 / (1 - eta) in standard errors, by strategy and number of points."""
    failure, tries = conditioning.failure.values, conditioning.tries.values
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = 1 / (1 - failure)
        se = np.hypot(standard_error(tries, axis=-1), binomial_error(failure, conditioning.draws) * expected**2)
        gap = np.abs(tries.mean(-1) - expected)
        return np.where(gap == 0, 0.0, np.where(failure == 1, np.inf, gap / se))


def d1(identities) -> dict:
    """Moments of the process have their exact values, and one of its points the Christoffel density."""
    return {"standard_errors": _moments(identities), "p_value": identities.point_p_value.values[0]}


def d2(identities) -> dict:
    """Under volume sampling the mean of (n - m + 1) (Phi^T W Phi)^-1 is I, under independent points it is larger."""
    labels = ["optimal density", "reference"]
    return {
        "volume_2m": _inverse(identities, REFERENCES, 2, labels),
        "volume_4m": _inverse(identities, REFERENCES, 4, labels),
        "iid_mean_4m": measured(
            _inverses(identities, "iid", 4)[0], se=_inverses(identities, "iid", 4, "inverse_se")[0]
        ),
        "iid_median_2m": _inverses(identities, "iid", 2, "inverse_median")[0],
    }


def d3(identities) -> dict:
    """Least squares on volume samples is unbiased."""
    return {
        "volume_standard_errors": _biases(identities, "vol")[0],
        "bias_over_best": measured(
            identities.bias.values[0], se=identities.bias_se.values[0], labels=identities.bias_strategy.values
        ),
    }


def d3b(growth) -> dict:
    """Interpolation at a projection DPP has the mean square coefficient error m e_m^2."""
    mean, se, *_ = estimate_mean(growth.interpolation.values)
    return {
        "standard_errors": abs(mean - growth.interpolation_size) / se,
        "mean": measured(mean, se=se),
    }


def d4(volume) -> dict:
    """Volume sampling is quasi-optimal in expectation at every number of points."""
    return {f"rms_{multiple}m": _measured_at(volume, "vol", multiple) for multiple in (2, 4, 6, 10)}


def d4b(growth) -> dict:
    """With n = m ln m the error of volume samples over the best error stays bounded as m grows."""
    sizes = growth["size"].values
    errors = growth.error.sel(rule="1 m ln m", function="next")
    rms = {
        strategy: estimate_root_mean_square(errors.sel(strategy=strategy).values, axis=-1)
        for strategy in growth.strategy.values
    }
    large = np.flatnonzero(sizes >= min(10, sizes[-2]))
    value, se = rms["vol"].value[large], rms["vol"].se[large]
    labels = [f"m = {size}" for size in sizes]
    return {
        "volume": measured(rms["vol"].value, se=rms["vol"].se, labels=labels),
        "volume_growth": np.max(np.diff(value) - 2 * np.hypot(se[:-1], se[1:])),
        "repeated": measured(rms["rep"].value, se=rms["rep"].se, labels=labels),
        "independent": measured(rms["iid"].value, se=rms["iid"].se, labels=labels),
    }


def d5(sizes_bases) -> dict:
    """Repeated projection DPPs need far fewer points than independent ones, in the Legendre space."""
    return {
        "repeated_over_iid": _repeated_over_iid(sizes_bases)[0],
        "repeated_over_m": _over_size(sizes_bases).sel(strategy="rep").values[0],
        "needed": measured(_needed(sizes_bases).values[0], labels=sizes_bases.strategy.values),
    }


def d6(independent, volume, repeated) -> dict:
    """At small n errors order as repeated DPP, volume, independent, uniform."""
    runs = {"rep": repeated, "vol": volume, "iid": independent, "mc": independent}
    order = {strategy: _root_mean_square(run, strategy, 2) for strategy, run in runs.items()}
    at_end = {strategy: _root_mean_square(runs[strategy], strategy, 10) for strategy in ("rep", "vol", "iid")}
    has_three = 3 * independent.m in repeated.n.values
    return {
        "smallest_step_2m": min(b / a for (a, _), (b, _) in itertools.pairwise(order.values())),
        "rms_2m": _with_errors(order.values(), list(order)),
        "repeated_2m": _measured_at(repeated, "rep", 2),
        "repeated_3m": _measured_at(repeated, "rep", 3) if has_three else order["rep"][0],
        "rms_10m": _with_errors(at_end.values(), list(at_end)),
    }


def d7(conditioning) -> dict:
    """Independent optimal points fail with probability at most m exp(-n c / m)."""
    failure = conditioning.iid_failure
    se = binomial_error(failure, conditioning.draws)
    labels = [f"n = {n}" for n in conditioning.bound_n.values]
    return {
        "excess": measured((failure - conditioning.iid_bound - 2 * se).values, labels=labels),
        "failure": measured(failure.values, se=se.values, labels=labels),
    }


def d8(conditioning) -> dict:
    """Conditioned designs share an error bound, rejection costs 1 / (1 - eta) draws, and repeated DPPs fail least."""
    labels, eta = _conditions(conditioning), conditioning.failure
    mean_square, mean_square_se, *_ = estimate_mean(conditioning.square_error.values, axis=-1)
    free, conditioned = (
        estimate_root_mean_square(np.sqrt(conditioning[name].sel(strategy="iid").values[0])).value
        for name in ("free_square_error", "square_error")
    )
    return {
        "excess": measured((mean_square - 2 * mean_square_se - conditioning.bound.values).ravel(), labels=labels),
        "tries_standard_errors": measured(_deviation_of_tries(conditioning).ravel(), labels=labels),
        "eta_repeated_less_volume": (eta.sel(strategy="rep") - eta.sel(strategy="vol")).values,
        "eta_repeated_less_iid": (eta.sel(strategy="rep") - eta.sel(strategy="iid")).values,
        "conditioned_over_free": measured([conditioned / free], labels=[f"n = {conditioning.n.values[0]}"]),
        "mean_square": measured(mean_square.ravel(), se=mean_square_se.ravel(), labels=labels),
        "eta": measured(eta.values.ravel(), labels=labels),
    }


def d9(bounds) -> dict:
    """With damped weights the error never exceeds its bound by the best uniform error."""
    labels = [f"{strategy}, {function}" for strategy in bounds.strategy.values for function in bounds.function.values]
    return {
        "largest_ratio": measured(bounds.uniform_ratio.max("repetition", skipna=False).values.ravel(), labels=labels)
    }


def d9b(bounds) -> dict:
    """With the density of an RKHS the error never exceeds its bound; at uniform points it is larger."""
    quantile = bounds.kernel_error.quantile(0.99, "repetition", skipna=False)
    conditioned = quantile.sel(control=bounds.strategy.values).max(skipna=False)
    return {
        "largest_ratio": measured(
            bounds.kernel_ratio.sel(control=bounds.strategy.values).max("repetition", skipna=False).values,
            labels=bounds.strategy.values,
        ),
        "control_over_conditioned": float(quantile.sel(control="uniform points") / conditioned),
    }


def d10(identities_bases, sizes_bases) -> dict:
    """Volume sampling keeps its identities, and repeated processes their advantage, in bases other than Legendre."""
    bases, strategies = identities_bases.basis.values, sizes_bases.strategy.values
    over_size, sizes = _over_size(sizes_bases), sizes_bases["size"].values
    others, names = slice(1, None), sizes_bases.basis.values[1:]
    small = [index for index in range(1, len(sizes)) if sizes[index] <= 11]
    repeated = sizes_bases.sel(strategy="rep")
    at_seven = repeated.probability.where(repeated.tried == 7 * sizes_bases["size"]).max("step").dropna("basis")
    return {
        "volume_inverse": measured(
            _inverses(identities_bases, "vol", 2),
            se=_inverses(identities_bases, "vol", 2, "inverse_se"),
            labels=bases,
        ),
        "volume_bias_standard_errors": measured(_biases(identities_bases, "vol"), labels=bases),
        "repeated_over_iid": measured(_repeated_over_iid(sizes_bases)[others], labels=names),
        "repeated_over_m": measured(
            over_size.sel(strategy="rep").values[small], labels=sizes_bases.basis.values[small]
        ),
        "probability_repeated_7m": measured(at_seven.values, labels=at_seven.basis.values),
        "needed_over_m": measured(
            over_size.values[others].ravel(),
            labels=[f"{basis}, {strategy}" for basis in names for strategy in strategies],
        ),
        "moments_standard_errors": _moments(identities_bases),
        "point_p_value": measured(identities_bases.point_p_value.values, labels=bases),
        "rms_2m": measured(
            identities_bases.rms.sel(multiple=2).values.ravel(),
            labels=[f"{basis}, {strategy}" for basis in bases for strategy in identities_bases.strategy.values],
        ),
    }


def d11(sizes_growth) -> dict:
    """Independent points need a number of order m log m, repeated DPPs fewer."""
    needed, sizes = _needed(sizes_growth), sizes_growth["size"].values
    iid, repeated, volume = (needed.sel(strategy=strategy).values for strategy in ("iid", "rep", "vol"))
    at_20 = int(np.argmin(np.abs(sizes - 20)))
    labels = [f"m = {size}" for size in sizes]
    return {
        "repeated_over_m_at_20": repeated[at_20] / sizes[at_20],
        "iid_over_repeated": measured(iid / repeated, labels=labels),
        "iid_over_m_log_m": np.exp(np.mean(np.log(iid / (sizes * np.log(sizes))))),
        "repeated_over_m": measured(repeated / sizes, labels=labels),
        "volume_over_iid": measured(volume / iid, labels=labels),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
