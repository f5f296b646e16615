"""Measure every claim of the paper; verdicts are given elsewhere."""

import numpy as np

from lib.atlas.job.claims import claim, measured
from lib.atlas.job.seeds import generator
from lib.stats.bootstrap import bootstrap, ratio_of_means
from lib.stats.intervals import Estimate
from lib.video.temporal import frechet_distance

SDEDITS = ("sdedit_20", "sdedit_60")


def by_clip(measures, method: str, name: str) -> dict:
    """One measure of a method: (seed, clip) to value."""
    rows = measures.isel(row=np.flatnonzero(measures.method.values == method))
    return dict(zip(zip(rows.seed.values.tolist(), rows["clip"].values.tolist()), rows[name].values.tolist()))


def paired(measures, first: str, second: str, name: str) -> tuple[np.ndarray, np.ndarray, list]:
    """One measure of two methods on the clips and seeds that both were run on."""
    a, b = by_clip(measures, first, name), by_clip(measures, second, name)
    keys = sorted(set(a) & set(b))
    return np.array([a[k] for k in keys]), np.array([b[k] for k in keys]), keys


def _quantity(estimate: Estimate, keys: list):
    return measured(estimate.value, se=estimate.se, seeds=sorted({seed for seed, _ in keys}))


def claims(measures, gate, transport, runs: list, ddim, photographs: list, *, resamples: int, root_seed: int) -> dict:
    """Return the measured quantities of each claim."""

    def options() -> dict:
        return {"resamples": resamples, "rng": generator(root_seed, "light_a_video", "bootstrap")}

    def ratio(first: str, second: str, name: str) -> tuple[Estimate, list]:
        a, b, keys = paired(measures, first, second, name)
        return bootstrap(ratio_of_means, a, b, **options()), keys

    def mean(method: str, name: str) -> float:
        return float(np.mean(list(by_clip(measures, method, name).values())))

    kept = gate.sel(step_rule="ddim")
    gates = {
        "gate_rmse": float(np.sqrt((kept.rmse**2).mean())),
        "gate_flicker": float(kept.flicker.mean()),
    }
    result = {
        "c1": claim(
            rests_on=["measures"],
            flicker=mean("per_frame", "flicker"),
            flicker_over_source=mean("per_frame", "flicker") / mean("source", "flicker"),
            warp=mean("per_frame", "warp"),
            source_warp=mean("source", "warp"),
        )
    }
    for name, measure in (("c2", "flicker"), ("c2b", "wall_flicker")):
        found, keys = ratio("cla_70", "per_frame", measure)
        result[name] = claim(rests_on=["measures"], ratio=_quantity(found, keys), ratio_upper=found.high)
    order = [mean(method, "flicker") for method in ("per_frame", "cla_50", "cla_70", "cla_100")]
    control, _ = ratio("unet_cla_100", "unet_per_frame", "flicker")
    result["c2"]["quantities"] |= {
        "monotone": measured(bool(np.all(np.diff(order) < 0))),
        "mean_flicker": measured(order, labels=[f"gamma = {g}" for g in (0, 0.5, 0.7, 1)]),
        "unet_ratio": measured(control.value),
    }

    flicker, keys = ratio("plf", "per_frame", "flicker")
    first_seed = [k for k in keys if k[0] == 0]
    warp, _ = ratio("plf", "per_frame", "warp")
    result["c3"] = claim(
        rests_on=["measures", "gate"],
        **gates,
        clips=len(first_seed),
        flicker_ratio=_quantity(flicker, keys),
        flicker_ratio_upper=flicker.high,
        warp_ratio=_quantity(warp, keys),
        intensity=measured(
            [mean(m, "intensity") for m in ("source", "per_frame", "plf")], labels=["source", "per frame", "fusion"]
        ),
    )

    others = ["cla_50", "plf", *SDEDITS]
    cheap = ["post_filter", "shared_noise", "cla_70", "cla_100"]
    quantities = {}
    for name, suffix in (("deterministic", ""), ("ancestral", "_euler")):
        found = [ratio(f"full_50{suffix}", m if m == "cla_50" else m + suffix, "flicker") for m in others]
        quantities[name] = measured(
            [f.value for f, _ in found], se=[f.se for f, _ in found], labels=others, seeds=[0, 1, 2]
        )
        found = [ratio(f"full_50{suffix}", m, "flicker")[0].value for m in cheap]
        quantities[f"{name}_over_cheap"] = measured(found, labels=cheap)
        warps = [ratio(f"full_50{suffix}", m if m == "cla_50" else m + suffix, "warp")[0].value for m in others]
        quantities[f"{name}_warp"] = measured(warps, labels=others)
    result["c4"] = claim(rests_on=["measures", "gate"], **gates, **quantities)

    error, keys = ratio("full_50", "per_frame", "frame_error")
    loss = mean("per_frame", "direction") - mean("full_50", "direction")
    result["c5"] = claim(
        rests_on=["measures", "gate"], **gates, error_ratio=_quantity(error, keys), accuracy_loss=loss,
        cla_error_ratio=ratio("cla_50", "per_frame", "frame_error")[0].value,
    )  # fmt: skip
    motion, keys = ratio("full_50", "source", "motion")
    result["c6"] = claim(
        rests_on=["measures", "gate"],
        **gates,
        ratio_to_source=_quantity(motion, keys),
        ratio_to_zero_flow=mean("full_50", "motion") / float(measures.zero_flow_motion.mean()),
        per_frame_ratio=ratio("per_frame", "source", "motion")[0].value,
    )
    result["c7"] = claim(
        rests_on=["transport"], linear=float(transport.linear.max()), encoded=float(transport.encoded.max()),
        encoded_mean=float(transport.encoded_mean.mean()),
    )  # fmt: skip
    result["c8"] = claim(
        rests_on=["runs"],
        weights_equal=bool(all(run.weights_before.item() == run.weights_after.item() for run in runs)),
        optimisers=int(sum(int(run.optimisers) for run in runs)),
    )
    constant, linear, keys = paired(measures, "full_50_constant", "full_50", "clip_error")
    better = bootstrap(np.mean, constant - linear, **options())
    result["c9"] = claim(
        rests_on=["measures", "gate"],
        **gates,
        difference=_quantity(better, keys),
        difference_lower=better.low,
        flicker=measured([mean(m, "flicker") for m in ("full_50", "full_50_constant")], labels=["linear", "constant"]),
    )
    jumps = {
        method: ddim.jump.isel(row=np.flatnonzero(ddim.method.values == method)).max("step").values
        for method in ("full_50", "full_50_constant")
    }
    result["c10"] = claim(
        rests_on=["ddim"],
        smoother_clips=int(np.sum(jumps["full_50"] < jumps["full_50_constant"])),
        largest_jump=measured([float(np.mean(j)) for j in jumps.values()], labels=["linear", "constant"]),
    )
    if photographs:
        result["c11"] = photographs_claim(photographs)
    return result


def photographs_claim(photographs: list) -> dict:
    """Measures on real videos: the full method beside the best other one."""
    methods = [str(m) for m in photographs[0].method.values]
    similarity = {m: float(np.mean([p.similarity.sel({"method": m}) for p in photographs])) for m in methods}
    features = {m: np.concatenate([p.features.sel({"method": m}).values for p in photographs]) for m in methods}
    distance = {m: frechet_distance(features[m], features["per_frame"]) for m in methods if m != "per_frame"}
    others = [m for m in methods if m != "full"]
    return claim(
        rests_on=["photographs"],
        similarity_margin=similarity["full"] - max(similarity[m] for m in others),
        frechet_ratio=distance["full"] / min(distance[m] for m in others if m in distance),
        videos=len(photographs),
        similarity=measured(list(similarity.values()), labels=list(similarity)),
        motion=measured(
            [float(np.mean([p.motion.sel({"method": m}) for p in photographs])) for m in methods], labels=methods
        ),
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(claims, snakemake)
