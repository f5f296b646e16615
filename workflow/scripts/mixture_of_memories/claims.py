"""Claims of mixture_of_memories: a function for each, named by its id, of the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, timed
from lib.bench.analysis import least_time, median_time
from lib.stats.correlation import rank_correlation
from lib.stats.intervals import (
    Estimate,
    end_of,
    estimate_difference,
    estimate_mean,
    estimate_slope,
    ratio_of,
    side_by_side,
    without_error,
)

SEEDS = "seeds, paired"
DRAWS = "draws"
RULES = ("linear", "scalar", "gla", "gated_delta")
LENGTHS = "lengths, about a power law"


def _by_name(runs: list) -> dict:
    return {run.arch: run for run in runs}


def _accuracy(run, pairs: int) -> np.ndarray:
    return run.accuracy.sel(pairs=pairs).values


def _gain(first, second, pairs: int) -> Estimate:
    """Mean difference of recall over the seeds that both have."""
    a, b = _accuracy(first, pairs), _accuracy(second, pairs)
    count = min(len(a), len(b))
    if count == 1:
        return without_error(a[0] - b[0], 1)
    return estimate_difference(a[:count], b[:count])


def _compared(recall: list, first: str, second: str, amounts=(16,)) -> dict | None:
    """Gains of one architecture over another, and the recall of both, at some numbers of pairs."""
    runs = _by_name(recall)
    if first not in runs or second not in runs:
        return None
    labels = [f"{amount} pairs" for amount in amounts]
    gains = side_by_side([_gain(runs[first], runs[second], amount) for amount in amounts])
    quantities = _with_ends("difference", gains, SEEDS, labels)
    for name in (first, second):
        values = [_accuracy(runs[name], amount) for amount in amounts]
        means = [estimate_mean(one) if len(one) > 1 else without_error(one[0], 1) for one in values]
        quantities[name] = estimated(side_by_side(means), "seeds", labels=labels)
    return quantities


def _with_ends(name: str, estimate: Estimate, units: str, labels=None, ends=("low",)) -> dict:
    """An estimated quantity, and ends of its interval as quantities of their own."""
    parts = {name: estimate} | {f"{name}_{end}": end_of(estimate, end) for end in ends}
    return {key: estimated(value, units, labels=labels) for key, value in parts.items()}


def _each(values: np.ndarray) -> dict:
    """The value of every seed, with the spread of all as its error."""
    if len(values) == 1:
        return estimated(without_error(values, 1), "seeds", labels=["seed 0"])
    spread = np.full(len(values), values.std(ddof=1))
    one = Estimate(values, spread, values - 1.96 * spread, values + 1.96 * spread, len(values))
    return estimated(one, "seeds", labels=[f"seed {i}" for i in range(len(values))])


def mom1(forms):
    """Packed, masked, chunked, compiled and Triton forms are the recurrence, for every rule."""
    worst = forms.layer_error.max(("rule", "layer", "case", "tensor"))
    kernels = {"float64": [], "float32": []}
    for name in forms.kernel.values:
        kernels[str(name).rpartition(", ")[2]].append(forms.kernel_error.sel(kernel=name).item())
    return {
        "float64": exact(max(worst.sel(type="float64").item(), *kernels["float64"])),
        "float32": exact(max(worst.sel(type="float32").item(), *kernels["float32"])),
        "identities": exact(forms.identity.values, labels=list(forms.relation.values)),
    }


def mom2(forms):
    """A memory that a token does not choose is left exactly as it is."""
    return {str(name): exact(forms.change.sel(quantity=name).max().item()) for name in forms.quantity.values}


def mom3(capacity):
    """More memories at a fixed width of the keys interfere less."""
    ratio, labels = [], []
    for store in capacity.store.values:
        own = capacity.sel(store=store)
        theory = (own.pairs - 1) / (own.memories * own.d_key)
        for pairs in own.pairs.values:
            ratio.append(estimate_mean((own.crosstalk / theory).sel(pairs=pairs).values))
            labels.append(f"{store}, {pairs} pairs")
    place = {"pairs": 64 if 64 in capacity.pairs else int(capacity.pairs[-1])}
    narrow = capacity.accuracy.isel(store=np.flatnonzero(capacity.d_key == capacity.d_key.min()))
    gain = narrow.sel(**place).isel(store=-1) - narrow.sel(**place).isel(store=0)
    return {
        "crosstalk_over_theory": estimated(side_by_side(ratio), DRAWS, labels=labels),
        "gain": mean_over(DRAWS, gain.values),
        "accuracy": estimated(
            side_by_side([estimate_mean(row) for row in capacity.accuracy.sel(**place).transpose("store", ...).values]),
            DRAWS,
            labels=list(capacity.store.values),
        ),
    }


def mom4(recall: list):
    """A learned router with several memories recalls more than one memory of the same width."""
    return _compared(recall, "mom", "single")


def mom4a(recall: list):
    """With an ideal routing separate memories recall more than one."""
    runs = _by_name(recall)
    quantities = _compared(recall, "oracle", "single")
    if quantities is None:
        return None
    gains = _accuracy(runs["oracle"], 16) - _accuracy(runs["single"], 16)[: len(runs["oracle"].seed)]
    return {**quantities, "each": _each(gains)}


def mom5(recall: list):
    """Not only the size of the state: against one memory, or as many heads, with the same number of numbers."""
    runs = _by_name(recall)
    against = [name for name in ("state_matched", "heads_matched") if name in runs]
    if "mom" not in runs or not against:
        return None
    gains = [_gain(runs["mom"], runs[name], 16) for name in against]
    return _with_ends("difference", side_by_side(gains), SEEDS, against)


def mom5v(recall: list):
    """Against one memory whose values are as wide as the memories that a token updates."""
    return _compared(recall, "mom", "v_expanded", (16, 32))


def mom6(recall: list):
    """The shared memory helps at an equal number of memories of a token."""
    return _compared(recall, "mom", "unshared")


def _slope(times, arch: str, longest: int) -> Estimate:
    own = times.pass_ms.sel(arch=arch).dropna("length", how="all")
    own = own.sel(length=own.length <= longest)
    if own.sizes["length"] < 3:
        return without_error(np.nan, 0)
    least = least_time(own.transpose("length", "repeat").values).value
    return estimate_slope(np.log(own.length.values), np.log(least))


def _slower(times, arch: str) -> Estimate:
    """Median time of a token after the longest context over that after the shortest, of the turns."""
    own = times.decode_ms.sel(arch=arch).transpose("context", "turn", "token")
    middle = np.median(own.values, 2)
    ratios = middle[-1] / middle[0]
    if len(ratios) == 1:
        return ratio_of(*(median_time(own.values[place, 0]) for place in (-1, 0)))._replace(n=own.sizes["token"])
    return estimate_mean(ratios)


def mom7(times):
    """Training costs linear, decoding constant time."""
    bytes_ratio = (times.state_bytes.isel(context=-1) / times.state_bytes.isel(context=0)).sel(arch="mom")
    return {
        "slope": timed(_slope(times, "mom", 16384), LENGTHS),
        "softmax_slope": timed(_slope(times, "softmax", 8192), LENGTHS),
        "decode": timed(_slower(times, "mom"), "turns"),
        "softmax_decode": timed(_slower(times, "softmax"), "turns"),
        "state_bytes": exact(bytes_ratio.item()),
    }


def mom8(recall: list):
    """Works with diverse update rules."""
    runs = _by_name(recall)
    names = [
        (f"mom_{rule}" if rule != "scalar" else "mom", f"single_{rule}" if rule != "scalar" else "single")
        for rule in RULES
    ]
    if not {name for pair in names for name in pair} <= set(runs):
        return None
    gains = [_gain(runs[first], runs[second], 16) for first, second in names]
    lows, highs = (np.array([getattr(gain, end) for gain in gains]) for end in ("low", "high"))
    return {
        "difference": estimated(side_by_side(gains), SEEDS, labels=list(RULES)),
        "above": exact(int((lows > 0).sum())),
        "below": exact(int((highs < 0).sum())),
    }


def _losses(text: list, first: str, second: str, variable: str = "validation") -> tuple[np.ndarray, np.ndarray] | None:
    runs = _by_name(text)
    if first not in runs or second not in runs:
        return None
    count = min(len(runs[first].seed), len(runs[second].seed))
    return runs[first][variable].values[..., :count], runs[second][variable].values[..., :count]


def _mean(values: np.ndarray) -> Estimate:
    return estimate_mean(values) if len(values) > 1 else without_error(values[0], 1)


def mom9(text: list):
    """Comes close to a transformer on text, at equal active parameters."""
    losses = _losses(text, "mom", "softmax")
    if losses is None:
        return None
    runs = _by_name(text)
    return {
        **_with_ends("difference", _mean(losses[0] - losses[1]), SEEDS, ends=("high",)),
        "mom": estimated(_mean(losses[0]), "seeds"),
        "softmax": estimated(_mean(losses[1]), "seeds"),
        "parameters": exact(runs["mom"].active_parameters / runs["softmax"].active_parameters),
    }


def _worst_load(run) -> np.ndarray:
    """Largest share over the even one, `(seed, layer)`."""
    even = run.chosen_memories / run.sizes["memory"]
    return run["load"].max("memory").values / even


def mom10(recall: list):
    """The balance in the loss evens the load."""
    runs = _by_name(recall)
    if "mom" not in runs:
        return None
    worst = _worst_load(runs["mom"])
    quantities = {"with": exact(worst.max(1), labels=[f"seed {seed}" for seed in runs["mom"].seed.values])}
    if "unbalanced" in runs:
        without = _worst_load(runs["unbalanced"]).mean(1)
        own = worst.mean(1)[: len(without)]
        quantities |= _with_ends("without_minus_with", _mean(without - own), SEEDS)
    return quantities


def mom11(recall: list):
    """Recalls more than the best single memory of any rule."""
    runs = _by_name(recall)
    singles = ["single", *(f"single_{rule}" for rule in ("linear", "retention", "gla", "gated_delta"))]
    if "mom_gated_delta" not in runs or not set(singles) <= set(runs):
        return None
    gains, best = [], []
    for pairs in (16, 32):
        name = max(singles, key=lambda one: _accuracy(runs[one], pairs).mean())
        gains.append(_gain(runs["mom_gated_delta"], runs[name], pairs))
        best.append(f"{pairs} pairs, against {name}")
    return _with_ends("difference", side_by_side(gains), SEEDS, best)


def mom12(large: list):
    """Better than a linear model on downstream tasks, on those of recall above all."""
    runs = _by_name(large)
    first, second = runs.get("mom"), runs.get("single")
    if first is None or second is None or "accuracy" not in first or "accuracy" not in second:
        return None
    points = 100 * (first.accuracy - second.accuracy)
    kinds = {"recall": ("fda", "swde", "squad", "nq", "triviaqa", "drop")}
    kinds["commonsense"] = ("piqa", "hellaswag", "winogrande", "arc_e", "arc_c")
    return {
        kind: estimated(_mean(points.sel(set=[name for name in names if name in points["set"]]).values), "task sets")
        for kind, names in kinds.items()
        if any(name in points["set"] for name in names)
    }


def mom13(recall: list):
    """More memories at a fixed share of them recall more."""
    runs = _by_name(recall)
    names = ("single", "mom_m2k1", "mom", "mom_m8k4")
    if not set(names) <= set(runs):
        return None
    means = np.array([_accuracy(runs[name], 16).mean() for name in names])
    return {
        "spearman": exact(rank_correlation(np.arange(len(names)), means)),
        **_with_ends("difference", _gain(runs["mom_m8k4"], runs["single"], 16), SEEDS),
    }


def mom14(text: list):
    """Goes beyond the length of its training."""
    rises = {}
    for run in text:
        rises[run.arch] = run.end_loss.isel(length=-1).values - run.end_loss.isel(length=0).values
    if not {"mom", "softmax"} <= set(rises):
        return None
    count = min(len(rises["mom"]), len(rises["softmax"]))
    return {
        "rise": estimated(_mean(rises["mom"]), "seeds"),
        **_with_ends("softmax_minus_mom", _mean(rises["softmax"][:count] - rises["mom"][:count]), SEEDS),
    } | ({"alibi_rise": estimated(_mean(rises["alibi"]), "seeds")} if "alibi" in rises else {})


def mom15(recall: list):
    """One layer of softmax attention restores recall."""
    against_mom = _compared(recall, "hybrid", "mom", (32,))
    against_softmax = _compared(recall, "hybrid", "softmax", (32,))
    if against_mom is None or against_softmax is None:
        return None
    return {
        "over_mom": against_mom["difference"],
        "over_mom_low": against_mom["difference_low"],
        "over_softmax": against_softmax["difference"],
    }


def mom16(text: list):
    """Memories specialise: the token tells which memory it goes to, more than before training."""
    run = _by_name(text).get("mom")
    if run is None:
        return None
    margin = run.information - run.information_shuffled.max("shuffle")
    return {
        "above_shuffles": exact(bool((margin > 0).all())),
        **_with_ends("trained_minus_untrained", _mean((run.information - run.information_before).values), SEEDS),
        "information": estimated(_mean(run.information.values), "seeds"),
    }


def mom17(recall: list):
    """The gain stays at an equal number of active parameters."""
    runs = _by_name(recall)
    quantities = _compared(recall, "mom_narrow", "single")
    if quantities is None:
        return None
    return {**quantities, "parameters": exact(runs["mom_narrow"].active_parameters / runs["single"].active_parameters)}


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
