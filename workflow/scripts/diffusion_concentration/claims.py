"""Claims of diffusion_concentration: a function for each, named by its id, of the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over
from lib.stats.bootstrap import percentile_estimate
from lib.stats.intervals import (
    Estimate,
    estimate_mean,
    estimate_median,
    estimate_proportion,
    estimate_ratio,
    extreme_of,
    magnitude_of,
    mean_of,
    ratio_of,
    side_by_side,
)

SAMPLES, MODELS, SEEDS = "samples, one training", "samples of each class, one training", "SGD seeds, one model"
JUDGED = ("ddim", "ddpm")  # samplers that the rules are for; Heun's is shown
STUDENTS, CONTROL, BARE, EXACT = "student ", "gaussian", "student, no normalisation", "exact denoiser"


def _listed(estimates: list[Estimate], units: str, labels=None) -> dict:
    return estimated(side_by_side(estimates), units, labels=labels)


def _accuracy(concentration, samplers) -> dict:
    """Share of recognised samples of each sampler and model."""
    labels, shares = [], []
    for i, one in enumerate(concentration):
        for sampler in samplers:
            accuracy, drawn = float(one.accuracy.sel(sampler=sampler)), float(one.members.sel(source=sampler))
            known = np.isfinite(accuracy) and np.isfinite(drawn)
            shares.append(
                estimate_proportion(round(accuracy * drawn), int(drawn)) if known else Estimate(*(np.nan,) * 4, 1)
            )
            labels.append(f"{sampler}, model {i}")
    return _listed(shares, SAMPLES, labels)


def d1(concentration):
    """Conditional samples are recognised as their label by a classifier trained on real digits."""
    near = [
        float(one.neighbour.sel(source="ddim", quantile=0.5) / one.neighbour.sel(source="real", quantile=0.5))
        for one in concentration
    ]
    return {
        "accuracy": _accuracy(concentration, JUDGED),
        "heun_accuracy": _accuracy(concentration, ["heun"]),
        "neighbour_ratio": mean_over("models", near),
    }


def _members(one, source: str) -> int:
    """Values of a source in a class, on average; 0 where the store does not know."""
    return int(np.nan_to_num(float(one.members.sel(source=source)))) // one.sizes["class"]


def _worst(values: np.ndarray, resampled: np.ndarray, n: int) -> Estimate:
    """Largest of several statistics (K,), each with its resamples (K, B)."""
    return extreme_of(percentile_estimate(values, resampled, n, axis=1))


def _worst_kurtosis(one, source: str) -> Estimate:
    """Largest mean kurtosis of the projections over classes."""
    values = one.statistic.sel(source=source, functional="projection", number="kurtosis").values
    return _worst(values, one.kurtosis_resampled.sel(source=source).values, _members(one, source))


def _worst_ratio(one, source: str) -> Estimate:
    """Largest moment ratio over classes and functionals."""
    values = one.statistic.sel(source=source, number="ratio 8").values.ravel()
    resampled = one.ratio_resampled.sel(source=source).values.reshape(len(values), -1)
    return _worst(values, resampled, _members(one, source))


def _pooled_ratios(one, source: str) -> list[Estimate]:
    """Moment ratio of each functional, all classes together."""
    own, n = one.sel(source=source), _members(one, source) * one.sizes["class"]
    return [percentile_estimate(*pair, n) for pair in zip(own.pooled.values, own.pooled_resampled.values)]


def d2(concentration):
    """Lipschitz functionals of samples have the moments of sub-Gaussian variables, class by class and pooled."""
    cells = [(i, one, sampler) for i, one in enumerate(concentration) for sampler in JUDGED]
    names = [f"{sampler}, model {i}" for i, _, sampler in cells]
    pooled = [_pooled_ratios(one, sampler) for _, one, sampler in cells]
    first = concentration[0]
    return {
        "kurtosis": _listed([_worst_kurtosis(one, sampler) for _, one, sampler in cells], SAMPLES, names),
        "pooled_ratio": _listed(
            [one for part in pooled for one in part],
            SAMPLES,
            [f"{functional}, {name}" for name in names for functional in first.functional.values],
        ),
        "class_ratio": _listed([_worst_ratio(one, sampler) for _, one, sampler in cells], SAMPLES, names),
        "control": estimated(estimate_median(first.control.values), "sets of draws"),
        "heun_kurtosis": estimated(_worst_kurtosis(first, "heun"), SAMPLES),
        "heun_pooled_ratio": estimated(extreme_of(side_by_side(_pooled_ratios(first, "heun"))), SAMPLES),
        "real_kurtosis": estimated(_worst_kurtosis(first, "real"), "real images"),
    }


def d3(concentration):
    """The norm of a sample is concentrated, within a small factor of the norm of the data."""
    spreads, ratios, labels = [], [], []
    for i, one in enumerate(concentration):
        norm = one.statistic.sel(functional="norm")
        spread = norm.sel(number="deviation") / norm.sel(number="mean")
        own, real = (spread.sel(source=source).values for source in ("ddim", "real"))
        resampled = one.spread_resampled.sel(source="ddim").values
        spreads += [percentile_estimate(*pair, _members(one, "ddim")) for pair in zip(own, resampled)]
        labels += [f"class {k}, model {i}" for k in one["class"].values]
        ratios.append(own / real)
    return {
        "spread": _listed(spreads, MODELS, labels),
        "ratio_to_real": estimated(estimate_mean(np.mean(ratios, axis=0)), "classes, one training"),
    }


def _poincare(jacobians, place: int, functionals: slice) -> Estimate:
    """Variance over the mean squared gradient, each the mean over some functionals, of one class."""
    values = jacobians["value"].isel({"class": place}).values[functionals].astype(float)
    values = values[:, np.isfinite(values).all(axis=0)]
    gradient = jacobians.gradient.isel({"class": place}).values[:, functionals].mean(axis=1)
    if not values.size:
        return Estimate(*(np.nan,) * 4, len(gradient))
    square = (values - values.mean(axis=1, keepdims=True)) ** 2
    return ratio_of(estimate_mean(square.mean(axis=0)), estimate_mean(gradient))


def d4(jacobians):
    """The variance of a functional is at most its mean squared gradient with respect to the noise, and of its size."""
    quantities = {}
    labels = [f"class {k}" for k in jacobians["class"].values]
    for name, part in (("norm", slice(0, 1)), ("projection", slice(1, None))):
        rows = [_poincare(jacobians, place, part) for place in range(len(labels))]
        quantities[f"{name}_ratio"] = _listed(rows, "noises, one training", labels)
        quantities[f"{name}_lower"] = exact([float(row.value - 2 * row.se) for row in rows], labels=labels)
        quantities[f"{name}_error"] = exact([float(row.se) for row in rows], labels=labels)
    quantities["spectral_norm"] = mean_over("noises, one training", jacobians.spectral_norm.values.ravel())
    quantities["largest_spectral_norm"] = exact(float(jacobians.spectral_norm.max(skipna=False)))
    return quantities


def _probe(tails, source: str, probability: float) -> Estimate:
    """Median over directions of the norm reached, over the law's own quantile."""
    return estimate_median(tails.probe.sel(source=source, probability=probability).values)


def _growth(tails, source: str) -> float:
    """Norm reached at the smallest probability over that at 1e-4."""
    last = float(tails.probability.min())
    reached = [
        float(_probe(tails, source, p).value * tails.true_radius.sel(source=source, probability=p))
        for p in (last, 1e-4)
    ]
    return reached[0] / reached[1]


def _quantile(tails, source: str, level: float) -> Estimate:
    return Estimate(*tails.sample_quantile.sel(source=source, level=level).values, int(tails.attrs["samples"]))


def _hill(tails, source: str) -> Estimate:
    values = int(np.nan_to_num(float(tails.hill_values.sel(source=source))))
    return Estimate(*tails.hill.sel(source=source).values, values)


def d5(tails):
    """A trained diffusion model cuts a heavy tail beyond its data, while its bulk is right."""
    names = [str(name) for name in tails.source.values if str(name).startswith(STUDENTS)]
    directions, draws = "directions, one training each", "samples, one training each"
    far = [_probe(tails, name, 1e-6) for name in names]
    growth = [_growth(tails, name) for name in names]
    law = [_growth_of_law(tails, names[0])]
    probes = {p: [float(_probe(tails, name, p).value) for name in names] for p in (1e-3, 1e-4, 1e-5, 1e-6, 1e-8)}
    shown = {
        f"quantile_{level}": _listed([_quantile(tails, name, level) for name in names], draws, names)
        for level in tails.level.values
    }
    solver = tails.other_solver.sel(model=names[0]).median("direction") / tails.probe.sel(source=names[0]).median(
        "direction"
    )
    return {
        "median": shown["quantile_0.5"],
        "bulk": shown["quantile_0.99"],
        "far": _listed(far, directions, names),
        "far_mean": mean_over("trainings", [one.value for one in far]),
        "growth": exact(growth, labels=names),
        "growth_mean": mean_over("trainings", growth),
        "growth_of_law": exact(law[0]),
        "probe": estimated(
            estimate_mean(np.array(list(probes.values())), axis=1), "trainings", labels=[f"p = {p:g}" for p in probes]
        ),
        "quantile_999": shown["quantile_0.999"],
        "quantile_9999": shown["quantile_0.9999"],
        "hill": _listed([_hill(tails, name) for name in names], draws, names),
        "training_quantiles": exact(
            tails.sample_quantile.sel(source="training data", number="value").values,
            labels=[f"level {level:g}" for level in tails.level.values],
        ),
        "hill_of_training_data": exact(float(tails.hill.sel(source="training data", number="value"))),
        "without_normalisation": estimated(_probe(tails, BARE, 1e-6), directions),
        "growth_without_normalisation": exact(_growth(tails, BARE)),
        "other_solver": exact(solver.values, labels=[f"p = {p:g}" for p in tails.probability.values]),
        "noise_over_quantile": exact(tails.attrs["noise_over_quantile"]),
    }


def _growth_of_law(tails, source: str) -> float:
    radius = tails.true_radius.sel(source=source)
    return float(radius.sel(probability=tails.probability.min()) / radius.sel(probability=1e-4))


def _probabilities(tails, least: float) -> list[float]:
    return [p for p in tails.probability.values.tolist() if p >= 0.99 * least]


def d6(tails):
    """On Gaussian vectors the same network, sampler and probe show the right tail."""
    levels = [level for level in tails.level.values if level <= 0.999]
    return {
        "probe": _listed(
            [_probe(tails, CONTROL, p) for p in _probabilities(tails, 1e-6)],
            "directions, one training",
            [f"p = {p:g}" for p in _probabilities(tails, 1e-6)],
        ),
        "quantiles": _listed(
            [_quantile(tails, CONTROL, level) for level in levels], SAMPLES, [f"level {level:g}" for level in levels]
        ),
        "last_quantile": estimated(_quantile(tails, CONTROL, 0.9999), SAMPLES),
        "hill": estimated(_hill(tails, CONTROL), SAMPLES),
    }


def d12(tails):
    """The same sampler with the exact denoiser keeps the tail: it is the learnt network that cuts it."""
    levels, near = [0.5, 0.99], _probabilities(tails, 1e-5)
    reached = tails.probe.sel(source=EXACT).median("direction")  # a radial flow: alike in all directions
    return {
        "probe": exact(reached.sel(probability=near).values, labels=[f"p = {p:g}" for p in near]),
        "probe_far": exact(float(reached.sel(probability=1e-6))),
        "probe_farthest": exact(float(reached.sel(probability=1e-8))),
        "quantiles": _listed(
            [_quantile(tails, EXACT, level) for level in levels], "samples", [f"level {level:g}" for level in levels]
        ),
        "tail_quantiles": _listed(
            [_quantile(tails, EXACT, level) for level in (0.999, 0.9999)], "samples", ["level 0.999", "level 0.9999"]
        ),
        "hill": estimated(_hill(tails, EXACT), "samples"),
    }


def _rows(classifiers, task: str, loss: str, sizes=None) -> list[int]:
    chosen = (classifiers.task.values == task) & (classifiers.loss.values == loss)
    if sizes is not None:
        chosen &= np.isin(classifiers["size"].values, sizes)
    return np.flatnonzero(chosen).tolist()


def _gaps(table, rows: list[int], first=("samples", "samples"), second=("mixture", "mixture")) -> list[Estimate]:
    """Relative gaps of two arms, train and test source of each, paired over seeds."""
    a, b = (table.sel(train=arm[0], test=arm[1]).isel(row=rows).values for arm in (first, second))
    ratios = [estimate_ratio(*pair) for pair in zip(a, b)]
    return [magnitude_of(Estimate(one.value - 1, one.se, one.low - 1, one.high - 1, one.n)) for one in ratios]


def _names(classifiers, rows: list[int]) -> list[str]:
    return [f"{classifiers.task.values[i]}, n = {int(classifiers['size'].values[i])}" for i in rows]


def _universality(classifiers, tasks: dict[str, list[int]], table) -> dict:
    """Gaps at every n, their mean over n for each task, and those of two samples of one source."""
    rows = [i for part in tasks.values() for i in part]
    pairs = [_gaps(table, part) for part in tasks.values()]
    null = _gaps(table, rows, ("samples", "samples"), ("other samples", "samples"))
    return {
        "gap": _listed([one for part in pairs for one in part], SEEDS, _names(classifiers, rows)),
        "mean_gap": _listed([mean_of(side_by_side(part))._replace(n=part[0].n) for part in pairs], SEEDS, list(tasks)),
        "null_gap": _listed(null, SEEDS, _names(classifiers, rows)),
    }


def _errors(classifiers, rows: list[int], source: str) -> dict:
    values = classifiers.error.sel(train=source, test=source).isel(row=rows).values
    return mean_over(SEEDS, values, axis=1, labels=_names(classifiers, rows))


def d7(classifiers):
    """Linear classifiers trained by SGD err as often on diffusion samples as on the matched Gaussian mixture."""
    sizes = {"coarse": [100, 400, 1500], "manifold": None}
    tasks = {task: _rows(classifiers, task, "softmax", chosen) for task, chosen in sizes.items()}
    rows = [i for part in tasks.values() for i in part]
    return _universality(classifiers, tasks, classifiers.error) | {
        "error_samples": _errors(classifiers, rows, "samples"),
        "error_mixture": _errors(classifiers, rows, "mixture"),
        "law_gap": mean_over("manifolds", _law_gaps(classifiers)),
        "largest_law_gap": exact(float(_law_gaps(classifiers).max())),
        "law_correlation": exact(_law_correlation(classifiers)),
    }


def _law_gaps(classifiers) -> np.ndarray:
    """Relative gaps on samples of other manifolds, without a diffusion model."""
    mean = classifiers.law_error.mean("repeat", skipna=False)
    return np.abs(mean.sel(test="samples") / mean.sel(test="mixture") - 1).values


def _law_correlation(classifiers) -> float:
    """Correlation, over manifolds, of the logarithm of the error on samples with the gap."""
    error = classifiers.law_error.sel(test="samples").mean("repeat", skipna=False).values
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.corrcoef(np.log(error), _law_gaps(classifiers))[0, 1])


def d7b(classifiers):
    """The same holds for the authors' classifier, squared loss on one-hot targets, in error and in loss."""
    tasks = {task: _rows(classifiers, task, "squared") for task in ("coarse", "manifold")}
    ten = _rows(classifiers, "ten", "squared")
    errors = _universality(classifiers, tasks, classifiers.error)
    losses = _universality(classifiers, tasks | {"ten": ten}, classifiers.loss_value)
    return errors | {
        "loss_gap": losses["gap"],
        "ten_gap": _listed(_gaps(classifiers.error, ten), SEEDS, _names(classifiers, ten)),
    }


def d8(classifiers, images=()):
    """Universality on the classes themselves, with errors of a few per cent."""
    tasks = {"ten": _rows(classifiers, "ten", "softmax")}
    pairs = [i for name in ("7 and 9", "1 and 8") for i in _rows(classifiers, name, "softmax")]
    quantities = _universality(classifiers, tasks, classifiers.error) | {
        "error_samples": _errors(classifiers, tasks["ten"], "samples"),
        "error_mixture": _errors(classifiers, tasks["ten"], "mixture"),
    }
    if pairs:
        quantities["pair_gap"] = _listed(_gaps(classifiers.error, pairs), SEEDS, _names(classifiers, pairs))
    if images:
        every = list(range(images[0].sizes["row"]))
        labels = [f"n = {int(n)} a class" for n in images[0]["size"].values]
        quantities["images_gap"] = _listed(_gaps(images[0].error, every), "SGD seeds, one set of images", labels)
    return quantities


def d9(classifiers):
    """Universality is not automatic: spikes make the mixture a far worse predictor."""
    rows = _rows(classifiers, "spiked", "softmax")
    samples, mixture = (
        classifiers.error.sel(train=source, test=source).isel(row=rows[0]).values for source in ("samples", "mixture")
    )
    return {
        "ratio": estimated(estimate_ratio(samples, mixture), "SGD seeds"),
        "error_samples": mean_over("SGD seeds", samples),
        "error_mixture": mean_over("SGD seeds", mixture),
    }


def d11(classifiers):
    """A classifier trained on the mixture does as well on diffusion samples as one trained on these."""
    rows = [i for task in ("coarse", "ten") for i in _rows(classifiers, task, "softmax", [128, 512, 2000])]
    table = classifiers.error.sel(test="samples").isel(row=rows)
    pairs = zip(table.sel(train="mixture").values, table.sel(train="samples").values)
    return {
        "ratio": _listed([estimate_ratio(*pair) for pair in pairs], SEEDS, _names(classifiers, rows)),
        "test_points": exact([int(np.nan_to_num(n)) for n in classifiers.tests.values[rows]]),
    }


def _condition(condition: np.ndarray, members: np.ndarray) -> list[Estimate]:
    """Condition numbers with intervals of normal samples: the log of an eigenvalue has variance 2 / n."""
    rows = []
    for value, n in zip(condition.astype(float), members.astype(float)):
        se = 2 / np.sqrt(n)
        rows.append(Estimate(value, value * se, value * np.exp(-1.96 * se), value * np.exp(1.96 * se), n))
    return rows


def d10(spectra, images=()):
    """The smallest eigenvalues of class covariances nearly vanish, on pixels that vary in the data."""
    labels = [f"class {k}" for k in spectra["class"].values]
    own, mixture, real = (
        _condition(spectra.condition.sel(source=source).values, spectra.members.sel(source=source).values)
        for source in ("generated", "mixture", "real")
    )
    finite = np.isfinite(spectra.eigenvalue.sel(source="mixture").values).all()
    quantities = {
        "condition": _listed(own, MODELS, labels),
        "mixture_finite": exact(bool(finite) if spectra.eigenvalue.notnull().all() else np.nan),
        "mixture_condition": _listed(mixture, MODELS, labels),
        "real_condition": _listed(real, "images of each class", labels),
        "varying_pixels": exact(spectra.active.values, labels=labels),
        "coarse_condition": exact(spectra.coarse_condition.sel(source="generated").values, labels=labels),
        "manifold_condition": exact(float(spectra.condition_manifold.max(skipna=False))),
    }
    if images:
        quantities["images_condition"] = exact(images[0].condition.values)
    return quantities


def _heldout(spectra, pixels: str) -> list[Estimate]:
    """Variance along the smallest eigenvector over that along the largest, on samples that fitted neither."""
    rows = []
    for small, large in zip(*(spectra[name].sel(pixels=pixels).values for name in ("smallest", "largest"))):
        known = np.isfinite(small) & np.isfinite(large)
        known = known if known.sum() > 1 else np.arange(len(small)) < 2
        rows.append(estimate_ratio(small[known], large[known]))
    return rows


def d10b(spectra, images=()):
    """The small directions are real: samples that were not fitted vary as little along them."""
    labels = [f"class {k}" for k in spectra["class"].values]
    held_out, fitted = (part.sel(pixels="varying") for part in (spectra.smallest.mean("sample"), spectra.fitted))
    quantities = {
        "ratio": _listed(_heldout(spectra, "varying"), MODELS, labels),
        "ratio_on_all_pixels": _listed(_heldout(spectra, "all"), MODELS, labels),
        "heldout_over_fitted": exact((held_out / fitted.sel(end="smallest")).values, labels=labels),
    }
    if images:
        quantities["images_ratio"] = exact(images[0].heldout.values)
    return quantities


def d13(spectra, images=()):
    """Gram spectra of samples and of the matched Gaussian differ no more than those of two sets of samples."""
    ratios = {}
    for name in spectra.dataset.values:
        mixture, null = (
            spectra.distance.sel(dataset=name, pair=pair).mean("part").values for pair in ("mixture", "null")
        )
        ratios[str(name)] = estimate_ratio(mixture, null)
    own = [name for name in ratios if name != "student"]
    quantities = {
        "ratio": _listed([ratios[name] for name in own], "repetitions, one training", own),
        "control": estimated(ratios["student"], "repetitions"),
        "distance": exact(
            spectra.distance.sel(pair="mixture").mean(("part", "repetition")).values, labels=list(ratios)
        ),
        "null_distance": exact(
            spectra.distance.sel(pair="null").mean(("part", "repetition")).values, labels=list(ratios)
        ),
    }
    if images:
        quantities["images_ratio"] = exact(
            (images[0].distance.sel(pair="mixture") / images[0].distance.sel(pair="null")).values
        )
    return quantities


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
