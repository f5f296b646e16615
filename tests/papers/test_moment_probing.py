"""Stages of moment_probing, called as functions at small size, and claims where they hold and fail."""

import numpy as np
import pytest
import xarray as xr

from lib.probing.tokens import image_tokens, load_backbones

PAPER = "moment_probing"
SETS = ["textures", "photographs", "digits"]
LINEAR = ["cls", "gap", "lbfgs cls"]
HEADS = [*LINEAR, "perceptron", "characteristic function", "covariance", "covariance, equal parameters",
         "covariance, equal features", "second alone", "cls+gap", "two moments", "mp"]  # fmt: skip
IMAGES = {"sets": ["textures", "digits"], "train": 60, "test": 40, "hidden": 32}
TRANSFORMER = {"image": 16, "patch": 8, "channels": 1, "width": 16, "depth": 1, "heads": 2, "ratio": 2}


@pytest.fixture
def backbones(load):
    kinds = {"vit": 3, "cnn": 2, "mae": 2}
    return load(f"{PAPER}/pretrain_backbones")(
        seeds=kinds, steps=dict.fromkeys(kinds, 2), size=24, classes=4, root_seed=0
    )


@pytest.fixture
def measured(load, backbones):
    heads = {"vit": ["cls", "lbfgs cls", "second alone", "mp"], "cnn": ["cls", "mp"], "mae": ["cls", "mp"]}
    return load(f"{PAPER}/measure_probes")(
        backbones, backbone="vit", heads=heads, rates=[0.01, 0.03], epochs={"vit": 1}, batch=20,
        corrupted={"vit": 10}, root_seed=0, **IMAGES,
    )  # fmt: skip


@pytest.fixture
def tuned_small(load, backbones):
    return load(f"{PAPER}/tune_backbones")(
        backbones, kind="vit", methods=["mp+", "ft"], seeds=1, steps=2, batch=20, rates=[0.001, 0.003], root_seed=0,
        **IMAGES,
    )  # fmt: skip


def test_a_store_of_backbones_is_the_same_again(load, backbones):
    again = load(f"{PAPER}/pretrain_backbones")(seeds={"vit": 1}, steps={"vit": 2}, size=24, classes=4, root_seed=0)
    np.testing.assert_array_equal(again.weights_vit[0], backbones.weights_vit[0])
    assert np.abs(backbones.weights_vit[0] - backbones.weights_vit[1]).max() > 0


def test_heads_on_stored_backbones(measured):
    assert measured.accuracy.shape == (4, 2, 2)
    assert np.isfinite(measured.accuracy).all()
    assert np.isfinite(measured.robust).all()
    assert set(measured.linear.values) <= {"cls", "lbfgs cls"}
    assert measured.parameters.sel(probe="mp", images="textures") > measured.parameters.sel(
        probe="cls", images="textures"
    )
    assert set(measured.rate.sel(probe="mp").values) <= {0.01, 0.03}


def test_corrupted_images_are_of_all_classes(load, backbones):
    backbone = load_backbones(backbones, "vit")[0]
    data = [image_tokens(backbone, "photographs", 90, 180, 24, np.random.default_rng(0))]
    corrupted = load(f"{PAPER}/measure_probes", "_corrupted")
    tokens, labels = corrupted([backbone], data, 45, "noise", 1, np.random.default_rng(0))
    assert tokens.shape == (1, 45, 37, 64)
    assert np.bincount(labels[0]).tolist() == [5] * 9


def test_variants_on_the_tokens_of_the_standard_head(load, backbones, measured):
    store = load(f"{PAPER}/ablate_heads")(
        backbones, measured, variants=["mp", "2 heads"], seeds=2, epochs=1, batch=20, root_seed=0, **IMAGES
    )
    np.testing.assert_allclose(store.accuracy.sel(variant="mp"), store.standard)
    assert store.parameters.sel(variant="2 heads").min() > 0


def test_few_images_and_tuning(load, backbones, measured, tuned_small):
    store = load(f"{PAPER}/learn_few_shots")(
        backbones, measured, tuned_small, shots=[1, 2], draws=2, steps=1, batch=20, methods=["ft"], root_seed=0,
        **IMAGES,
    )  # fmt: skip
    assert store.accuracy.dims == ("estimator", "images", "shots", "seed", "draw")
    assert store.accuracy.shape == (3, 2, 2, 2, 2)
    assert np.isfinite(store.accuracy).all()


def test_tuning_widens_its_rates_where_the_best_is_an_end(tuned_small):
    assert np.isfinite(tuned_small.accuracy).all()
    tried = {0.001 * 3**k for k in range(-2, 4)}
    assert all(min(abs(np.log(rate / other)) for other in tried) < 1e-9 for rate in tuned_small.rate.values.ravel())
    assert (tuned_small.parameters.sel(tuning="ft") > tuned_small.parameters.sel(tuning="mp+")).all()


def test_times_and_memory(load):
    store = load(f"{PAPER}/time_methods")(
        methods=["lp", "ft"], transformer=TRANSFORMER, classes=3, hidden=32, batch=2, repeats=2
    )
    assert (store.step_ms > 0).all()
    assert (store.memory > 5e7).all()
    assert store.attrs["timing"]


def test_which_moments_heads_see(load):
    sizes = {"tokens": 24, "width": 8, "train": 300, "test": 300}
    store = load(f"{PAPER}/tell_moments")(
        heads=["cls", "gap", "perceptron", "covariance", "two moments", "characteristic function", "mp"], seeds=2,
        hidden=32, rates=[0.01, 0.03], epochs=4, batch=30, covariance={"classes": 2, **sizes},
        skewness={"classes": 2, **sizes}, root_seed=0,
    )  # fmt: skip
    covariance = store.accuracy.sel(kind="covariance").mean("seed")
    assert covariance.sel(probe=["cls", "gap", "perceptron"]).max() < 0.65
    assert covariance.sel(probe=["covariance", "two moments", "mp"]).min() > 0.8
    assert abs(float(store.accuracy.sel(kind="skewness", probe="two moments").mean()) - 0.5) < 0.1


@pytest.fixture
def probes():
    """Five seeds in which MP is 3 points above the best linear probe, and a little noise."""
    level = {"mp": 0.83, "cls": 0.7, "gap": 0.7, "lbfgs cls": 0.8, "perceptron": 0.79, "characteristic function": 0.82,
             "covariance": 0.83, "covariance, equal parameters": 0.83, "covariance, equal features": 0.82,
             "second alone": 0.81, "cls+gap": 0.75, "two moments": 0.8}  # fmt: skip
    rng = np.random.default_rng(0)
    accuracy = np.array([level[name] for name in HEADS])[:, None, None] + rng.normal(0, 0.002, (len(HEADS), 3, 5))
    parameters = np.array([100 if name == "mp" else 1000 if name == "covariance" else 90 for name in HEADS], float)
    robust = np.zeros((2, 3, 5, 3, 5)) + np.array([0.6, 0.63])[:, None, None, None, None]
    return xr.Dataset(
        {
            "accuracy": (("probe", "images", "seed"), accuracy),
            "parameters": (("probe", "images"), np.repeat(parameters[:, None], 3, 1)),
            "linear": ("images", np.array(["lbfgs cls"] * 3)),
            "robust": (
                ("estimator", "images", "seed", "corruption", "severity"),
                robust + rng.normal(0, 0.002, robust.shape),
            ),
        },
        coords={"probe": HEADS, "images": SETS, "estimator": ["lp", "mp"], "severity": np.arange(1, 6)},
    )


@pytest.fixture
def mechanism():
    heads = ["cls", "perceptron", "covariance", "two moments", "characteristic function", "mp"]
    accuracy = np.array([[0.2, 0.5], [0.21, 0.5], [1, 0.5], [1, 0.51], [1, 1], [1, 0.99]])
    return xr.Dataset(
        {
            "accuracy": (("probe", "kind", "seed"), np.repeat(accuracy[..., None], 5, 2)),
            "classes": ("kind", [5, 2]),
            "linear": ("kind", np.array(["cls", "cls"])),
        },
        coords={"probe": heads, "kind": ["covariance", "skewness"]},
    )


@pytest.fixture
def tuned():
    names = ["bias", "ssf", "ft", "mp+", "unshared", "scale_only", "shift_only", "mp ssf"]
    level = np.array([0.8, 0.8, 0.86, 0.86, 0.86, 0.85, 0.85, 0.83])
    noise = np.random.default_rng(1).normal(0, 0.002, (8, 3, 5))
    return xr.Dataset(
        {
            "accuracy": (("tuning", "images", "seed"), level[:, None, None] + noise),
            "fall": (("tuning", "images", "seed"), np.zeros((8, 3, 5))),
            "parameters": (
                ("tuning", "images"),
                np.where(np.array(names) == "ft", 1000.0, 200.0)[:, None] * np.ones(3),
            ),
        },
        coords={"tuning": names, "images": SETS},
    )


@pytest.fixture
def few_shots():
    linear = np.array([0.3, 0.5, 0.6, 0.7, 0.75])
    gain = np.array([0.1, 0.07, 0.05, 0.04, 0.03])
    accuracy = np.stack([linear, linear + gain, linear - 0.1])[:, None, :, None, None] * np.ones((1, 3, 1, 5, 2))
    accuracy = accuracy + np.random.default_rng(2).normal(0, 0.002, accuracy.shape)
    return xr.Dataset(
        {"accuracy": (("estimator", "images", "shots", "seed", "draw"), accuracy)},
        coords={"estimator": ["lp", "mp", "ft"], "images": SETS, "shots": [1, 2, 4, 8, 16]},
    )


@pytest.fixture
def cost():
    names = ["lp", "mp", "bias", "ssf", "mp+", "ft"]
    level = np.array([100.0, 110, 200, 250, 200, 300])
    return xr.Dataset(
        {
            "step_ms": (("tuning", "repeat"), level[:, None] * np.ones(10)),
            "memory": ("tuning", np.array([1.0, 1.1, 2, 3, 3, 3])),
        },
        coords={"tuning": names},
    )


def _shift(store, points, **where):
    """The same store with some accuracies changed by points."""
    changed = store.accuracy.copy()
    changed.loc[where] = changed.loc[where] + points / 100
    return store.assign(accuracy=changed)


def test_c1(passes, mechanism, blank):
    assert passes(PAPER, "c1", mechanism=mechanism)
    assert not passes(PAPER, "c1", mechanism=_shift(mechanism, 5, probe="cls", kind="covariance"))
    assert not passes(PAPER, "c1", mechanism=_shift(mechanism, -50, probe="mp", kind="covariance", seed=3))
    assert not passes(PAPER, "c1", mechanism=blank(mechanism))


def test_c2(passes, probes, blank):
    assert passes(PAPER, "c2", probes_vit=probes)
    assert passes(PAPER, "c2", probes_vit=_shift(probes, -10, probe="mp", images="digits"))
    assert not passes(PAPER, "c2", probes_vit=_shift(probes, -10, probe="mp", images=["digits", "textures"]))
    assert not passes(PAPER, "c2", probes_vit=_shift(probes, 5, probe="perceptron"))
    assert not passes(PAPER, "c2", probes_vit=blank(probes))
    wide = probes.copy(deep=True)
    wide.accuracy.loc[{"probe": "mp", "seed": 0}] -= 0.2
    assert not passes(PAPER, "c2", probes_vit=wide)


def test_c3(passes, probes, blank):
    assert passes(PAPER, "c3", probes_vit=probes)
    for name in ("lbfgs cls", "second alone"):
        assert not passes(PAPER, "c3", probes_vit=_shift(probes, 5, probe=name))
    assert not passes(PAPER, "c3", probes_vit=blank(probes))


def test_c4(passes, probes, blank):
    assert passes(PAPER, "c4", probes_vit=probes)
    for name in ("covariance", "covariance, equal parameters"):
        assert not passes(PAPER, "c4", probes_vit=_shift(probes, 3, probe=name))
    assert not passes(PAPER, "c4", probes_vit=probes.assign(parameters=probes.parameters * 0 + 1))
    assert not passes(PAPER, "c4", probes_vit=blank(probes))


def test_c5(passes, cost, blank):
    assert passes(PAPER, "c5", cost=cost)
    for name, factor in (("mp", 1.4), ("ft", 0.5), ("ssf", 0.5), ("mp+", 0.6)):
        changed = cost.step_ms * xr.where(cost.tuning == name, factor, 1.0)
        assert not passes(PAPER, "c5", cost=cost.assign(step_ms=changed))
    assert not passes(PAPER, "c5", cost=cost.assign(memory=cost.memory * 0 + 1))
    assert not passes(PAPER, "c5", cost=blank(cost))


def test_c6(passes, probes, tuned, blank):
    assert passes(PAPER, "c6", probes_vit=probes, tuned=tuned)
    assert not passes(PAPER, "c6", probes_vit=_shift(probes, 5, probe="mp"), tuned=tuned)
    assert not passes(PAPER, "c6", probes_vit=probes, tuned=_shift(tuned, 3, tuning="ft"))
    assert not passes(PAPER, "c6", probes_vit=probes, tuned=tuned.assign(parameters=tuned.parameters * 0 + 1))
    assert not passes(PAPER, "c6", probes_vit=blank(probes), tuned=blank(tuned))
    assert not passes(PAPER, "c6", probes_vit=probes.isel(seed=[0]), tuned=tuned.isel(seed=[0]))


def test_c6b(passes, tuned, blank):
    assert passes(PAPER, "c6b", tuned=tuned)
    for name in ("unshared", "mp ssf"):
        assert not passes(PAPER, "c6b", tuned=_shift(tuned, 4, tuning=name))
    assert not passes(PAPER, "c6b", tuned=blank(tuned))


def test_c7(passes, load, blank):
    sizes = {"image": 224, "patch": 16, "channels": 3, "width": 768, "depth": 12, "heads": 12, "ratio": 4}
    count = load(f"{PAPER}/count_parameters")
    counts = count(transformer=sizes, classes=1000, hidden=512, bottleneck=16)
    assert passes(PAPER, "c7", counts=counts)
    assert not passes(PAPER, "c7", counts=count(transformer=sizes, classes=1000, hidden=512, bottleneck=8))
    assert not passes(PAPER, "c7", counts=count(transformer=sizes, classes=1000, hidden=256, bottleneck=16))
    assert not passes(PAPER, "c7", counts=blank(counts))


def test_c8(passes, probes, blank):
    assert passes(PAPER, "c8", probes_vit=probes)
    swapped = probes.assign(robust=probes.robust.isel(estimator=[1, 0]).assign_coords(estimator=["lp", "mp"]))
    assert not passes(PAPER, "c8", probes_vit=swapped)
    worse = probes.robust - 0.05 * ((probes.severity == 2) & (probes.estimator == "mp"))
    assert not passes(PAPER, "c8", probes_vit=probes.assign(robust=worse))
    assert not passes(PAPER, "c8", probes_vit=blank(probes))


def test_c9(passes, mechanism, probes, blank):
    assert passes(PAPER, "c9", mechanism=mechanism, probes_vit=probes)
    for name, points in (("two moments", 10), ("characteristic function", -10), ("mp", -10)):
        changed = _shift(mechanism, points, probe=name, kind="skewness", seed=2)
        assert not passes(PAPER, "c9", mechanism=changed, probes_vit=probes)
    assert not passes(PAPER, "c9", mechanism=mechanism, probes_vit=_shift(probes, 4, probe="characteristic function"))
    assert not passes(PAPER, "c9", mechanism=blank(mechanism), probes_vit=blank(probes))


def test_c10(passes, probes, blank):
    assert passes(PAPER, "c10", probes_cnn=probes)
    assert not passes(PAPER, "c10", probes_cnn=_shift(probes, 5, probe="lbfgs cls", images=["digits", "textures"]))
    assert not passes(PAPER, "c10", probes_cnn=blank(probes))


def _benchmarks(change):
    stores = []
    reported = {"imagenet": (83.15, 83.62), "cifar": (93.8, 94.2), "cub": (89.3, 89.9), "nabirds": (84.9, 86.1),
                "flowers": (99.6, 99.7), "dogs": (89.5, 90.2), "cars": (83.6, 89.4)}  # fmt: skip
    for name, (mp, plus) in reported.items():
        for method, points in (("lp", mp - 1), ("mp", mp), ("mp+", plus), ("ft", plus)):
            points += change.get((method, name), 0)
            shifted = [0.4 + (method == "mp") * 0.01] * (3 if name == "imagenet" else 0)
            store = xr.Dataset({"accuracy": points / 100, "shifted": ("shift", np.array(shifted))})
            stores.append(store.assign_attrs(method=method, images=name))
    return stores


def test_c11(passes, blank):
    assert passes(PAPER, "c11", benchmarks=_benchmarks({}))
    for change in ({("mp", "imagenet"): 0.5}, {("mp+", "cars"): -2}, {("lp", "dogs"): 2}):
        assert not passes(PAPER, "c11", benchmarks=_benchmarks(change))
    assert not passes(PAPER, "c11", benchmarks=blank(_benchmarks({})))


def test_c12(passes, few_shots, blank):
    assert passes(PAPER, "c12", few_shots=few_shots)
    assert not passes(PAPER, "c12", few_shots=_shift(few_shots, 6, estimator="lp", shots=8))
    assert not passes(PAPER, "c12", few_shots=_shift(few_shots, 12, estimator="mp", shots=16))
    assert not passes(PAPER, "c12", few_shots=blank(few_shots))


def test_c13(passes, probes, tuned, blank):
    inputs = {"probes_vit": probes, "tuned_masked": tuned}
    assert passes(PAPER, "c13", probes_mae=probes, **inputs)
    assert not passes(PAPER, "c13", probes_mae=_shift(probes, 5, probe="lbfgs cls"), **inputs)
    assert not passes(PAPER, "c13", probes_mae=blank(probes), **inputs)
