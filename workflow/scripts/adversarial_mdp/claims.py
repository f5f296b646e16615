"""Claims of adversarial_mdp: a function for each, named by its id, of the stores that it rests on."""

import math

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, share_of
from lib.stats.bootstrap import bootstrap_counts, percentile_estimate
from lib.stats.intervals import Estimate, end_of, estimate_mean, estimate_ratio, estimate_slope, side_by_side

UNITS = "environments"
RESAMPLES = 2000
RATES = (250, 500, 1000, 2000, 4000)
NOISY_RATES = RATES[1:]
SCALES = ("noisy8", "noisy32")
JUDGED = ("gap", "switch", "noisy")


def _slopes(x, y) -> np.ndarray:
    """Exponents of the power laws y (..., n) of x; NaN where a value is not positive."""
    y = np.asarray(y, dtype=float)
    log_y = np.log(np.where(y > 0, y, np.nan))
    log_x = np.log(np.asarray(x, dtype=float))
    log_x -= log_x.mean()
    return log_y @ log_x / (log_x @ log_x)


def _bootstrap(table, statistic, rng) -> Estimate:
    """Statistic of means over environments (first axis), with environments resampled."""
    table = np.asarray(table, dtype=float)
    counts = bootstrap_counts(len(table), RESAMPLES, rng) / len(table)
    return percentile_estimate(statistic(table.mean(axis=0)), statistic(np.tensordot(counts, table, 1)), len(table))


def _table(regret, kind: str, episodes) -> np.ndarray:
    """Mean over repetitions (env, K), or (env, scale, K) of the noisy adversaries."""
    present = [k for k in episodes if k in regret.episodes.values]
    chosen = regret.sel(episodes=present, kind=list(SCALES) if kind == "noisy" else kind).mean("rep", skipna=False)
    return chosen.transpose("env", ..., "episodes").values


def _episodes(regret, kind: str) -> list[int]:
    """Numbers of episodes that are judged; all that there are where the scale is too small for two of them."""
    judged = [k for k in (NOISY_RATES if kind == "noisy" else RATES) if k in regret.episodes.values]
    return judged if len(judged) > 1 else regret.episodes.values.tolist()


def _worst(means) -> np.ndarray:
    """Largest over scales, which stand before the last axis."""
    return means.max(axis=-2)


def _exponent(regret, kind: str, rng) -> Estimate:
    episodes = _episodes(regret, kind)
    table = _table(regret, kind, episodes)
    return _bootstrap(table, lambda means: _slopes(episodes, _worst(means) if kind == "noisy" else means), rng)


def _share_of_uniform(regret, uniform, kind: str, rng) -> Estimate:
    """Regret over that of the uniform policy at the last judged number of episodes."""
    last = _episodes(regret, kind)[-1:]
    both = np.stack([_table(regret, kind, last), _table(uniform, kind, last)], axis=1)
    top = (lambda means: _worst(means)[..., 0]) if kind == "noisy" else (lambda means: means[..., 0])
    return _bootstrap(both, lambda means: top(means)[..., 0] / top(means)[..., 1], rng)


def _rate_claim(regret, uniform, rng) -> dict:
    exponents = side_by_side([_exponent(regret, kind, rng) for kind in JUDGED])
    shares = side_by_side([_share_of_uniform(regret, uniform, kind, rng) for kind in JUDGED])
    means = regret.sel(episodes=_episodes(regret, "gap")).mean(("env", "rep"), skipna=False)
    return {
        "exponent": estimated(exponents, UNITS, labels=JUDGED),
        "exponent_high": estimated(end_of(exponents, "high"), UNITS, labels=JUDGED),
        "share_of_uniform": estimated(shares, UNITS, labels=JUDGED),
        "positive": exact(bool((means > 0).all())),
    }


def a1(rates_mr, rates_uniform, rng):
    """Exponential weights on magnitude-reduced estimates have regret of order sqrt(K)."""
    return _rate_claim(rates_mr.regret, rates_uniform.regret, rng)


def a2(rates_lb, rates_uniform, rng):
    """The log-barrier has regret of order sqrt(K)."""
    return _rate_claim(rates_lb.regret, rates_uniform.regret, rng)


def _tuned(tuned, judged: str, learner: str) -> np.ndarray:
    """Mean over repetitions, (env, K) on gap and (env, scale, K) on the noisy adversaries."""
    kinds = "gap" if judged == "gap" else [kind for kind in tuned.kind.values if kind.startswith("noisy")]
    chosen = tuned.regret.sel(learner=learner, judged=judged, kind=kinds).mean("rep", skipna=False)
    return chosen.sel(episodes=tuned.episodes >= 1000).transpose("env", ..., "episodes").values


def a3(tuned, rng):
    """The older learner is slower, also with the learning rate that suits it best."""
    episodes = tuned.episodes.values[tuned.episodes.values >= 1000]
    result = {}
    for judged in ("noisy", "gap"):
        both = np.stack([_tuned(tuned, judged, name) for name in ("luo", "mr")], axis=1)

        def exponents(means, judged=judged):
            return _slopes(episodes, _worst(means) if judged == "noisy" else means)

        difference = _bootstrap(both, lambda means: np.subtract(*np.moveaxis(exponents(means), -1, 0)), rng)
        each = _bootstrap(both, exponents, rng)
        result |= {
            f"exponent_{judged}": estimated(each, UNITS, labels=["luo", "mr"]),
            f"difference_{judged}": estimated(difference, UNITS),
            f"difference_{judged}_low": estimated(end_of(difference, "low"), UNITS),
        }
    return result


def a4(lemmas):
    """A log-barrier step gains at most eta sum p l^2 from any losses; an entropy step and a bound with p^2 do not."""
    return {
        "log_barrier": exact(_largest(lemmas.step_log_barrier)),
        "entropy": exact(_largest(lemmas.step_entropy)),
        "squared": exact(_largest(lemmas.step_squared)),
        "not_finite": exact(int((~np.isfinite(lemmas.step_log_barrier)).sum())),
    }


def _largest(values) -> float:
    return float(values.max(skipna=False))


def a5(lemmas, rates_mr, rates_ewn):
    """Magnitude-reduced estimates stay above -H / sqrt(gamma) and have the plain estimates' mean."""
    plain, reduced = lemmas.estimate_plain, lemmas.estimate_reduced
    lowest = float(rates_mr.min_eta_q.min(skipna=False))
    return {
        "violations": exact(int((~(reduced >= -1 - 1e-9)).sum())),
        "plain_violates": share_of("instances", int((plain < -1).sum()), plain.size),
        "mean_difference": exact(_largest(lemmas.estimate_mean_difference)),
        "lowest": exact(lowest),
        "lowest_plain": exact(float(rates_ewn.min_eta_q.min(skipna=False))),
        "deeper": exact(float(rates_ewn.min_eta_q.min(skipna=False)) / lowest),
    }


def _by_actions(actions, learner: str, copies: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of actions, and mean regrets (env, A)."""
    chosen = (actions.learner.values == learner) & (actions.copies.values == copies)
    return actions.actions.values[chosen], actions.regret[chosen].mean(("kind", "rep"), skipna=False).values.T


def a6(actions, rng):
    """Regret grows like a root of the number of actions with the log-barrier, and much slower with entropy."""
    counts, barrier = _by_actions(actions, "lb")
    _, reduced = _by_actions(actions, "mr")
    both = np.stack([barrier, reduced], axis=1)
    difference = _bootstrap(both, lambda means: np.subtract(*np.moveaxis(_slopes(counts, means), -1, 0)), rng)
    return {
        "exponent_lb": estimated(_bootstrap(barrier, lambda means: _slopes(counts, means), rng), UNITS),
        "exponent_mr": estimated(_bootstrap(reduced, lambda means: _slopes(counts, means), rng), UNITS),
        "difference": estimated(difference, UNITS),
        "difference_low": estimated(end_of(difference, "low"), UNITS),
    }


def a7(inverses):
    """With as many samples the inverse of the empirical covariance is closer than geometric resampling."""
    error = inverses.error
    ratios, labels = [], []
    for gamma in error.gamma.values:
        for budget in error.budget.values:
            here = error.sel(gamma=gamma, budget=budget)
            others = here.isel(algorithm=slice(1, None)).dropna("algorithm", how="all")
            if others.sizes["algorithm"]:
                best = others.isel(algorithm=int(others.mean("rep").argmin("algorithm")))
                ratios.append(estimate_ratio(best.values, here.sel(algorithm="inverse").values))
            else:
                ratios.append(Estimate(*[np.float64(math.nan)] * 4, here.sizes["rep"]))
            labels.append(f"gamma = {gamma:g}, {budget} samples")
    whole = side_by_side(ratios)
    last = len(error.budget)
    smallest, largest = ratios[len(ratios) - 1], ratios[last - 1]
    return {
        "ratio": estimated(whole, "repetitions", labels=labels),
        "ratio_low": estimated(end_of(whole, "low"), "repetitions", labels=labels),
        "growth": exact(float(smallest.low - largest.high)),
    }


def a8(simulator_free, rng):
    """Without a simulator regret grows slower than K^(8/9) where losses switch; beside resampling and controls."""
    regret = simulator_free.regret.mean("rep", skipna=False)
    episodes = simulator_free.episodes.values
    result = {}
    for kind in ("switch", "gap"):
        tables = {
            name: regret.sel(kind=kind, algorithm=name).transpose("env", "episodes").values
            for name in regret.algorithm.values
        }
        exponent = _bootstrap(tables["inv"], lambda means: _slopes(episodes, means), rng)
        ratio = estimate_mean(tables["inv"] / tables["mgr"])
        last = [tables[name][:, -1:] for name in ("uniform", "commit")]
        shares = [_bootstrap(np.stack([tables["inv"][:, -1:], one], 1), _first_over_second, rng) for one in last]
        labels = [f"K = {k}" for k in episodes]
        result |= {
            f"exponent_{kind}": estimated(exponent, UNITS),
            f"exponent_{kind}_high": estimated(end_of(exponent, "high"), UNITS),
            f"over_resampling_{kind}": estimated(ratio, UNITS, labels=labels),
            f"over_resampling_{kind}_high": estimated(end_of(ratio, "high"), UNITS, labels=labels),
            f"over_uniform_{kind}": estimated(shares[0], UNITS),
            f"over_commit_{kind}": estimated(shares[1], UNITS),
        }
    return result


def _first_over_second(means) -> np.ndarray:
    return means[..., 0, 0] / means[..., 1, 0]


def a9(rates_mr, rates_ewn, rates_mr0):
    """Magnitude reduction and bonuses cost at most a tenth of the regret."""
    last = _episodes(rates_mr.regret, "gap")[-1]

    def at_last(store) -> np.ndarray:
        chosen = store.regret.sel(episodes=last, kind=["gap", "switch", "noisy8"])
        return chosen.mean("rep", skipna=False).transpose("env", "kind").values

    own = at_last(rates_mr)
    relative = np.concatenate([own / at_last(other) - 1 for other in (rates_ewn, rates_mr0)], axis=1)
    labels = [f"{kind}, {what}" for what in ("plain estimates", "no bonus") for kind in ("gap", "switch", "noisy")]
    estimate = estimate_mean(relative)
    return {
        "excess": estimated(estimate, UNITS, labels=labels),
        "excess_high": estimated(end_of(estimate, "high"), UNITS, labels=labels),
        "ablation_worse": exact(int((estimate.high < 0).sum())),
    }


def a10(rates_mr, rates_uniform, dims, rng):
    """Worst-scale regret over sqrt(K) is flat for magnitude reduction, and not for the uniform policy."""
    episodes = _episodes(rates_mr.regret, "noisy")

    def spread(means) -> np.ndarray:
        scaled = _worst(means) / np.sqrt(episodes)
        return scaled.max(axis=-1) / scaled.min(axis=-1)

    table = dims.regret.mean("rep", skipna=False).transpose("env", "kind", "case").values
    slope = _bootstrap(table, lambda means: _slopes(dims.dim.values, _worst(means)), rng)
    return {
        "spread": estimated(_bootstrap(_table(rates_mr.regret, "noisy", episodes), spread, rng), UNITS),
        "spread_uniform": estimated(_bootstrap(_table(rates_uniform.regret, "noisy", episodes), spread, rng), UNITS),
        "exponent_dim": estimated(slope, UNITS),
        "exponent_dim_high": estimated(end_of(slope, "high"), UNITS),
    }


def a11(simulators):
    """Learners that ask a simulator do as well as those that know the dynamics."""
    regret = simulators.regret.mean(("kind", "rep"), skipna=False)
    most = int(simulators.trajectories.max())
    ratios = []
    for name in ("lb", "mr"):
        own = simulators.learner.values == name
        exactly, sampled = (regret[own & (simulators.trajectories.values == m)].values[0] for m in (0, most))
        ratios.append(estimate_mean(sampled / exactly))
    estimate = side_by_side(ratios)
    return {
        "ratio": estimated(estimate, UNITS, labels=["lb", "mr"]),
        "ratio_low": estimated(end_of(estimate, "low"), UNITS, labels=["lb", "mr"]),
        "ratio_high": estimated(end_of(estimate, "high"), UNITS, labels=["lb", "mr"]),
    }


def a12(states, rng):
    """Regret does not grow with the number of states, unless features tell all states apart."""
    regret = states.regret.mean("rep", skipna=False)
    counts, hot, learner = states.states.values, states.one_hot.values == 1, states.learner.values

    def of(name: str, count: int, one_hot: bool) -> np.ndarray:
        (row,) = regret[(learner == name) & (counts == count) & (hot == one_hot)].values
        return row  # (kind, env)

    def ratio(first, second, k: int) -> Estimate:
        return _bootstrap(np.stack([first[k], second[k]], axis=1), lambda means: means[..., 0] / means[..., 1], rng)

    smallest, *others = np.unique(counts[~hot])
    kinds = list(states.kind.values)
    ratios = [
        ratio(of(name, count, False), of(name, smallest, False), k)
        for name in ("lb", "mr")
        for count in others
        for k in range(len(kinds))
    ]
    labels = [f"{name}, S = {count}, {kind}" for name in ("lb", "mr") for count in others for kind in kinds]
    largest_hot = counts[hot].max()
    controls = [ratio(of("lb", largest_hot, True), of("lb", largest_hot, False), k) for k in range(len(kinds))]
    control = side_by_side(controls)
    return {
        "growth": estimated(side_by_side(ratios), UNITS, labels=labels),
        "one_hot": estimated(control, UNITS, labels=kinds),
        "one_hot_low": estimated(end_of(control, "low"), UNITS, labels=kinds),
    }


def a13(simulator_free):
    """The older rate's schedule without a simulator is not among what was run: its exponents are unknown to us."""
    return {"schedule_known": exact("luo" in simulator_free.algorithm.values)}


def a14(relative):
    """The relative error of the inverse stays within 2 sqrt(gamma) at the lemma's number of samples."""
    delta, outside, excess, labels = relative.attrs["delta"], [], [], []
    for law in relative.law.values:
        for gamma, draws in zip(relative.gamma.values, relative.draws.values):
            if not np.isfinite(draws):
                return {
                    "excess": exact(math.nan),
                    "needed_exponent": exact(math.nan),
                    "needed_one_hot": exact(math.nan),
                }
            values = relative.deviation.sel(law=law, gamma=gamma).values[: int(draws)]
            outside.append(int((~(values <= 2 * math.sqrt(gamma))).sum()))
            excess.append(outside[-1] / draws - delta - 2 * math.sqrt(delta * (1 - delta) / draws))
            labels.append(f"{law}, gamma = {gamma:g}")
    x = np.log(1 / relative.needed_gamma.values)
    fits = side_by_side([estimate_slope(x, np.log(relative.needed.sel(law=law).values)) for law in relative.law.values])
    hot = list(relative.law.values).index("one-hot")
    return {
        "excess": exact(excess, labels=labels),
        "outside": exact(outside, labels=labels),
        "needed_exponent": estimated(fits, "values of gamma", labels=list(relative.law.values)),
        "needed_one_hot": exact(float(fits.value[hot])),
    }


def a15(lemmas):
    """On whole sequences the log-barrier's regret is within its bound for any losses; the entropy's is not."""
    return {
        "log_barrier": exact(_largest(lemmas.sequence_log_barrier)),
        "entropy": exact(_largest(lemmas.sequence_entropy)),
        "pair_log_barrier": exact(float(lemmas.pair_log_barrier)),
        "pair_entropy": exact(float(lemmas.pair_entropy)),
    }


def a16(lemmas):
    """Magnitude reduction does not raise the second moment, and that of the estimate by a factor of two at most."""
    return {
        "second_moment": exact(_largest(lemmas.second_moment)),
        "estimate_moment": exact(_largest(lemmas.estimate_moment)),
        "typical": mean_over("laws", lemmas.second_moment.values),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
