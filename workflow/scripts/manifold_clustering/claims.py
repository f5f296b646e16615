"""Claims of manifold_clustering: a function for each, named by its id, of the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, timed
from lib.clustering.geometry import energy_rank
from lib.stats.bootstrap import percentile_estimate
from lib.stats.intervals import Estimate, end_of, estimate_mean, without_error

SEEDS = "seeds"
CHOSEN = 0  # the seed that chose the settings; it is shown and not judged


def _judged(store):
    """The store without the seed that chose the settings."""
    return store.sel(seed=store.seed.values[store.seed.values != CHOSEN])


def _accuracy(members, variant: str, moment: str = "end"):
    """Accuracy of the judged seeds on which a variant was trained, as a DataArray over seeds."""
    return _judged(members).score.sel(variant=variant, moment=moment, score_name="accuracy")


def _mean(values) -> Estimate:
    values = np.asarray(values, float)
    return estimate_mean(values) if len(values) > 1 else without_error(values.mean(), len(values))


def _points(name: str, differences) -> dict:
    """A mean difference in points of accuracy, and the lower end of its interval."""
    mean = _mean(100 * np.asarray(differences, float))
    return {name: estimated(mean, SEEDS), f"{name}_low": estimated(end_of(mean, "low"), SEEDS)}


def _paired(members, first: str, second: str, moment: str = "end"):
    """Differences of accuracy on the seeds that the second variant was trained on; NaN where a run has none."""
    a, b = _accuracy(members, first, moment).values, _accuracy(members, second, moment).values
    trained = np.isfinite(b)
    return (a - b)[trained] if trained.any() else np.full(1, np.nan)


def c1(theory):
    """Identities of the objective, and its sign at random doubly stochastic memberships."""
    worst = theory.identity.max("draw", skipna=False)
    names = ["uniform", "block", "identity"]
    return {
        "error": exact([float(worst.sel(property=name)) for name in names], labels=names),
        "least_reduction": exact(float(theory.identity.sel(property="reduction").min("draw", skipna=False))),
    }


def c2(theory):
    """Sums of rows and columns, few half-steps and many symmetric updates, and a convex solver."""
    seeds = theory.marginal.sel(seed=theory.seed.values[theory.seed.values != CHOSEN])
    return {
        "many": exact(float(seeds.sel(measure="many, largest").max(skipna=False))),
        "few": exact(float(seeds.sel(measure="few, mean").max(skipna=False))),
        "few_largest": exact(float(seeds.sel(measure="few, largest").max(skipna=False))),
        "solver_gap": exact(float(theory.solver_gap.max(skipna=False))),
    }


def c3(members, features, pixels):
    """Accuracy of MLC less that of the best clustering of pixels, and of the features of stage 1."""
    ours = _accuracy(members, "full")
    scores = pixels.pixel_score.sel(score_name="accuracy")
    plain = [name for name in scores.baseline.values if not str(name).startswith("t-SNE")]
    best = float(scores.sel(baseline=plain).max(skipna=False))
    start = _judged(features).score.sel(features="stage 1", score_name="accuracy")
    rival = start.mean("seed", skipna=False).values.argmax()
    tsne = [float(scores.sel(baseline=name)) for name in scores.baseline.values if name not in plain]
    return {
        **_points("over_pixels", ours.values - best),
        **_points("over_start", ours.values - start.isel(estimator=int(rival)).values),
        "accuracy": mean_over(SEEDS, ours.values),
        "start": mean_over(SEEDS, start.isel(estimator=int(rival)).values),
        "pixels": exact(best),
        **({"tsne": exact(tsne[0])} if tsne else {}),
    }


def c4(members):
    """Accuracy with the copied head less that with a fresh one, before and after stage 2."""
    return {
        **_points("after_start", _paired(members, "full", "no_copy", "start")),
        **_points("after_end", _paired(members, "full", "no_copy", "end")),
    }


def c4b(subsets, rng):
    """Spread of accuracy over repeats of stage 2 from one start, copied over fresh head."""
    copied, fresh = (subsets.repeated.sel(head=head).values for head in ("full", "no_copy"))
    n = len(copied)
    picks = rng.integers(n, size=(2, 4000, n))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = copied[picks[0]].std(1, ddof=1) / fresh[picks[1]].std(1, ddof=1)
        value = copied.std(ddof=1) / fresh.std(ddof=1)
    # a resample without any spread says nothing in favour of the copy
    ratios = np.where(np.isnan(ratios), np.inf, ratios) if np.isfinite(value) else np.full(2, np.nan)
    estimate = percentile_estimate(value, ratios, n)
    return {
        "ratio": estimated(estimate, "repeats"),
        "ratio_high": estimated(end_of(estimate, "high"), "repeats"),
    }


def c5(features):
    """Cosines between classes, ranks of classes, and linear classifiers."""
    own = _judged(features)
    before, after = (own.sel(features=name) for name in ("stage 1", "stage 2"))
    dim = features.attrs["dim"]
    rank = np.median(energy_rank(after.spectrum.values), axis=-1)
    change = _mean(after.between.values - before.between.values)
    return {
        "over_pixels": mean_over(SEEDS, after.between.values / float(features.pixel_between)),
        "over_random": mean_over(SEEDS, after.between.values / np.sqrt(2 / (np.pi * dim))),
        "change": estimated(change, SEEDS),
        "change_high": estimated(end_of(change, "high"), SEEDS),
        "rank_share": mean_over(SEEDS, rank / dim),
        "probe_points": mean_over(SEEDS, 100 * (after.probe.values - float(features.pixel_probe))),
        "between": mean_over(SEEDS, after.between.values),
        "within_over_between": mean_over(SEEDS, after.within.values / after.between.values),
    }


def c6(members):
    """Accuracy of doubly stochastic membership less that of the better start of a softmax."""
    names = ["no_ds", "no_ds_kmeans"]
    pairs = [_paired(members, "full", name) for name in names]
    rival = int(np.argmin([pair.mean() for pair in pairs]))
    return {
        **_points("gain", pairs[rival]),
        "softmax": exact([100 * float(_accuracy(members, name).mean()) for name in names], labels=names),
    }


def c7(times):
    """Time to labels over that of elastic-net clustering, and exponents in the number of samples."""
    ours, peer = (times.time.sel(estimator=name).values for name in ("MLC", "EnSC"))
    ratio = ours[-1] / peer[-1]
    estimate = without_error(np.median(ratio), len(ratio))  # of three the error is not known
    n = np.log(times.n.values.astype(float))
    exponents = [float(np.polyfit(n, np.log(np.median(one, 1)), 1)[0]) for one in (ours, peer)] if len(n) > 1 else []
    result = {"ratio": timed(estimate)}
    if exponents:
        result["exponent"] = timed(without_error(exponents, ours.shape[1]), labels=["MLC", "EnSC"])
    return result


def c8(toys):
    """Accuracy on lifted circles and spirals."""
    labels = [str(name) for name in toys["shape"].values]
    ours = toys.accuracy.sel(estimator="MLC").transpose("seed", "shape").values
    mean = estimate_mean(ours) if len(ours) > 1 else without_error(ours[0], 1)
    result = {
        "accuracy": estimated(mean, SEEDS, labels=labels),
        "accuracy_low": estimated(end_of(mean, "low"), SEEDS, labels=labels),
    }
    for key, name in (("ensc", "EnSC"), ("graph", "spectral kNN"), ("kmeans", "k-means")):
        values = toys.accuracy.sel(estimator=name).transpose("seed", "shape").values
        result[key] = mean_over(SEEDS, values, labels=labels)
    return result


def c9(theory):
    """Largest share of the energy in one direction."""
    top = theory.energy.isel(order=0)
    return {
        "expressed": exact(float(top.sel(objective="self-expression").min(skipna=False))),
        "spread": exact(float(top.sel(objective="coding rate").max(skipna=False)) - 1 / theory.attrs["dim"]),
        "inner_gap": exact(float(theory.inner_gap.max(skipna=False))),
    }


def c10(subsets):
    """Accuracy of MLC and of a graph of neighbours, on all samples and on few."""
    ours, graph = (subsets.accuracy.sel(estimator=name) for name in ("MLC", "spectral kNN on pixels"))
    falls = [(one.sel(case="all") - one.sel(case="few")).values for one in (graph, ours)]
    return {
        **_points("gain_few", (ours - graph).sel(case="few").values),
        **_points("fall", falls[0] - falls[1]),
    }


def c11(images: list):
    """Accuracy on natural images, beside the paper's, and over k-means on the features of stage 1."""
    if not images:
        return None
    names = sorted({run.attrs["dataset"] for run in images})
    runs = {name: [run for run in images if run.attrs["dataset"] == name] for name in names}
    accuracy = [[100 * float(run.score.sel(estimator="MLC", score_name="accuracy")) for run in runs[n]] for n in names]
    start = [
        [100 * float(run.score.sel(estimator="stage 1 + k-means", score_name="accuracy")) for run in runs[n]]
        for n in names
    ]
    paper = {"cifar10": 86.3, "cifar20": 52.2, "cifar100": 49.4, "tinyimagenet": 33.5}
    means = np.array([np.mean(one) for one in accuracy])
    return {
        "accuracy": mean_over(SEEDS, np.array(accuracy).T, labels=names),
        "from_paper": exact(np.abs(means - [paper[name] for name in names]), labels=names),
        "over_start": exact(means - [np.mean(one) for one in start], labels=names),
    }


def c12(members, pixels):
    """Elastic-net clustering of the features after stage 2 less that of stage 1, and MLC less the latter."""
    score = pixels.subspace_score.sel(score_name="accuracy")
    own = score.sel(subspace_seed=score.subspace_seed.values[score.subspace_seed.values != CHOSEN])
    start, end = (own.sel(features=name).transpose("subspace_seed", "fit").values for name in ("stage 1", "stage 2"))
    best = [one[:, int(one.mean(0).argmax())] for one in (start, end)]
    ours = members.score.sel(variant="full", moment="end", score_name="accuracy")
    ours = ours.sel(seed=own.subspace_seed.values).values
    return {
        **_points("features", best[1] - best[0]),
        **_points("method", ours - best[0]),
        "subspace": exact([100 * float(one.mean()) for one in best], labels=["stage 1", "stage 2"]),
    }


def c13(subsets):
    """Fall of accuracy when the odd classes lose half of their samples."""
    fall = 100 * (subsets.accuracy.sel(case="all") - subsets.accuracy.sel(case="imbalanced"))
    whole = subsets.accuracy.sel(case="all", estimator=["no_ds", "no_ds_kmeans"]).mean("seed", skipna=False)
    better = str(whole.estimator.values[int(whole.values.argmax())])
    ours, rival = (fall.sel(estimator=name).values for name in ("MLC", better))
    return {
        **_points("advantage", (rival - ours) / 100),
        "fall": mean_over(SEEDS, ours),
        "fall_softmax": mean_over(SEEDS, rival),
    }


def c14(members):
    """Rates and ranks over stage 2."""
    own = _judged(members)
    start, end = own.isel(epoch=0), own.isel(epoch=-1)
    change = _mean((end.class_rank - start.class_rank).mean("digit", skipna=False).values)
    return {
        "fall": mean_over(SEEDS, 100 * (1 - end.rate.values / start.rate.values)),
        "whole_rank": mean_over(SEEDS, end.whole_rank.values / own.attrs["dim"]),
        "class_rank_change": estimated(change, SEEDS),
        "class_rank_change_high": estimated(end_of(change, "high"), SEEDS),
        "compressed_fall": mean_over(SEEDS, 100 * (1 - end.compressed.values / start.compressed.values)),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
