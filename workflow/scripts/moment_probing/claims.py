"""Claims of moment_probing, each measured from the stores that it rests on; accuracies in points."""

import numpy as np
import xarray as xr

from lib.atlas.job.quantities import estimated, exact, mean_over, timed
from lib.stats.intervals import Estimate, end_of, estimate_mean, estimate_quantile, side_by_side

SEEDS = "seeds (backbone, data and head)"
POINTS = 100
CODED = (769_000, 4_047_146, 4_489_514)  # linear probing, MP, MP+ on ViT-B/16 as the authors' code has them
# top-1 of MP and MP+ in the authors' tables
REPORTED = {
    "imagenet": (83.15, 83.62), "cifar": (93.8, 94.2), "cub": (89.3, 89.9), "nabirds": (84.9, 86.1),
    "flowers": (99.6, 99.7), "dogs": (89.5, 90.2), "cars": (83.6, 89.4),
}  # fmt: skip
PRINTED = (3.65, 4.10)  # millions of MP and MP+ in the paper


def _linear(store, dim: str = "images") -> np.ndarray:
    """Accuracy of the linear probe that validation chose, by set and seed."""
    chosen = xr.DataArray(store.linear.values.astype(str), dims=dim)
    return POINTS * store.accuracy.sel(probe=chosen).transpose(dim, "seed").values


def _head(store, name: str, dim: str = "images") -> np.ndarray:
    return POINTS * store.accuracy.sel(probe=name).transpose(dim, "seed").values


def _gain(first, second) -> Estimate:
    """Paired differences over seeds, the last axis; of a single seed the error is not known."""
    difference = np.asarray(first) - np.asarray(second)
    if difference.shape[-1] > 1:
        return estimate_mean(difference, axis=-1)
    unknown = np.full(difference.shape[:-1], np.nan)
    return Estimate(difference[..., 0], unknown, unknown, unknown, 1)


def _by_set(estimate: Estimate, store) -> dict:
    return estimated(estimate, SEEDS, labels=[str(name) for name in store.images.values])


def _second_largest_lower(estimates: list[Estimate]) -> Estimate:
    """Lower end that two sets reach: on each set the lowest of all comparisons, of sets the second best."""
    lows = np.stack([estimate.low for estimate in estimates])
    hardest = np.argmin(np.where(np.isnan(lows), -np.inf, lows), axis=0)
    per_set = [lows[hardest[k], k] for k in range(lows.shape[1])]
    order = np.argsort(np.where(np.isnan(per_set), -np.inf, per_set))
    chosen = order[-2] if len(order) > 1 else order[-1]
    of = estimates[hardest[chosen]]
    return end_of(Estimate(of.value[chosen], of.se[chosen], of.low[chosen], of.high[chosen], of.n), "low")


def _lower(estimate: Estimate, labels=None) -> dict:
    return estimated(end_of(estimate, "low"), SEEDS, labels=labels)


def c1(mechanism):
    """The second moment tells classes apart that no linear function of the first can."""
    store = mechanism.sel(kind=["covariance"])
    chance = POINTS / float(store.classes.item())
    mp = _head(store, "mp", "kind")[0] - chance
    return {
        "linear_above_chance": mean_over(SEEDS, _linear(store, "kind")[0] - chance),
        "mp_above_chance_least": exact(float(mp.min())),
        "mp_above_chance": mean_over(SEEDS, mp),
        "perceptron_above_chance": mean_over(SEEDS, _head(store, "perceptron", "kind")[0] - chance),
        "covariance_above_chance": mean_over(SEEDS, _head(store, "covariance", "kind")[0] - chance),
    }


def c2(probes_vit):
    """Moment probing beats the best linear probe, and a perceptron of its size, on most sets."""
    mp = _head(probes_vit, "mp")
    linear, perceptron = _gain(mp, _linear(probes_vit)), _gain(mp, _head(probes_vit, "perceptron"))
    return {
        "gain_over_linear": _by_set(linear, probes_vit),
        "gain_over_perceptron": _by_set(perceptron, probes_vit),
        "second_best_lower_end": estimated(_second_largest_lower([linear, perceptron]), SEEDS),
        "gain_over_same_training": _by_set(_gain(mp, _head(probes_vit, "cls+gap")), probes_vit),
    }


def c3(probes_vit):
    """Both moments together beat either alone."""
    mp = _head(probes_vit, "mp").mean(0)
    first, second = (_gain(mp, other.mean(0)) for other in (_linear(probes_vit), _head(probes_vit, "second alone")))
    return {
        "over_first": estimated(first, SEEDS),
        "over_first_lower": _lower(first),
        "over_second": estimated(second, SEEDS),
        "over_second_lower": _lower(second),
    }


def c4(probes_vit):
    """Cross-covariance of heads is as good as a full covariance with far more parameters, or with as many."""
    mp = _head(probes_vit, "mp").mean(0)
    names = ["covariance", "covariance, equal parameters", "covariance, equal features"]
    gains = side_by_side(_gain(mp, _head(probes_vit, name).mean(0)) for name in names)
    judged = Estimate(*(part[:2] for part in gains))
    parameters = probes_vit.parameters
    share = (parameters.sel(probe="mp") / parameters.sel(probe="covariance")).values
    return {
        "over_covariance": estimated(gains, SEEDS, labels=["same projection", "same parameters", "same features"]),
        "over_covariance_lower": _lower(judged, ["same projection", "same parameters"]),
        "parameter_share": exact(share, labels=probes_vit.images.values),
    }


def _ratio(cost, first: str, second: str) -> dict:
    ratio = cost.step_ms.sel(tuning=first).values / cost.step_ms.sel(tuning=second).values
    return timed(estimate_quantile(ratio, 0.5), "rounds in which the methods took turns")


def c5(cost):
    """A step of moment probing costs about as much as one of linear probing, and far less than what back-propagates."""
    memory = cost.memory
    return {
        "mp_over_lp": _ratio(cost, "mp", "lp"),
        "ft_over_mp": _ratio(cost, "ft", "mp"),
        "mp_over_ssf": _ratio(cost, "mp", "ssf"),
        "mp_over_mp_plus": _ratio(cost, "mp", "mp+"),
        "memory_mp_over_ft": exact(float(memory.sel(tuning="mp") / memory.sel(tuning="ft"))),
    }


def _tuned(store, name: str) -> np.ndarray:
    return POINTS * store.accuracy.sel(tuning=name).transpose("images", "seed").values


def c6(probes_vit, tuned):
    """MP+ beats MP, and reaches full fine-tuning."""
    plus, ft = _tuned(tuned, "mp+"), _tuned(tuned, "ft")
    over_mp = _gain(plus, _head(probes_vit, "mp")[:, : plus.shape[1]])
    over_ft = _gain(plus.mean(0), ft.mean(0))
    share = (tuned.parameters.sel(tuning="mp+") / tuned.parameters.sel(tuning="ft")).values
    fall = tuned.fall.mean("seed", skipna=False).max("images", skipna=False)
    return {
        "plus_over_mp": _by_set(over_mp, tuned),
        "second_best_lower_end": estimated(_second_largest_lower([over_mp]), SEEDS),
        "plus_over_ft": estimated(over_ft, SEEDS),
        "plus_over_ft_lower": _lower(over_ft),
        "parameter_share": exact(share, labels=tuned.images.values),
        "last_fall": exact(fall.values, labels=tuned.tuning.values),
    }


def c6b(tuned):
    """Sharing the bottleneck costs nothing, and dependence on the input helps."""
    plus = _tuned(tuned, "mp+").mean(0)
    shared, fixed, scale, shift = (
        _gain(plus, _tuned(tuned, name).mean(0)) for name in ("unshared", "mp ssf", "scale_only", "shift_only")
    )
    return {
        "over_unshared": estimated(shared, SEEDS),
        "over_unshared_lower": _lower(shared),
        "over_ssf": estimated(fixed, SEEDS),
        "over_ssf_lower": _lower(fixed),
        "over_scale_only": estimated(scale, SEEDS),
        "over_shift_only": estimated(shift, SEEDS),
    }


def c7(counts):
    """Parameter counts of the paper, with and without the parts that its figures leave out."""
    part = counts.part
    without = float(part.sel(name="first") + part.sel(name="second"))
    millions = np.array([without, without + float(counts.recalibration)]) / 1e6
    differ = np.stack([counts.formula.values != CODED, counts.module.values != CODED])
    return {
        "parameters": exact(counts.formula.values, labels=counts.tuning.values),
        "mismatches": exact(int(differ.sum())),
        "millions_without_projection": exact(millions, labels=["MP", "MP+"]),
        "distance_from_paper": exact(np.abs(millions - PRINTED), labels=["MP", "MP+"]),
    }


def c8(probes_vit):
    """The gain survives corrupted images."""
    mean = POINTS * probes_vit.robust.mean(("images", "corruption"), skipna=False)
    mp, linear = (mean.sel(estimator=name).transpose("severity", "seed").values for name in ("mp", "lp"))
    gain, whole = _gain(mp, linear), _gain(mp.mean(0), linear.mean(0))
    labels = [f"severity {s}" for s in probes_vit.severity.values]
    mild = Estimate(*(part[:3] for part in gain[:4]), gain.n)
    return {
        "gain": estimated(gain, SEEDS, labels=labels),
        "mild_lower": _lower(mild, labels[:3]),
        "mean_lower": _lower(whole),
    }


def c9(mechanism, probes_vit):
    """Two moments cannot tell opposite skewness, moment probing and the characteristic function can."""
    store = mechanism.sel(kind=["skewness"])
    two, ecf, mp = (_head(store, name, "kind")[0] for name in ("two moments", "characteristic function", "mp"))
    gain = _gain(_head(probes_vit, "mp").mean(0), _head(probes_vit, "characteristic function").mean(0))
    return {
        "two_moments_off_chance": exact(float(np.abs(two - POINTS / 2).max())),
        "characteristic_function_least": exact(float(ecf.min())),
        "mp_least": exact(float(mp.min())),
        "mp_over_characteristic_function": estimated(gain, SEEDS),
        "mp_over_characteristic_function_lower": _lower(gain),
    }


def c10(probes_cnn):
    """Moment probing beats linear probing on a convolutional network too."""
    gain = _gain(_head(probes_cnn, "mp"), _linear(probes_cnn))
    return {
        "gain_over_linear": _by_set(gain, probes_cnn),
        "second_best_lower_end": estimated(_second_largest_lower([gain]), SEEDS),
    }


def c11(benchmarks: list) -> dict | None:
    """At full size MP and MP+ reach the reported accuracies, and MP beats linear probing everywhere."""
    if not benchmarks:
        return None
    stores = {(store.attrs["method"], store.attrs["images"]): store for store in benchmarks}
    distance = {
        (name, method): abs(POINTS * float(stores[method, name].accuracy) - REPORTED[name][k])
        for name in REPORTED
        for k, method in enumerate(("mp", "mp+"))
    }
    gains = []
    for name in REPORTED:
        mp, lp = (stores[method, name] for method in ("mp", "lp"))
        gains += [float(mp.accuracy - lp.accuracy), *(mp.shifted - lp.shifted).values]
    fine = {key: value for key, value in distance.items() if key[0] != "imagenet"}
    return {
        "distance_imagenet": exact([distance["imagenet", method] for method in ("mp", "mp+")], labels=["MP", "MP+"]),
        "distance_fine": exact(list(fine.values()), labels=[" ".join(key) for key in fine]),
        "least_gain": exact(POINTS * float(np.min(gains))),
    }


def c12(few_shots):
    """Moment probing beats linear probing at every number of images, most at one or two."""
    mean = POINTS * few_shots.accuracy.mean(("images", "draw"), skipna=False)
    values = {str(name): mean.sel(estimator=name).transpose("shots", "seed").values for name in mean.estimator.values}
    gain = _gain(values["mp"], values["lp"])
    difference = values["mp"] - values["lp"]
    early = _gain(difference[few_shots.shots.values <= 2].mean(0), difference[-1])
    labels = [f"{n} images" for n in few_shots.shots.values]
    result = {
        "gain": estimated(gain, "backbones", labels=labels),
        "gain_lower": estimated(end_of(gain, "low"), "backbones", labels=labels),
        "early_minus_late": estimated(early, "backbones"),
        "early_minus_late_lower": estimated(end_of(early, "low"), "backbones"),
    }
    if "ft" in values:
        over = _gain(values["lp"][0], values["ft"][0])
        result["linear_over_ft"] = estimated(over, "backbones")
        result["linear_over_ft_lower"] = estimated(end_of(over, "low"), "backbones")
    return result


def c13(probes_mae, probes_vit, tuned_masked):
    """Moment probing gains on a backbone that was trained without labels."""
    linear = _gain(_head(probes_mae, "mp"), _linear(probes_mae))
    supervised = _gain(_head(probes_vit, "mp"), _linear(probes_vit))
    plus = _gain(_tuned(tuned_masked, "mp+").mean(0), _tuned(tuned_masked, "ft").mean(0))
    return {
        "gain_over_linear": _by_set(linear, probes_mae),
        "second_best_lower_end": estimated(_second_largest_lower([linear]), SEEDS),
        "gain_supervised": _by_set(supervised, probes_vit),
        "plus_over_ft": estimated(plus, SEEDS),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
