"""Measure every claim of the paper; verdicts are given elsewhere."""

import numpy as np

from lib.atlas.job.claims import claim, measured
from lib.bench.analysis import crossover, times_of
from lib.stats.intervals import estimate_slope

NOISE_MS = 2.0  # shorter calls are left out of slopes: they measure the call


def _slope(kernels, operator: str, start: int):
    tokens, least = times_of(kernels, operator, "forward")
    kept = (tokens >= start) & (least >= NOISE_MS)
    kept = kept if kept.sum() >= 3 else np.ones(len(tokens), dtype=bool)
    slope = estimate_slope(np.log(tokens[kept]), np.log(least[kept]))
    return measured(slope.value, se=slope.se)


def _ratios(kernels, operator: str, way: str) -> tuple[np.ndarray, np.ndarray]:
    """Lengths at which both were timed, and time(operator) / time(chunked)."""
    tokens, least = times_of(kernels, operator, way)
    own = dict(zip(*times_of(kernels, "chunked", way)))
    both = [i for i, length in enumerate(tokens) if length in own]
    return tokens[both], np.array([least[i] / own[tokens[i]] for i in both])


def _last(lengths, ratios):
    return measured([ratios[-1]], labels=[f"T = {lengths[-1]}"])


def _gpu_fractions(kernels) -> dict:
    """Achieved share of the copy bandwidth, and times over the peer's, at the largest counted shape."""
    if kernels.attrs["device"] != "cuda":
        return {}
    import torch

    from kernels.linear_attention import fused

    shapes = list(zip(*(kernels[name].values for name in ("batch", "heads", "tokens", "width"))))
    row = {
        (str(kernels["operator"].values[i]), str(kernels["pass"].values[i]), shape): i for i, shape in enumerate(shapes)
    }
    median = kernels.time_ms.median("repeat").values
    shape = (4, 32, 8192, 128)
    i = row["chunked", "forward", shape]
    achieved = float(kernels.bytes[i]) / (median[i] / 1e3) / float(kernels.copy_bandwidth)
    found = {"share_of_copy": achieved}
    processors = torch.cuda.get_device_properties(0).multi_processor_count
    programs = []
    for batch, heads, tokens, width in {s for n, _, s in row if n == "chunked"}:
        slices, block, _, _ = fused.configuration(torch.bfloat16, int(width), int(kernels.attrs["block"]))
        alone = batch * heads * -(-width // slices)
        programs.append(alone * -(-tokens // fused.segment_length(tokens, alone, processors, block)) / processors)
    found["programs_per_processor"] = min(programs)
    for way in ("forward", "both"):
        if ("fla_simple_gla", way, shape) in row:
            found[f"over_peer_{way}"] = median[row["chunked", way, shape]] / median[row["fla_simple_gla", way, shape]]
    return found


def claims(equivalence, memory, kernels, models, tnl_chunked, tnl_quadratic, softmax) -> dict:
    """Return the measured quantities of each claim."""
    worst = equivalence.error.max("shape")

    def error(form, *tensors):
        return float(worst.sel(form=form, tensor=list(tensors)).max())

    gradients = ("dq", "dk", "dv", "d_initial")
    lengths, sdpa = _ratios(kernels, "sdpa", "forward")
    both_lengths, sdpa_both = _ratios(kernels, "sdpa", "both")
    quadratic = _ratios(kernels, "quadratic", "forward")
    tiled = _ratios(kernels, "tiled", "forward")
    wins = [int(length) for length, ratio in zip(lengths, sdpa) if ratio < 1]
    recurrent, cumsum = _ratios(kernels, "recurrent", "forward"), _ratios(kernels, "cumsum", "forward")

    kept = memory.kept
    allowed = 1.02 * memory.inputs + 2 * memory.state
    longest = [int(length) for length in memory.tokens.values[-3::2]]
    width = memory.attrs["width"]
    memory_ratio = float((kept.sel(form="cumsum") / kept.sel(form="chunked"))[-1]) / (width / 4)

    names = [f"{size}, seed {seed}" for size, seed in zip(tnl_chunked["size"].values, tnl_chunked.seed.values)]
    tail = {"step": slice(-50, None)}
    means = [run.loss.isel(tail).astype(float).mean("step") for run in (tnl_chunked, tnl_quadratic)]
    forms = np.abs(means[0] - means[1])
    base = np.flatnonzero(tnl_chunked["size"].values == tnl_chunked["size"].values[0])
    gap = (tnl_chunked.validation - softmax.validation).values[base]
    seeds = tnl_chunked.seed.values[base]

    rate = models.tokens_per_s.median("step")
    held = (rate.isel(length=-1) / rate.isel(length=0)).transpose("architecture", "size")
    sizes = list(models["size"].values)
    decode = models.decode_ms.median("token")
    slower = decode.isel(context=-1) / decode.isel(context=0)
    bytes_ratio = models.state_bytes.isel(context=-1) / models.state_bytes.isel(context=0)

    la5 = {
        "kept_over_allowed": measured(
            [float(kept.sel(form="chunked", tokens=t) / allowed.sel(tokens=t)) for t in longest],
            labels=[f"T = {t}" for t in longest],
        ),
        "cumsum_over_quarter_width": memory_ratio,
    }
    if np.isfinite(memory.peak_extra):
        la5["peak_extra"] = float(memory.peak_extra)
    found = {
        "la1": claim(
            rests_on=["equivalence"],
            float64=error("torch float64", "o", "final"),
            float32=error("torch float32", "o", "final"),
            triton_float32=error("triton float32", "o", "final"),
        ),
        "la2": claim(
            rests_on=["equivalence"],
            float64=error("torch float64", *gradients),
            float32=error("torch float32", *gradients),
            triton_float32=error("triton float32", *gradients),
            gradcheck=bool(equivalence.gradcheck),
        ),
        "la3": claim(
            rests_on=["kernels"],
            chunked=_slope(kernels, "chunked", 1024),
            sdpa=_slope(kernels, "sdpa", 1024),
            quadratic=_slope(kernels, "quadratic", 512),
        ),
        "la4": claim(
            rests_on=["kernels"],
            sdpa_forward=_last(lengths, sdpa),
            sdpa_both=_last(both_lengths, sdpa_both),
            crossover=crossover(lengths, sdpa),
            quadratic_forward=_last(*quadratic),
            tiled_forward=_last(*tiled),
            softmax_wins_up_to=max(wins, default=0),
        ),
        "la5": claim(rests_on=["memory"], **la5),
        "la6": claim(rests_on=["tnl_chunked", "tnl_quadratic"], difference=measured(forms.values, labels=names)),
        "la7": claim(
            rests_on=["models"],
            held=measured(held.sel(architecture="tnl_chunked").values, labels=sizes),
            held_softmax=measured(held.sel(architecture="softmax").values, labels=sizes),
            margin=measured(
                (held.sel(architecture="tnl_chunked") - held.sel(architecture="softmax")).values, labels=sizes
            ),
        ),
        "la8": claim(
            rests_on=["models"],
            state=float(slower.sel(decoder="tnl_chunked")),
            softmax=float(slower.sel(decoder="softmax")),
            state_bytes_ratio=float(bytes_ratio.sel(decoder="tnl_chunked")),
            cache_bytes_ratio=float(bytes_ratio.sel(decoder="softmax")),
        ),
        "la9": claim(
            rests_on=["tnl_chunked", "softmax"],
            median_gap=float(np.median(gap)),
            gap=measured(gap, labels=[f"seed {seed}" for seed in seeds]),
            transnormer=measured(tnl_chunked.validation.values[base], labels=[f"seed {seed}" for seed in seeds]),
            softmax=measured(softmax.validation.values[base], labels=[f"seed {seed}" for seed in seeds]),
            parameter_ratio=float(tnl_chunked.parameters[base[0]] / softmax.parameters[base[0]]),
        ),
        "la10": claim(
            rests_on=["kernels", "memory"],
            recurrent=_last(*recurrent),
            cumsum=_last(*cumsum),
            cumsum_over_quarter_width=memory_ratio,
        ),
    }
    fractions = _gpu_fractions(kernels)
    if fractions:
        found["la11"] = claim(rests_on=["kernels"], **fractions)
    return found


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(claims, snakemake)
