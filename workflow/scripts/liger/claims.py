"""Claims of liger: a function for each, named by its id, of the stores that it rests on."""

import numpy as np
import xarray as xr

from lib.atlas.job.quantities import estimated, exact, timed
from lib.stats.intervals import Estimate, end_of, estimate_mean, side_by_side, without_error

SEEDS, PAIRED = "bases", "bases, paired"
BENCHMARKS = ("piqa", "arc_e", "arc_c", "hellaswag", "winogrande", "mmlu")
SMALL = ("llama_3_2_1b", "llama_3_2_3b")


def _joined(tuned: list) -> xr.Dataset:
    """Scores of all variants of one world, `(variant, seed)`."""
    names = ["zero_shot", "tuned", "new_parameters", "same_names", "merge_error", "change_l1", "change_l2"]
    return xr.concat([store[names] for store in tuned], "variant", combine_attrs="override")


def _has(tuned: list, *variants: str) -> bool:
    return set(variants) <= {str(name) for store in tuned for name in store.variant.values}


def _losses(tuned: list, variant: str, stage: str = "tuned") -> np.ndarray:
    """Validation losses of the bases in nats per character."""
    return -_joined(tuned)[stage].sel(variant=variant).values


def _mean(values: np.ndarray) -> Estimate:
    return estimate_mean(values) if len(values) > 1 else without_error(values[0], 1)


def _with_ends(name: str, estimate: Estimate, units: str, labels=None, ends=("low",)) -> dict:
    """An estimated quantity, and ends of its interval as quantities of their own."""
    parts = {name: estimate} | {f"{name}_{end}": end_of(estimate, end) for end in ends}
    return {key: estimated(value, units, labels=labels) for key, value in parts.items()}


def _above(tuned: list, variants: tuple, against: str = "liger", name: str = "difference", ends=("low",)) -> dict:
    """Validation losses of variants minus that of another one."""
    base = _losses(tuned, against)
    gaps = side_by_side([_mean(_losses(tuned, variant) - base) for variant in variants])
    return _with_ends(name, gaps, PAIRED, list(variants), ends)


def _one_above(tuned: list, variant: str, name: str, ends=("low",)) -> dict:
    return _with_ends(name, _mean(_losses(tuned, variant) - _losses(tuned, "liger")), PAIRED, ends=ends)


def _recovery(bases_text, tuned: list, variant: str, stage: str = "tuned") -> np.ndarray:
    """(unigram - variant) / (unigram - base with adapters), of each base."""
    unigram = -bases_text.attrs["floor"]
    return (unigram - _losses(tuned, variant, stage)) / (unigram - _losses(tuned, "lora"))


def _token_share(bases_text, tuned: list) -> float:
    return tuned[0].attrs["tune_tokens"] / bases_text.attrs["base_tokens"]


def lg1(forms):
    """Every form is the recurrence, gates from none to the strongest."""
    tried = forms.error.where(forms.ran, 0)
    worst = tried.max(("gate", "case", "tensor"), skipna=False).where(forms.ran.any(("case", "tensor")))
    kinds = {kind: [name for name in forms.form.values if str(name).endswith(kind)] for kind in ("float64", "float32")}
    largest = {kind: exact(float(worst.sel(form=names).max(skipna=False))) for kind, names in kinds.items()}
    return largest | {"by_form": exact(worst.values, labels=forms.form.values)}


def lg2(text: list):
    """No parameter is new, and merging the adapters changes nothing."""
    own = _joined(text).sel(variant="liger")
    return {
        "parameters": exact(own.new_parameters.values, labels=[f"base {n}" for n in own.seed.values]),
        "same_names": exact(bool((own.same_names == 1).all())),
        "merging": exact(float(own.merge_error.max(skipna=False))),
    }


def lg3(bases_text, text: list):
    """Most of what the base knows beyond frequencies is recovered after a short fine-tuning."""
    quantities = _with_ends("recovery", _mean(_recovery(bases_text, text, "liger")), SEEDS)
    quantities["token_share"] = exact(_token_share(bases_text, text))
    quantities["before"] = estimated(_mean(_recovery(bases_text, text, "liger", "zero_shot")), SEEDS)
    if _has(text, "window_only"):
        quantities["window_only"] = estimated(_mean(_recovery(bases_text, text, "window_only")), SEEDS)
    names = ("lora", "liger")
    ratio = np.exp(_losses(text, "liger") - _losses(text, "lora"))
    quantities["perplexity_ratio"] = estimated(_mean(ratio), SEEDS)
    losses = side_by_side([_mean(_losses(text, name)) for name in names])
    return quantities | {"loss": estimated(losses, SEEDS, labels=names)}


def lg4(text: list):
    """Without a gate the loss is higher, beside the window and alone."""
    quantities = _one_above(text, "no_gate", "hybrid")
    if _has(text, "no_gate_only", "recurrent_only"):
        gap = _losses(text, "no_gate_only") - _losses(text, "recurrent_only")
        quantities |= _with_ends("memory_alone", _mean(gap), PAIRED)
    return quantities


def lg4b(text: list):
    """A memory that is merely bounded is worse than one that the key gates."""
    if not _has(text, "constant", "normalised"):
        return None
    return _above(text, ("constant", "normalised"))


def lg5(text: list):
    """Memory and window together are better than either."""
    if not _has(text, "recurrent_only", "window_only"):
        return None
    return _one_above(text, "recurrent_only", "recurrent_only") | _one_above(text, "window_only", "window_only")


def _better_lolcats(text: list) -> str:
    return min(("lolcats", "lolcats_window"), key=lambda name: np.nan_to_num(_losses(text, name), nan=np.inf).mean())


def lg6(text: list):
    """Two stages with learned maps are worse at the same number of steps."""
    if not _has(text, "lolcats", "lolcats_window"):
        return None
    every = _above(text, ("lolcats", "lolcats_window"), name="both", ends=())
    return _one_above(text, _better_lolcats(text), "difference") | every


def lg7(text: list):
    """Training the recurrent model from nothing on as many tokens is far worse."""
    if not _has(text, "scratch", "scratch_hybrid"):
        return None
    quantities = _above(text, ("scratch", "scratch_hybrid"))
    if _has(text, "scratch_long"):
        quantities |= _one_above(text, "scratch_long", "with_all_tokens", ends=())
    return quantities


def lg8(bases_text, text: list):
    """Three gates recover alike."""
    names = ("liger", "hgrn2", "gsa")
    if not _has(text, *names):
        return None
    means = side_by_side([_mean(_recovery(bases_text, text, name)) for name in names])
    return {"recovery": estimated(means, SEEDS, labels=("GLA", "HGRN2", "GSA"))}


def lg9(times):
    """A token costs as much after a long context as after a short one."""

    def slower(arch: str) -> Estimate:
        middle = times.decode_ms.sel(arch=arch).transpose("context", "turn", "token").median("token", skipna=False)
        return _mean((middle.isel(context=-1) / middle.isel(context=0)).values)

    held = times["bytes"].sel(arch="liger")
    middle = times.decode_ms.median(("turn", "token"), skipna=False)
    faster = middle.sel(arch="liger") < middle.sel(arch="softmax")
    first = times.context.values[faster.values]
    ratio = (times["bytes"].sel(arch="softmax") / held).values[-1]
    return {
        "liger": timed(slower("liger"), "turns"),
        "softmax": timed(slower("softmax"), "turns"),
        "state_bytes": exact(float(held.max() / held.min())),
        "cache_over_state": exact(float(ratio)),
        "faster_from": timed(without_error(float(first.min()) if len(first) else np.inf, times.sizes["turn"]), "turns"),
    }


def lg10(bases_recall, recall: list):
    """The memory carries recall beyond the window."""
    tuned = _joined(recall).tuned
    own = tuned.sel(variant="liger").values
    base = bases_recall.score.sel(seed=tuned.seed)
    quantities = _with_ends("difference", _mean(own - tuned.sel(variant="window_only").values), PAIRED)
    quantities["base"] = exact(base.values, labels=[f"base {n}" for n in base.seed.values])
    quantities["gap"] = estimated(_mean(base.values - own), PAIRED)
    names = [str(name) for name in tuned.variant.values]
    accuracy = side_by_side([_mean(tuned.sel(variant=name).values) for name in names])
    return quantities | {"recall": estimated(accuracy, SEEDS, labels=names)}


def lg11(large: list):
    """Mean benchmark score over that of the base, for models from 1B to 8B."""
    scores = {(run.attrs["model"], run.attrs["variant"]): run for run in large}

    def ratio(model: str, sets: tuple = BENCHMARKS) -> Estimate:
        own, base = (scores[model, name].accuracy.sel(set=list(sets)).mean("set") for name in ("liger", "base"))
        return without_error(float(own / base), 1)

    models = sorted({model for model, variant in scores if {(model, "liger"), (model, "base")} <= set(scores)})
    if not {"llama_3_8b", *SMALL} <= set(models):
        return None
    tokens = [scores[model, "liger"].attrs["tune_tokens"] for model in models]
    return {
        "ratio_8b": estimated(ratio("llama_3_8b"), "trainings"),
        "ratio_small": estimated(side_by_side([ratio(model) for model in SMALL]), "trainings", labels=SMALL),
        "mmlu": estimated(side_by_side([ratio(model, ("mmlu",)) for model in models]), "trainings", labels=models),
        "tokens": exact(tokens, labels=models),
    }


def lg12(text: list):
    """The gate is best taken from the key."""
    if not _has(text, "gate_query", "gate_value"):
        return None
    return _above(text, ("gate_query", "gate_value"))


def lg13(text: list):
    """New modules are worse in a single short stage."""
    if not _has(text, "gate_projection", "learned_map"):
        return None
    return _one_above(text, "gate_projection", "gate_projection") | _one_above(text, "learned_map", "learned_map")


def lg14(text: list):
    """Other weights of the two halves are worse."""
    names = ("mix_quarter", "mix_one")
    if not _has(text, *names):
        return None
    before = [_losses(text, name, "zero_shot") - _losses(text, "liger", "zero_shot") for name in names]
    shown = {"before": estimated(side_by_side([_mean(gap) for gap in before]), PAIRED, labels=names)}
    return _above(text, names) | shown


def lg15(text: list):
    """Adapters do no worse than the whole matrices."""
    if not _has(text, "tuned_lora", "full"):
        return None
    gap = _losses(text, "tuned_lora") - _losses(text, "full")
    return _with_ends("difference", _mean(gap), PAIRED, ends=("high",))


def lg16(bases_text, text: list):
    """Fine-tuning brings Liger more than it brings the base."""
    gain = _losses(text, "liger", "zero_shot") - _losses(text, "liger")
    base = -bases_text.score.sel(seed=_joined(text).seed).values - _losses(text, "lora")
    return _with_ends("difference", _mean(gain - base), PAIRED) | {
        "gain": estimated(_mean(gain), PAIRED),
        "gain_of_base": estimated(_mean(base), PAIRED),
    }


def lg17(text: list):
    """Weights move less than in two stages with new maps."""
    if not _has(text, "lolcats", "lolcats_window"):
        return None
    stores, other = _joined(text), _better_lolcats(text)
    names = ("change_l1", "change_l2")
    own, theirs = (np.stack([stores[name].sel(variant=one).values for name in names]) for one in ("liger", other))
    quantities = _with_ends(
        "log_ratio", side_by_side([_mean(row) for row in np.log(own / theirs)]), PAIRED, ["L1", "L2"], ("high",)
    )
    means = [_mean(row) for row in (*own, *theirs)]
    labels = [f"{one}, {norm}" for one in ("liger", other) for norm in ("L1", "L2")]
    return quantities | {"change": estimated(side_by_side(means), SEEDS, labels=labels)}


def lg18(text: list, recall: list):
    """One layer of softmax attention left as it was helps."""
    if not _has(text, "liger_h") or not _has(recall, "liger_h"):
        return None
    tuned = _joined(recall).tuned
    gain = tuned.sel(variant="liger_h").values - tuned.sel(variant="liger").values
    return _one_above(text, "liger_h", "loss", ends=()) | {"recall": estimated(_mean(gain), PAIRED)}


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
