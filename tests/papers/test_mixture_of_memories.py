"""Stages of mixture_of_memories, called as functions at tiny size, and its claims."""

import numpy as np
import pytest
import xarray as xr

PAPER = "mixture_of_memories"
OPTIONS = {
    "layers": ["memories", "memories"],
    "hidden": 16,
    "memories": 3,
    "chosen": 2,
    "shared": True,
    "rule": "scalar",
    "heads": 1,
    "d_key": 4,
    "d_value": 4,
    "convolution": "global",
    "balance": 0.01,
}
RECALL = {
    "arch": "mom",
    "options": {},
    "seeds": 2,
    "defaults": {**OPTIONS, "oracle": False},
    "n_keys": 8,
    "first_pairs": 2,
    "pairs": 4,
    "growth": 0.5,
    "asked": [4, 8],
    "sequences": 32,
    "steps": 3,
    "batch": 4,
    "learning_rates": [0.002, 0.005],
    "warmup": 2,
    "width": 16,
    "root_seed": 0,
    "device": "cpu",
}
TEXT = {
    **{key: RECALL[key] for key in ("arch", "options", "seeds", "steps", "batch", "warmup", "root_seed", "device")},
    "defaults": {**OPTIONS, "channel": "swiglu", "rule": "gated_delta"},
    "vocabulary": 104,
    "tokens": 32,
    "parts": 2,
    "learning_rates": [0.003],
    "width": 16,
    "windows": 4,
    "lengths": [64, 128],
}
SINGLES = ("single", "single_linear", "single_retention", "single_gla", "single_gated_delta")


@pytest.fixture
def train_recall(load):
    stage = load("mixture_of_memories/train_mqar")
    return lambda **changes: stage(**(RECALL | changes))


def run_of(arch: str, level, spread: float = 0.02, seeds: int = 10, **attrs) -> xr.Dataset:
    """A recall store whose trainings lie about a level."""
    noise = np.random.default_rng(seeds).standard_normal(seeds) * spread
    noise = noise - noise.mean()
    accuracy = np.stack([np.atleast_1d(level)[0] + noise, np.atleast_1d(level)[-1] + noise], 1)
    load = np.tile([0.6, 0.5, 0.5, 0.4], (seeds, 2, 1))
    return xr.Dataset(
        {"accuracy": (("seed", "pairs"), accuracy), "load": (("seed", "layer", "memory"), load)},
        coords={"seed": np.arange(seeds), "pairs": [16, 32]},
        attrs={"arch": arch, "chosen_memories": 2, "active_parameters": 1000} | attrs,
    )


def text_of(arch: str, loss: float, rise: float = 0.0, seeds: int = 5, active: int = 1000) -> xr.Dataset:
    noise = np.random.default_rng(1).standard_normal(seeds) * 0.003
    return xr.Dataset(
        {
            "validation": ("seed", loss + noise),
            "end_loss": (("length", "seed"), loss + noise + np.array([[0], [rise / 2], [rise]])),
            "information": ("seed", 0.5 + noise),
            "information_before": ("seed", 0.3 + 0 * noise),
            "information_shuffled": (("seed", "shuffle"), np.full((seeds, 20), 0.01)),
        },
        coords={"length": [256, 512, 1024]},
        attrs={"arch": arch, "active_parameters": active},
    )


def test_recall_is_trained_and_the_better_rate_is_taken(train_recall):
    store = train_recall()
    assert store.accuracy.shape == (2, 2)
    np.testing.assert_allclose(store["load"].sum("memory"), 2)
    assert store.attrs["learning_rate"] == RECALL["learning_rates"][int(store.tuning.values.argmax())]
    assert store.attrs["state_bytes"] == 4 * 2 * 4 * 16
    single = train_recall(arch="single", options={"memories": 0, "chosen": 0})
    assert single.attrs["active_parameters"] < store.attrs["active_parameters"] < store.attrs["parameters"]
    assert np.isnan(single["load"]).all()


def test_an_ideal_routing_is_even(train_recall):
    store = train_recall(arch="oracle", options={"chosen": 1, "oracle": True, "memories": 4}, learning_rates=[0.005])
    np.testing.assert_allclose(store["load"], 0.25, atol=0.06)


def test_an_interrupted_training_goes_on_to_the_same_result(train_recall, stopping):
    expected = train_recall()
    checkpoint = stopping(2)
    with pytest.raises(KeyboardInterrupt):
        train_recall(checkpoint=checkpoint)
    xr.testing.assert_identical(train_recall(checkpoint=checkpoint), expected)


def test_text_is_trained_and_the_memories_are_looked_at(load):
    store = load("mixture_of_memories/train_lm")(**TEXT)
    assert store.end_loss.shape == (2, 2)
    np.testing.assert_allclose(store.counts.sum(("memory", "token")), 4 * 32 * 2)
    np.testing.assert_allclose(store["load"].sum("memory"), 2)
    assert (store.information_shuffled > 0).all()
    softmax = load("mixture_of_memories/train_lm")(
        **TEXT | {"options": {"layers": ["softmax", "alibi"], "softmax_heads": 2}}
    )
    assert "counts" not in softmax
    assert softmax.attrs["state_bytes"] == 0


def test_mom1_and_mom2(passes, load, blank):
    forms = load("mixture_of_memories/check_forms")(
        cases=1, longest=9, widest=8, memories=3, untouched_steps=20, rng=np.random.default_rng(0), device="cpu"
    )
    for claim in ("mom1", "mom2"):
        assert passes(PAPER, claim, forms=forms)
        assert not passes(PAPER, claim, forms=blank(forms))
    for name in ("layer_error", "kernel_error"):
        assert not passes(PAPER, "mom1", forms=forms.assign({name: forms[name] + 1e-4}))
    for place in range(3):
        moved = forms.change.copy()
        moved[0, place] = 1e-300
        assert not passes(PAPER, "mom2", forms=forms.assign(change=moved))


def test_mom3(passes, load, blank):
    store = load("mixture_of_memories/simulate_capacity")(
        pairs=[16, 64], d_key=16, d_value=64, stores=[[1, 1], [4, 1]], repetitions=30, rng=np.random.default_rng(0)
    )
    assert passes(PAPER, "mom3", capacity=store)
    assert not passes(PAPER, "mom3", capacity=store.assign(crosstalk=1.2 * store.crosstalk))
    assert not passes(
        PAPER, "mom3", capacity=store.assign(accuracy=0 * store.accuracy + store.accuracy.isel(store=0, drop=True))
    )
    assert not passes(PAPER, "mom3", capacity=blank(store))


@pytest.mark.parametrize(
    ("claim", "better", "worse"),
    [
        ("mom4", "mom", "single"),
        ("mom4a", "oracle", "single"),
        ("mom5v", "mom", "v_expanded"),
        ("mom6", "mom", "unshared"),
        ("mom17", "mom_narrow", "single"),
    ],
)
def test_gains_of_recall(passes, claim, better, worse, blank):
    high, low = run_of(better, 0.8), run_of(worse, 0.6)
    assert passes(PAPER, claim, recall=[high, low])
    assert not passes(PAPER, claim, recall=[run_of(better, 0.6), run_of(worse, 0.601)])
    assert not passes(PAPER, claim, recall=[blank(high), low])


def test_mom5(passes, blank):
    equal = [run_of(name, 0.8) for name in ("mom", "state_matched", "heads_matched")]
    assert passes(PAPER, "mom5", recall=equal)
    assert not passes(PAPER, "mom5", recall=[*equal[:2], run_of("heads_matched", 0.9)])
    assert not passes(PAPER, "mom5", recall=[blank(equal[0]), *equal[1:]])


def test_mom7(passes, blank):
    lengths, contexts = np.array([1024, 2048, 4096, 8192, 16384]), [256, 65536]
    passing = {"mom": 1e-3 * lengths, "softmax": np.where(lengths < 16384, 1e-6 * lengths**2.0, np.nan)}
    tokens = {"mom": [1.0, 1.05], "softmax": [1.0, 9.0]}
    noise = 1 + 0.01 * np.random.default_rng(0).standard_normal((2, 2, 3, 50))
    store = xr.Dataset(
        {
            "pass_ms": (
                ("arch", "length", "repeat"),
                np.stack([passing[name] for name in passing])[..., None] * [1, 1.1],
            ),
            "decode_ms": (
                ("arch", "context", "turn", "token"),
                np.array([tokens[name] for name in tokens])[..., None, None] * noise,
            ),
            "state_bytes": (("arch", "context"), [[100, 100], [100, 25600]]),
        },
        coords={"arch": list(passing), "length": lengths, "context": contexts},
    )
    assert passes(PAPER, "mom7", times=store)
    power = xr.DataArray([1.0, 1.0, 1.5, 3.0, 9.0], dims="length")
    for change in (
        {"pass_ms": store.pass_ms * power},
        {"pass_ms": store.pass_ms.where(store.arch == "mom", store.pass_ms / store.length)},
        {"decode_ms": store.decode_ms.where(store.context == 256, 1.5 * store.decode_ms)},
        {"decode_ms": store.decode_ms.where(store.context == 256, store.decode_ms / 4)},
        {"state_bytes": store.state_bytes * [1, 2]},
    ):
        assert not passes(PAPER, "mom7", times=store.assign(change))
    assert not passes(PAPER, "mom7", times=blank(store))


def test_mom8(passes, blank):
    names = {"linear": "_linear", "scalar": "", "gla": "_gla", "gated_delta": "_gated_delta"}
    runs = [run_of(f"{kind}{end}", level) for end in names.values() for kind, level in (("mom", 0.8), ("single", 0.6))]
    assert passes(PAPER, "mom8", recall=runs)
    assert not passes(PAPER, "mom8", recall=[*runs[:-1], run_of("single_gated_delta", 0.95)])
    assert not passes(PAPER, "mom8", recall=[*runs[:4], *(run_of(run.arch, 0.6) for run in runs[4:])])
    assert not passes(PAPER, "mom8", recall=[blank(run) for run in runs])


def test_mom9(passes, blank):
    runs = [text_of("mom", 2.0), text_of("softmax", 2.0)]
    assert passes(PAPER, "mom9", text=runs)
    assert not passes(PAPER, "mom9", text=[text_of("mom", 2.1), runs[1]])
    assert not passes(PAPER, "mom9", text=[text_of("mom", 2.0, active=1100), runs[1]])
    assert not passes(PAPER, "mom9", text=[blank(runs[0]), runs[1]])


def test_mom10(passes, blank):
    even, skewed = run_of("mom", 0.8), run_of("unbalanced", 0.8, seeds=5)
    skewed = skewed.assign({"load": skewed["load"] * [1.6, 0.9, 0.9, 0.3]})
    assert passes(PAPER, "mom10", recall=[even, skewed])
    assert not passes(PAPER, "mom10", recall=[even.assign({"load": even["load"] * [1.4, 1, 1, 0.4]}), skewed])
    assert not passes(PAPER, "mom10", recall=[even, run_of("unbalanced", 0.8, seeds=5)])
    assert not passes(PAPER, "mom10", recall=[blank(even), skewed])


def test_mom11(passes, blank):
    singles = [run_of(name, 0.6) for name in SINGLES]
    assert passes(PAPER, "mom11", recall=[run_of("mom_gated_delta", 0.8), *singles])
    assert not passes(PAPER, "mom11", recall=[run_of("mom_gated_delta", 0.8), *singles[:-1], run_of(SINGLES[-1], 0.85)])
    assert not passes(PAPER, "mom11", recall=[blank(run_of("mom_gated_delta", 0.8)), *singles])


def test_mom12(passes, blank):
    sets = ["fda", "swde", "squad", "piqa", "arc_e"]

    def run(arch, values):
        return xr.Dataset({"accuracy": ("set", values)}, coords={"set": sets}, attrs={"arch": arch})

    low = run("single", [0.1, 0.2, 0.3, 0.4, 0.5])
    assert passes(PAPER, "mom12", large=[run("mom", [0.13, 0.23, 0.34, 0.4, 0.51]), low])
    assert not passes(PAPER, "mom12", large=[run("mom", [0.1, 0.2, 0.31, 0.4, 0.51]), low])
    assert not passes(PAPER, "mom12", large=[run("mom", [0.13, 0.23, 0.34, 0.39, 0.5]), low])
    assert not passes(PAPER, "mom12", large=[blank(low.assign_attrs(arch="mom")), low])


def test_mom13(passes, blank):
    names = ("single", "mom_m2k1", "mom", "mom_m8k4")
    rising = [run_of(name, 0.5 + 0.1 * i) for i, name in enumerate(names)]
    assert passes(PAPER, "mom13", recall=rising)
    falling = [run_of(name, 0.8 - 0.1 * i) for i, name in enumerate(names)]
    assert not passes(PAPER, "mom13", recall=falling)
    assert not passes(PAPER, "mom13", recall=[blank(run) for run in rising])


def test_mom14(passes, blank):
    runs = [text_of("mom", 2.0, 0.0), text_of("softmax", 2.0, 0.5), text_of("alibi", 2.0, 0.0)]
    assert passes(PAPER, "mom14", text=runs)
    assert not passes(PAPER, "mom14", text=[text_of("mom", 2.0, 0.1), *runs[1:]])
    assert not passes(PAPER, "mom14", text=[runs[0], text_of("softmax", 2.0, 0.01)])
    assert not passes(PAPER, "mom14", text=[blank(run) for run in runs])


def test_mom15(passes, blank):
    runs = [run_of("hybrid", 0.9), run_of("mom", 0.6), run_of("softmax", 0.9)]
    assert passes(PAPER, "mom15", recall=runs)
    assert not passes(PAPER, "mom15", recall=[run_of("hybrid", 0.6), *runs[1:]])
    assert not passes(PAPER, "mom15", recall=[run_of("hybrid", 0.8), *runs[1:]])
    assert not passes(PAPER, "mom15", recall=[blank(run) for run in runs])


def test_mom16(passes, blank):
    run = text_of("mom", 2.0)
    assert passes(PAPER, "mom16", text=[run])
    assert not passes(PAPER, "mom16", text=[run.assign(information_before=run.information_before + 0.3)])
    assert not passes(PAPER, "mom16", text=[run.assign(information_shuffled=run.information_shuffled + 1)])
    assert not passes(PAPER, "mom16", text=[blank(run)])
