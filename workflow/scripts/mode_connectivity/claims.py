"""Claims of mode_connectivity: a function for each, named by its id, of the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, share_of
from lib.stats.bootstrap import percentile_estimate
from lib.stats.intervals import Estimate, end_of, estimate_mean, side_by_side, without_error

SEEDS = "seeds"
RESAMPLES = 2000
DESCENT = (0, 20, 80)  # forks from which the ends descend far after the ridge
NAMES = {  # of predictors
    "distance": "squared distance",
    "distance_largest": "squared distance times largest eigenvalue",
    "distance_trace": "squared distance times mean eigenvalue",
    "fork": "expansion at the fork",
}
TRACED = (10, 50, 200)  # steps after the fork at which midpoint and ends are compared


def _sound(lines) -> np.ndarray:
    """Which seeds have valid networks alone, in every pair with noisy labels; all where there is none."""
    noisy = [name for name in lines.pair.values if not name.startswith(("plain", "matched"))]
    good = (lines.valid.sel(pair=noisy).transpose("pair", "seed").values == 1).all(axis=0)
    return np.flatnonzero(good) if good.any() else np.arange(len(good))


def _invalid(lines) -> dict:
    """Share of the pairs with noisy labels that are not trained to the bound, or not to a finite loss."""
    noisy = [name for name in lines.pair.values if not name.startswith(("plain", "matched"))]
    return exact(float(1 - (lines.valid.sel(pair=noisy).values == 1).mean()))


def _mean(values, axis: int = -1) -> Estimate:
    """Mean over seeds; the error of one seed is not known."""
    values = np.asarray(values, dtype=float)
    if values.shape[axis] > 1:
        return estimate_mean(values, axis)
    value = values.squeeze(axis)
    return Estimate(value, *(np.full_like(value, np.nan) for _ in range(3)), 1)


def _barriers(lines, measure: str = "train_loss") -> tuple[list[int], np.ndarray]:
    """Forks, and barriers `(forks, seeds)` of the valid seeds."""
    forks = _forks(lines)
    names = [f"k = {k}" for k in forks]
    return forks, lines.barrier.sel(measure=measure, pair=names).transpose("pair", "seed").values[:, _sound(lines)]


def _forks(store) -> list[int]:
    return [int(name[4:]) for name in store.pair.values if name.startswith("k = ")]


def _of(lines, pair: str, measure: str = "train_loss") -> np.ndarray:
    """Barriers of a group of pairs, of the valid seeds."""
    return lines.barrier.sel(measure=measure, pair=pair).values[_sound(lines)]


def _labels(forks) -> list[str]:
    return [f"k = {k}" for k in forks]


def _layers(sets: list[str]) -> list[str]:
    return [f"layer {i}" for i in range(1, len(sets) + 1)]


def _ranks(values: np.ndarray, axis: int) -> np.ndarray:
    from scipy.stats import rankdata

    return rankdata(values, axis=axis, nan_policy="propagate")


def _correlate(x: np.ndarray, y: np.ndarray, axis) -> np.ndarray:
    """Pearson's correlation along axes."""
    x, y = (v - v.mean(axis=axis, keepdims=True) for v in (x, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x * y).sum(axis=axis) / np.sqrt((x * x).sum(axis=axis) * (y * y).sum(axis=axis))


def _spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rank correlation along the last axis."""
    return _correlate(_ranks(x, -1), _ranks(np.broadcast_to(y, x.shape), -1), -1)


def _resampled(statistic, rng, *arrays) -> Estimate:
    """A statistic of arrays `(..., groups, seeds)`, whole seeds resampled together.

    Resamples of one seed alone, within whose groups nothing varies, are left out.
    """
    n = arrays[0].shape[-1]
    drawn = rng.integers(0, n, (RESAMPLES, n))
    drawn = drawn[(drawn != drawn[:, :1]).any(axis=1)] if n > 1 else drawn
    resamples = statistic(*(np.moveaxis(np.take(a, drawn, axis=-1), -2, 0) for a in arrays))
    return percentile_estimate(statistic(*arrays), resamples, n)


def _over_all(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rank correlation over all groups and seeds, the last two axes."""
    return _spearman(x.reshape(*x.shape[:-2], -1), y.reshape(*y.shape[:-2], -1))


def _within(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlation of the logarithms after the mean over seeds of each group is subtracted."""
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = (np.log(v) - np.log(v).mean(axis=-1, keepdims=True) for v in (x, y))
    return _correlate(x, y, (-2, -1))


def _share(values: np.ndarray, holds: np.ndarray, axis) -> np.ndarray:
    """Share of the values of which something holds; not a number where one of them is none."""
    return np.where(np.isnan(values), np.nan, holds).mean(axis=axis)


def c1(lines):
    """A later fork gives a lower barrier, and late forks are linearly connected."""
    forks, loss = _barriers(lines)
    error = _barriers(lines, "train_error")[1]
    at = {k: i for i, k in enumerate(forks)}
    late = max(forks) if 1000 not in at else 1000
    middle = late if 300 not in at else 300
    means = _mean(loss)
    return {
        "gate_invalid": _invalid(lines),
        "barrier": estimated(means, SEEDS, labels=_labels(forks)),
        "error_barrier": estimated(_mean(error), SEEDS, labels=_labels(forks)),
        "start": estimated(_mean(loss[at[0]]), SEEDS),
        "middle_over_start": exact(float(means.value[at[middle]] / means.value[at[0]])),
        "late_loss_upper": estimated(end_of(_mean(loss[at[late]]), "high"), SEEDS),
        "late_error_upper": estimated(end_of(_mean(error[at[late]]), "high"), SEEDS),
        "spearman_upper": estimated(end_of(_mean(_spearman(loss.T, np.array(forks, dtype=float))), "high"), SEEDS),
    }


def c2(lines):
    """Independent runs are far from linearly connected."""
    ratio = _mean(_of(lines, "independent") / _of(lines, "k = 0"))
    return {
        "gate_invalid": _invalid(lines),
        "ratio": estimated(ratio, SEEDS),
        "ratio_lower": estimated(end_of(ratio, "low"), SEEDS),
        "least_error": exact(float(_of(lines, "independent", "train_error").min())),
        "barrier": mean_over(SEEDS, _of(lines, "independent")),
    }


def _tracks(descent, lines) -> tuple[np.ndarray, np.ndarray]:
    """Losses at the midpoint and the mean of both ends, `(forks, after, seeds)`, of the valid seeds."""
    line = descent.line.transpose("share", "fork", "after", "seed").values[..., _sound(lines)]
    shares = list(descent.share.values)
    return line[shares.index(0.5)], (line[shares.index(0.0)] + line[shares.index(1.0)]) / 2


def _at(descent, steps: int) -> int:
    """Place of a number of steps after the fork; of the last but one where that was not kept."""
    after = list(descent.after.values)
    return after.index(steps) if steps in after[:-1] else len(after) - 2


def c3(descent, lines):
    """A ridge: the ends descend while the midpoint stays up."""
    middle, ends = _tracks(descent, lines)
    forks, start = list(descent.fork.values), _at(descent, 600)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log((ends[:, start] - ends[:, -1]) / (middle[:, start] - middle[:, -1]))
    chosen = [forks.index(k) for k in DESCENT if k in forks]

    def geometric(values) -> Estimate:
        mean = _mean(values)
        centre = np.exp(mean.value)
        return Estimate(centre, centre * mean.se, np.exp(mean.low), np.exp(mean.high), mean.n)

    ratio = geometric(logs[chosen].mean(axis=0))
    bends = descent.bend.isel(after=-1, seed=_sound(lines)).transpose("tenth", "fork", "seed").values
    humped = np.where(np.isfinite(bends).all(0), (bends[4] < 0) & (bends[0] > 0) & (bends[-1] > 0), np.nan)
    return {
        "gate_invalid": _invalid(lines),
        "ratio": estimated(ratio, SEEDS),
        "ratio_lower": estimated(end_of(ratio, "low"), SEEDS),
        "by_fork": estimated(side_by_side(geometric(row) for row in logs), SEEDS, labels=_labels(forks)),
        "bent_down_between": exact(humped.mean(axis=1), labels=_labels(forks)),
    }


def c4(descent, lines):
    """A mountainside: soon after the fork the midpoint lies below the ends."""
    middle, ends = _tracks(descent, lines)
    labels, places = _labels(descent.fork.values), [_at(descent, steps) for steps in TRACED]
    rise = middle - ends
    upper = {
        f"upper_at_{steps}": estimated(end_of(_mean(rise[:, place]), "high"), SEEDS, labels=labels)
        for steps, place in zip(TRACED[1:], places[1:])
    }
    at_ten = estimated(_mean(rise[:, places[0]]), SEEDS, labels=labels)
    return {
        "gate_invalid": _invalid(lines),
        "largest": exact(float(rise[:, places].max())),
        **upper,
        "at_10": at_ten,
    }


def c5(descent, lines):
    """The ridge between forks is low against the loss at the fork, that between independent runs is not."""
    middle, ends = _tracks(descent, lines)
    sound = _sound(lines)
    start = ends[:, 0]
    height = (middle[:, -1] - ends[:, -1]) / (start - ends[:, -1])
    curve = lines.curve.sel(measure="train_loss", pair="independent").transpose("alpha", "seed").values[:, sound]
    far = (curve[0] + curve[-1]) / 2
    between = curve[len(curve) // 2]
    independent = (between - far) / (lines.independent_start.values[sound] - far)
    labels, means = _labels(descent.fork.values), _mean(height)
    return {
        "gate_invalid": _invalid(lines),
        "above_fork": exact(float((middle[:, -1] - start).max())),
        "height": estimated(means, SEEDS, labels=labels),
        "height_upper": estimated(end_of(means, "high"), SEEDS, labels=labels),
        "independent": estimated(_mean(independent), SEEDS),
        "independent_lower": estimated(end_of(_mean(independent), "low"), SEEDS),
    }


def _smooth(identity) -> tuple[list[str], list[str]]:
    names = list(identity.network.values)
    smooth = list(identity.smooth.values)
    return smooth, [name for name in names if name not in smooth]


def _deviation(identity, names: list[str], order: str) -> dict:
    chosen = identity.sel(network=names)
    return exact(np.abs(chosen[order].values - chosen.rise.values) / np.abs(chosen.rise.values), labels=names)


def c6(identity):
    """The barrier is the integral of the curvature along the line, weighted by the Green function."""
    smooth, _ = _smooth(identity)
    return {
        "deviation": _deviation(identity, smooth, "second_order"),
        "rise": exact(identity.rise.sel(network=smooth).values, labels=smooth),
        "end_loss": exact(identity.end_loss.sel(network=smooth).mean("end", skipna=False).values, labels=smooth),
    }


def c6b(identity):
    """For ReLU networks the integral of the slope holds, and that of the almost-everywhere curvature does not."""
    _, kinked = _smooth(identity)
    return {
        "first_order": _deviation(identity, kinked, "first_order"),
        "second_order": _deviation(identity, kinked, "second_order"),
        "integral": exact(identity.second_order.sel(network=kinked).values, labels=kinked),
    }


def c7(curvature, lines, rng):
    """The curvature at the ends predicts the barrier, beyond what the step of the fork says."""
    forks, measured = _barriers(lines)
    names = _labels(forks)
    table = curvature.predicted.sel(pair=names).transpose("predictor", "pair", "seed")[..., _sound(lines)]
    by = {name: table.sel(predictor=name).values for name in table.predictor.values}
    steps = np.broadcast_to(-np.array(forks, dtype=float)[:, None], measured.shape)
    endpoint, distance = by["endpoint"], by["distance"]
    within = _resampled(_within, rng, endpoint, measured)
    gain = _resampled(lambda a, b, c: _within(a, c) - _within(b, c), rng, endpoint, distance, measured)
    ratio = _mean(measured / endpoint)
    others = [name for name in by if name not in ("endpoint", "fork")]
    return {
        "gate_invalid": _invalid(lines),
        "spearman": estimated(_resampled(_over_all, rng, endpoint, measured), SEEDS),
        "ratio": estimated(ratio, SEEDS, labels=names),
        "within": estimated(within, SEEDS),
        "within_lower": estimated(end_of(within, "low"), SEEDS),
        "gain_lower": estimated(end_of(gain, "low"), SEEDS),
        "spearman_of_others": estimated(
            side_by_side(_resampled(_over_all, rng, v, measured) for v in (steps, *map(by.get, others), by["fork"])),
            SEEDS,
            labels=["step of the fork", *(NAMES[name] for name in (*others, "fork"))],
        ),
        "within_of_others": estimated(
            side_by_side(_resampled(_within, rng, by[name], measured) for name in others),
            SEEDS,
            labels=[NAMES[name] for name in others],
        ),
    }  # fmt: skip


def c8(curvature, lines, rng):
    """The same predictor ranks layers, beyond their depth."""
    sound, names = _sound(lines), _labels(_forks(curvature))
    single = [name for name in curvature["set"].values if name.startswith("single")]

    def of(variable: str, **chosen) -> np.ndarray:
        values = curvature[variable].sel(pair=names, **chosen)
        return values.transpose(values.dims[0], "pair", "seed").values[..., sound]  # layers, forks, seeds

    measured, expected, distance = of("excess", set=single), of("expected", set=single), of("distance")
    layers = len(measured)

    def ranked(x) -> np.ndarray:
        return _spearman(np.moveaxis(x, 0, -1), np.moveaxis(measured, 0, -1))  # forks, seeds

    depth = np.broadcast_to(-np.arange(layers, dtype=float)[:, None, None], measured.shape)
    rows = [v.reshape(-1, len(sound)) for v in (expected, distance, measured)]
    residual = _resampled(_within, rng, rows[0], rows[2])
    gain = _resampled(lambda a, b, c: _within(a, c) - _within(b, c), rng, *rows)
    correlations = ranked(expected)
    return {
        "gate_invalid": _invalid(lines),
        "spearman": estimated(_mean(correlations.mean(axis=0)), SEEDS),
        "share_ranked": estimated(_mean(_share(correlations, correlations >= 0.5, 0)), SEEDS),
        "residual": estimated(residual, SEEDS),
        "residual_lower": estimated(end_of(residual, "low"), SEEDS),
        "gain_lower": estimated(end_of(gain, "low"), SEEDS),
        "spearman_of_depth": estimated(_mean(ranked(depth).mean(axis=0)), SEEDS),
        "spearman_of_distance": estimated(_mean(ranked(distance).mean(axis=0)), SEEDS),
        "residual_of_distance": estimated(_resampled(_within, rng, rows[1], rows[2]), SEEDS),
        "ratio": estimated(_mean((measured / expected).mean(axis=1)), SEEDS, labels=_layers(single)),
    }  # fmt: skip


def c9(curvature, lines):
    """Single layers have no barrier towards the hybrid network; the first three layers together have one."""
    sound, pairs = _sound(lines), [name for name in ("k = 0", "k = 80") if name in curvature.pair.values]
    single = [name for name in curvature["set"].values if name.startswith("single")]
    table = curvature.hybrid.transpose("set", "pair", "way", "seed")[..., sound]
    alone = table.sel(set=single, pair=pairs).values
    flat = _share(alone, alone <= 0.01, (0, 1, 2))
    first = _mean(table.sel(set="first 3", pair=pairs).mean("way", skipna=False).values)
    ends = curvature.hybrid_end.transpose("set", "pair", "way", "seed")[..., sound].mean("way", skipna=False)
    apart = table.sel(pair="independent").mean("way", skipna=False)
    layers = _layers(single)
    groups = ["first 2", "last 3"]
    parts = table.sel(set=groups, pair=pairs[0]).mean("way", skipna=False).values
    return {
        "gate_invalid": _invalid(lines),
        "flat": estimated(_mean(flat), SEEDS),
        "first_three": estimated(first, SEEDS, labels=pairs),
        "first_three_lower": estimated(end_of(first, "low"), SEEDS, labels=pairs),
        "other_groups": estimated(_mean(parts), SEEDS, labels=["layers 1 and 2", "all but the first"]),
        "hybrid_end": estimated(_mean(ends.sel(set=single, pair=pairs[0]).values), SEEDS, labels=layers),
        "independent": estimated(_mean(apart.sel(set=single).values), SEEDS, labels=layers),
        "independent_end": estimated(_mean(ends.sel(set=single, pair="independent").values), SEEDS, labels=layers),
    }  # fmt: skip


def c10(toys):
    """In the toys runs part with probability 1/2 before the ridge and not after, and barriers have a closed form."""
    heights, pairs = toys.height.values, toys.sizes["pair"]
    counts = toys.parted.transpose("height", "pair").values.astype(float).sum(axis=1)
    walls = toys.wall.where(toys.parted == 1).values
    wall = np.nanmax(np.abs(walls / toys.attrs["wall"] - 1)) if np.isfinite(walls).any() else np.nan
    early, late = (np.flatnonzero(chosen) for chosen in (heights <= -0.4, heights >= 0.6))

    def shares(chosen) -> dict:
        labels = [f"y = {heights[i]:g}" for i in chosen]
        if not np.isfinite(counts).all():
            return estimated(without_error(np.full(len(chosen), np.nan), pairs), "pairs", labels=labels)
        return share_of("pairs", counts[chosen].astype(int).tolist(), pairs, labels=labels)

    product = float(np.abs(toys.barrier.values / toys.closed.values - 1).max())
    sides = np.sign(toys.end.sum("coordinate", skipna=False)).transpose("side", "start").values
    return {
        "deviation": exact([product, float(wall)], labels=["factorisation", "pitchfork"]),
        "before": shares(early),
        "after": shares(late),
        "spearman": exact(float(_spearman(counts[None], heights[None])[0])),
        "sides_kept": exact(float(np.where(np.isfinite(sides), sides == toys.side.values[:, None], np.nan).mean())),
    }


def c11(lines):
    """At a moderate learning rate without noise, runs of one start are connected from the start."""
    good = (lines.valid.sel(pair=["plain, k = 0", "plain, independent"]).values == 1).mean()
    curves = lines.curve.sel(pair=["plain, k = 0", "plain, independent"]).isel(alpha=[0, -1])
    plain = {
        name: _mean(lines.barrier.sel(measure="train_loss", pair=f"plain, {name}").values)
        for name in ("k = 0", "independent")
    }
    return {
        "barrier": estimated(plain["k = 0"], SEEDS),
        "barrier_upper": estimated(end_of(plain["k = 0"], "high"), SEEDS),
        "valid": exact(float(good)),
        "largest_end_loss": exact(float(curves.sel(measure="train_loss").values.max())),
        "least_accuracy": exact(float(1 - curves.sel(measure="test_error").values.max())),
        "independent": estimated(plain["independent"], SEEDS),
        "independent_lower": estimated(end_of(plain["independent"], "low"), SEEDS),
    }


def c12(lines):
    """Matching hidden units lowers the barrier of independent runs and does not remove it at width 64."""
    before, after, start = (_of(lines, name) for name in ("independent", "matched", "k = 0"))
    ratio, excess = _mean(after / before), _mean(after - start)
    return {
        "gate_invalid": _invalid(lines),
        "settled": exact(float(np.where(np.isfinite(lines.sweeps), lines.sweeps > 0, np.nan).mean())),
        "ratio": estimated(ratio, SEEDS),
        "ratio_upper": estimated(end_of(ratio, "high"), SEEDS),
        "after": estimated(_mean(after), SEEDS),
        "after_lower": estimated(end_of(_mean(after), "low"), SEEDS),
        "excess_lower": estimated(end_of(excess, "low"), SEEDS),
    }


def c13(convolutional, predictor, rng):
    """Curvature predicts the barrier of convolutional networks on natural images, beyond the step of the fork."""
    if not convolutional:
        return None
    names = list(dict.fromkeys(store.attrs["architecture"] for store in convolutional))
    forks = list(dict.fromkeys(store.attrs["fork"] for store in convolutional))
    steps = [fork for fork in forks if fork != "independent"]
    by = {(store.attrs["architecture"], store.attrs["fork"], store.attrs["seed"]): store for store in convolutional}
    seeds = sorted({seed for _, _, seed in by})

    def table(name: str, read) -> np.ndarray:
        return np.array([[float(read(by[name, fork, seed])) for seed in seeds] for fork in steps])

    rows: dict[str, list] = {"spearman": [], "within": [], "gain": [], "step": [], "distance": []}
    for name in names:
        measured = table(name, lambda store: store.barrier)
        judged = table(name, lambda store: store.predicted.sel(predictor=predictor))
        distance = table(name, lambda store: store.predicted.sel(predictor="distance"))
        late = np.broadcast_to(-np.array(steps, dtype=float)[:, None], measured.shape)
        rows["spearman"].append(_resampled(_over_all, rng, judged, measured))
        rows["within"].append(_resampled(_within, rng, judged, measured))
        rows["gain"].append(_resampled(lambda a, b, c: _within(a, c) - _within(b, c), rng, judged, distance, measured))
        rows["step"].append(_resampled(_over_all, rng, late, measured))
        rows["distance"].append(_resampled(_over_all, rng, distance, measured))
    pairs = [f"{name}, {fork}" for name in names for fork in forks]
    barriers = [[float(by[name, fork, seed].barrier) for seed in seeds] for name in names for fork in forks]
    joined = {key: side_by_side(values) for key, values in rows.items()}
    return {
        "spearman": estimated(joined["spearman"], SEEDS, labels=names),
        "within_lower": estimated(end_of(joined["within"], "low"), SEEDS, labels=names),
        "gain_lower": estimated(end_of(joined["gain"], "low"), SEEDS, labels=names),
        "spearman_of_step": estimated(joined["step"], SEEDS, labels=names),
        "spearman_of_distance": estimated(joined["distance"], SEEDS, labels=names),
        "barrier": estimated(_mean(barriers), SEEDS, labels=pairs),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
