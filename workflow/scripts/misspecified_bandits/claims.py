"""Claims of misspecified_bandits: a function for each, named by its id, of the stores that it rests on."""

import math
from fractions import Fraction

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over
from lib.stats.bootstrap import percentile_estimate
from lib.stats.intervals import Estimate, end_of, estimate_lower_end, estimate_mean, estimate_ratio

INSTANCES = "action sets"


def _runs(store, algorithm: str, variable: str = "gap"):
    return store[variable].sel(algorithm=algorithm)


def _largest(values) -> float:
    """Largest value of all runs that were made (those that were not are NaN); NaN where none was."""
    values = np.asarray(values)
    return float(np.nanmax(values)) if np.any(np.isfinite(values)) else math.nan


def _failures(gaps, bound: float) -> int:
    """Runs whose gap is above a bound, or not a number, among the instances that were run."""
    present = np.isfinite(gaps).any(axis=-1)
    return int(np.sum(~(gaps[present] <= bound * (1 + 1e-9))))


def _slopes(x, y) -> np.ndarray:
    """Least-squares slopes of y on x along the last axis."""
    x = np.asarray(x, dtype=float) - np.mean(x)
    return np.asarray(y, dtype=float) @ x / (x @ x)


def m1(guarantee):
    """Elimination on the net is within 4 eps on every instance; the best of as many random queries often is not."""
    gaps = _runs(guarantee, "elimination").values
    control = _runs(guarantee, "random").where(guarantee.eps < 0.1, drop=True).values
    control = control.reshape(-1, control.shape[-1])
    control = control[np.isfinite(control).all(axis=1)]
    above = (control > 4).mean(axis=1) if len(control) > 1 else np.array([math.nan, math.nan])
    runs = int(np.isfinite(gaps).sum())
    return {
        "largest_gap": exact(_largest(gaps)),
        "failures": exact(_failures(gaps, 4) if runs else math.nan),
        "runs": exact(runs),
        "control_above": mean_over(INSTANCES, above),
    }


def _largest_queries(queries) -> np.ndarray:
    """Largest number of queries over modes, by case and instance."""
    return _runs(queries, "elimination", "queries").max("mode", skipna=False).values


def _exponents(queries, sparsity: int) -> tuple[np.ndarray, np.ndarray]:
    """Log d and log of the largest queries (radius, instance, d) of the cases of a sparsity."""
    chosen = np.flatnonzero(queries.sparsity.values == sparsity)
    dims, radii = queries.dim.values[chosen], queries.eps.values[chosen]
    table = _largest_queries(queries)
    grid = [
        [table[chosen[np.flatnonzero((dims == d) & (radii == e))[0]]] for d in np.unique(dims)]
        for e in np.unique(radii)
    ]
    return np.log(np.unique(dims)), np.log(np.moveaxis(np.array(grid), -1, 1))


def _bootstrap_slope(log_dims, log_queries, rng) -> Estimate:
    """Exponent of the largest query number over instances, resampled; the largest over radii."""
    n = log_queries.shape[1]
    drawn = rng.integers(0, n, (2000, n))
    resampled = _slopes(log_dims, log_queries[:, drawn].max(axis=2)).max(axis=0)
    return percentile_estimate(_slopes(log_dims, log_queries.max(axis=1)).max(), resampled, n)


def m2(queries, rng):
    """The queries of elimination stay below the net's size, far below all actions, and grow like d^s at most."""
    most = (
        np.nanmax(_largest_queries(queries), axis=1) if queries.queries.notnull().any() else queries.net_size * np.nan
    )
    sizes = queries.net_size.values
    bounds = [
        math.comb(int(d), int(s)) * (1 + 2 / Fraction(str(e))) ** int(s)
        for d, s, e in zip(queries.dim.values, queries.sparsity.values, queries.eps.values)
    ]
    share = _largest_queries(queries) / queries.actions.values[:, None]
    drawn = rng.integers(0, share.shape[1], (2000, share.shape[1]))
    resampled = share[:, drawn].max(axis=(0, 2))
    result = {
        "within_net": exact(bool(np.all(most <= sizes))),
        "within_bound": exact(bool(all(size <= bound for size, bound in zip(sizes, bounds)))),
        "largest_share": estimated(percentile_estimate(share.max(), resampled, share.shape[1]), INSTANCES),
    }
    for s in np.unique(queries.sparsity.values):
        log_dims, log_queries = _exponents(queries, s)
        result[f"exponent_s{s}"] = estimated(_bootstrap_slope(log_dims, log_queries, rng), INSTANCES)
    return result


def _growth(packings) -> Estimate:
    """Growth of log N by dimension, one slope for each packing."""
    return estimate_mean(_slopes(packings["size"].values, np.log(packings["count"].values)))


def _needle_expectation(packings) -> np.ndarray:
    """(N + 1) / 2 expected queries of any algorithm, (packing, size)."""
    return (packings["count"].values + 1) / 2


def m3(packings_far, queries_far, rng):
    """Dense classes need exponentially many queries of any algorithm; elimination in the 1-sparse class needs few."""
    growth = _growth(packings_far)
    log_dims, log_queries = _exponents(queries_far, 1)
    last = packings_far["size"].values[-1]
    most = float(np.exp(log_queries[0].max(axis=0)[np.exp(log_dims).round() == last]).max())
    ratio = _needle_expectation(packings_far)[:, -1] / most
    return {
        "growth": estimated(growth, "packings"),
        "growth_low": estimated(end_of(growth, "low"), "packings"),
        "exponent": estimated(_bootstrap_slope(log_dims, log_queries, rng), INSTANCES),
        "ratio": mean_over("packings", ratio),
    }


def m4(signs, decoys):
    """The best action can stand out by sqrt(d / log d) eps and stay hidden; a decoy costs least squares eps sqrt(d)."""
    exponent = estimate_mean(_slopes(np.log(signs.dim.values), np.log(signs.hidden.values)))
    actions = signs.attrs["multiple"] * signs.needle_dim.values
    excess = signs.success.values - (signs.queries.values + 1) / actions
    expected = 0.999 * (np.sqrt(decoys.dim.values) - 1)
    return {
        "exponent": estimated(exponent, "draws"),
        "excess": exact(float(excess.max())),
        "decoy_error": exact(float(np.abs(_runs(decoys, "design").values - expected).max())),
        "decoy_elimination": exact(float(_runs(decoys, "elimination").max())),
        "decoy_best_of_both": exact(float(_runs(decoys, "design_best").max())),
    }


def m5(attained):
    """Errors aligned with the design make its prediction lose most of eps sqrt(d)."""
    error = attained.error
    labels = [f"d = {d}" for d in attained.dim.values]
    return {
        "smallest": estimated(estimate_lower_end(error.values), "draws", labels=labels),
        "largest": exact(float(error.max(skipna=False))),
        "attained": mean_over("draws", error.values, labels=labels),
    }


def _searched(store) -> np.ndarray:
    """Sizes in whose packings every secret was searched for, (size, packing)."""
    return store.first_hit.sel(search="random").values.max(axis=-1) > 0


def _all_exact(store, names=("random", "design", "elimination")) -> bool:
    searched = _searched(store)
    return bool(searched.any() and store.exact.sel(search=list(names)).values[:, searched].all())


def _fits(packings) -> bool:
    """Whether the model explains all rewards but the needle's to eps: |<v, w>| <= tau, in integers."""
    tau = Fraction(str(packings.attrs["tau"]))
    largest = packings.largest.values
    return bool(
        all(
            np.isfinite(value) and Fraction(int(value), int(size)) <= tau
            for row in largest
            for value, size in zip(row, packings["size"].values)
        )
    )


def m6(packings_near, packings_far):
    """Exponentially many directions hide one another, and no search that repeats nothing beats random order."""
    near, far = _growth(packings_near), _growth(packings_far)
    return {
        "growth_near": estimated(near, "packings"),
        "growth_near_low": estimated(end_of(near, "low"), "packings"),
        "growth_far": estimated(far, "packings"),
        "growth_far_low": estimated(end_of(far, "low"), "packings"),
        "exact": exact(_all_exact(packings_near) and _all_exact(packings_far)),
        "leaky_exact": exact(bool(packings_near.exact.sel(search="leaky").values.any())),
        "fits": exact(_fits(packings_near) and _fits(packings_far)),
    }


def m7(codes, lasso):
    """Codes hide s^delta eps for delta < 1; the Lasso errs by order s eps from fewer queries than dimensions."""
    primes, deltas = codes.prime.values[:, None], codes.delta.values
    exceptions = (
        ~(codes.overlap.values <= codes.degree.values)
        | ~(codes.height.values >= primes**deltas * (1 - 1e-12))
        | ~(codes.misspecification.values <= 1)
    )
    searched = codes.searched.values.astype(bool)
    searches = codes.exact.sel(search=["random", "design", "elimination"]).values[:, searched]
    error = lasso.lasso.mean("error").values
    slope = _slopes(np.log(lasso.sparsity.values), np.log(error * lasso.sparsity.values))
    by_radius = _slopes(np.log(lasso.eps.values), np.log(lasso.by_radius.mean("error").values))
    labels = [f"s = {s}" for s in lasso.sparsity.values]
    control = estimate_ratio(lasso.norm.mean("error").values, error)
    return {
        "exceptions": exact(int(exceptions.sum())),
        "exact": exact(bool(searched.any() and searches.all())),
        "lasso": mean_over("draws", error, labels=labels),
        "exponent_s": estimated(estimate_mean(slope), "draws"),
        "exponent_eps": estimated(estimate_mean(by_radius), "draws"),
        "control": estimated(control, "draws", labels=labels),
    }


def m8(adversary, spheres):
    """Elimination needs a tenth of the design's queries for 4 eps, where as many random queries do far worse."""
    own, other = (_runs(adversary, name).values.ravel() for name in ("elimination", "random"))
    spent = estimate_ratio(
        _runs(adversary, "elimination", "queries").values.ravel(),
        _runs(adversary, "design_best", "queries").values.ravel(),
    )
    ratio = estimate_ratio(other, own)
    result = {
        "largest_gap": exact(float(np.max(own))),
        "queries": estimated(spent, "draws"),
        "random_ratio": estimated(ratio, "draws"),
        "random_ratio_low": estimated(end_of(ratio, "low"), "draws"),
    }
    for name in ("design", "design_best"):
        result[f"gap_{name}"] = mean_over("draws", _runs(adversary, name).values.ravel())
    for name in ("elimination", "design", "design_best"):
        gaps = _runs(spheres, name).mean("mode")
        result[f"spheres_{name}"] = mean_over(
            "draws", gaps.transpose("draw", "case").values, labels=spheres.case.values
        )
    return result


def m9(fitted, correlated):
    """Fitted supports reach order eps sqrt(s) without a net; on correlated features the Lasso's gap is below s eps."""
    gaps, queries = (_runs(fitted, "supports", name).values for name in ("gap", "queries"))
    s = int(fitted.sparsity.values.max())
    bound = 2 * (1 + math.sqrt(1.05 * s))
    mean = correlated.gap.mean("error").transpose("draw", "algorithm", "correlation", "sparsity")
    labels = [
        f"rho = {rho:g}, s = {size}" for rho in correlated.correlation.values for size in correlated.sparsity.values
    ]
    tables = {name: mean.sel(algorithm=name).values.reshape(len(mean), -1) for name in correlated.algorithm.values}
    return {
        "largest_gap": exact(_largest(gaps)),
        "failures": exact(_failures(gaps, bound) if np.isfinite(gaps).any() else math.nan),
        "largest_queries": exact(_largest(queries)),
        "queries_over_net": exact(_largest(queries) / float(fitted.net_size.min())),
        "queries_over_actions": exact(_largest(queries) / float(fitted.actions.min())),
        "lasso": mean_over("draws", tables["lasso"], labels=labels),
        "queried": mean_over("draws", tables["queried"], labels=labels),
        "least_norm": mean_over("draws", tables["norm"], labels=labels),
        "random_row": mean_over("draws", tables["random"], labels=labels),
    }


def m10(guarantee):
    """The paper's algorithm for delta >= 1 in general settings is not among the algorithms that were run."""
    return {"algorithm_known": exact("general" in guarantee.algorithm.values)}


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
