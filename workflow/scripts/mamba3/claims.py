"""Measure every claim of the paper; verdicts are given elsewhere."""

import numpy as np

from lib.atlas.job.claims import claim, measured
from lib.ssm.counts import decode_count
from lib.stats.intervals import standard_error


def _middle(values, seeds, labels=None) -> dict:
    """Median over seeds (first axis) with the standard error of the mean."""
    values = np.asarray(values)
    se = standard_error(values) if len(values) > 1 else None
    return measured(np.median(values, 0), se=se, seeds=seeds, labels=labels)


def _tracking(runs: list, length: int, names: list[str]) -> dict | None:
    """Scaled accuracy at a length of the named variants that were run, as a list."""
    found = {run.variant: run for run in runs if run.variant in names and length in run.length.values}
    if not found:
        return None
    kept = [name for name in names if name in found]
    values = np.stack([found[name].scaled_accuracy.sel(length=length).values for name in kept], 1)
    return _middle(values, found[kept[0]].seed.values, kept)


def _one(runs: list, length: int, name: str) -> dict | None:
    for run in runs:
        if run.variant == name and length in run.length.values:
            return _middle(run.scaled_accuracy.sel(length=length).values, run.seed.values)
    return None


def _difference(first, second) -> dict:
    """Median over seeds of first minus second; seeds pair."""
    return _middle(np.asarray(first.values) - np.asarray(second.values), first.seed.values)


def _given(**quantities) -> dict:
    return {name: value for name, value in quantities.items() if value is not None}


def _exact(order, equivalence, times) -> dict:
    """Claims that hold at every scale."""
    form = np.array([str(case).split()[1] for case in equivalence.case.values])

    def worst(dtype: str, groups: list[str]) -> float:
        return float(np.nanmax(equivalence.error.sel(group=groups).values[form == dtype]))

    constant, varying, averaged = order.case.values
    others = [lam for lam in order.lam.values if lam != 0.5]
    error = order.error.sel(case=varying).isel(steps=-1)
    one, four = (decode_count(64, 64, 128, rank) for rank in (1, 4))
    decode = times.decode_ms.isel(dtype=0, state=-1, batch=-1).min("repeat")
    return {
        "m1": claim(
            rests_on=["equivalence"],
            values_float64=worst("float64", ["output", "state"]),
            gradients_float64=worst("float64", ["gradient"]),
            values_float32=worst("float32", ["output", "state"]),
            gradients_float32=worst("float32", ["gradient"]),
        ),
        "m2": claim(rests_on=["equivalence"], largest_error=float(equivalence.complex_error.max())),
        "m3": claim(
            rests_on=["order"],
            order_trapezoid=float(order.order.sel(case=constant, lam=0.5)),
            order_others=measured(
                order.order.sel(case=constant, lam=others).values, labels=[f"lambda = {lam:g}" for lam in others]
            ),
            order_varying_rate=float(order.order.sel(case=varying, lam=0.5)),
            order_mean_exponent=float(order.order.sel(case=averaged, lam=0.5)),
            euler_over_trapezoid=float(error.sel(lam=1.0) / error.sel(lam=0.5)),
        ),
        "m9": claim(
            rests_on=["times"],
            intensity_ratio=four.intensity / one.intensity,
            intensity=measured([one.intensity, four.intensity], labels=["R = 1", "R = 4"]),
            time_ratio=float(decode.sel(rank=4) / decode.sel(rank=1)),
        ),
    }


def _state_tracking(parity: list, cyclic_sum: list, arithmetic: list, brackets: list) -> dict:
    longest, names = parity[0].longest, ["no_rotation", "fixed_rotation", "mamba2"]
    found = {}
    quantities = _given(
        mamba3=_one(parity, longest, "mamba3"),
        ablations=_tracking(parity, longest, names),
        mamba3_at_twice=_one(parity, 2 * longest, "mamba3"),
        mamba3_at_four_times=_one(parity, 4 * longest, "mamba3"),
    )
    if quantities:
        found["m4"] = claim(rests_on=["parity"], **quantities)
    longest = cyclic_sum[0].longest
    gains = []
    for runs in (arithmetic, brackets):
        by_name = {run.variant: run for run in runs}
        if {"mamba3", "mamba2"} <= set(by_name):
            at = {"length": by_name["mamba3"].longest}
            gain = by_name["mamba3"].scaled_accuracy.sel(at) - by_name["mamba2"].scaled_accuracy.sel(at)
            gains.append((gain.values, by_name["mamba3"].seed.values))
    gain = None
    if len(gains) == 2:
        gain = _middle(np.stack([g for g, _ in gains], 1), gains[0][1], ["without brackets", "with brackets"])

    def accuracy(runs: list):
        return _tracking(runs, runs[0].longest, ["mamba3", "mamba2", "gdn_signed"]) if runs else None

    quantities = _given(
        mamba3_trained=_one(cyclic_sum, longest, "mamba3"),
        mamba3_twice=_one(cyclic_sum, 2 * longest, "mamba3"),
        mamba2=_one(cyclic_sum, longest, "mamba2"),
        no_rotation=_one(cyclic_sum, longest, "no_rotation"),
        gdn_signed=_one(cyclic_sum, longest, "gdn_signed"),
        arithmetic_gain=gain,
        arithmetic=accuracy(arithmetic),
        brackets=accuracy(brackets),
    )
    if quantities:
        rests = [name for name, runs in (("arithmetic", arithmetic), ("brackets", brackets)) if runs]
        found["m5"] = claim(rests_on=["cyclic_sum", *rests], **quantities)
    return found


def _language(lm: list) -> dict:
    loss = {(run.arch, run.state, run.init): run.validation for run in lm}

    def have(*keys) -> bool:
        return all(key in loss for key in keys)

    full, both, conv = (("mamba3", 16, "wide"), ("euler_no_bias", 16, "wide"), ("conv", 16, "wide"))
    found = {}
    if have(full, both, conv):
        default = [(arch, 16, "default") for arch in ("mamba3", "euler_no_bias", "conv")]
        beside = {}
        if have(*default):
            beside = {
                "full_minus_neither_default_steps": _difference(loss[default[0]], loss[default[1]]),
                "full_minus_conv_default_steps": _difference(loss[default[0]], loss[default[2]]),
            }
        parts = {
            f"full_minus_{name}": _difference(loss[full], loss[name, 16, "wide"])
            for name in ("euler", "no_bias")
            if have((name, 16, "wide"))
        }
        found["m6"] = claim(
            rests_on=["lm"],
            full_minus_neither=_difference(loss[full], loss[both]),
            full_minus_conv=_difference(loss[full], loss[conv]),
            **parts,
            **beside,
        )
    large = ("mamba2", 32, "wide")
    if have(full, large):

        def best(arch: str, state: int):
            kept = [loss[key] for key in ((arch, state, "wide"), (arch, state, "default")) if key in loss]
            return min(kept, key=lambda values: float(values.median()))

        beside = {}
        if have(("mamba3", 16, "default"), ("mamba2", 32, "default")):
            beside["difference_default_steps"] = _difference(
                loss["mamba3", 16, "default"], loss["mamba2", 32, "default"]
            )
        found["m7"] = claim(rests_on=["lm"], difference=_difference(best("mamba3", 16), best("mamba2", 32)), **beside)
    mimo = {n: _difference(loss["mimo", n, "wide"], loss["mamba3", n, "wide"]) for n in (8, 16, 32)
            if have(("mimo", n, "wide"), ("mamba3", n, "wide"))}  # fmt: skip
    if 16 in mimo:
        found["m8"] = claim(
            rests_on=["lm"], difference=mimo[16], **{f"difference_{n}": value for n, value in mimo.items() if n != 16}
        )
    points = {
        arch: {n: float(loss[arch, n, "wide"].mean()) for n in (8, 16, 32) if have((arch, n, "wide"))}
        for arch in ("mamba2", "mamba3")
    }
    if all(len(values) == 3 for values in points.values()):
        dominated = sum(
            n <= m and points["mamba2"][n] <= points["mamba3"][m] - 0.005
            for n in points["mamba2"]
            for m in points["mamba3"]
        )
        found["m13"] = claim(
            rests_on=["lm"],
            dominated_pairs=int(dominated),
            **{
                f"loss_{arch}": measured(list(values.values()), labels=[f"N = {n}" for n in values])
                for arch, values in points.items()
            },
        )
    return found


def _recall(mqar: list) -> dict:
    accuracy = {(run.arch, run.state, run.init): run.accuracy.sel(pairs=32) for run in mqar if 32 in run.pairs.values}
    found = {}
    small, softmax = ("mamba3", 4, "wide"), ("softmax", 4, "wide")
    if {small, softmax} <= set(accuracy):
        found["m11"] = claim(rests_on=["mqar"], difference=_difference(accuracy[softmax], accuracy[small]))
    peers = {key: value for key, value in accuracy.items() if key[0].startswith("mamba2") and key[1] == 16}
    if peers:
        best = max(peers, key=lambda key: float(peers[key].median()))
        quantities = {
            name: _difference(accuracy["mamba3", n, "wide"], peers[best])
            for name, n in (("equal_state", 16), ("half_state", 8))
            if ("mamba3", n, "wide") in accuracy
        }
        settings = measured(
            [float(value.median()) for value in peers.values()], labels=[f"{a}, {init}" for a, _, init in peers]
        )
        if quantities:
            found["m12"] = claim(rests_on=["mqar"], mamba2_accuracy=settings, **quantities)
    return found


def claims(
    order, equivalence, parity: list, cyclic_sum: list, arithmetic: list, brackets: list, lm: list, mqar: list, times,
    downstream: list,
) -> dict:  # fmt: skip
    """Return the measured quantities of each claim that this scale's runs allow."""
    found = _exact(order, equivalence, times) | _state_tracking(parity, cyclic_sum, arithmetic, brackets)
    found |= _language(lm) | _recall(mqar)
    mean = {run.arch: 100 * float(run.accuracy.mean()) for run in downstream}
    if {"mamba3", "mimo", "gdn"} <= set(mean):
        found["m10"] = claim(
            rests_on=["downstream"],
            siso_minus_gdn=mean["mamba3"] - mean["gdn"],
            mimo_minus_siso=mean["mimo"] - mean["mamba3"],
            accuracy=measured(list(mean.values()), labels=list(mean)),
        )
    return dict(sorted(found.items(), key=lambda item: int(item[0][1:])))


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(claims, snakemake)
