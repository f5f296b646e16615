"""Claims of the paper, each measured from the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, timed
from lib.bench.analysis import case_of, estimate_crossover, growth_exponent, median_time, time_ratios
from lib.stats.intervals import (
    Estimate,
    difference_of,
    estimate_from_error,
    estimate_median_of_normal,
    magnitude_of,
    ratio_of,
    without_error,
)

LENGTHS = "lengths, about a power law"
REPEATS = "repeats in a row"
SEEDS = "seeds, paired"
GRADIENTS = ("dq", "dk", "dv", "d_initial")
NOISE_MS = 2.0  # shorter calls are left out of slopes: they measure the call
GPU_SHAPE = (4, 32, 8192, 128)  # batch, heads, tokens, width of the largest shape that the peer was timed at


def _errors(equivalence, *tensors: str) -> dict[str, dict]:
    """Largest error of some tensors over all shapes, for each form."""
    forms = {"float64": "torch float64", "float32": "torch float32", "triton_float32": "triton float32"}
    worst = equivalence.error.sel(tensor=list(tensors)).max(("shape", "tensor"))
    return {name: exact(worst.sel(form=form).item()) for name, form in forms.items()}


def _slope(kernels, operator: str, start: int) -> dict:
    return timed(growth_exponent(kernels, operator, "forward", start=start, least_ms=NOISE_MS), LENGTHS)


def _last_ratio(kernels, operator: str, way: str = "forward") -> dict:
    """Time over that of the block form at the longest length at which both were timed."""
    lengths, ratios = time_ratios(kernels, operator, way)
    last = Estimate(*(values[-1:] for values in ratios[:4]), ratios.n)
    return timed(last, REPEATS, labels=[f"T = {lengths[-1]}"])


def _longest_slower(lengths: np.ndarray, ratios: Estimate) -> Estimate:
    """Longest sequence at which the other operator is faster; zero where there is none."""

    def longest(values: np.ndarray) -> int:
        return int(max(lengths[values < 1], default=0))

    if np.isnan([ratios.low, ratios.high]).any():
        return without_error(longest(ratios.value), ratios.n)
    return Estimate(longest(ratios.value), np.nan, longest(ratios.high), longest(ratios.low), ratios.n)


def _median_ratio(values, dim: str, axis: str) -> Estimate:
    """Median over repeats (`dim`) at the last place of an axis over that at the first."""
    values = values.transpose(..., dim)
    return ratio_of(*(median_time(values.isel({axis: place}).values) for place in (-1, 0)))._replace(
        n=values.sizes[dim]
    )


def _each_training(values: np.ndarray) -> Estimate:
    """The value of every training; the error of a single one is the spread of all."""
    if len(values) == 1:
        return without_error(values, 1)
    se = np.full(len(values), values.std(ddof=1))
    return estimate_from_error(values, se, len(values))


def _cumsum_over_quarter_width(memory) -> dict:
    """Bytes that all states side by side keep over those of the block form, and over D / 4, at the longest length."""
    ratio = memory.kept.sel(form="cumsum") / memory.kept.sel(form="chunked")
    return exact(ratio[-1].item() / (memory.attrs["width"] / 4))


def _first_size(run) -> np.ndarray:
    """Places of the models of the first size."""
    return np.flatnonzero(run["size"].values == run["size"].values[0])


def la1(equivalence) -> dict:
    """Outputs and final states of every form are those of the recurrence."""
    return _errors(equivalence, "o", "final")


def la2(equivalence) -> dict:
    """Gradients of every form are those of the recurrence, and finite differences."""
    return {**_errors(equivalence, *GRADIENTS), "gradcheck": exact(equivalence.gradcheck.item())}


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
        "crossover": timed(estimate_crossover(lengths, ratios), REPEATS),
        "quadratic_forward": _last_ratio(kernels, "quadratic"),
        "tiled_forward": _last_ratio(kernels, "tiled"),
        "softmax_wins_up_to": timed(_longest_slower(lengths, ratios), REPEATS),
    }


def la5(memory) -> dict:
    """The block form keeps its inputs for the backward pass and little else; all states side by side keep more."""
    allowed = 1.02 * memory.inputs + 2 * memory.state
    share = memory.kept.sel(form="chunked") / allowed
    lengths = [int(length) for length in memory.tokens.values[-3::2]]
    quantities = {
        "kept_over_allowed": exact(share.sel(tokens=lengths).values, labels=[f"T = {t}" for t in lengths]),
        "cumsum_over_quarter_width": _cumsum_over_quarter_width(memory),
    }
    if np.isfinite(memory.peak_extra):  # measured on a GPU only
        quantities["peak_extra"] = exact(memory.peak_extra.item())
    return quantities


def la6(tnl_chunked, tnl_quadratic) -> dict:
    """Block form and left product train alike: difference of the mean losses of the last 50 steps, for each model."""
    first, second = (
        run.loss.isel(step=slice(-50, None)).astype(float).mean("step") for run in (tnl_chunked, tnl_quadratic)
    )
    names = [f"{size}, seed {seed}" for size, seed in zip(tnl_chunked["size"].values, tnl_chunked.seed.values)]
    difference = magnitude_of(_each_training((first - second).values))
    return {"difference": estimated(difference, "trainings, paired and each judged", labels=names)}


def la7(models) -> dict:
    """Training speed does not fall with the length of sequences: tokens per second at the longest over the shortest."""
    rate = models.tokens_per_s.transpose("architecture", "size", ...)
    blocks, softmax = (
        _median_ratio(rate.sel(architecture=name), "step", "length") for name in ("tnl_chunked", "softmax")
    )
    margin = difference_of(blocks, softmax)._replace(n=blocks.n)
    names, sizes = ("held", "held_softmax", "margin"), list(models["size"].values)
    return {
        name: timed(estimate, "steps of one model that take turns", labels=sizes)
        for name, estimate in zip(names, (blocks, softmax, margin))
    }


def la7b(models) -> dict:
    """Length at which the block form trains faster than the left product in tiles, for each model size."""
    rate = models.tokens_per_s.transpose("architecture", "size", "length", ...)
    blocks, tiles = (rate.sel(architecture=name).dropna("length") for name in ("tnl_chunked", "tnl_tiled"))
    lengths = np.intersect1d(blocks.length, tiles.length)
    if not len(lengths):
        return {"crossover_of_forms": timed(without_error([np.nan] * rate.sizes["size"], 0), "steps")}
    crossings = []
    for size in models["size"].values:
        seconds = (median_time(1 / form.sel(size=size, length=lengths).values) for form in (tiles, blocks))
        crossings.append(estimate_crossover(lengths, ratio_of(*seconds)))
    ends = Estimate(*(np.array(values) for values in list(zip(*crossings))[:4]), rate.sizes["step"])
    labels = list(models["size"].values)
    return {"crossover_of_forms": timed(ends, "steps of one model that take turns", labels=labels)}


def la8(models) -> dict:
    """A decoded token costs the same after any context: times and bytes after the longest over the shortest."""
    time = models.decode_ms
    slower = {name: _median_ratio(time.sel(decoder=name), "token", "context") for name in ("tnl_chunked", "softmax")}
    larger = models.state_bytes.isel(context=-1) / models.state_bytes.isel(context=0)
    units = "tokens of one model that take turns"
    return {
        "state": timed(slower["tnl_chunked"], units),
        "softmax": timed(slower["softmax"], units),
        "state_bytes_ratio": exact(larger.sel(decoder="tnl_chunked").item()),
        "cache_bytes_ratio": exact(larger.sel(decoder="softmax").item()),
    }


def la9(tnl_chunked, softmax) -> dict:
    """Linear attention with decay comes close to softmax attention of equal size in validation loss."""
    models = _first_size(tnl_chunked)
    linear, other = (run.validation.values[models] for run in (tnl_chunked, softmax))
    seeds = tnl_chunked.seed.values[models]
    gap = linear - other
    median = estimate_median_of_normal(gap) if len(gap) > 1 else without_error(gap[0], 1)
    labels = [f"seed {seed}" for seed in seeds]
    return {
        "median_gap": estimated(median, SEEDS, ids=seeds),
        "gap": estimated(_each_training(gap), SEEDS, labels=labels),
        "transnormer": estimated(_each_training(linear), "seeds", labels=labels),
        "softmax": estimated(_each_training(other), "seeds", labels=labels),
        "parameter_ratio": exact((tnl_chunked.parameters[models[0]] / softmax.parameters[models[0]]).item()),
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
    times = {way: median_time(block.time_ms.values) for way, block in blocks.items()}
    shapes = kernels.isel(case=np.flatnonzero(kernels["operator"] == "chunked"))
    shapes = {
        tuple(map(int, shape))
        for shape in zip(*(shapes[axis].values for axis in ("batch", "heads", "tokens", "width")))
    }
    programs = [
        programs_per_processor(s, int(kernels.attrs["block"]), int(kernels.attrs["processors"])) for s in shapes
    ]
    at_copy_rate = (1e3 * blocks["forward"].bytes / kernels.copy_bandwidth).item()
    known = Estimate(at_copy_rate, 0.0, at_copy_rate, at_copy_rate, 0)  # ms
    repeats = kernels.sizes["repeat"]
    quantities = {
        "share_of_copy": timed(ratio_of(known, times["forward"])._replace(n=repeats), REPEATS),
        "programs_per_processor": exact(min(programs)),
    }
    for way in ("forward", "both"):
        peer = case_of(kernels, "fla_simple_gla", way, GPU_SHAPE)
        if peer is not None:
            ratio = ratio_of(times[way], median_time(peer.time_ms.values))
            quantities[f"over_peer_{way}"] = timed(ratio._replace(n=repeats), REPEATS)
    return quantities


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
