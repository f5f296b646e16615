"""Claims of generative_vs_discriminative: a function for each, named by its id, of the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over
from lib.probing.mixtures import dilute_crossing
from lib.probing.sample_complexity import (
    Crossing,
    ErrorCurve,
    crossing,
    estimate_of,
    log_slope,
    resample_crossing,
)
from lib.stats.intervals import (
    Estimate,
    end_of,
    estimate_difference,
    estimate_mean,
    extreme_of,
    side_by_side,
    without_error,
)

DRAWS, SEEDS, MATRICES = "draws", "pre-training seeds", "matrices"


def _crossing(store, dim: int, estimator: str, rng, matrix: int = 0) -> Crossing:
    one = store.sel(dim=dim, estimator=estimator).isel(matrix=matrix)
    curve = ErrorCurve(store.m.values, one.error.transpose("draw", "step").values)
    return resample_crossing(curve, float(one.target), rng)


def _crossings(store, estimator: str, rng) -> dict[int, Crossing]:
    """By n; those that were not searched are left out."""
    searched = store.error.sel(estimator=estimator).notnull().any(("matrix", "draw", "step"))
    blank = store.target.isnull().all()
    dims = [int(n) for n in store.dim.values if blank or searched.sel(dim=n)]
    return {n: _crossing(store, n, estimator, rng) for n in dims}


def _sizes(crossings: dict[int, Crossing]) -> dict:
    """Numbers of samples of each n, with labels."""
    estimates = side_by_side(estimate_of(lambda m: m, one) for one in crossings.values())
    return estimated(estimates, DRAWS, labels=[f"n = {n}" for n in crossings])


def _fit_quality(dims, values) -> float:
    """R^2 of a straight line through the logarithms."""
    x, y = np.log(dims), np.log(values)
    rest = y - np.polyval(np.polyfit(x, y, 1), x) if np.isfinite(y).all() else np.full(len(y), np.nan)
    return float(1 - rest @ rest / np.sum((y - y.mean()) ** 2))


def _by_classes(stores) -> dict[int, object]:
    return {int(store.attrs["classes"]): store for store in stores}


def _growth(crossings: dict[int, Crossing]) -> Estimate:
    dims = list(crossings)
    return estimate_of(lambda *m: log_slope(dims, list(m)), *crossings.values())


def _exponents(stores, estimator: str, rng) -> dict:
    quantities = {}
    for classes, store in _by_classes(stores).items():
        crossings = _crossings(store, estimator, rng)
        if len(crossings) < 2 or (classes > 2 and len(crossings) < 4):
            continue
        slope, suffix = _growth(crossings), {2: "", 3: "_three", 5: "_five", 7: "_seven"}[classes]
        quantities |= {
            f"slope{suffix}": estimated(slope, DRAWS),
            f"slope_low{suffix}": estimated(end_of(slope, "low"), DRAWS),
            f"slope_high{suffix}": estimated(end_of(slope, "high"), DRAWS),
            f"fit{suffix}": estimated(
                without_error(_fit_quality(list(crossings), [c.value for c in crossings.values()]), slope.n), DRAWS
            ),
            f"samples{suffix}": _sizes(crossings),
        }
    return quantities


def g1(easy, rng):
    """Logistic regression as the authors run it needs about n samples."""
    quantities = _exponents(easy, "lr", rng)
    two = _by_classes(easy)[2]
    minimiser = _crossings(two, "lr_exact", rng)
    searches = two.single.sel(estimator="lr").values
    return quantities | {
        "slope_exact": estimated(_growth(minimiser), DRAWS),
        "samples_exact": _sizes(minimiser),
        "single": mean_over("searches", searches),
    }


def g2(easy, rng):
    """Naive Bayes needs at most of the order of log n samples."""
    quantities, ratios, labels = {}, [], []
    for classes, store in _by_classes(easy).items():
        crossings = _crossings(store, "nb", rng)
        suffix = {2: "two", 3: "three", 5: "five", 7: "seven"}[classes]
        quantities[f"samples_{suffix}"] = _sizes(crossings)
        largest = {2: 800, 3: 400}.get(classes)
        if largest in crossings and 100 in crossings:
            growth = estimate_of(lambda a, b: b / a, crossings[100], crossings[largest])
            quantities |= {
                f"growth_{suffix}": estimated(growth, DRAWS),
                f"growth_high_{suffix}": estimated(end_of(growth, "high"), DRAWS),
            }
        for n, one in crossings.items():
            scale = 2 * classes * np.log2(n)
            ratios.append(estimate_of(lambda m, scale=scale: m / scale, one))
            labels.append(f"K = {classes}, n = {n}")
    single = _by_classes(easy)[2].single.sel(estimator="nb").values
    return quantities | {
        "over_log": estimated(extreme_of(side_by_side(ratios), np.max), DRAWS),
        "each_over_log": estimated(side_by_side(ratios), DRAWS, labels=labels),
        "single": mean_over("searches", single),
    }


def g2b(easy, rng):
    """Naive Bayes needs ten times fewer samples than logistic regression, unscaled and standardised."""
    store = _by_classes(easy)[2]
    if 400 not in store.dim.values:
        return {}
    bayes = _crossing(store, 400, "nb", rng)
    names = {"lr": "as the authors run it", "lr_exact": "at its minimum", "lr_scaled": "standardised"}
    ratios = {e: estimate_of(lambda a, b: b / a, bayes, _crossing(store, 400, e, rng)) for e in names}
    judged = ["lr", "lr_scaled"]
    return {
        "ratio": estimated(side_by_side(ratios.values()), DRAWS, labels=list(names.values())),
        "ratio_low": estimated(
            side_by_side(end_of(ratios[e], "low") for e in judged), DRAWS, labels=[names[e] for e in judged]
        ),
        "nearest_mean_limit": exact(float(store.limit.sel(dim=400, estimator="ncm").isel(matrix=0))),
    }


def g3(means):
    """The number of samples that makes all means accurate grows like log n."""
    formula, law, fit = (means.m.sel(way=way).values for way in ("formula", "law", "fit"))
    x = np.log(means.dim.values)
    slopes = [np.polyfit(x, values, 1)[0] if np.isfinite(values).all() else np.nan for values in (formula, law)]
    limit = 2 / means.attrs["tolerance"] ** 2
    fitted = means.fitted.values.astype(bool)
    draws = int(means.attrs["draws"])
    error = np.concatenate([np.abs(law / formula - 1), np.abs(fit / formula - 1)[fitted]])
    return {
        "difference": estimated(without_error(float(error.max()), draws), DRAWS),
        "slope_over_limit": estimated(without_error(slopes[1] / limit, draws), DRAWS),
        "formula_slope": exact(slopes[0]),
        "samples": exact(formula, labels=[f"n = {n}" for n in means.dim.values]),
    }


def g4(dilute, rng):
    """Where features are weak, naive Bayes too needs a number of samples proportional to n."""
    crossings = _crossings(dilute, "nb", rng)
    strength, margin = dilute.attrs["strength"], dilute.attrs["margin"]
    quantities = {"slope": estimated(_growth(crossings), DRAWS), "samples": _sizes(crossings)}
    ratios = [estimate_of(lambda m, n=n: m / dilute_crossing(n, strength, margin), one) for n, one in crossings.items()]
    quantities["over_closed_form"] = estimated(side_by_side(ratios), DRAWS, labels=[f"n = {n}" for n in crossings])
    if 800 in crossings:
        quantities["over_closed_form_800"] = estimated(ratios[list(crossings).index(800)], DRAWS)
    for name, estimator in (("logistic", "lr_scaled"), ("nearest_mean", "ncm")):
        other = _crossings(dilute, estimator, rng)
        if other:
            quantities[name] = _sizes(other)
    return quantities


def g5(bound):
    """The 0-1 excess is at most the root of twice the logistic one, with gaps on a linear class; sqrt 2 is sharp."""
    labels = [f"K = {k}" for k in bound.K.values]
    trained = bound.trained_zero_one.values / np.sqrt(2 * bound.trained_logistic.values)
    rows = {}
    for population in bound.population.values:
        one = bound.sel(population=population)
        gap_01 = float(one.class_zero_one - one.pointwise_zero_one)
        gap_log = float(one.class_logistic - one.pointwise_logistic)
        left = one.function_zero_one.values - float(one.class_zero_one) + gap_01
        right = np.sqrt(2 * np.maximum(one.function_logistic.values - float(one.class_logistic) + gap_log, 0))
        rows[population] = left / right
    return {
        "violations": exact(bound.violations.sum("form", skipna=False).values, labels=labels),
        "largest_ratio": exact(float(bound.ratio.max(skipna=False))),
        "constant": exact(float(np.sqrt(2) * bound.ratio.max(skipna=False))),
        "ratio": exact(bound.ratio.max("way", skipna=False).values, labels=labels),
        "trained_ratio": exact(trained, labels=[f"{step} steps" for step in bound.step.values]),
        "class_ratio": exact([float(np.max(ratio)) for ratio in rows.values()], labels=list(rows)),
    }


def _errors(features, backbone: str, probe: str) -> np.ndarray:
    """(m, seed): means over subsamples, for the sizes of this backbone's data set."""
    one = features.error.sel(backbone=backbone, probe=probe).mean("subsample", skipna=False).transpose("m", "seed")
    return one.values[_measured(features, backbone)]


def _measured(features, backbone: str) -> np.ndarray:
    """Sizes (M,) that belong to the backbone's data set, as truths: those with any number, or all if there is none."""
    present = features.error.sel(backbone=backbone).notnull().any(("subsample", "probe", "seed")).values
    return present if present.any() else np.ones_like(present)


def _at(features, backbone: str, mark: str) -> np.ndarray:
    """Places, among the backbone's sizes, with a mark."""
    marks = features[mark].sel(backbone=backbone).values
    return np.flatnonzero(marks[_measured(features, backbone)] == 1)


def _m(features, backbone: str) -> np.ndarray:
    return features.m.values[_measured(features, backbone)]


def _marked(features, mark: str) -> list[str]:
    return [str(name) for name, chosen in zip(features.backbone.values, features[mark].values) if chosen == 1]


def _own_crossing(features, backbone: str, probe: str, margin: float = 0.02) -> np.ndarray:
    """Crossing of each seed's mean error and its own error at the largest size plus a margin."""
    errors, last = _errors(features, backbone, probe), _at(features, backbone, "largest")[0]
    target = errors[last] + margin
    return np.array([float(crossing(_m(features, backbone), column, level)) for column, level in zip(errors.T, target)])


def _log_ratio(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Geometric mean of ratios with Student's interval of the logarithms."""
    value, se, low, high, n = estimate_mean(np.log(first / second))
    return Estimate(np.exp(value), np.exp(value) * se, np.exp(low), np.exp(high), n)


LOGISTIC = {"lr 1": "C = 1", "lr cv": "C by cross-validation"}
BAYES = "nb 0.001"


def g6(features):
    """On features naive Bayes comes near its own error with fewer samples than logistic regression near its own."""
    names = [str(name) for name in features.backbone.values]
    ratios = {
        (name, words): _log_ratio(_own_crossing(features, name, BAYES), _own_crossing(features, name, probe))
        for name in names
        for probe, words in LOGISTIC.items()
    }
    faster = [
        all(ratios[name, words].value <= 0.5 and ratios[name, words].high < 1 for words in LOGISTIC.values())
        for name in names
    ]
    n = features.sizes["seed"]
    return {
        "share": estimated(without_error(float(np.mean(faster)), n), SEEDS),
        "ratio": estimated(side_by_side(ratios.values()), SEEDS, labels=[", ".join(key) for key in ratios]),
    }


def g7(features):
    """With two or three samples a class naive Bayes beats logistic regression at its best penalty."""
    rows, labels, controls, control_labels = [], [], [], []
    strengths = [f"lr {C:g}" for C in (0.1, 1, 10, 100)]
    for name in _marked(features, "supervised"):
        for place in _at(features, name, "few"):
            logistic = min((_errors(features, name, one)[place] for one in strengths), key=np.mean)
            m = _m(features, name)[place]
            for probe in ("nb 1e-09", BAYES):
                rows.append(estimate_difference(logistic, _errors(features, name, probe)[place]))
                labels.append(f"{name}, m = {m}, epsilon = {probe[3:]}")
            controls.append(
                estimate_difference(_errors(features, name, "ncm")[place], _errors(features, name, BAYES)[place])
            )
            control_labels.append(f"{name}, m = {m}")
    return {
        "difference": estimated(side_by_side(rows), SEEDS, labels=labels),
        "difference_low": estimated(side_by_side(end_of(row, "low") for row in rows), SEEDS, labels=labels),
        "nearest_mean": estimated(side_by_side(controls), SEEDS, labels=control_labels),
    }


def _differences(features, name: str, probe: str, mark: str) -> tuple[list[Estimate], list[str]]:
    """Logistic less Bayes at marked sizes."""
    first, second = (_errors(features, name, one) for one in (probe, BAYES))
    places = _at(features, name, mark)
    labels = [f"{name}, m = {_m(features, name)[place]}, {LOGISTIC[probe]}" for place in places]
    return [estimate_difference(first[place], second[place]) for place in places], labels


def g8(features):
    """With supervised pre-training there are two regimes: naive Bayes wins at first, logistic regression later."""
    quantities, crossings, crossing_labels = {}, [], []
    for mark, end in (("early", "low"), ("late", "high")):
        rows, labels = [], []
        for name in _marked(features, "supervised"):
            for probe in LOGISTIC:
                more = _differences(features, name, probe, mark)
                rows, labels = rows + more[0], labels + more[1]
        quantities[mark] = estimated(side_by_side(rows), SEEDS, labels=labels)
        quantities[f"{mark}_{end}"] = estimated(side_by_side(end_of(row, end) for row in rows), SEEDS, labels=labels)
    for name in _marked(features, "supervised"):
        for probe in LOGISTIC:
            gap = (_errors(features, name, probe) - _errors(features, name, BAYES)).mean(axis=1)
            crossings.append(float(crossing(_m(features, name), gap, 0.0)))
            crossing_labels.append(f"{name}, {LOGISTIC[probe]}")
    n = features.sizes["seed"]
    return quantities | {
        "crossing": estimated(without_error(crossings, np.full(len(crossings), n)), SEEDS, labels=crossing_labels)
    }


def g9(features):
    """On features of a masked autoencoder naive Bayes need not win."""
    few, late, late_labels, few_labels = [], [], [], []
    for name in _marked(features, "contrast"):
        place = _at(features, name, "few")[-1]
        gap = estimate_difference(_errors(features, name, "lr 1")[place], _errors(features, name, BAYES)[place])
        few.append(float(gap.value / gap.se))
        few_labels.append(f"{name}, m = {_m(features, name)[place]}")
        more = _differences(features, name, "lr 1", "later")
        late, late_labels = late + more[0], late_labels + more[1]
    n = features.sizes["seed"]
    return {
        "few_in_errors": estimated(without_error(few, np.full(len(few), n)), SEEDS, labels=few_labels),
        "late": estimated(side_by_side(late), SEEDS, labels=late_labels),
        "late_high": estimated(side_by_side(end_of(one, "high") for one in late), SEEDS, labels=late_labels),
    }


def g10(features):
    """With many samples logistic regression is no worse than naive Bayes."""
    rows, labels = [], []
    for name in map(str, features.backbone.values):
        more = _differences(features, name, "lr 1", "largest")
        rows, labels = rows + more[0], labels + more[1]
    return {
        "difference": estimated(side_by_side(rows), SEEDS, labels=labels),
        "difference_high": estimated(side_by_side(end_of(row, "high") for row in rows), SEEDS, labels=labels),
    }


def g11(bound):
    """Without minimisability gaps the bound fails on a linear class: no logistic excess, much 0-1 excess."""
    xor = bound.sel(population="xor")
    logistic = bound.special_logistic.values - float(xor.class_logistic)
    zero_one = bound.special_zero_one.values - float(xor.class_zero_one)
    gap_log = float(xor.class_logistic - xor.pointwise_logistic)
    gap_01 = float(xor.class_zero_one - xor.pointwise_zero_one)
    labels = list(bound.special.values)
    return {
        "logistic_excess": exact(logistic, labels=labels),
        "zero_one_excess": exact(zero_one, labels=labels),
        "optimum_error": exact(abs(float(xor.class_logistic) - np.log(2))),
        "with_gaps": exact((zero_one + gap_01) / np.sqrt(2 * np.maximum(logistic + gap_log, 0)), labels=labels),
    }


def g12(hard, rng):
    """Where features depend on each other naive Bayes loses its advantage in the number of samples."""
    dims = [int(n) for n in hard.dim.values]

    def values(estimator: str) -> np.ndarray:
        """(matrix, n)"""
        return np.array(
            [[_crossing(hard, n, estimator, rng, k).value for n in dims] for k in range(hard.sizes["matrix"])]
        )

    bayes = values("nb")
    slopes = log_slope(dims, list(bayes.T))
    ratios = {e: values(e) for e in ("lr", "lr_exact", "lr_scaled") if e in hard.estimator.values}
    slope = estimate_mean(slopes)
    return {
        "slope": estimated(slope, MATRICES),
        "ratio": estimated(_log_ratio(np.exp(np.log(bayes).mean(1)), np.exp(np.log(ratios["lr"]).mean(1))), MATRICES),
        "ratios": estimated(
            side_by_side(_log_ratio(np.exp(np.log(bayes).mean(1)), np.exp(np.log(v).mean(1))) for v in ratios.values()),
            MATRICES,
            labels=["as the authors run it", "at its minimum", "standardised"][: len(ratios)],
        ),
        "first_matrix": exact(bayes[0], labels=[f"n = {n}" for n in dims]),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
