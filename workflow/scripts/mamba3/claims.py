"""Claims of the paper, each measured from the stores that it rests on."""

import numpy as np

from lib.atlas.job.claims import measured
from lib.ssm.counts import decode_count
from lib.stats.intervals import standard_error

FULL, NEITHER, CONV = ("mamba3", 16), ("euler_no_bias", 16), ("conv", 16)
STATES = (8, 16, 32)
TIE = 0.005  # nats between two losses that count as equal


def _middle(values, seeds, labels=None) -> dict:
    """Median over seeds (first axis) with the standard error of the mean."""
    values = np.asarray(values)
    se = standard_error(values) if len(values) > 1 else None
    return measured(np.median(values, 0), se=se, seeds=seeds, labels=labels)


def _difference(first, second) -> dict:
    """Median over seeds of first minus second; seeds pair."""
    return _middle(np.asarray(first.values) - np.asarray(second.values), first.seed.values)


def _present(**quantities) -> dict:
    """The quantities that this scale's runs allow."""
    return {name: value for name, value in quantities.items() if value is not None}


def _errors(equivalence, dtype: str, *groups: str) -> float:
    """Largest error of all forms in a type."""
    cases = [case for case in equivalence.case.values if str(case).endswith(dtype)]
    return float(equivalence.error.sel(case=cases, group=list(groups)).max())


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
    return _middle(np.stack(gains, 1), seeds[0], ["without brackets", "with brackets"])


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
    return {"largest_error": float(equivalence.complex_error.max(skipna=False))}


def m3(order) -> dict:
    """Orders of the step in its size: two for the trapezoid, one for every other weight and for a varying rate."""
    constant, varying, averaged = order.case.values
    others = [lam for lam in order.lam.values if lam != 0.5]
    error = order.error.sel(case=varying).isel(steps=-1)
    return {
        "order_trapezoid": float(order.order.sel(case=constant, lam=0.5)),
        "order_others": measured(
            order.order.sel(case=constant, lam=others).values, labels=[f"lambda = {lam:g}" for lam in others]
        ),
        "order_varying_rate": float(order.order.sel(case=varying, lam=0.5)),
        "order_mean_exponent": float(order.order.sel(case=averaged, lam=0.5)),
        "euler_over_trapezoid": float(error.sel(lam=1.0) / error.sel(lam=0.5)),
    }


def m4(parity: list) -> dict:
    """Mamba-3 solves parity at the longest training length; its ablations and Mamba-2 do not."""
    longest = parity[0].longest
    return _present(
        mamba3=_accuracy(parity, "mamba3", longest),
        ablations=_accuracies(parity, ["no_rotation", "fixed_rotation", "mamba2"], longest),
        mamba3_at_twice=_accuracy(parity, "mamba3", 2 * longest),
        mamba3_at_four_times=_accuracy(parity, "mamba3", 4 * longest),
    )


def m5(cyclic_sum: list, arithmetic: list, brackets: list) -> dict:
    """Mamba-3 solves sums modulo 5, and gains over Mamba-2 on modular arithmetic."""
    longest = cyclic_sum[0].longest
    return _present(
        mamba3_trained=_accuracy(cyclic_sum, "mamba3", longest),
        mamba3_twice=_accuracy(cyclic_sum, "mamba3", 2 * longest),
        mamba2=_accuracy(cyclic_sum, "mamba2", longest),
        no_rotation=_accuracy(cyclic_sum, "no_rotation", longest),
        gdn_signed=_accuracy(cyclic_sum, "gdn_signed", longest),
        arithmetic_gain=_gain(arithmetic, brackets),
        arithmetic=_trained_accuracies(arithmetic),
        brackets=_trained_accuracies(brackets),
    )


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
    if not np.isfinite(times.intensity).all():  # the counts were not made
        one = four = np.nan
    decode = times.decode_ms.isel(dtype=0, state=-1, batch=-1).min("repeat")
    return {
        "intensity_ratio": four / one,
        "intensity": measured([one, four], labels=["R = 1", "R = 4"]),
        "time_ratio": float(decode.sel(rank=4) / decode.sel(rank=1)),
    }


def m10(downstream: list) -> dict | None:
    """Mean accuracy on multiple-choice sets in points: SISO over Gated DeltaNet, MIMO over SISO."""
    mean = {run.arch: 100 * float(run.accuracy.mean()) for run in downstream}
    if not {"mamba3", "mimo", "gdn"} <= set(mean):
        return None
    return {
        "siso_minus_gdn": mean["mamba3"] - mean["gdn"],
        "mimo_minus_siso": mean["mimo"] - mean["mamba3"],
        "accuracy": measured(list(mean.values()), labels=list(mean)),
    }


def m11(mqar: list) -> dict | None:
    """Softmax attention recalls more than Mamba-3 with a small state."""
    recall = _recalls(mqar)
    small, softmax = ("mamba3", 4, "wide"), ("softmax", 4, "wide")
    if not {small, softmax} <= set(recall):
        return None
    return {"difference": _difference(recall[softmax], recall[small])}


def m12(mqar: list) -> dict | None:
    """Mamba-3 recalls more than the best Mamba-2, also with half the state."""
    recall = _recalls(mqar)
    peers = {key: value for key, value in recall.items() if key[0].startswith("mamba2") and key[1] == 16}
    candidates = {name: ("mamba3", n, "wide") for name, n in (("equal_state", 16), ("half_state", 8))}
    candidates = {name: recall[key] for name, key in candidates.items() if key in recall}
    if not peers or not candidates:
        return None
    medians = {f"{arch}, {init}": float(value.median()) for (arch, _, init), value in peers.items()}
    best = max(peers.values(), key=lambda value: float(value.median()))
    return {
        "mamba2_accuracy": measured(list(medians.values()), labels=list(medians)),
        **{name: _difference(value, best) for name, value in candidates.items()},
    }


def m13(lm: list) -> dict | None:
    """Pairs in which a Mamba-2 model is at least as small and clearly better than a Mamba-3 model."""
    loss = _losses(lm)
    keys = {arch: [(arch, n, "wide") for n in STATES] for arch in ("mamba2", "mamba3")}
    if not all(key in loss for group in keys.values() for key in group):
        return None
    means = {arch: np.array([float(loss[key].mean()) for key in group]) for arch, group in keys.items()}
    no_larger = np.array(STATES)[:, None] <= np.array(STATES)
    dominated = no_larger & (means["mamba2"][:, None] <= means["mamba3"] - TIE)
    complete = all(np.isfinite(values).all() for values in means.values())
    labels = [f"N = {n}" for n in STATES]
    return {
        "dominated_pairs": int(dominated.sum()) if complete else np.nan,
        **{f"loss_{arch}": measured(values, labels=labels) for arch, values in means.items()},
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
