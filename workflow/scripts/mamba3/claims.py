"""Claims of the paper, each measured from the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, timed
from lib.bench.analysis import least_time
from lib.bench.counts import decode_count, paper_intensity
from lib.stats.intervals import (
    Estimate,
    estimate_mean,
    estimate_median_of_normal,
    ratio_of,
    without_error,
)

FULL, NEITHER, CONV = ("mamba3", 16), ("euler_no_bias", 16), ("conv", 16)
STATES = (8, 16, 32)
TIE = 0.005  # nats between two losses that count as equal


def _middle(values, seeds, labels=None, units: str = "seeds") -> dict:
    """Median over seeds (first axis); the error of a single one is not known."""
    values = np.asarray(values, dtype=float)
    median = estimate_median_of_normal(values) if len(values) > 1 else without_error(values[0], 1)
    return estimated(median, units, labels=labels, ids=seeds)


def _difference(first, second) -> dict:
    """Median over seeds of first minus second; seeds pair."""
    return _middle(np.asarray(first.values) - np.asarray(second.values), first.seed.values, units="seeds, paired")


def _present(**quantities) -> dict:
    """The quantities that this scale's runs allow."""
    return {name: value for name, value in quantities.items() if value is not None}


def _errors(equivalence, dtype: str, *groups: str) -> dict:
    """Largest error of all forms in a type."""
    cases = [case for case in equivalence.case.values if str(case).endswith(dtype)]
    return exact(equivalence.error.sel(case=cases, group=list(groups)).max().item())


def _accuracy(runs: list, variant: str, length: int) -> dict | None:
    """Scaled accuracy of a variant at a length, where both were run."""
    for run in runs:
        if run.variant == variant and length in run.length.values:
            return _middle(run.scaled_accuracy.sel(length=length).values, run.seed.values)
    return None


def _accuracies(runs: list, variants: list[str], length: int) -> dict | None:
    """Scaled accuracies of those variants that were run, at a length."""
    by_name = {run.variant: run for run in runs if length in run.length.values}
    names = [name for name in variants if name in by_name]
    if not names:
        return None
    values = np.stack([by_name[name].scaled_accuracy.sel(length=length).values for name in names], 1)
    return _middle(values, by_name[names[0]].seed.values, names)


def _trained_accuracies(runs: list) -> dict | None:
    """Scaled accuracies at the longest training length of an arithmetic task."""
    return _accuracies(runs, ["mamba3", "mamba2", "gdn_signed"], runs[0].longest) if runs else None


def _gain(*tasks: list) -> dict | None:
    """Scaled accuracy of Mamba-3 minus Mamba-2 on each of two tasks, where both ran both."""
    gains, seeds = [], []
    for runs in tasks:
        by_name = {run.variant: run for run in runs}
        if not {"mamba3", "mamba2"} <= set(by_name):
            return None
        first, second = (
            by_name[name].scaled_accuracy.sel(length=by_name["mamba3"].longest) for name in ("mamba3", "mamba2")
        )
        gains.append((first - second).values)
        seeds.append(first.seed.values)
    return _middle(np.stack(gains, 1), seeds[0], ["without brackets", "with brackets"], "seeds, paired")


def _losses(lm: list) -> dict:
    """Validation losses by architecture, state size and range of step sizes."""
    return {(run.arch, run.state, run.init): run.validation for run in lm}


def _loss_difference(loss: dict, first: tuple, second: tuple, init: str = "wide") -> dict | None:
    """Difference of two language models with the same range of step sizes, where both were trained."""
    keys = [(*model, init) for model in (first, second)]
    return _difference(*(loss[key] for key in keys)) if all(key in loss for key in keys) else None


def _best(loss: dict, model: tuple):
    """Losses of a model with the better of its ranges of step sizes; None where it was not trained."""
    candidates = [loss[key] for key in ((*model, "wide"), (*model, "default")) if key in loss]
    return min(candidates, key=lambda values: float(values.median()), default=None)


def _recalls(mqar: list) -> dict:
    """Recall accuracy at 32 pairs by architecture, state size and range of step sizes."""
    runs = [run for run in mqar if 32 in run.pairs.values]
    return {(run.arch, run.state, run.init): run.accuracy.sel(pairs=32) for run in runs}


def m1(equivalence) -> dict:
    """All forms of the scan compute one map, forward and backward."""
    return {
        "values_float64": _errors(equivalence, "float64", "output", "state"),
        "gradients_float64": _errors(equivalence, "float64", "gradient"),
        "values_float32": _errors(equivalence, "float32", "output", "state"),
        "gradients_float32": _errors(equivalence, "float32", "gradient"),
    }


def m2(equivalence) -> dict:
    """The complex recurrence is the real one with rotated B and C."""
    return {"largest_error": exact(equivalence.complex_error.max(skipna=False).item())}


def m3(order) -> dict:
    """Orders of the step in its size: two for the trapezoid, one for every other weight and for a varying rate."""
    constant, varying, averaged = order.case.values
    others = [lam for lam in order.lam.values if lam != 0.5]
    error = order.error.sel(case=varying).isel(steps=-1)
    return {
        "order_trapezoid": exact(order.order.sel(case=constant, lam=0.5).item()),
        "order_near_half": exact(order.order_near_half.sel(case=constant).item()),
        "order_others": exact(
            order.order.sel(case=constant, lam=others).values, labels=[f"lambda = {lam:g}" for lam in others]
        ),
        "order_varying_rate": exact(order.order.sel(case=varying, lam=0.5).item()),
        "order_mean_exponent": exact(order.order.sel(case=averaged, lam=0.5).item()),
        "euler_over_trapezoid": exact((error.sel(lam=1.0) / error.sel(lam=0.5)).item()),
    }


def m4(parity: list) -> dict:
    """Mamba-3 solves parity at the longest training length; its ablations and Mamba-2 do not."""
    longest = parity[0].longest
    return _present(
        mamba3=_accuracy(parity, "mamba3", longest),
        ablations=_accuracies(parity, ["no_rotation", "fixed_rotation", "mamba2"], longest),
        mamba3_at_twice=_accuracy(parity, "mamba3", 2 * longest),
        mamba3_at_four_times=_accuracy(parity, "mamba3", 4 * longest),
        mamba3_at_256=_accuracy(parity, "mamba3", 256),
        ablations_at_256=_accuracies(parity, ["no_rotation", "fixed_rotation", "mamba2"], 256),
    )


def m5(cyclic_sum: list) -> dict:
    """Mamba-3 solves sums modulo 5; Mamba-2 and a model without rotation do not."""
    longest = cyclic_sum[0].longest
    return _present(
        mamba3_trained=_accuracy(cyclic_sum, "mamba3", longest),
        mamba3_twice=_accuracy(cyclic_sum, "mamba3", 2 * longest),
        mamba2=_accuracy(cyclic_sum, "mamba2", longest),
        no_rotation=_accuracy(cyclic_sum, "no_rotation", longest),
        gdn_signed=_accuracy(cyclic_sum, "gdn_signed", longest),
    )


def m5b(arithmetic: list, brackets: list) -> dict | None:
    """Mamba-3 gains over Mamba-2 on modular arithmetic without and with brackets."""
    gain = _gain(arithmetic, brackets)
    if gain is None:
        return None
    return {
        "arithmetic_gain": gain,
        "arithmetic": _trained_accuracies(arithmetic),
        "brackets": _trained_accuracies(brackets),
    }


def m6(lm: list) -> dict | None:
    """Trapezoid and biases lower the loss; a convolution on top of them does not."""
    loss = _losses(lm)
    neither, conv = (_loss_difference(loss, FULL, other) for other in (NEITHER, CONV))
    if neither is None or conv is None:
        return None
    defaults = [_loss_difference(loss, FULL, other, "default") for other in (NEITHER, CONV)]
    if None in defaults:
        defaults = [None, None]
    return _present(
        full_minus_neither=neither,
        full_minus_conv=conv,
        full_minus_euler=_loss_difference(loss, FULL, ("euler", 16)),
        full_minus_no_bias=_loss_difference(loss, FULL, ("no_bias", 16)),
        full_minus_neither_default_steps=defaults[0],
        full_minus_conv_default_steps=defaults[1],
    )


def m6b(lm: list) -> dict | None:
    """A learned lambda is no worse than a fixed one of 1/2 or 1."""
    loss = _losses(lm)
    half, euler = (_loss_difference(loss, FULL, (arch, 16)) for arch in ("half", "euler"))
    if half is None or euler is None:
        return None
    return {"full_minus_half": half, "full_minus_euler": euler}


def m6c(lm: list) -> dict | None:
    """Biases on B and C lower the loss; that on C alone lowers it more than that on B alone."""
    loss = _losses(lm)
    none, b_only, c_only = ((arch, 16) for arch in ("no_bias", "b_bias", "c_bias"))
    quantities = {
        "both_minus_none": _loss_difference(loss, FULL, none),
        "c_only_minus_b_only": _loss_difference(loss, c_only, b_only),
        "b_only_minus_none": _loss_difference(loss, b_only, none),
    }
    return None if None in quantities.values() else quantities


def m7(lm: list) -> dict | None:
    """Mamba-3 with half the state has the loss of Mamba-2, each with its better range of step sizes."""
    loss = _losses(lm)
    small, large = ("mamba3", 16), ("mamba2", 32)
    if _loss_difference(loss, small, large) is None:
        return None
    return _present(
        difference=_difference(_best(loss, small), _best(loss, large)),
        difference_default_steps=_loss_difference(loss, small, large, "default"),
    )


def m8(lm: list) -> dict | None:
    """Rank 4 lowers the loss at equal state size and parameters."""
    loss = _losses(lm)
    differences = {n: _loss_difference(loss, ("mimo", n), ("mamba3", n)) for n in STATES}
    if differences[16] is None:
        return None
    return _present(difference=differences[16], difference_8=differences[8], difference_32=differences[32])


def m9(times) -> dict:
    """Rank 4 does more operations for each byte of a decode step of the paper's size, in little more time."""
    one, four = (decode_count(64, 64, 128, rank).intensity for rank in (1, 4))
    papers_one, papers_four = (paper_intensity(64, 128, rank) for rank in (1, 4))
    if not np.isfinite(times.intensity).all():  # the counts were not made
        one = four = papers_one = papers_four = np.nan
    decode = times.decode_ms.isel(dtype=0, state=-1, batch=-1)
    ratio = ratio_of(*(least_time(decode.sel(rank=rank).values) for rank in (4, 1)))._replace(n=decode.sizes["repeat"])
    made = times.step_work.isel(state=-1).astype(float)
    work = (made.sel(rank=4, part="operations") / made.sel(rank=1, part="operations")).item()
    per_byte = made.sel(part="operations") / made.sel(part="bytes")
    known = Estimate(work, 0.0, work, work, 0)
    return {
        "intensity_ratio": exact(four / one),
        "intensity": exact([one, four], labels=["R = 1", "R = 4"]),
        "paper_intensity_siso": exact(papers_one),
        "paper_intensity_mimo": exact(papers_four),
        "made_intensity_ratio": exact((per_byte.sel(rank=4) / per_byte.sel(rank=1)).item()),
        "work_ratio": exact(work),
        "time_ratio": timed(ratio, "repeats in a row"),
        "time_over_work": timed(ratio_of(ratio, known)._replace(n=ratio.n), "repeats in a row"),
    }


def m9b(times) -> dict | None:
    """A forward pass of rank 4 takes about twice the time of rank 1, not sixteen times."""
    if 4096 not in times.tokens.values:
        return None
    ms = times.prefill_ms.sel(tokens=4096)
    ratio = ratio_of(*(least_time(ms.sel(operator=name).values) for name in ("rank_4", "chunked")))
    return {"forward_time_ratio": timed(ratio._replace(n=ms.sizes["repeat"]), "repeats in a row")}


def m10(downstream: list) -> dict | None:
    """Mean accuracy on multiple-choice sets in points: SISO over Gated DeltaNet, MIMO over SISO."""
    points = {run.arch: 100 * run.accuracy.values for run in downstream}
    if not {"mamba3", "mimo", "gdn"} <= set(points):
        return None
    units = "test sets, one training of each model"
    return {
        "siso_minus_gdn": mean_over(units, points["mamba3"] - points["gdn"]),
        "mimo_minus_siso": mean_over(units, points["mimo"] - points["mamba3"]),
        "accuracy": mean_over(units, list(points.values()), axis=1, labels=list(points)),
    }


def m11(mqar: list) -> dict | None:
    """Softmax attention recalls more than Mamba-3 with a small state."""
    recall = _recalls(mqar)
    small, softmax = ("mamba3", 4, "wide"), ("softmax", 4, "wide")
    if not {small, softmax} <= set(recall):
        return None
    return {"difference": _difference(recall[softmax], recall[small])}


def _recall_gain(mqar: list, state: int) -> dict | None:
    """Recall of Mamba-3 at a state size minus that of the best Mamba-2 at N = 16, and what each Mamba-2 recalls."""
    recall = _recalls(mqar)
    peers = {key: value for key, value in recall.items() if key[0].startswith("mamba2") and key[1] == 16}
    mamba3 = recall.get(("mamba3", state, "wide"))
    if not peers or mamba3 is None:
        return None
    labels = [f"{arch}, {init}" for arch, _, init in peers]
    best = max(peers.values(), key=lambda value: float(value.median()))
    return {
        "difference": _difference(mamba3, best),
        "mamba2_accuracy": _middle(np.stack([value.values for value in peers.values()], 1), best.seed.values, labels),
    }


def m12(mqar: list) -> dict | None:
    """Mamba-3 recalls more than the best Mamba-2 with an equal state."""
    return _recall_gain(mqar, 16)


def m12b(mqar: list) -> dict | None:
    """Mamba-3 recalls more than the best Mamba-2 with half its state."""
    return _recall_gain(mqar, 8)


def _dominated_pairs(mamba2: np.ndarray, mamba3: np.ndarray) -> Estimate:
    """Pairs of a Mamba-2 model and a Mamba-3 model of no smaller state whose mean losses differ by TIE at least.

    Losses are (seed, state). The ends count the pairs that are dominated at every value within the error of their
    difference, and at some value.
    """
    seeds = len(mamba2)
    no_larger = np.array(STATES)[:, None] <= np.array(STATES)
    if not (np.isfinite(mamba2).all() and np.isfinite(mamba3).all()):
        return without_error(np.nan, seeds)
    means = np.array([mamba2.mean(0), mamba3.mean(0)])
    count = int(np.sum(no_larger & (means[0][:, None] <= means[1] - TIE)))
    if seeds == 1:
        return without_error(count, seeds)
    pairs = estimate_mean(mamba2[:, :, None] - mamba3[:, None, :])
    surely, perhaps = (int(np.sum(no_larger & (end <= -TIE))) for end in (pairs.high, pairs.low))
    return Estimate(count, np.nan, surely, perhaps, seeds)


def m13(lm: list) -> dict | None:
    """Pairs in which a Mamba-2 model is at least as small and clearly better than a Mamba-3 model."""
    loss = _losses(lm)
    keys = {arch: [(arch, n, "wide") for n in STATES] for arch in ("mamba2", "mamba3")}
    if not all(key in loss for group in keys.values() for key in group):
        return None
    losses = {arch: np.stack([loss[key].values for key in group], 1) for arch, group in keys.items()}
    seeds = loss[keys["mamba3"][0]].seed.values
    labels = [f"N = {n}" for n in STATES]
    return {
        "dominated_pairs": estimated(_dominated_pairs(losses["mamba2"], losses["mamba3"]), "seeds, paired", ids=seeds),
        **{f"loss_{arch}": mean_over("seeds", values, labels=labels, ids=seeds) for arch, values in losses.items()},
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
