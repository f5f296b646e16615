"""Claims of lp_ft_ntk: a function for each, named by its id, of the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, share_of
from lib.probing.runs import best_by_validation, run_values
from lib.stats.bootstrap import bootstrap_counts, percentile_estimate
from lib.stats.correlation import rank_correlation
from lib.stats.intervals import (
    Estimate,
    end_of,
    estimate_mean,
    estimate_proportion,
    estimate_ratio,
    estimate_slope,
    side_by_side,
)

RESAMPLES = 2000
FAST = 2e-3  # learning rate at which both methods are trained to convergence
EQUAL_RATES = (5e-4, 2e-3)
LEADING = 50  # singular values that are compared
START_PAIRS = (("FT", "LP-FT"), ("LoRA", "LP-LoRA"))


def _units(values: np.ndarray) -> tuple[np.ndarray, str]:
    """Independent units of values (encoders, seeds): means of encoders where there are several, else seeds."""
    return (values.mean(axis=1), "encoders") if len(values) > 1 else (values[0], "seeds")


def _mean(values: np.ndarray) -> tuple[Estimate, str]:
    units, name = _units(values)
    return estimate_mean(units), name


def _listed(rows: list[np.ndarray], labels: list[str]) -> tuple[dict, dict, dict]:
    """Means of several rows of values (encoders, seeds), and the lower and upper ends of their intervals."""
    estimates, names = zip(*(_mean(row) for row in rows))
    several = side_by_side(estimates)
    ends = (end_of(several, end) for end in ("low", "high"))
    return tuple(estimated(one, names[0], labels=labels) for one in (several, *ends))


def _geometric(rows: list[np.ndarray], labels: list[str]) -> tuple[dict, dict, dict]:
    """The same of geometric means of ratios."""
    estimates, names = zip(*(_mean(np.log(row)) for row in rows))
    value, se, low, high, n = side_by_side(estimates)
    several = Estimate(np.exp(value), np.exp(value) * se, np.exp(low), np.exp(high), n)
    ends = (end_of(several, end) for end in ("low", "high"))
    return tuple(estimated(one, names[0], labels=labels) for one in (several, *ends))


def _sizes(tuned) -> list[int]:
    return [int(number) for number in tuned.attrs["documents"]]


def _names(sizes: list[int]) -> list[str]:
    return [f"n = {size}" for size in sizes]


def c1(kernels):
    """The tangent kernel is the sum of what the head and what the features learn."""
    return {"split_error": exact(float(kernels.split_error))}


def c2(kernels):
    """The part that moves features grows with the square of the head, the other part does not."""
    labels = [f"s = {scale:g}" for scale in kernels.scale.values]
    return {
        "ratio": exact(kernels.square.values, labels=labels),
        "square_error": exact(kernels.square_error.values, labels=labels),
        "head_error": exact(kernels.head_error.values, labels=labels),
    }


def c3(heads):
    """Linear probing raises the norm of the head."""
    main = heads.isel(documents=0).sel(noise=0.0).transpose("encoder", "seed", ...)
    ratio, name = _mean(main.norm.values / heads.start.transpose("encoder", "seed").values)
    descent = heads.descent.sel(loss="cross-entropy").transpose(..., "step").values
    path = heads.path.transpose(..., "C").values
    return {
        "ratio": estimated(ratio, name),
        "ratio_lower": estimated(end_of(ratio, "low"), name),
        "grows_in_steps": exact(bool((np.diff(descent) > 0).all())),
        "grows_in_strength": exact(bool((np.diff(path) > 0).all())),
    }


def c3b(heads):
    """The growth comes from the cross-entropy."""
    norms = {
        (str(loss), int(step)): heads.descent.sel(loss=loss, step=step).values
        for loss in heads.loss.values
        for step in heads.step.values
    }
    entropy = {step: values for (loss, step), values in norms.items() if loss == "cross-entropy"}
    last = max(entropy)

    def ratio(above, below) -> Estimate:
        return (
            estimate_ratio(above.mean(axis=1), below.mean(axis=1))
            if len(above) > 1
            else estimate_ratio(above[0], below[0])
        )

    steps = (1000, 10000)
    unit = "encoders" if heads.sizes["encoder"] > 1 else "seeds"
    over = side_by_side([ratio(entropy[step], norms["squared", step]) for step in steps])
    return {
        "over_squared": estimated(over, unit, labels=[f"{step} steps" for step in steps]),
        "growth": estimated(ratio(entropy[last], entropy[1000]), unit),
        "over_optimum": estimated(ratio(entropy[last], heads.optimum.values), unit),
    }


def c4(tuned, rng):
    """A larger head moves features less."""
    scales = np.array(sorted(set(tuned.scale.values.tolist())))
    rate = float(tuned.attrs["scale_rate"])

    def curve(procedure: str, measure: str) -> np.ndarray:
        rows = [run_values(tuned, procedure, measure, rate=rate, scale=scale)[0] for scale in scales]
        return np.stack(rows, axis=1)  # (seeds, scales)

    counts = bootstrap_counts(len(curve("LP-FT", "change")), RESAMPLES, rng)

    def spearman(procedure: str) -> Estimate:
        change = curve(procedure, "change")
        resampled = [rank_correlation(scales, count @ change) for count in counts]
        return percentile_estimate(rank_correlation(scales, change.mean(axis=0)), resampled, len(change))

    change = curve("LP-FT", "change")
    gain = curve("LP-FT", "end_accuracy") - curve("LP-FT", "start_accuracy")
    labels = [f"s = {scale:g}" for scale in scales]
    return {
        "spearman": estimated(spearman("LP-FT"), "seeds"),
        "ratio": estimated(estimate_ratio(change[:, scales == 0.1][:, 0], change[:, scales == 10][:, 0]), "seeds"),
        "accuracy_gain": mean_over("seeds", gain, labels=labels),
        "spearman_random_head": estimated(spearman("FT"), "seeds"),
    }


def c4b(tuned):
    """The accuracy of the head at the start matters beside its norm."""
    rate = float(tuned.attrs["scale_rate"])
    change = {
        float(share): run_values(tuned, "LP-FT", "change", rate=rate, noise=share)[:1]
        for share in np.unique(tuned.noise.values.astype(float))
    }
    ratio, low, _ = _geometric([change[1.0] / change[0.0]], ["q = 1"])
    some = [share for share in change if 0 < share <= 0.5]
    near, _, _ = _geometric([change[share] / change[0.0] for share in some], [f"q = {share:g}" for share in some])
    return {"ratio": ratio, "ratio_lower": low, "near": near}


def c5(tuned):
    """Features move less in LP-FT than in FT."""
    pairs = [[run_values(tuned, name, "change", rate=rate) for name in ("LP-FT", "FT")] for rate in EQUAL_RATES]
    labels = [f"rate {rate:g}" for rate in EQUAL_RATES]
    ratio, _, high = _geometric([probed / random for probed, random in pairs], labels)
    return {"smaller": _share_below(pairs, labels), "ratio": ratio, "ratio_upper": high}


def _share_below(pairs, labels: list[str]) -> dict:
    """Share of pairs of runs in which the first is smaller; one that is not a number leaves the share unknown."""
    estimates = []
    for first, second in pairs:
        if np.isfinite(first).all() and np.isfinite(second).all():
            estimates.append(estimate_proportion(int((first < second).sum()), first.size))
        else:
            estimates.append(Estimate(np.nan, np.nan, np.nan, np.nan, first.size))
    return estimated(side_by_side(estimates), "runs", labels=labels)


def c6(tuned):
    """LP-FT is more accurate than FT off the training domain."""
    sizes = _sizes(tuned)
    gaps = [np.subtract(*(best_by_validation(tuned, p, "ood", size) for p in ("LP-FT", "FT"))) for size in sizes]
    gap, low, _ = _listed(gaps, _names(sizes))
    probed, name = _mean(run_values(tuned, "LP", "ood"))
    return {"probe_ood": estimated(probed, name), "gap": gap, "gap_lower": low}


def c7(tuned):
    """LP-FT is as accurate as FT and LP on the training domain."""
    sizes = _sizes(tuned)
    accuracy = {
        size: {
            "LP": run_values(tuned, "LP", "id", documents=size),
            **{name: best_by_validation(tuned, name, "id", size) for name in ("FT", "LP-FT")},
        }
        for size in sizes
    }
    best = {size: max(("FT", "LP"), key=lambda name, size=size: accuracy[size][name].mean()) for size in sizes}
    excess, _, _ = _listed([accuracy[n]["LP-FT"] - accuracy[n][best[n]] for n in sizes], _names(sizes))
    few = min(sizes)
    gap, low, _ = _listed([accuracy[few]["LP-FT"] - accuracy[few]["FT"]], _names([few]))
    return {"excess": excess, "few_gap": gap, "few_gap_lower": low}


def c8(tuned):
    """LP-FT is not worse than LP off the training domain."""
    sizes = _sizes(tuned)
    gaps = [best_by_validation(tuned, "LP-FT", "ood", n) - run_values(tuned, "LP", "ood", documents=n) for n in sizes]
    gap, low, _ = _listed(gaps, _names(sizes))
    return {"gap": gap, "gap_lower": low}


def c9(tuned):
    """Trained to convergence LP-FT is not better calibrated than FT; temperature scaling repairs both."""
    names = ("FT", "LP-FT")
    values = {
        (name, measure): run_values(tuned, name, measure, rate=FAST)
        for name in names
        for measure in ("ece", "scaled_ece", "end_loss")
    }
    difference, unit = _mean(values["LP-FT", "ece"] - values["FT", "ece"])
    scaled, _, _ = _listed([values[name, "scaled_ece"] for name in names], list(names))
    worse, _, _ = _listed([values[name, "scaled_ece"] - values[name, "ece"] for name in names], list(names))
    rate = float(tuned.attrs["scale_rate"])
    large, plain = (run_values(tuned, "LP-FT", "ece", rate=rate, scale=scale)[0] for scale in (10.0, 1.0))
    loss_gap = abs(float(values["LP-FT", "end_loss"].mean() - values["FT", "end_loss"].mean()))
    return {
        "loss_gap": exact(loss_gap),
        "difference": estimated(difference, unit),
        "difference_lower": estimated(end_of(difference, "low"), unit),
        "scaled_ece": scaled,
        "scaled_less_plain": worse,
        "large_head_ratio": estimated(estimate_ratio(large, plain), "seeds"),
    }


def c10(kernels):
    """The kernel of random adapters approaches that of the adapted layers as the inverse root of their rank."""
    ranks = kernels.adapter_rank.values.astype(float)
    errors = kernels.adapter_error.transpose("draw", "adapter_rank").values
    level = errors.mean(axis=0) * np.sqrt(ranks)
    return {
        "slope": estimated(estimate_slope(np.log(ranks), np.log(errors.mean(axis=0))), "ranks"),
        "level": mean_over("draws", errors * np.sqrt(ranks) / level.mean(), labels=[f"r = {rank:g}" for rank in ranks]),
    }


def c10b(kernels):
    """The bound on random adapters holds with the constant put right, and not as printed."""
    draws = int(kernels.attrs["draws"])
    names = [
        f"c = {c:g}, r = {r:g}, e = {e:g}"
        for c, r, e in zip(kernels.length.values, kernels.cell_rank.values, kernels.error.values)
    ]
    long = (kernels.length.values > 1) & (kernels.cell_rank.values == kernels.cell_rank.values.max())
    corrected = _over_bound(kernels.strays.sel(constant="corrected").values, kernels.bound.values, draws)
    printed = _over_bound(kernels.strays.sel(constant="as printed").values, kernels.bound.values, draws)
    return {
        "corrected": estimated(corrected, "draws", labels=names),
        "printed_lower": estimated(
            end_of(Estimate(*(part[long] for part in printed[:4]), draws), "low"), "draws",
            labels=[name for name, chosen in zip(names, long) if chosen],
        ),
    }  # fmt: skip


def _over_bound(hits: np.ndarray, bounds: np.ndarray, draws: int) -> Estimate:
    """Frequency of strays over the bound on their probability."""
    known = np.isfinite(hits.astype(float)).all()
    share = (
        estimate_proportion(hits.astype(int), draws) if known else Estimate(*[np.full(len(hits), np.nan)] * 4, draws)
    )
    return Estimate(*(part / bounds for part in share[:4]), draws)


def c11(tuned):
    """Features move less in LP-LoRA than in LoRA."""
    from scipy.stats import wilcoxon

    rate = float(tuned.attrs["adapter_rate"])
    pair = [run_values(tuned, name, "change", rate=rate) for name in ("LP-LoRA", "LoRA")]
    logs = np.log(pair[0] / pair[1]).ravel()
    ratio, _, high = _geometric([pair[0] / pair[1]], ["LP-LoRA over LoRA"])
    return {
        "smaller": _share_below([pair], ["LP-LoRA below LoRA"]),
        "p_value": exact(float(wilcoxon(logs).pvalue) if np.isfinite(logs).all() else np.nan),
        "ratio": ratio,
        "ratio_upper": high,
    }


def c12(kernels):
    """P has lower rank than K, and regression with K is at least as accurate."""
    cells = [(s, start) for s in range(kernels.sizes["test_seed"]) for start in kernels.start.values]
    labels = [f"{start}, task {s}" for s, start in cells]
    ranks = np.stack([
        kernels.numerical_rank.isel(seed=s).sel(start=start, precision="float64").sel(kernel=["P", "K"]).values
        for s, start in cells
    ])  # fmt: skip
    expected = kernels.attrs["classes"] * min(kernels.attrs["samples"], kernels.attrs["width"])
    gap = {
        solver: np.array([
            float(one.sel(kernel="K") - one.sel(kernel="P"))
            for one in (
                kernels.accuracy.isel(test_seed=s).sel(start=start, solver=solver, part="test") for s, start in cells
            )
        ])
        for solver in kernels.solver.values
    }  # fmt: skip
    return {
        "rank_excess": exact(ranks[:, 0] - expected, labels=labels),
        "rank_gain": exact(ranks[:, 1] - ranks[:, 0], labels=labels),
        "gap": mean_over("starts and tasks", gap["least squares"]),
        "least_gap": exact(float(gap["least squares"].min())),
        "logistic_gap": mean_over("starts and tasks", gap["logistic"]),
    }


def c13(kernels):
    """After linear probing the part that moves features dominates the first step."""
    ratio = {str(start): kernels.ratio.sel(start=start).values[None] for start in kernels.start.values}
    labels = [f"{probed} over {random}" for random, probed in START_PAIRS]
    pairs = [(ratio[random], ratio[probed]) for random, probed in START_PAIRS]
    return {
        "larger": _share_below(pairs, labels),
        "gap": mean_over("seeds", (ratio["LP-FT"] - ratio["FT"])[0]),
        "share": mean_over("seeds", ratio["LP-FT"][0]),
        "shares": mean_over("seeds", np.concatenate(list(ratio.values())), axis=1, labels=list(ratio)),
    }


def c14(kernels):
    """Features of a linear extractor do not move off the span of the training points."""
    return {
        "outside": exact(float(kernels.moved_outside.max(skipna=False))),
        "training": exact(float(kernels.moved_training.min(skipna=False))),
    }


def c15(kernels):
    """The spectrum of the adapters' F is that of fine-tuning up to a factor."""

    def logs(start: str, kernel: str) -> np.ndarray:
        values = kernels.spectrum.sel(start=start, kernel=kernel).transpose("seed", "value").values
        leading = values[:, : min(LEADING, values.shape[1])]
        return np.log10(leading / leading[:, :1])

    control = np.abs(logs("FT", "F") - logs("FT", "P")).mean(axis=1)
    pairs = [("LoRA", "FT"), ("LP-LoRA", "LP-FT")]
    distance = np.stack([np.abs(logs(a, "F") - logs(b, "F")).mean(axis=1) for a, b in pairs], axis=1)
    labels = [f"{a} and {b}" for a, b in pairs]
    return {
        "distance": mean_over("seeds", distance, labels=labels),
        "distance_less_control": mean_over("seeds", distance - control[:, None], labels=labels),
        "control": mean_over("seeds", control),
    }


def c16(tuned):
    """Temperature scaling helps LP-FT most."""
    gain = {
        (name, error): run_values(tuned, name, error, rate=FAST) - run_values(tuned, name, f"scaled_{error}", rate=FAST)
        for name in ("LP-FT", "FT")
        for error in ("ece", "mce")
    }
    differences = {error: _mean(gain["LP-FT", error] - gain["FT", error]) for error in ("ece", "mce")}
    return {
        "ece_difference": estimated(*differences["ece"]),
        "ece_difference_lower": estimated(end_of(differences["ece"][0], "low"), differences["ece"][1]),
        "mce_difference": estimated(*differences["mce"]),
    }


def _by_set(texts: list, procedure: str, measure: str) -> dict[str, float]:
    """Mean over repeats of a measure, by set of texts; of tests from other sources by set and source."""
    values: dict[str, list] = {}
    for store in texts:
        if store.attrs["procedure"] != procedure:
            continue
        if measure == "ood":
            for name in store["shift"].values:
                key = f"{store.attrs['task']}, {name}"
                values.setdefault(key, []).append(float(store.ood.sel({"shift": name})))
        else:
            values.setdefault(store.attrs["task"], []).append(float(store[measure]))
    return {name: float(np.mean(numbers)) for name, numbers in values.items()}


def _share_of_sets(texts: list, first: str, second: str, measure: str, *, below: bool = False) -> dict:
    """Share of sets in which the first procedure's mean is above the second's, or below it."""
    pairs = [_by_set(texts, name, measure) for name in (first, second)]
    sign = -1 if below else 1
    gaps = sign * np.array([pairs[0][name] - pairs[1][name] for name in pairs[0]])
    if not np.isfinite(gaps).all():
        return exact(np.nan)
    return share_of("sets of texts", int((gaps > 0).sum()), len(gaps))


def _differences(texts: list, first: str, second: str, measure: str) -> dict:
    pairs = [_by_set(texts, name, measure) for name in (first, second)]
    return exact([pairs[0][name] - pairs[1][name] for name in pairs[0]], labels=list(pairs[0]))


def c5p(texts: list) -> dict | None:
    """On natural language features move less in LP-FT than in FT."""
    if not texts:
        return None
    share = _share_of_sets(texts, "lp-ft", "ft", "change", below=True)
    return {"share": share, "difference": _differences(texts, "lp-ft", "ft", "change")}


def c6p(texts: list) -> dict | None:
    """On natural language LP-FT is more accurate than FT on texts from other sources."""
    if not texts:
        return None
    share = _share_of_sets(texts, "lp-ft", "ft", "ood")
    return {"share": share, "difference": _differences(texts, "lp-ft", "ft", "ood")}


def c7p(texts: list) -> dict | None:
    """On natural language LP-FT is more accurate than FT on texts from the same source."""
    if not texts:
        return None
    return {"share": _share_of_sets(texts, "lp-ft", "ft", "id"), "difference": _differences(texts, "lp-ft", "ft", "id")}


def c8p(texts: list) -> dict | None:
    """On natural language LP-FT is more accurate than LP on texts from other sources."""
    if not texts:
        return None
    return {
        "share": _share_of_sets(texts, "lp-ft", "lp", "ood"),
        "difference": _differences(texts, "lp-ft", "lp", "ood"),
    }


def c9p(texts: list) -> dict | None:
    """On natural language LP-FT is worse calibrated than FT before temperature scaling, and scaling helps both."""
    if not texts:
        return None
    gains = []
    for name in ("ft", "lp-ft"):
        plain, scaled = (_by_set(texts, name, measure) for measure in ("ece", "scaled_ece"))
        gains += [plain[task] - scaled[task] for task in plain]
    known = np.isfinite(gains).all()
    return {
        "share": _share_of_sets(texts, "lp-ft", "ft", "ece"),
        "helped": share_of("sets and procedures", int(np.sum(np.array(gains) > 0)), len(gains))
        if known
        else exact(np.nan),
        "difference": _differences(texts, "lp-ft", "ft", "ece"),
    }


def c11p(texts: list) -> dict | None:
    """On natural language features move less in LP-LoRA than in LoRA."""
    if not texts:
        return None
    share = _share_of_sets(texts, "lp-lora", "lora", "change", below=True)
    return {"share": share, "difference": _differences(texts, "lp-lora", "lora", "change")}


def c13p(text_kernels: list) -> dict | None:
    """On natural language the part that moves features dominates the first step after linear probing."""
    if not text_kernels:
        return None
    names = [store.attrs["task"] for store in text_kernels]
    shares = {start: np.array([float(s.ratio.sel(start=start)) for s in text_kernels]) for start in ("FT", "LP-FT")}
    known = all(np.isfinite(values).all() for values in shares.values())
    larger = int((shares["LP-FT"] > shares["FT"]).sum())
    return {
        "larger": share_of("sets of texts", larger, len(names)) if known else exact(np.nan),
        "share": exact(shares["LP-FT"], labels=names),
        "share_random_head": exact(shares["FT"], labels=names),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
