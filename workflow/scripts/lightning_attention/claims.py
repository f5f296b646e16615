"""Claims of the paper, each measured from the stores that it rests on."""

import numpy as np

from lib.atlas.job.claims import measured
from lib.bench.analysis import case_of, crossover, growth_exponent, time_ratios

GRADIENTS = ("dq", "dk", "dv", "d_initial")
NOISE_MS = 2.0  # shorter calls are left out of slopes: they measure the call
GPU_SHAPE = (4, 32, 8192, 128)  # batch, heads, tokens, width of the largest shape that the peer was timed at


def _errors(equivalence, *tensors: str) -> dict[str, float]:
    """Largest error of some tensors over all shapes, for each form."""
    forms = {"float64": "torch float64", "float32": "torch float32", "triton_float32": "triton float32"}
    worst = equivalence.error.sel(tensor=list(tensors)).max(("shape", "tensor"))
    return {name: float(worst.sel(form=form)) for name, form in forms.items()}


def _slope(kernels, operator: str, start: int) -> dict:
    slope = growth_exponent(kernels, operator, "forward", start=start, least_ms=NOISE_MS)
    return measured(slope.value, se=slope.se)


def _last_ratio(kernels, operator: str, way: str = "forward") -> dict:
    """Time over that of the block form at the longest length at which both were timed."""
    lengths, ratios = time_ratios(kernels, operator, way)
    return measured([ratios[-1]], labels=[f"T = {lengths[-1]}"])


def _cumsum_over_quarter_width(memory) -> float:
    """Bytes that all states side by side keep over those of the block form, and over D / 4, at the longest length."""
    ratio = memory.kept.sel(form="cumsum") / memory.kept.sel(form="chunked")
    return float(ratio[-1]) / (memory.attrs["width"] / 4)


def _first_size(run) -> np.ndarray:
    """Places of the models of the first size."""
    return np.flatnonzero(run["size"].values == run["size"].values[0])


def la1(equivalence) -> dict:
    """Outputs and final states of every form are those of the recurrence."""
    return _errors(equivalence, "o", "final")


def la2(equivalence) -> dict:
    """Gradients of every form are those of the recurrence, and finite differences."""
    return {**_errors(equivalence, *GRADIENTS), "gradcheck": bool(equivalence.gradcheck)}


def la3(kernels) -> dict:
    """Exponents of the growth of time with length: linear for blocks, quadratic for softmax and the left product."""
    return {
        "chunked": _slope(kernels, "chunked", 1024),
        "sdpa": _slope(kernels, "sdpa", 1024),
        "quadratic": _slope(kernels, "quadratic", 512),
    }


def la4(kernels) -> dict:
    """At long sequences the block form is faster than softmax attention and the left products."""
    lengths, ratios = time_ratios(kernels, "sdpa", "forward")
    return {
        "sdpa_forward": _last_ratio(kernels, "sdpa"),
        "sdpa_both": _last_ratio(kernels, "sdpa", "both"),
        "crossover": crossover(lengths, ratios),
        "quadratic_forward": _last_ratio(kernels, "quadratic"),
        "tiled_forward": _last_ratio(kernels, "tiled"),
        "softmax_wins_up_to": int(max(lengths[ratios < 1], default=0)),
    }


def la5(memory) -> dict:
    """The block form keeps its inputs for the backward pass and little else; all states side by side keep more."""
    allowed = 1.02 * memory.inputs + 2 * memory.state
    share = memory.kept.sel(form="chunked") / allowed
    lengths = [int(length) for length in memory.tokens.values[-3::2]]
    quantities = {
        "kept_over_allowed": measured(share.sel(tokens=lengths).values, labels=[f"T = {t}" for t in lengths]),
        "cumsum_over_quarter_width": _cumsum_over_quarter_width(memory),
    }
    if np.isfinite(memory.peak_extra):  # measured on a GPU only
        quantities["peak_extra"] = float(memory.peak_extra)
    return quantities


def la6(tnl_chunked, tnl_quadratic) -> dict:
    """Block form and left product train alike: difference of the mean losses of the last 50 steps, for each model."""
    first, second = (
        run.loss.isel(step=slice(-50, None)).astype(float).mean("step") for run in (tnl_chunked, tnl_quadratic)
    )
    names = [f"{size}, seed {seed}" for size, seed in zip(tnl_chunked["size"].values, tnl_chunked.seed.values)]
    return {"difference": measured(np.abs(first - second).values, labels=names)}


def la7(models) -> dict:
    """Training speed does not fall with the length of sequences: tokens per second at the longest over the shortest."""
    rate = models.tokens_per_s.median("step")
    share = (rate.isel(length=-1) / rate.isel(length=0)).transpose("architecture", "size")
    blocks, softmax = share.sel(architecture="tnl_chunked"), share.sel(architecture="softmax")
    sizes = list(models["size"].values)
    return {
        "held": measured(blocks.values, labels=sizes),
        "held_softmax": measured(softmax.values, labels=sizes),
        "margin": measured((blocks - softmax).values, labels=sizes),
    }


def la8(models) -> dict:
    """A decoded token costs the same after any context: times and bytes after the longest over the shortest."""
    time = models.decode_ms.median("token")
    slower = time.isel(context=-1) / time.isel(context=0)
    larger = models.state_bytes.isel(context=-1) / models.state_bytes.isel(context=0)
    return {
        "state": float(slower.sel(decoder="tnl_chunked")),
        "softmax": float(slower.sel(decoder="softmax")),
        "state_bytes_ratio": float(larger.sel(decoder="tnl_chunked")),
        "cache_bytes_ratio": float(larger.sel(decoder="softmax")),
    }


def la9(tnl_chunked, softmax) -> dict:
    """Linear attention with decay comes close to softmax attention of equal size in validation loss."""
    models = _first_size(tnl_chunked)
    linear, other = (run.validation.values[models] for run in (tnl_chunked, softmax))
    labels = [f"seed {seed}" for seed in tnl_chunked.seed.values[models]]
    return {
        "median_gap": float(np.median(linear - other)),
        "gap": measured(linear - other, labels=labels),
        "transnormer": measured(linear, labels=labels),
        "softmax": measured(other, labels=labels),
        "parameter_ratio": float(tnl_chunked.parameters[models[0]] / softmax.parameters[models[0]]),
    }


def la10(kernels, memory) -> dict:
    """Blocks beat the recurrence and all states side by side, which also keep D times the bytes."""
    return {
        "recurrent": _last_ratio(kernels, "recurrent"),
        "cumsum": _last_ratio(kernels, "cumsum"),
        "cumsum_over_quarter_width": _cumsum_over_quarter_width(memory),
    }


def la11(kernels) -> dict | None:
    """The Triton kernel reaches a share of the copy bandwidth, keeps up with its peer and fills the device."""
    if kernels.attrs["device"] != "cuda":
        return None
    from lib.bench.launches import programs_per_processor

    blocks = {way: case_of(kernels, "chunked", way, GPU_SHAPE) for way in ("forward", "both")}
    seconds = blocks["forward"].time_ms.median("repeat") / 1e3
    shapes = kernels.isel(case=np.flatnonzero(kernels["operator"] == "chunked"))
    shapes = {
        tuple(map(int, shape))
        for shape in zip(*(shapes[axis].values for axis in ("batch", "heads", "tokens", "width")))
    }
    programs = [
        programs_per_processor(s, int(kernels.attrs["block"]), int(kernels.attrs["processors"])) for s in shapes
    ]
    quantities = {
        "share_of_copy": float(blocks["forward"].bytes / seconds / kernels.copy_bandwidth),
        "programs_per_processor": min(programs),
    }
    for way in ("forward", "both"):
        peer = case_of(kernels, "fla_simple_gla", way, GPU_SHAPE)
        if peer is not None:
            ratio = blocks[way].time_ms.median("repeat") / peer.time_ms.median("repeat")
            quantities[f"over_peer_{way}"] = float(ratio)
    return quantities


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
