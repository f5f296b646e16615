"""Claims of the paper, each measured from the stores that it rests on."""

from itertools import pairwise

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over
from lib.atlas.job.seeds import generator
from lib.stats.bootstrap import bootstrap, ratio_of_means
from lib.stats.intervals import (
    Estimate,
    end_of,
    estimate_difference,
    estimate_mean,
    estimate_proportion,
    estimate_root_mean_square,
    ratio_of,
    side_by_side,
)
from lib.video.temporal import frechet_distance

SMOOTHERS = ("cla_50", "plf", "sdedit_20", "sdedit_60")
CHEAP = ("post_filter", "shared_noise", "cla_70", "cla_100")
# one relighter and one video model were trained; what was drawn given them are clips and the noise of sampling
UNITS = "clips and sampling seeds, one training"
CLIPS = "clips, one training"


def _by_clip(measures, method: str, name: str) -> dict[tuple[int, int], float]:
    """One measure of a method: (seed, clip) to value."""
    rows = measures.isel(row=np.flatnonzero(measures.method.values == method))
    return dict(zip(zip(rows.seed.values.tolist(), rows["clip"].values.tolist()), rows[name].values.tolist()))


def _paired(measures, first: str, second: str, name: str) -> tuple[np.ndarray, np.ndarray, list]:
    """One measure of two methods on the clips and seeds that both were run on, and these (seed, clip)."""
    a, b = _by_clip(measures, first, name), _by_clip(measures, second, name)
    keys = sorted(set(a) & set(b))
    return np.array([a[k] for k in keys]), np.array([b[k] for k in keys]), keys


def _rng(root_seed: int) -> np.random.Generator:
    return generator(root_seed, "light_a_video", "bootstrap")


def _ratio(measures, first: str, second: str, name: str, resamples: int, root_seed: int) -> Estimate:
    """Mean of a measure over that of another method, with a paired interval."""
    a, b, _ = _paired(measures, first, second, name)
    return bootstrap(ratio_of_means, a, b, resamples=resamples, rng=_rng(root_seed))


def _mean(measures, method: str, name: str) -> Estimate:
    """Mean of a measure over clips and seeds."""
    return estimate_mean(list(_by_clip(measures, method, name).values()))


def _means(measures, methods, name: str, labels) -> dict:
    """Means of a measure by method."""
    return estimated(side_by_side([_mean(measures, method, name) for method in methods]), UNITS, labels=labels)


def _blocks(measures, methods) -> dict[str, np.ndarray]:
    """Block means `(clip, frame, block)` of methods, sampling seed 0, on the clips that all of them were run on."""
    rows = {
        method: measures.isel(row=np.flatnonzero((measures.method.values == method) & (measures.seed.values == 0)))
        for method in methods
    }
    clips = min(table.sizes["row"] for table in rows.values())
    return {method: table.sortby("clip").blocks.values[:clips] for method, table in rows.items()}


def _over_drawn_clips(statistic, clips: int, resamples: int, root_seed: int) -> Estimate:
    """A statistic of clips, `statistic(indices)`, with a percentile interval over clips drawn again.

    A Fréchet distance takes many eigenvalues, so there are at most 200 resamples.
    """
    every, rng = np.arange(clips), _rng(root_seed)
    drawn = [statistic(rng.choice(every, clips)) for _ in range(min(resamples, 200))]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(statistic(every), np.std(drawn, ddof=1), low, high, clips)


def _distance(features: dict[str, np.ndarray], drawn: np.ndarray, a: str, b: str) -> float:
    """Fréchet distance between the frames of two methods on some clips; features are `(clip, frame, feature)`."""
    first, second = (features[method][drawn].reshape(-1, features[method].shape[-1]) for method in (a, b))
    return frechet_distance(first, second)


def _frame_distance_ratio(measures, method: str, other: str, *, resamples: int, root_seed: int) -> Estimate:
    """Fréchet distance of a method's frames from those of per-frame relighting, over that of another method's."""
    blocks = _blocks(measures, (method, other, "per_frame"))

    def ratio(drawn: np.ndarray) -> float:
        return _distance(blocks, drawn, method, "per_frame") / _distance(blocks, drawn, other, "per_frame")

    return _over_drawn_clips(ratio, len(blocks[method]), resamples, root_seed)


def _gate(gate) -> dict[str, dict]:
    """How well the video model preserves clips under the true light, by deterministic steps."""
    deterministic = gate.sel(step_rule="ddim")
    return {
        "gate_rmse": estimated(estimate_root_mean_square(deterministic.rmse.values), CLIPS),
        "gate_flicker": mean_over(CLIPS, deterministic.flicker.values),
    }


def c1(measures) -> dict:
    """Frames that are relit one by one flicker, and do not match when warped onto each other."""
    flicker, source = _mean(measures, "per_frame", "flicker"), _mean(measures, "source", "flicker")
    return {
        "flicker": estimated(flicker, UNITS),
        "flicker_over_source": estimated(ratio_of(flicker, source), UNITS),
        "warp": estimated(_mean(measures, "per_frame", "warp"), UNITS),
        "source_warp": estimated(_mean(measures, "source", "warp"), "clips"),
    }


def c2(measures, resamples: int, root_seed: int) -> dict:
    """Consistent light attention lowers the flicker, the more so the larger its weight."""
    ratio = _ratio(measures, "cla_70", "per_frame", "flicker", resamples, root_seed)
    methods = ("per_frame", "cla_50", "cla_70", "cla_100")
    steps = [
        estimate_difference(*_paired(measures, after, before, "flicker")[:2]) for before, after in pairwise(methods)
    ]
    control = _ratio(measures, "unet_cla_100", "unet_per_frame", "flicker", resamples, root_seed)
    return {
        "ratio": estimated(ratio, UNITS),
        "ratio_upper": estimated(end_of(ratio, "high"), UNITS),
        "monotone": exact(bool(np.all([step.value < 0 for step in steps]))),
        "step": estimated(side_by_side(steps), UNITS, labels=["0 to 0.5", "0.5 to 0.7", "0.7 to 1"]),
        "mean_flicker": _means(measures, methods, "flicker", [f"gamma = {gamma}" for gamma in (0, 0.5, 0.7, 1)]),
        "unet_ratio": estimated(control, UNITS),
    }


def c2b(measures, resamples: int, root_seed: int) -> dict:
    """Consistent light attention lowers the flicker of the background."""
    ratio = _ratio(measures, "cla_70", "per_frame", "wall_flicker", resamples, root_seed)
    return {"ratio": estimated(ratio, UNITS), "ratio_upper": estimated(end_of(ratio, "high"), UNITS)}


def c2c(measures, gate, resamples: int, root_seed: int) -> dict:
    """With attention to the average alone, frames of the full method are farther from those of the image model."""

    def over_half(method: str) -> dict:
        ratio = _frame_distance_ratio(measures, method, "full_50", resamples=resamples, root_seed=root_seed)
        return estimated(ratio, CLIPS)

    return {**_gate(gate), "gamma_100_over_50": over_half("full_100"), "gamma_70_over_50": over_half("full_70")}


def c3(measures, gate, resamples: int, root_seed: int) -> dict:
    """Progressive light fusion lowers flicker and warp error, by a video model that preserves steady clips."""
    flicker = _ratio(measures, "plf", "per_frame", "flicker", resamples, root_seed)
    warp = _ratio(measures, "plf", "per_frame", "warp", resamples, root_seed)
    *_, keys = _paired(measures, "plf", "per_frame", "flicker")
    return {
        **_gate(gate),
        "clips": exact(sum(seed == 0 for seed, _ in keys)),
        "flicker_ratio": estimated(flicker, UNITS),
        "flicker_ratio_upper": estimated(end_of(flicker, "high"), UNITS),
        "warp_ratio": estimated(warp, UNITS),
        "intensity": _means(measures, ("source", "per_frame", "plf"), "intensity", ["source", "per frame", "fusion"]),
    }


def c4(measures, gate, resamples: int, root_seed: int) -> dict:
    """Attention with fusion flickers less than either alone and than SDEdit, by both rules of the video step."""
    quantities = _gate(gate)
    for name, suffix in (("deterministic", ""), ("ancestral", "_euler")):
        full = f"full_50{suffix}"
        others = [method if method == "cla_50" else method + suffix for method in SMOOTHERS]

        def ratios(methods, measure: str, full=full) -> Estimate:
            return side_by_side([_ratio(measures, full, other, measure, resamples, root_seed) for other in methods])

        quantities[name] = estimated(ratios(others, "flicker"), UNITS, labels=SMOOTHERS)
        quantities[f"{name}_over_cheap"] = estimated(ratios(CHEAP, "flicker"), UNITS, labels=CHEAP)
        quantities[f"{name}_warp"] = estimated(ratios(others, "warp"), UNITS, labels=SMOOTHERS)
    return quantities


def c5(measures, gate, resamples: int, root_seed: int) -> dict:
    """Frames of the full method are as close to a relighting as those of the image model, from the same direction."""
    error = _ratio(measures, "full_50", "per_frame", "frame_error", resamples, root_seed)
    loss = estimate_difference(*_paired(measures, "per_frame", "full_50", "direction")[:2])
    attention = _ratio(measures, "cla_50", "per_frame", "frame_error", resamples, root_seed)
    return {
        **_gate(gate),
        "error_ratio": estimated(error, UNITS),
        "accuracy_loss": estimated(loss, UNITS),
        "cla_error_ratio": estimated(attention, UNITS),
    }


def c5b(measures, gate, resamples: int, root_seed: int) -> dict:
    """Frames of the full method are closer to those of the image model than frames after strong SDEdit."""

    def over(other: str) -> dict:
        ratio = _frame_distance_ratio(measures, "full_50", other, resamples=resamples, root_seed=root_seed)
        return estimated(ratio, CLIPS)

    return {**_gate(gate), "full_over_sdedit_60": over("sdedit_60"), "full_over_sdedit_20": over("sdedit_20")}


def c6(measures, gate, resamples: int, root_seed: int) -> dict:
    """The full method preserves the motion of the source."""
    motion = _ratio(measures, "full_50", "source", "motion", resamples, root_seed)
    still = estimate_mean(measures.zero_flow_motion.values)
    per_frame = _ratio(measures, "per_frame", "source", "motion", resamples, root_seed)
    return {
        **_gate(gate),
        "ratio_to_source": estimated(motion, CLIPS),
        "ratio_to_zero_flow": estimated(ratio_of(_mean(measures, "full_50", "motion"), still), UNITS),
        "per_frame_ratio": estimated(per_frame, CLIPS),
    }


def c7(transport) -> dict:
    """Blending two images blends their lights, in linear radiance and not after the sRGB curve."""
    return {
        "linear": exact(float(transport.linear.values.max())),
        "encoded": exact(float(transport.encoded.values.max())),
        "encoded_mean": mean_over("scenes", transport.encoded_mean.values.mean(axis=1)),
    }


def c8(runs: list) -> dict:
    """Relighting trains nothing: weights are the same afterwards, and no optimiser exists."""
    return {
        "weights_equal": exact(all(run.weights_before.item() == run.weights_after.item() for run in runs)),
        "optimisers": exact(sum(run.optimisers.item() for run in runs)),
    }


def c9(measures, gate, resamples: int, root_seed: int) -> dict:
    """A fusion weight that falls leaves smaller errors of motion and of a single light than a weight of 1."""

    def above_linear(method: str, name: str) -> Estimate:
        other, linear, _ = _paired(measures, method, "full_50", name)
        return bootstrap(np.mean, other - linear, resamples=resamples, rng=_rng(root_seed))

    motion, error = above_linear("full_50_always", "motion"), above_linear("full_50_always", "clip_error")
    methods = {f"full_50_{name}": name for name in ("always", "constant", "root")} | {"full_50": "linear"}
    return {
        **_gate(gate),
        "motion_difference": estimated(motion, CLIPS),
        "motion_difference_lower": estimated(end_of(motion, "low"), CLIPS),
        "error_difference": estimated(error, CLIPS),
        "error_difference_lower": estimated(end_of(error, "low"), CLIPS),
        "constant_error_difference": estimated(above_linear("full_50_constant", "clip_error"), CLIPS),
        "motion": _means(measures, methods, "motion", list(methods.values())),
        "clip_error": _means(measures, methods, "clip_error", list(methods.values())),
        "flicker": _means(measures, methods, "flicker", list(methods.values())),
    }


def c10(ddim) -> dict:
    """The largest jump between fused targets is smaller with a falling weight than with a constant one."""
    linear, constant = (
        ddim.jump.isel(row=np.flatnonzero((ddim.method.values == method) & (ddim.seed.values == 0))).max("step").values
        for method in ("full_50", "full_50_constant")
    )
    clips = len(linear)
    share = estimate_proportion(int(np.sum(linear < constant)), clips)
    count = Estimate(*(clips * np.asarray(number) for number in share[:4]), clips)
    return {
        "smoother_clips": estimated(count, CLIPS),
        "largest_jump": mean_over(CLIPS, np.stack([linear, constant], axis=1), labels=["linear", "constant"]),
    }


def c11(photographs: list, resamples: int, root_seed: int) -> dict | None:
    """On real videos the full method has the most similar frames, the motion of the source, and faithful images."""
    if not photographs:
        return None
    methods = [str(method) for method in photographs[0].method.values]
    others = [method for method in methods if method != "full"]

    def table(name: str) -> np.ndarray:
        return np.array([[video[name].sel({"method": method}).item() for method in methods] for video in photographs])

    def by_method(values: np.ndarray, method: str) -> np.ndarray:
        return values[:, methods.index(method)]

    similarity, motion = table("similarity"), table("motion")
    best = others[int(np.argmax([by_method(similarity, method).mean() for method in others]))]
    calmest = others[int(np.argmin([by_method(motion, method).mean() for method in others]))]
    features = {
        method: np.stack([video.features.sel({"method": method}).values for video in photographs]) for method in methods
    }

    def distances(other: str) -> dict:
        def ratio(drawn: np.ndarray) -> float:
            return _distance(features, drawn, "full", "per_frame") / _distance(features, drawn, other, "per_frame")

        return estimated(_over_drawn_clips(ratio, len(photographs), resamples, root_seed), "videos")

    ratio = bootstrap(
        ratio_of_means, by_method(motion, "full"), by_method(motion, calmest), resamples=resamples, rng=_rng(root_seed)
    )
    margin = estimate_difference(by_method(similarity, "full"), by_method(similarity, best))
    return {
        "similarity_margin": estimated(margin, "videos"),
        "motion_ratio_to_best_other": estimated(ratio, "videos"),
        "frechet_over_sdedit_60": distances("sdedit_0.6"),
        "frechet_over_sdedit_20": distances("sdedit_0.2"),
        "videos": exact(len(photographs)),
        "similarity": mean_over("videos", similarity, labels=methods),
        "motion": mean_over("videos", motion, labels=methods),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
