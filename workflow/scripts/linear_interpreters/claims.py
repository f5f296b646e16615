"""Claims of linear_interpreters: a function for each, named by its id, of the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, timed
from lib.stats.intervals import (
    Estimate,
    end_of,
    estimate_mean,
    estimate_median,
    estimate_slope,
    side_by_side,
)

SEEDS = "trainings"


def _paired(first, second=0.0) -> Estimate:
    """Mean difference of the same units, or the difference alone where there is one unit."""
    difference = np.atleast_1d(np.asarray(first, float) - np.asarray(second, float))
    if len(difference) < 2:
        return Estimate(difference.mean(), np.nan, np.nan, np.nan, len(difference))
    return estimate_mean(difference)


def _with_end(name: str, estimate: Estimate, end: str, units: str = SEEDS, labels=None) -> dict:
    """An estimate and, for a rule, one end of its interval."""
    return {
        name: estimated(estimate, units, labels=labels),
        f"{name}_{end}": estimated(end_of(estimate, end), units, labels=labels),
    }


def _worst(values) -> float:
    return float(np.max(np.asarray(values, float)))


def c1(identity):
    """F x + r is the network's output, and the real item of the batch is not touched."""
    return {
        "error": exact(_worst(identity.identity)),
        "errors": exact(identity.identity.max("input", skipna=False).values, labels=identity.model.values),
        "share_identical": exact(float(identity.same.mean())),
        "inputs": exact(int(identity.sizes["input"])),
    }


def c1b(identity):
    """The same scope on unmodified models; what it cannot replay it refuses by name."""
    piecewise = identity.piecewise.values.astype(bool)
    return {
        "error": exact(_worst(identity.identity)),
        "jacobian": exact(_worst(identity.jacobian.values[piecewise])),
        "refused": exact(float(identity.refused.mean())),
        "models": exact(len(identity.model)),
    }


def c2(identity):
    """Rows by transposition agree with columns by impulses; F is the Jacobian only of piecewise linear networks."""
    piecewise = identity.piecewise.values.astype(bool)
    return {
        "adjoint": exact(_worst(identity.adjoint)),
        "jacobian": exact(_worst(identity.jacobian.values[piecewise])),
        "apart": exact(float(np.min(identity.jacobian.sel(model="translator").values))),
    }


def c3(identity):
    """The residual is the work of the biases."""
    known = identity.piecewise.values.astype(bool) & np.array(
        [not str(name).startswith("hf-mobilenet") and "free" not in str(name) for name in identity.model.values]
    )
    error = identity.bias.values[known] / identity.residual.values[known]
    return {
        "error": exact(_worst(error)),
        "without_biases": exact(_worst(identity.residual.sel(model="vgg-free"))),
    }


def c4(classifiers):
    """Classifiers rely heavily on their biases."""
    standard = ["vgg, unit", "resnet, unit", "vgg, standardised", "resnet, standardised"]
    store = classifiers.sel(network=standard)

    def each(values) -> Estimate:
        return side_by_side(estimate_mean(row[: _seeds(row)]) for row in values.values)

    result = {
        **_with_end("share", each(store.share), "low", labels=standard),
        **_with_end("accuracy_residual", each(store.accuracy_residual), "low", labels=standard),
        **_with_end("loss", each(store.accuracy - store.accuracy_linear), "low", labels=standard),
    }
    others = [str(name) for name in classifiers.network.values if name not in standard]
    return result | {
        "share_of_others": estimated(each(classifiers.share.sel(network=others)), SEEDS, labels=others),
        "accuracy": estimated(each(store.accuracy), SEEDS, labels=standard),
        "accuracy_linear": estimated(each(store.accuracy_linear), SEEDS, labels=standard),
    }


def _seeds(row: np.ndarray) -> int:
    """Number of trainings of a network; all of them where there is a gap, so that it shows."""
    known = np.isfinite(row)
    count = int(known.sum())
    return count if count >= 2 and known[:count].all() else len(row)


def c5(classifiers):
    """The vote finds the pixels that decide, better than the distance from what replaces them."""
    drop = classifiers["drop"]
    labels = [str(name) for name in drop.baseline.values]
    gain = side_by_side(
        _paired(drop.sel(baseline=b, ranking="vote"), drop.sel(baseline=b, ranking="distance"))
        for b in drop.baseline.values
    )
    return {
        **_with_end("gain", gain, "low", labels=labels),
        **{
            name: mean_over(
                SEEDS, drop.sel(ranking=name).transpose("baseline", "deletion_seed").values, axis=1, labels=labels
            )
            for name in ("vote", "distance", "random")
        },
    }


def _by_seed(stores, name: str, source: str | None = None) -> np.ndarray:
    """Mean over images of a measure, for each training."""
    values = [store[name].sel(source=source) if source else store[name] for store in stores]
    return np.array([float(value.mean(skipna=False)) for value in values])


def _wavelets(measure) -> dict:
    """Whether vectors are band-pass and localised; `measure(name, source)` gives a measure by training."""
    participation = measure("participation", "network")
    against = ("surrogate", "band noise")
    difference = side_by_side(_paired(participation, measure("participation", source)) for source in against)
    return {
        "bandwidth_ratio": mean_over(SEEDS, measure("bandwidth", "network") / measure("bandwidth", "white noise")),
        **_with_end("participation_difference", difference, "high", labels=against),
        "participation": mean_over(SEEDS, participation),
        "orientation": mean_over(SEEDS, measure("orientation", "network")),
        "orientation_white": mean_over(SEEDS, measure("orientation", "white noise")),
    }


def c6(upscalers):
    """Leading singular vectors in super-resolution are band-pass, oriented and localised."""

    def measure(name, source):
        return _by_seed(upscalers, name, source)

    return {
        "gain": mean_over(SEEDS, _by_seed(upscalers, "psnr") - _by_seed(upscalers, "psnr_bicubic")),
        "centroid_ratio": mean_over(SEEDS, measure("centroid", "network") / measure("centroid", "bicubic")),
        **_wavelets(measure),
    }


def c6b(translators):
    """Leading singular vectors of an image-to-image generator are wavelet-like too."""

    def measure(name, source):
        return translators[name].sel(source=source).values

    return {"error": mean_over(SEEDS, translators.error.sel(task="recolor").values), **_wavelets(measure)}


def c6c(upscalers):
    """The bases in super-resolution resemble Gabor functions."""
    ours = _by_seed(upscalers, "gabor", "network")
    return {
        **_with_end("gain", _paired(ours, _by_seed(upscalers, "gabor", "band noise")), "low"),
        "width": mean_over(SEEDS, _by_seed(upscalers, "width", "network")),
        "fit": mean_over(SEEDS, ours),
        "fit_white": mean_over(SEEDS, _by_seed(upscalers, "gabor", "white noise")),
        "psnr_gain": mean_over(SEEDS, _by_seed(upscalers, "psnr") - _by_seed(upscalers, "psnr_bicubic")),
    }


def c7(upscalers):
    """Filters in super-resolution adapt to edges."""
    angles = _paired(_by_seed(upscalers, "angle"))
    return {
        **_with_end("difference", _paired(_by_seed(upscalers, "edge"), _by_seed(upscalers, "flat")), "low"),
        **_with_end("angle", angles, "high"),
        "psnr_gain": mean_over(SEEDS, _by_seed(upscalers, "psnr") - _by_seed(upscalers, "psnr_bicubic")),
    }


def c8(translators):
    """Image-to-image generators copy and move, or paint a template."""
    truth = {"move": [0.0, -6.0], "recolor": [0.0, 0.0]}

    def errors(task: str, mean: str) -> np.ndarray:
        return np.linalg.norm(translators.displacement.sel(task=task, norm_mean=mean).values - truth[task], axis=-1)

    def painted(statistic: str, mean: str = "frozen") -> np.ndarray:
        return translators.painted.sel(statistic=statistic, norm_mean=mean).values

    moved = _paired(errors("move", "frozen"))
    return {
        **_with_end("move_error", moved, "high"),
        "recolor_error": mean_over(SEEDS, errors("recolor", "frozen")),
        "output_correlation": mean_over(SEEDS, painted("output")),
        **_with_end("residual_correlation", _paired(painted("residual")), "low"),
        "linear_correlation": mean_over(SEEDS, painted("linear")),
        "residual_size": mean_over(SEEDS, painted("share")),
        "move_error_linear_mean": mean_over(SEEDS, errors("move", "linear")),
        "residual_correlation_linear_mean": mean_over(SEEDS, painted("residual", "linear")),
        "linear_correlation_linear_mean": mean_over(SEEDS, painted("linear", "linear")),
    }


def c9(cost):
    """The scope is simple, and costs little time and no memory that grows with depth."""
    labels = [f"depth {d}" for d in cost.depth.values]
    depth = cost.depth.values
    slopes = {way: estimate_slope(depth, cost.peak.sel(way=way).values) for way in ("scope", "autograd")}
    return {
        "time": timed(estimate_median(cost.forward.values, axis=1), labels=labels),
        "rows": timed(estimate_median(cost["rows"].values)),
        "forward_mode": timed(estimate_median(cost.tangent.values, axis=1), labels=labels),
        "rows_error": exact(float(cost.rows_error)),
        "memory_slope_high": estimated(end_of(slopes["scope"], "high"), "depths"),
        "memory_slope": estimated(slopes["scope"], "depths"),
        "memory_slope_autograd": estimated(slopes["autograd"], "depths"),
        "lines": exact(float(cost.lines)),
        "lines_of_units": exact(float(cost.lines_of_units)),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
