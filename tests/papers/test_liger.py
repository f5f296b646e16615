"""Stages of liger, called as functions at tiny size, and its claims."""

import json

import numpy as np
import pytest
import xarray as xr

PAPER = "liger"
MODEL = {"width": 16, "layers": 2, "heads": 2, "groups": 1, "hidden": 32}
TEXT = {
    "world": "text",
    "data": {"tokens": 24, "batch": 2, "held_out": 2},
    "model": MODEL,
    "root_seed": 0,
}
RECALL = {
    "world": "recall",
    "data": {
        "pairs": 3,
        "n_keys": 6,
        "gap": 3,
        "first_pairs": 2,
        "growth": 0.5,
        "batch": 4,
        "held_out": 8,
        "near": 3,
    },
    "model": MODEL,
    "root_seed": 0,
}
TRAINING = {"steps": 3, "learning_rate": 0.003, "warmup": 2, "decay": "cosine"}
CATALOGUE = {
    "lora": {"kind": "softmax"},
    "liger": {},
    "full": {"full": True},
    "gate_projection": {"gate_source": "projection", "new_rates": [0.001, 0.01]},
    "lolcats": {"kind": "lolcats", "mix": [0.5, 0.5], "shares": [0.5], "new_rates": [0.01]},
    "scratch": {"kind": "scratch", "steps": 4},
    "liger_h": {"last_softmax": True},
}
TUNE = {
    "group": "main",
    "tune": TRAINING,
    "window": 4,
    "adapters": {"rank": 2, "alpha": 2},
    "seeds": 2,
    "catalogue": CATALOGUE,
    "variants": list(CATALOGUE),
}
FLOOR = 3.2
BASE = 1.95
LOSSES = {
    "lora": 1.94, "liger": 2.03, "no_gate": 2.2, "window_only": 2.1, "recurrent_only": 2.4, "no_gate_only": 2.6,
    "constant": 2.1, "normalised": 2.1, "hgrn2": 2.04, "gsa": 2.05, "gate_query": 2.05, "gate_value": 2.06,
    "gate_projection": 2.08, "learned_map": 2.2, "mix_quarter": 2.1, "mix_one": 2.1, "tuned_lora": 2.03,
    "full": 2.03, "lolcats": 2.3, "lolcats_window": 2.1, "scratch": 2.8, "scratch_hybrid": 2.7, "scratch_long": 1.98,
    "liger_h": 2.0,
}  # fmt: skip


def bases_of(score: float, floor: float, seeds: int = 5, tokens: int = 300) -> xr.Dataset:
    return xr.Dataset(
        {"score": ("seed", score + 1e-3 * np.arange(seeds))},
        coords={"seed": np.arange(seeds)},
        attrs={"floor": floor, "base_tokens": tokens},
    )


def tuned_of(scores: dict[str, float], *, before: float = -0.2, seeds: int = 5, spread: float = 1e-3) -> xr.Dataset:
    """A store of variants whose bases lie about these scores; before fine-tuning they are worse."""
    noise = spread * np.random.default_rng(0).standard_normal((len(scores), seeds))
    tuned = np.array(list(scores.values()))[:, None] + noise
    lower = np.where(np.array([name == "lora" for name in scores])[:, None], -0.01, before)
    change = np.array([0.1 if name.startswith("lolcats") else 0.02 for name in scores])[:, None] * (1 + noise)
    return xr.Dataset(
        {
            "tuned": (("variant", "seed"), tuned),
            "zero_shot": (("variant", "seed"), tuned + lower),
            "new_parameters": (("variant", "seed"), 0 * tuned),
            "same_names": (("variant", "seed"), 0 * tuned + 1),
            "merge_error": (("variant", "seed"), 0 * tuned + 1e-7),
            "change_l1": (("variant", "seed"), change),
            "change_l2": (("variant", "seed"), change),
        },
        coords={"variant": list(scores), "seed": np.arange(seeds)},
        attrs={"tune_tokens": 100},
    )


def text_of(**changes: float) -> list[xr.Dataset]:
    """Two groups of variants on text, as two jobs write them."""
    losses = LOSSES | changes
    names = list(losses)
    return [tuned_of({name: -losses[name] for name in part}) for part in (names[:4], names[4:])]


def stores_of(**changes: float) -> dict:
    return {"bases_text": bases_of(-BASE, -FLOOR), "text": text_of(**changes)}


@pytest.fixture
def bases(load):
    stage = load("liger/train_bases")
    return lambda world, **changes: stage(**(world | {"base": TRAINING, "seeds": 2, "extra": True} | changes))


@pytest.fixture
def tune(load):
    stage = load("liger/tune_variants")
    return lambda store, world, **changes: stage(store, **(world | TUNE | changes))


def test_bases_and_variants_of_text(bases, tune):
    store = bases(TEXT)
    assert store.score.shape == (3,)
    assert store.attrs["floor"] < -2
    np.testing.assert_array_equal(store.gates.sum("bin"), np.full((3, 2, 1, 8), 2 * 24))  # two windows
    tuned = tune(store, TEXT)
    np.testing.assert_allclose(tuned.zero_shot.sel(variant="lora"), store.score[:2], rtol=1e-6)
    own = tuned
    assert (own.new_parameters.sel(variant=["lora", "liger", "full", "liger_h"]) == 0).all()
    assert (own.same_names.sel(variant=["lora", "liger", "full", "liger_h"]) == 1).all()
    assert (own.new_parameters.sel(variant=["gate_projection", "lolcats"]) > 0).all()
    assert (own.same_names.sel(variant=["gate_projection", "lolcats"]) == 0).all()
    assert (own.merge_error < 1e-5).all()
    assert np.isfinite(own.tuning.sel(variant="gate_projection").values).sum() == 2
    assert np.isnan(own.change_l1.sel(variant="scratch")).all()
    assert (own.change_l1.sel(variant="liger") > 0).all()
    assert np.isfinite(own["loss"].sel(variant="scratch")).all()
    losses = own["loss"]
    assert np.isnan(losses.sel(variant="lolcats").isel(step=slice(0, 2))).all()  # two steps of the maps
    alone = tune(store, TEXT, variants=["liger"], catalogue={"liger": {}})
    np.testing.assert_array_equal(alone.tuned.values[0], tuned.tuned.sel(variant="liger"))


def test_recall_is_scored_by_distance(bases, tune):
    store = bases(RECALL, extra=False)
    tuned = tune(store, RECALL, variants=["liger", "liger_h"])
    assert ((tuned.tuned >= 0) & (tuned.tuned <= 1)).all()
    assert tuned.near.sizes["distance"] == store.near.sizes["distance"]
    assert np.isnan(tuned.near.isel(distance=0)).all()  # no query is that close
    assert store.attrs["floor"] == pytest.approx(1 / 6)


def test_interrupted_trainings_go_on_to_the_same_result(bases, tune, stopping):
    expected = bases(TEXT, extra=False)
    checkpoint = stopping(2, 3)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            bases(TEXT, extra=False, checkpoint=checkpoint)
    xr.testing.assert_identical(bases(TEXT, extra=False, checkpoint=checkpoint), expected)
    checkpoint.remove()
    names = {"variants": ["liger", "lolcats"], "seeds": 1}
    wanted = tune(expected, TEXT, **names)
    checkpoint = stopping(2, 3)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            tune(expected, TEXT, **names, checkpoint=checkpoint)
    xr.testing.assert_identical(tune(expected, TEXT, **names, checkpoint=checkpoint), wanted)


def test_a_checkpoint_is_linearized_tuned_and_asked(load, tmp_path):
    from tests.lib.linearizing.models import byte_tokeniser, tiny

    folder = tmp_path / "llama_3_8b"
    tiny(num_hidden_layers=3, vocab_size=257).save_pretrained(folder)
    byte_tokeniser().save_pretrained(folder)
    texts = [{"instruction": f"What is {i}?", "output": "A number."} for i in range(12)]
    (tmp_path / "instructions.json").write_text(json.dumps(texts))
    items = [{"context": "One", "choices": [" two", " three"], "answer": 0}]
    (tmp_path / "items.json").write_text(json.dumps({"piqa": items, "arc_c": 2 * items}))
    options = {
        "model": "llama_3_8b", "rank": 2, "alpha": 2, "window": 4, "learning_rate": 0.001, "epochs": 1, "tokens": 16,
        "batch": 4, "held_out": 4, "every_softmax": 2, "device": "cpu",
    }  # fmt: skip
    files = (tmp_path, tmp_path / "instructions.json", tmp_path / "items.json")
    runs = {variant: load("liger/tune_large")(*files, variant=variant, **options) for variant in ("base", "liger_h")}
    assert runs["base"].attrs["tune_tokens"] == 0
    steps = runs["liger_h"].sizes["step"]
    assert steps > 2
    assert runs["liger_h"].attrs["tune_tokens"] == steps * 4 * 16
    assert np.isfinite(runs["liger_h"].held_out_loss).all()
    assert runs["base"].accuracies.sel(score="likelihood per byte")[1] == runs["base"].accuracy[1]


def test_lg1(passes, load, blank):
    forms = load("liger/check_forms")(
        cases=1, longest=16, widest=8, strongest=-100.0, triton_cases=1, rng=np.random.default_rng(0)
    )
    assert np.isfinite(forms.error.where(forms.ran, 0)).all()
    assert forms.sizes["form"] == 16
    np.testing.assert_array_equal(forms.ran.isel(case=0), [[True] * 7] * 8 + [[True] * 5 + [False, True]] * 8)
    assert passes(PAPER, "lg1", forms=forms)
    for name, worse in (("gla, chunked, float64", 1e-10), ("key-gated, triton, float32", 1e-3)):
        error = forms.error.copy()
        error.loc[{"form": name, "gate": "strong"}] = worse
        assert not passes(PAPER, "lg1", forms=forms.assign(error=error))
    assert not passes(PAPER, "lg1", forms=forms.assign(error=forms.error.where(forms.gate != "strong")))
    assert not passes(PAPER, "lg1", forms=forms.assign(ran=forms.ran & (forms.form != "gla, triton, float32")))
    assert not passes(PAPER, "lg1", forms=blank(forms))


def test_lg2(passes, blank):
    (store, other) = text_of()
    assert passes(PAPER, "lg2", text=[store, other])
    for name, value in (("new_parameters", 1), ("same_names", 0), ("merge_error", 1e-4)):
        changed = store[name].copy()
        changed.loc[{"variant": "liger", "seed": 2}] = value
        assert not passes(PAPER, "lg2", text=[store.assign({name: changed}), other])
    assert not passes(PAPER, "lg2", text=blank([store, other]))


@pytest.mark.parametrize(
    ("claim", "worse"),
    [
        ("lg3", {"liger": 2.2}),
        ("lg4", {"no_gate": 2.07}),
        ("lg4b", {"constant": 2.02}),
        ("lg4b", {"normalised": 2.02}),
        ("lg5", {"recurrent_only": 2.06}),
        ("lg5", {"window_only": 2.02}),
        ("lg6", {"lolcats": 2.0}),
        ("lg6", {"lolcats_window": 2.02}),
        ("lg7", {"scratch": 2.2}),
        ("lg7", {"scratch_hybrid": 2.2}),
        ("lg8", {"hgrn2": 2.2}),
        ("lg8", {"gsa": 2.2}),
        ("lg12", {"gate_query": 2.02}),
        ("lg12", {"gate_value": 2.02}),
        ("lg13", {"gate_projection": 2.04}),
        ("lg13", {"learned_map": 2.06}),
        ("lg14", {"mix_quarter": 2.02}),
        ("lg14", {"mix_one": 2.02}),
        ("lg15", {"full": 2.0}),
    ],
)
def test_claims_of_losses(passes, claim, worse, blank):
    stores, changed = stores_of(), stores_of(**worse)
    names = ("bases_text", "text") if claim in ("lg3", "lg8") else ("text",)
    assert passes(PAPER, claim, **{name: stores[name] for name in names})
    assert not passes(PAPER, claim, **{name: changed[name] for name in names})
    assert not passes(PAPER, claim, **{name: blank(stores[name]) for name in names})


def test_lg3_needs_few_tokens(passes, verdict):
    stores = stores_of()
    many = [store.assign_attrs(tune_tokens=200) for store in stores["text"]]
    assert not passes(PAPER, "lg3", bases_text=stores["bases_text"], text=many)
    assert verdict(PAPER, "lg3", at="medium", **stores)["verdict"] == "reproduced"
    wide = [tuned_of({name: -LOSSES[name] for name in ("lora", "liger")}, spread=0.1)]
    assert verdict(PAPER, "lg3", at="medium", bases_text=stores["bases_text"], text=wide)["verdict"] == "not reproduced"


def test_lg4_alone_at_medium(verdict):
    assert verdict(PAPER, "lg4", at="medium", text=text_of())["verdict"] == "reproduced"
    assert verdict(PAPER, "lg4", at="medium", text=text_of(no_gate_only=2.42))["verdict"] == "not reproduced"


def test_variants_that_were_not_trained_are_not_judged(verdict):
    text = [tuned_of({"lora": -1.94, "liger": -2.0, "no_gate": -2.1, "window_only": -1.9})]
    for claim in ("lg4b", "lg5", "lg6", "lg7", "lg12", "lg13", "lg14", "lg15", "lg17"):
        assert verdict(PAPER, claim, at="laptop", text=text)["verdict"] == "not tested at this scale"


def times_of(liger=(1.0, 1.05), softmax=(1.0, 9.0), held=(100, 100)) -> xr.Dataset:
    noise = 1 + 0.01 * np.random.default_rng(0).standard_normal((2, 2, 3, 50))
    return xr.Dataset(
        {
            "decode_ms": (("arch", "context", "turn", "token"), np.array([liger, softmax])[..., None, None] * noise),
            "bytes": (("arch", "context"), [list(held), [100, 25600]]),
        },
        coords={"arch": ["liger", "softmax"], "context": [256, 65536]},
    )


def test_lg9(passes, load, blank):
    assert passes(PAPER, "lg9", times=times_of())
    for change in ({"liger": (1.0, 1.5)}, {"softmax": (1.0, 2.5)}, {"held": (100, 101)}):
        assert not passes(PAPER, "lg9", times=times_of(**change))
    assert not passes(PAPER, "lg9", times=blank(times_of()))
    store = load("liger/time_decoding")(model=MODEL, window=4, contexts=[16, 64], tokens=3, turns=2)
    assert (store.decode_ms > 0).all()
    state = 2 * (8 * 8 + 2 * 4 * 8) * 4  # layers, one state of the group, a ring of four keys and values, float32
    np.testing.assert_array_equal(store["bytes"].sel(arch="liger"), state)
    np.testing.assert_array_equal(store["bytes"].sel(arch="softmax"), 2 * 2 * 8 * 4 * np.array([16, 64]))


def test_lg10(passes, verdict, blank):
    bases, scores = bases_of(0.98, 1 / 32), {"liger": 0.6, "window_only": 0.1}
    assert passes(PAPER, "lg10", bases_recall=bases, recall=[tuned_of(scores)])
    assert not passes(PAPER, "lg10", bases_recall=bases, recall=[tuned_of({**scores, "window_only": 0.4})])
    assert not passes(PAPER, "lg10", bases_recall=bases, recall=[tuned_of(scores, spread=1.0)])
    assert not passes(PAPER, "lg10", bases_recall=bases_of(0.9, 1 / 32), recall=[tuned_of(scores)])
    assert not passes(PAPER, "lg10", bases_recall=bases, recall=[blank(tuned_of(scores))])


def large_of(model: str, variant: str, level: float) -> xr.Dataset:
    sets = ["piqa", "arc_e", "arc_c", "hellaswag", "winogrande", "mmlu"]
    return xr.Dataset(
        {"accuracy": ("set", level * np.array([0.8, 0.8, 0.5, 0.8, 0.7, 0.6]))},
        coords={"set": sets},
        attrs={"model": model, "variant": variant, "tune_tokens": 19_660_800},
    )


def test_lg11(passes, blank):
    models = ("llama_3_8b", "llama_3_2_1b", "llama_3_2_3b", "mistral_7b")
    runs = [large_of(model, variant, level) for model in models for variant, level in (("base", 1.0), ("liger", 0.92))]
    assert passes(PAPER, "lg11", large=runs)
    assert not passes(PAPER, "lg11", large=[runs[0], large_of("llama_3_8b", "liger", 0.88), *runs[2:]])
    assert not passes(PAPER, "lg11", large=[*runs[:3], large_of("llama_3_2_1b", "liger", 0.84), *runs[4:]])
    assert not passes(PAPER, "lg11", large=blank(runs))


def test_lg16(passes, blank):
    stores = stores_of()
    assert passes(PAPER, "lg16", **stores)
    names = {name: -LOSSES[name] for name in ("lora", "liger")}
    assert not passes(PAPER, "lg16", bases_text=stores["bases_text"], text=[tuned_of(names, before=-0.05)])
    assert not passes(PAPER, "lg16", bases_text=bases_of(-BASE - 0.2, -FLOOR), text=stores["text"])
    assert not passes(PAPER, "lg16", bases_text=stores["bases_text"], text=blank(stores["text"]))


def test_lg17(passes, blank):
    text = text_of()
    assert passes(PAPER, "lg17", text=text)
    for name in ("change_l1", "change_l2"):
        lower = text[1].assign({name: text[1][name] / 20})
        assert not passes(PAPER, "lg17", text=[text[0], lower])
    assert not passes(PAPER, "lg17", text=blank(text))


def test_lg18(passes, blank):
    recall = [tuned_of({"liger": 0.6, "liger_h": 0.9})]
    assert passes(PAPER, "lg18", text=text_of(), recall=recall)
    assert not passes(PAPER, "lg18", text=text_of(liger_h=2.05), recall=recall)
    assert not passes(PAPER, "lg18", text=text_of(), recall=[tuned_of({"liger": 0.6, "liger_h": 0.5})])
    assert not passes(PAPER, "lg18", text=blank(text_of()), recall=recall)
