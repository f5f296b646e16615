"""Claims of the paper, each measured from the stores that it rests on."""

import numpy as np

from lib.atlas.job.claims import measured
from lib.atlas.job.seeds import generator
from lib.stats.bootstrap import bootstrap, ratio_of_means
from lib.stats.intervals import Estimate
from lib.video.temporal import frechet_distance

SMOOTHERS = ("cla_50", "plf", "sdedit_20", "sdedit_60")
CHEAP = ("post_filter", "shared_noise", "cla_70", "cla_100")


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


def _seeds(measures, first: str, second: str) -> list[int]:
    """Seeds that both methods were run with."""
    return sorted({seed for seed, _ in _paired(measures, first, second, "flicker")[2]})


def _mean(measures, method: str, name: str) -> float:
    return float(np.mean(list(_by_clip(measures, method, name).values())))


def _gate(gate) -> dict[str, float]:
    """How well the video model preserves clips under the true light, by deterministic steps."""
    deterministic = gate.sel(step_rule="ddim")
    return {
        "gate_rmse": float(np.sqrt((deterministic.rmse.values**2).mean())),
        "gate_flicker": float(deterministic.flicker.values.mean()),
    }


def c1(measures) -> dict:
    """Frames that are relit one by one flicker, and do not match when warped onto each other."""
    flicker = _mean(measures, "per_frame", "flicker")
    return {
        "flicker": flicker,
        "flicker_over_source": flicker / _mean(measures, "source", "flicker"),
        "warp": _mean(measures, "per_frame", "warp"),
        "source_warp": _mean(measures, "source", "warp"),
    }


def c2(measures, resamples: int, root_seed: int) -> dict:
    """Consistent light attention lowers the flicker, the more so the larger its weight."""
    ratio = _ratio(measures, "cla_70", "per_frame", "flicker", resamples, root_seed)
    order = [_mean(measures, method, "flicker") for method in ("per_frame", "cla_50", "cla_70", "cla_100")]
    control = _ratio(measures, "unet_cla_100", "unet_per_frame", "flicker", resamples, root_seed)
    return {
        "ratio": measured(ratio.value, se=ratio.se, seeds=_seeds(measures, "cla_70", "per_frame")),
        "ratio_upper": ratio.high,
        "monotone": bool(np.all(np.diff(order) < 0)),
        "mean_flicker": measured(order, labels=[f"gamma = {gamma}" for gamma in (0, 0.5, 0.7, 1)]),
        "unet_ratio": control.value,
    }


def c2b(measures, resamples: int, root_seed: int) -> dict:
    """Consistent light attention lowers the flicker of the background."""
    ratio = _ratio(measures, "cla_70", "per_frame", "wall_flicker", resamples, root_seed)
    seeds = _seeds(measures, "cla_70", "per_frame")
    return {"ratio": measured(ratio.value, se=ratio.se, seeds=seeds), "ratio_upper": ratio.high}


def c3(measures, gate, resamples: int, root_seed: int) -> dict:
    """Progressive light fusion lowers flicker and warp error, by a video model that preserves steady clips."""
    flicker = _ratio(measures, "plf", "per_frame", "flicker", resamples, root_seed)
    warp = _ratio(measures, "plf", "per_frame", "warp", resamples, root_seed)
    *_, keys = _paired(measures, "plf", "per_frame", "flicker")
    seeds = _seeds(measures, "plf", "per_frame")
    intensities = [_mean(measures, method, "intensity") for method in ("source", "per_frame", "plf")]
    return {
        **_gate(gate),
        "clips": sum(seed == 0 for seed, _ in keys),
        "flicker_ratio": measured(flicker.value, se=flicker.se, seeds=seeds),
        "flicker_ratio_upper": flicker.high,
        "warp_ratio": measured(warp.value, se=warp.se, seeds=seeds),
        "intensity": measured(intensities, labels=["source", "per frame", "fusion"]),
    }


def c4(measures, gate, resamples: int, root_seed: int) -> dict:
    """Attention with fusion flickers less than either alone and than SDEdit, by both rules of the video step."""
    quantities = _gate(gate)
    for name, suffix in (("deterministic", ""), ("ancestral", "_euler")):
        full = f"full_50{suffix}"
        others = [method if method == "cla_50" else method + suffix for method in SMOOTHERS]
        flicker = [_ratio(measures, full, other, "flicker", resamples, root_seed) for other in others]
        warp = [_ratio(measures, full, other, "warp", resamples, root_seed).value for other in others]
        cheap = [_ratio(measures, full, other, "flicker", resamples, root_seed).value for other in CHEAP]
        seeds = sorted({seed for other in others for seed in _seeds(measures, full, other)})
        values, errors = [ratio.value for ratio in flicker], [ratio.se for ratio in flicker]
        quantities[name] = measured(values, se=errors, labels=SMOOTHERS, seeds=seeds)
        quantities[f"{name}_over_cheap"] = measured(cheap, labels=CHEAP)
        quantities[f"{name}_warp"] = measured(warp, labels=SMOOTHERS)
    return quantities


def c5(measures, gate, resamples: int, root_seed: int) -> dict:
    """Frames of the full method are as close to a relighting as those of the image model, from the same direction."""
    error = _ratio(measures, "full_50", "per_frame", "frame_error", resamples, root_seed)
    return {
        **_gate(gate),
        "error_ratio": measured(error.value, se=error.se, seeds=_seeds(measures, "full_50", "per_frame")),
        "accuracy_loss": _mean(measures, "per_frame", "direction") - _mean(measures, "full_50", "direction"),
        "cla_error_ratio": _ratio(measures, "cla_50", "per_frame", "frame_error", resamples, root_seed).value,
    }


def c6(measures, gate, resamples: int, root_seed: int) -> dict:
    """The full method preserves the motion of the source."""
    motion = _ratio(measures, "full_50", "source", "motion", resamples, root_seed)
    still = float(measures.zero_flow_motion.values.mean())
    return {
        **_gate(gate),
        "ratio_to_source": measured(motion.value, se=motion.se, seeds=_seeds(measures, "full_50", "source")),
        "ratio_to_zero_flow": _mean(measures, "full_50", "motion") / still,
        "per_frame_ratio": _ratio(measures, "per_frame", "source", "motion", resamples, root_seed).value,
    }


def c7(transport) -> dict:
    """Blending two images blends their lights, in linear radiance and not after the sRGB curve."""
    return {
        "linear": float(transport.linear.values.max()),
        "encoded": float(transport.encoded.values.max()),
        "encoded_mean": float(transport.encoded_mean.values.mean()),
    }


def c8(runs: list) -> dict:
    """Relighting trains nothing: weights are the same afterwards, and no optimiser exists."""
    return {
        "weights_equal": all(run.weights_before.item() == run.weights_after.item() for run in runs),
        "optimisers": sum(run.optimisers.item() for run in runs),
    }


def c9(measures, gate, resamples: int, root_seed: int) -> dict:
    """A fusion weight that falls leaves a smaller one-light error than a constant one."""
    constant, linear, keys = _paired(measures, "full_50_constant", "full_50", "clip_error")
    difference = bootstrap(np.mean, constant - linear, resamples=resamples, rng=_rng(root_seed))
    flicker = [_mean(measures, method, "flicker") for method in ("full_50", "full_50_constant")]
    return {
        **_gate(gate),
        "difference": measured(difference.value, se=difference.se, seeds=sorted({seed for seed, _ in keys})),
        "difference_lower": difference.low,
        "flicker": measured(flicker, labels=["linear", "constant"]),
    }


def c10(ddim) -> dict:
    """The largest jump between fused targets is smaller with a falling weight than with a constant one."""
    linear, constant = (
        ddim.jump.isel(row=np.flatnonzero(ddim.method.values == method)).max("step").values
        for method in ("full_50", "full_50_constant")
    )
    return {
        "smoother_clips": int(np.sum(linear < constant)),
        "largest_jump": measured([linear.mean(), constant.mean()], labels=["linear", "constant"]),
    }


def c11(photographs: list) -> dict | None:
    """On real videos the full method has the most similar frames and stays closest to per-frame relighting."""
    if not photographs:
        return None
    methods = [str(method) for method in photographs[0].method.values]

    def mean(name: str, method: str) -> float:
        return float(np.mean([video[name].sel({"method": method}).values for video in photographs]))

    def features(method: str) -> np.ndarray:
        return np.concatenate([video.features.sel({"method": method}).values for video in photographs])

    similarity = {method: mean("similarity", method) for method in methods}
    distance = {
        method: frechet_distance(features(method), features("per_frame")) for method in methods if method != "per_frame"
    }
    others = [method for method in methods if method != "full"]
    return {
        "similarity_margin": similarity["full"] - np.max([similarity[method] for method in others]),
        "frechet_ratio": distance["full"] / np.min([distance[method] for method in others if method in distance]),
        "videos": len(photographs),
        "similarity": measured(list(similarity.values()), labels=methods),
        "motion": measured([mean("motion", method) for method in methods], labels=methods),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
