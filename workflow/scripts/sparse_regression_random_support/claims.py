"""Claims of sparse_regression_random_support: a function for each, named by its id, of the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, share_of, timed
from lib.bench.analysis import least_time
from lib.regression.comparison import ADAPTIVE, ONE_SCALE
from lib.stats.bootstrap import percentile_estimate
from lib.stats.intervals import Estimate, difference_of, end_of, estimate_slope, side_by_side

SEEDS = "seeds"
RESAMPLES = 2000
OURS = ("ours", "ours_proof", "ours_double", "ours_oracle", "ours_cv")
RIVALS = (*ONE_SCALE, *ADAPTIVE)
JUDGED = ("lasso", "omp", "pcr", "ridge", "span_only")  # by r4
DIMS, ROWS, SPARSITIES = (100, 300, 900, 2700), (75, 150, 300, 600), (2, 3, 4, 6)  # at which claims are judged


def _drawn(values: np.ndarray, rng) -> np.ndarray:
    """Medians (resamples, ...) over resamples of the units on the last axis, which are drawn together on all others."""
    places = rng.integers(0, values.shape[-1], (RESAMPLES, values.shape[-1]))
    return np.median(np.moveaxis(values[..., places], -2, 0), axis=-1)


def _statistic(function, values: np.ndarray, rng, *, paired: bool = True) -> Estimate:
    """Estimate of a function of medians (..., P) of rows (P, units), whose units are resampled alike or apart."""
    values = np.asarray(values, dtype=float)
    drawn = _drawn(values, rng) if paired else np.stack([_drawn(row, rng) for row in values], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return percentile_estimate(function(np.median(values, axis=-1)), function(drawn), values.shape[-1])


def _ratio(top, bottom, rng, *, paired: bool = True) -> Estimate:
    """Ratio of two medians."""
    return _statistic(lambda m: m[..., 0] / m[..., 1], np.stack([top, bottom]), rng, paired=paired)


def _medians(values: np.ndarray, rng) -> Estimate:
    """Medians of rows (P, units), side by side."""
    return side_by_side(_statistic(lambda m: m[..., 0], row[None], rng) for row in values)


def _errors(designs: list, method: str) -> dict[str, np.ndarray]:
    """Errors (seed,) of a method on each design."""
    return {str(store.design.values[0]): store.error.sel(estimator=method).values[0] for store in designs}


def _design(designs: list, name: str) -> dict[str, np.ndarray] | None:
    """Errors (seed,) of each method on one design; None where the scale does not have it."""
    for store in designs:
        if store.design.values[0] == name:
            return {str(method): store.error.sel(estimator=method).values[0] for method in store.estimator.values}
    return None


def _series(sizes, prefix: str, key: str, judged: tuple) -> np.ndarray:
    """Places of the points of a series at which its claim is judged; none where one of these is missing."""
    places = np.flatnonzero([str(point).startswith(f"{prefix}:") for point in sizes.point.values])
    values = sizes[key].values[places]
    return places[np.isin(values, judged)] if set(judged) <= set(values.tolist()) else places[:0]


def _sized(sizes, places, method: str) -> np.ndarray:
    """(point, seed)"""
    return sizes.error.sel(estimator=method).transpose("point", "seed").values[places]


def _exponent(x, values, rng) -> Estimate:
    """Slope of the log median on log x; seeds are resampled at each point apart."""
    centred = np.log(np.asarray(x, float)) - np.log(np.asarray(x, float)).mean()
    return _statistic(lambda m: np.log(m) @ centred / (centred @ centred), values, rng, paired=False)


def r1(lemma):
    """Violations of the lemma are no more frequent than its bound, for any design."""
    share, bound = lemma.violated.mean("draw", skipna=False), lemma.bound
    judged = np.flatnonzero(bound.values < 1)
    draws = lemma.sizes["draw"]
    errors = np.sqrt(np.maximum(bound * (1 - bound), 0) / draws)
    excess = ((share - bound) / errors).transpose("design", "cell").values[:, judged]
    shares = share.transpose("design", "cell").values[:, judged]
    labels = [f"{design}, {cell}" for design in lemma.design.values for cell in lemma.cell.values[judged]]
    known = np.isfinite(shares).all()
    return {
        "excess": exact(excess.ravel(), labels=labels),
        "share": share_of("draws", np.rint(shares * draws).astype(int).ravel(), draws, labels=labels)
        if known
        else exact(np.nan),
        "bound": exact(bound.values[judged], labels=lemma.cell.values[judged]),
    }


def r2(lemma):
    """Where no column is farther from U than from the rest of its support, coefficients cost at most k |X w|."""
    cost, violated = lemma.cost.values, lemma.violated.values
    clean = np.where(violated == 0, cost, -np.inf)
    exact_cost = np.where(lemma.exact_violated.values == 0, lemma.exact_cost.values, -np.inf)
    finite = bool(np.isfinite(violated).all() and np.isfinite(lemma.exact_violated).all())
    labels = [*lemma.design.values, *lemma.exact.values]
    largest = np.concatenate([clean.max(axis=(1, 2)), exact_cost.max(axis=1)])
    counts = np.concatenate([(violated == 0).sum(axis=(1, 2)), (lemma.exact_violated.values == 0).sum(axis=1)])
    return {
        "cost": exact(largest if finite else np.nan, labels=labels if finite else None),
        "clean_draws": exact(counts, labels=labels),
    }


def r3(designs, rng):
    """The error at a fixed level is small on every design."""
    own = _errors(designs, "ours")
    names = list(own)
    result = {"error": estimated(_medians(np.array([own[name] for name in names]), rng), SEEDS, labels=names)}
    for method in OURS[1:]:
        other = _errors(designs, method)
        medians = _medians(np.array([other[name] for name in names]), rng)
        result[f"error_{method.removeprefix('ours_')}"] = estimated(medians, SEEDS, labels=names)
    return result


def r4(designs, rng):
    """Methods that work at one scale err several times more where columns have many scales, at their best tuning."""
    factor = _design(designs, "factor")
    groups = {"ratio": JUDGED, "others": [name for name in ONE_SCALE if name not in JUDGED], "adaptive": ADAPTIVE}
    result = {
        word: estimated(side_by_side(_ratio(factor[name], factor["ours"], rng) for name in names), SEEDS, labels=names)
        for word, names in groups.items()
    }
    best = side_by_side(_ratio(factor[name], factor["ours_oracle"], rng) for name in JUDGED)
    return result | {
        "over_oracle": estimated(best, SEEDS, labels=JUDGED),
        "cross_validated": estimated(_ratio(factor["lasso_cv"], factor["ours_cv"], rng), SEEDS),
    }


def r5(designs, rng):
    """On benign designs baselines win, by a bounded factor; at best tuning of both."""
    result = {}
    groups = {"benign": ("iid", "ar", "pairs"), "low_rank": ("multifactor",), "others": ("factor", "cauchy")}
    for word, names in groups.items():
        known = {name: errors for name in names if (errors := _design(designs, name)) is not None}
        if not known:
            continue
        prices, labels = [], []
        for name, errors in known.items():
            best = min(RIVALS, key=lambda method, errors=errors: np.median(errors[method]))
            prices.append(_ratio(errors["ours_oracle"], errors[best], rng))
            labels.append(f"{name}, against {best}")
        result[word] = estimated(side_by_side(prices), SEEDS, labels=labels)
    return result


def r6(conditions, rng):
    """The error does not depend on the condition number, that of the Lasso rises with it."""
    ours, lasso = (conditions.error.sel(estimator=name).transpose("point", "seed").values for name in ("ours", "lasso"))
    labels = [f"kappa = {spread:.0e}" for spread in conditions.spread.values]
    spread = _statistic(lambda m: m.max(axis=-1) / m.min(axis=-1), ours, rng, paired=False)
    first, last = np.argmin(conditions.spread.values), np.argmax(conditions.spread.values)
    return {
        "spread": estimated(spread, SEEDS),
        "lasso_growth": estimated(_ratio(lasso[last], lasso[first], rng, paired=False), SEEDS),
        "error": estimated(_medians(ours, rng), SEEDS, labels=labels),
        "lasso_error": estimated(_medians(lasso, rng), SEEDS, labels=labels),
    }


def _residuals(curve: np.ndarray, medians: np.ndarray) -> np.ndarray:
    """Sums of squares left of medians (..., P) by a + b curve."""
    centred = curve - curve.mean()
    rest = medians - medians.mean(axis=-1, keepdims=True)
    return np.sum(rest**2, axis=-1) - (rest @ centred) ** 2 / (centred @ centred)


def r7(sizes, rng):
    """At a fixed number of rows the error grows like the logarithm of the number of columns."""
    places = _series(sizes, "dimension", "dim", DIMS)
    if not len(places):
        return None
    dims, values = sizes.dim.values[places].astype(float), _sized(sizes, places, "ours")
    first = int(np.argmin(dims))
    grown = [p for p in range(len(dims)) if dims[p] in DIMS[2:]]
    drawn = np.stack([_drawn(row, rng) for row in values], axis=1)
    better = _residuals(np.log(dims), drawn) < _residuals(dims, drawn)
    known = np.isfinite(drawn).all()
    return {
        **{
            f"growth_{int(dims[p])}": estimated(_ratio(values[p], values[first], rng, paired=False), SEEDS)
            for p in grown
        },
        "log_better": exact(float(better.mean()) if known else np.nan),
        "error": estimated(_medians(values, rng), SEEDS, labels=[f"d = {d:.0f}" for d in dims]),
        "error_oracle": estimated(
            _medians(_sized(sizes, places, "ours_oracle"), rng), SEEDS, labels=[f"d = {d:.0f}" for d in dims]
        ),
    }


def r8(sizes, rng):
    """The error falls like a power of the number of rows."""
    places = _series(sizes, "rows", "rows", ROWS)
    if not len(places):
        return None
    rows, values = sizes.rows.values[places], _sized(sizes, places, "ours")
    return {
        "slope": estimated(_exponent(rows, values, rng), SEEDS),
        "slope_oracle": estimated(_exponent(rows, _sized(sizes, places, "ours_oracle"), rng), SEEDS),
        "error": estimated(_medians(values, rng), SEEDS, labels=[f"n = {n}" for n in rows]),
    }


def r9(rows, rng):
    """Half as many rows as columns give less error than least squares from five times as many rows."""
    own = rows.error.sel(case="ours, few").values

    def over(case):
        return estimated(_ratio(rows.error.sel(case=case).values, own, rng, paired=False), SEEDS)

    cases = ("ours, few", "least squares, many", "least squares, most", "ridge")
    return {
        "least_squares": over("least squares, many"),
        "least_squares_most": over("least squares, most"),
        "ridge": over("ridge"),
        "error": estimated(
            _medians(rows.error.sel(case=list(cases)).transpose("case", "seed").values, rng), SEEDS, labels=cases
        ),
    }


def r10(supports, rng):
    """An adversary's support defeats this algorithm, where trying all pairs does not fail."""
    store = supports.sel(kind="adversarial")
    hit = store.hit.values
    missed = np.flatnonzero(hit == 0)
    methods = [str(name) for name in store.estimator.values]
    error = {name: store.error.sel(estimator=name).values for name in methods}
    if not len(missed) or not np.isfinite(hit).all():
        return {"ours": exact(np.nan), "brute_force": exact(np.nan)}
    random = supports.sel(kind="random")
    return {
        "ours": estimated(_medians(error["ours"][None, missed], rng), SEEDS, labels=["pair missed"]),
        "brute_force": estimated(_medians(error["brute_force"][None], rng), SEEDS, labels=["all seeds"]),
        "missed": share_of(SEEDS, len(missed), len(hit)),
        "others": estimated(
            _medians(np.array([error[name][missed] for name in ("ours_oracle", "lasso", "forward")]), rng),
            SEEDS,
            labels=["ours_oracle", "lasso", "forward"],
        ),
        "random_support": estimated(_medians(random.error.sel(estimator=methods).values, rng), SEEDS, labels=methods),
    }


def _time_exponent(times, name: str) -> tuple[Estimate, np.ndarray]:
    chosen = times.series.values == name
    least = least_time(times.time.values[chosen])
    return estimate_slope(np.log(times.dim.values[chosen]), np.log(least.value)), least.value * times.calls.values[
        chosen
    ]


def r11(times):
    """Time is a small power of the number of columns, that of trying all subsets a power which grows with k."""
    names = ("ours", "brute force, k = 2", "brute force, k = 3")
    slopes, spent = zip(*(_time_exponent(times, name) for name in names))
    ours, two, three = slopes
    units = "numbers of columns, smallest of the repeats at each"
    return {
        "ours": timed(ours, units),
        "ours_high": timed(end_of(ours, "high"), units),
        "brute_force_two": timed(two, units),
        "brute_force_three": timed(three, units),
        "difference": timed(difference_of(three, two), units),
        "shortest_run": timed(Estimate(min(map(np.min, spent)), np.nan, np.nan, np.nan, times.sizes["repeat"]), "runs"),
    }


def r12(rows, rng):
    """Errors on fresh rows of a Gaussian design are near those in the sample."""
    result = {}
    for name in ("few", "more"):
        case = rows.sel(case=f"ours, {name}")
        result[f"ratio_{name}"] = estimated(
            _statistic(lambda m: m[..., 0], (case.fresh.values / case.error.values)[None], rng), SEEDS
        )
    return result


def r13(designs, rng):
    """Neither half of the preconditioner does without the other."""
    parts = ("no_reweight", "penalised_span", "span_only")
    factor = _design(designs, "factor")
    ratios = side_by_side(_ratio(factor[name], factor["ours_oracle"], rng) for name in parts)
    result = {
        "halves": estimated(Estimate(*(column[:2] for column in ratios)), SEEDS, labels=parts[:2]),
        "span_only": estimated(Estimate(*(column[2] for column in ratios)), SEEDS),
        "ratio_low": estimated(end_of(ratios, "low"), SEEDS, labels=parts),
    }
    for name in ("iid", "multifactor"):
        errors = _design(designs, name)
        if errors is not None:
            other = side_by_side(_ratio(errors[part], errors["ours_oracle"], rng) for part in parts)
            result[f"on_{name}"] = estimated(other, SEEDS, labels=parts)
    return result


def r14(sizes, rng):
    """The error grows like a small power of the sparsity."""
    places = _series(sizes, "sparsity", "sparsity", SPARSITIES)
    if not len(places):
        return None
    sparsity, values = sizes.sparsity.values[places], _sized(sizes, places, "ours")
    return {
        "slope": estimated(_exponent(sparsity, values, rng), SEEDS),
        "error": estimated(_medians(values, rng), SEEDS, labels=[f"k = {k}" for k in sparsity]),
    }


def r15(bases, lemma, rng):
    """A small basis errs less where columns are benign; the large one violates the lemma no more often."""
    shares = lemma.violated.mean("draw", skipna=False).transpose("design", "cell")
    few, many = (f"k = 4, r = {r}" for r in (4, 32))
    rises = (shares.sel(cell=many) - shares.sel(cell=few)).values
    values = bases.error.sel(estimator="ours_oracle").transpose("point", "seed").values
    designs, counts = bases.design.values, bases["size"].values
    result = {"rise_of_violations": exact(rises, labels=lemma.design.values)}
    small, large = counts.min(), counts.max()
    ratios = {
        str(name): _ratio(*(values[(designs == name) & (counts == r)][0] for r in (small, large)), rng)
        for name in dict.fromkeys(designs)
    }
    for word, chosen in (("ratio", ("iid", "multifactor")), ("ratio_others", ("factor", "pairs"))):
        names = [name for name in chosen if name in ratios]
        if names:
            result[word] = estimated(side_by_side(ratios[name] for name in names), SEEDS, labels=names)
    labels = [f"{name}, r = {r}" for name, r in zip(designs, counts)]
    return result | {"error": estimated(_medians(values, rng), SEEDS, labels=labels)}


def r16(designs, rng):
    """No simple method that adapts to scales is as robust over all designs as ours."""
    names = list(_errors(designs, "ours"))
    errors = {method: np.array([_errors(designs, method)[name] for name in names]) for method in ("ours", *ADAPTIVE)}
    ratios, count = [], len(names)
    for method in ADAPTIVE:
        stacked = np.concatenate([errors[method], errors["ours"]])
        ratios.append(_statistic(lambda m: m[..., :count].max(axis=-1) / m[..., count:].max(axis=-1), stacked, rng))
    worst = {method: names[int(np.argmax(np.median(errors[method], axis=1)))] for method in errors}
    largest = [_medians(errors[method][[names.index(worst[method])]], rng) for method in errors]
    return {
        "ratio": estimated(side_by_side(ratios), SEEDS, labels=ADAPTIVE),
        "worst": estimated(
            Estimate(*(np.concatenate(column) for column in zip(*largest))),
            SEEDS,
            labels=[f"{method}, on {name}" for method, name in worst.items()],
        ),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
