"""Stages of loss_degeneracy, called as functions at small size, and claims where they hold and fail."""

import numpy as np
import pytest
import xarray as xr

PAPER = "loss_degeneracy"


@pytest.fixture(scope="module")
def made():
    """Stores that the tests share, made once."""
    return {}


@pytest.fixture
def store(load, made):
    """`store("directions")`: the store of a stage at small size."""

    def one(name: str):
        if name not in made:
            script, options = SMALL[name]
            made[name] = load(f"{PAPER}/{script}")(**options, root_seed=0)
        return made[name]

    return one


SMALL = {
    "directions": (
        "count_directions",
        {"instances": 4, "activation_ranks": [3, 11], "gradient_ranks": [2, 6], "units": [1, 2, 7], "seeds": 1,
         "heads": [[1, 3], [2, 2]], "walks": 2, "mixing": 0.02},
    ),
    "volumes": ("measure_volumes", {"levels": [1e-2, 1e-4], "directions": 50000, "few": 10}),
    "chains": (
        "sample_chains",
        {"cases": [[4, 3, 3, 3], [4, 3, 3, 2]], "samples": 1e6, "chains": 8, "lengths": [100, 200], "burn": 0.25,
         "step_scales": [0.05, 0.1], "localisation": 1},
    ),
    "students": (
        "compare_blocks",
        {"shape": [4, 8, 2], "teachers": 2, "n": 40, "bound": 0.5, "training_steps": 500, "rate": 0.01,
         "later_rate": 0.002, "later": 300, "strength": 1e4, "step_scale": 0.3, "localisation": 1, "chains": 2,
         "lengths": [20, 40], "burn": 0.4},
    ),
    "invariance": (
        "check_basis",
        {"maps": 3, "width": 6, "following": 7, "n": 100, "condition": 100, "networks": 2, "widths": [6, 5, 7, 4]},
    ),
    "planted": (
        "analyse_planted",
        {"width": 8, "hidden": 4, "n": 300, "networks": 3, "random_bases": 3, "share": 0.99, "error": 0.01,
         "kept_share": 0.999, "intervals": 0, "partitions": 2, "shuffles": 20},
    ),
    "digits": (
        "analyse_digits",
        {"hidden": [10, 10], "seeds": 2, "training": 1400, "rate": 0.003, "batch": 64, "steps": 100, "drop": 0.01,
         "edge_drop": 0.01, "counted_networks": 1, "counted_samples": 30},
    ),
    "times": (
        "time_basis",
        {"widths": [16, 32, 64], "n": 100, "repeats": 2, "explicit_width": 64, "explicit_n": 20, "checked_width": 6,
         "checked_n": 15},
    ),
}  # fmt: skip


def _changed(store, **changes):
    return store.assign({name: change(store[name]).transpose(*store[name].dims) for name, change in changes.items()})


def _where(store, name: str, value, **place):
    """The store with a value at the items of a coordinate in place of its own."""
    ((dim, item),) = place.items()
    return store.assign({name: store[name].where(store[dim] != item, value).transpose(*store[name].dims)})


def test_c1(passes, store, blank):
    directions, digits = store("directions"), store("digits")
    assert passes(PAPER, "c1", directions=directions, digits=digits)
    for name, change in (("free", 1e3), ("gap", 10)):
        assert not passes(PAPER, "c1", directions=_where(directions, "layer", change, quantity=name), digits=digits)
    assert not passes(PAPER, "c1", directions=directions, digits=_where(digits, "count", 1e6, quantity="rank"))
    assert not passes(PAPER, "c1", directions=blank(directions), digits=digits)
    assert not passes(PAPER, "c1", directions=directions, digits=blank(digits))


@pytest.mark.parametrize(("claim", "table"), [("c2", "relu"), ("c2c", "attention")])
def test_c2_and_c2c(passes, store, blank, claim, table):
    directions = store("directions")
    assert passes(PAPER, claim, directions=directions)
    assert not passes(PAPER, claim, directions=_changed(directions, **{table: lambda t: t + (t["count"] == "free")}))
    assert not passes(PAPER, claim, directions=blank(directions))


def test_c2b(passes, store, blank):
    directions = store("directions")
    assert passes(PAPER, "c2b", directions=directions)
    assert not passes(PAPER, "c2b", directions=_changed(directions, moved=lambda m: m + 1e-9))
    assert not passes(PAPER, "c2b", directions=_changed(directions, contrast=lambda c: 0 * c))
    assert not passes(PAPER, "c2b", directions=blank(directions))


@pytest.mark.parametrize(("claim", "loss"), [("c3", "cross"), ("c10b", "coupled")])
def test_c3_and_c10b(passes, store, blank, claim, loss):
    volumes = store("volumes")
    assert passes(PAPER, claim, volumes=volumes)
    for way, factor in (("quadrature", 1.03), ("Monte Carlo", 1.1)):
        off = volumes.number.where((volumes.way != way) | (volumes.loss != loss), factor * volumes.number)
        assert not passes(PAPER, claim, volumes=volumes.assign(number=off.transpose(*volumes.number.dims)))
    assert not passes(PAPER, claim, volumes=blank(volumes))


def _mixed(chains):
    """The store with estimates at the known coefficients, and chains that have mixed."""
    value = chains.known.broadcast_like(chains.value).transpose(*chains.value.dims)
    return chains.assign(value=value, error=0 * chains.error + 0.02, mixed=xr.ones_like(chains.mixed))


def test_c4(passes, store, blank):
    good = _mixed(store("chains"))
    assert passes(PAPER, "c4", chains=good)
    assert not passes(PAPER, "c4", chains=_changed(good, value=lambda v: 1.2 * v))
    assert not passes(PAPER, "c4", chains=_changed(good, value=lambda v: 0 * v + 5.7))  # does not fall with the rank
    assert not passes(PAPER, "c4", chains=_changed(good, mixed=lambda m: xr.zeros_like(m)))
    assert not passes(PAPER, "c4", chains=_changed(good, hessian_rank=lambda r: r + 2))
    assert not passes(PAPER, "c4", chains=blank(good))


def test_short_chains_are_noted_as_such(store):
    chains = store("chains")
    assert not chains.mixed.values.all()
    assert chains.known.values.tolist() == [6, 5.5]
    np.testing.assert_allclose(chains.by_chain.mean("chain"), chains.value, rtol=1e-6)


def test_c5_and_c6(passes, store, blank):
    invariance = store("invariance")
    for claim, name in (("c5", "change"), ("c6", "linear")):
        assert passes(PAPER, claim, invariance=invariance)
        assert not passes(PAPER, claim, invariance=_changed(invariance, **{name: lambda c: c + 1e-6}))
        assert not passes(PAPER, claim, invariance=blank(invariance))


def _counted(planted):
    """The store with counts that favour the local basis in every network."""
    factor = {"neuron": 10.0, "pca": 9.0, "pca_scaled": 8.0, "gradient": 5.0, "global": 4.0, "local": 3.0}
    scale = xr.DataArray([factor[str(name)] for name in planted["basis"].values], dims="basis")
    wave = 1 + 0.02 * planted.network
    made = {name: (0 * planted[name] + scale * wave).transpose(*planted[name].dims) for name in ("holding", "ablated")}
    return planted.assign(made)


def test_c7(passes, store, blank):
    good = _counted(store("planted"))
    assert passes(PAPER, "c7", planted=good)
    for name in ("holding", "ablated"):
        for basis, value in (("pca", 3.2), ("pca_scaled", 3.2), ("gradient", 2.0)):
            assert not passes(PAPER, "c7", planted=_where(good, name, value, basis=basis))
    assert not passes(PAPER, "c7", planted=blank(good))


def test_c8(passes, store, blank):
    planted = store("planted")
    made = {
        "neuron": 0.7,
        "pca": 0.68,
        "pca_scaled": 0.68,
        "gradient": 0.99,
        "global": 0.9,
        "local": 0.98,
        "random": 0.69,
    }
    level = xr.DataArray([made[str(name)] for name in planted.direction.values], dims="direction")
    share = (0 * planted.block_share.fillna(0) + level + 0.001 * planted.network).transpose(*planted.block_share.dims)
    good = planted.assign(block_share=share)
    assert passes(PAPER, "c8", planted=good)
    assert not passes(PAPER, "c8", planted=_where(good, "block_share", 0.75, direction="local"))
    assert not passes(PAPER, "c8", planted=_where(good, "block_share", 0.9, direction="pca"))
    assert not passes(PAPER, "c8", planted=_where(good, "block_share", 0.9, direction="random"))
    assert not passes(PAPER, "c8", planted=blank(good))


@pytest.mark.parametrize(("claim", "name"), [("c10", "students"), ("c10c", "held")])
def test_c10_and_c10c(verdict, store, blank, claim, name):
    students = store("students")
    level = xr.DataArray([80.0, 84.0], dims="student")
    value = (0 * students.value + level + 0.1 * students.teacher * (students.student == "dense")).transpose(
        *students.value.dims
    )
    good = students.assign(value=value, mixed=xr.ones_like(students.mixed))
    assert verdict(PAPER, claim, **{name: good})["verdict"] == "reproduced"
    assert verdict(PAPER, claim, **{name: _changed(good, value=lambda v: 90 - v)})["verdict"] == "not reproduced"
    refused = _changed(good, mixed=lambda m: m & (m.teacher > 0))
    assert verdict(PAPER, claim, **{name: refused})["verdict"] == "not evaluated"
    assert verdict(PAPER, claim, **{name: blank(good)})["verdict"] != "reproduced"


def _communities(planted):
    pure = {"neuron": 0.78, "pca": 0.93, "local": 0.99}
    level = xr.DataArray([pure[str(name)] for name in planted.judged.values], dims="judged")
    purity = (0 * planted.purity + level + 0.001 * planted.network).transpose(*planted.purity.dims)
    sort = xr.DataArray([0.45, 0.3], dims="sort")
    weight = xr.DataArray([1.0, 0.0], dims="weight")
    score = 0.4 + 0 * planted.score + (sort - 0.4) * weight + 0.001 * planted.network * (planted.sort == "planted")
    return planted.assign(
        purity=purity, null=0 * planted.null + 0.6, score=score.transpose(*planted.score.dims)
    )  # fmt: skip


def test_c12(passes, store, blank):
    good = _communities(store("planted"))
    assert passes(PAPER, "c12", planted=good)
    assert not passes(PAPER, "c12", planted=_where(good, "purity", 0.9, judged="local"))
    assert not passes(PAPER, "c12", planted=_where(good, "purity", 0.9, judged="neuron"))
    assert not passes(PAPER, "c12", planted=_changed(good, null=lambda n: n + 0.3))
    assert not passes(PAPER, "c12", planted=_where(good, "score", 0.5, sort="dense"))
    even = _where(_where(good, "score", 0.45, sort="planted"), "score", 0.3, sort="dense")
    assert not passes(PAPER, "c12", planted=even)
    assert not passes(PAPER, "c12", planted=blank(good))


def test_c13(passes, store, blank):
    times = store("times")
    good = times.assign(explicit_ms=0 * times.explicit_ms + 100, basis_ms=0 * times.basis_ms + 1)
    assert passes(PAPER, "c13", times=good)
    assert not passes(PAPER, "c13", times=good.assign(explicit_ms=0 * times.explicit_ms + 5))
    assert not passes(PAPER, "c13", times=good.assign(deviation=times.deviation + 1e-9))
    assert not passes(PAPER, "c13", times=blank(times))


def _needed(digits, seeds=6):
    """A store of six networks that need fewer directions in the local basis."""
    six = digits.isel(network=np.zeros(seeds, int))
    factor = {"neuron": 20.0, "pca": 10.0, "gradient": 6.0, "global": 5.0, "local": 5.0}
    scale = xr.DataArray([factor[str(name)] for name in digits["basis"].values], dims="basis")
    wave = xr.DataArray(1 + 0.01 * np.arange(seeds), dims="network")
    fewest = (0 * six.fewest.fillna(0) + scale * wave).transpose(*six.fewest.dims)
    return six.assign(fewest=fewest, accuracy=0 * six.accuracy + 0.96)


def test_c14_and_c14b(passes, verdict, store, blank):
    good = _needed(store("digits"))
    for claim, stores in (("c14", lambda s: {"digits": s}), ("c14b", lambda s: {"images": [s]})):
        assert passes(PAPER, claim, **stores(good))
        assert not passes(PAPER, claim, **stores(_where(good, "fewest", 4.0, basis="pca")))
        assert not passes(PAPER, claim, **stores(blank(good)))
    hidden = good.fewest.where((good["basis"] != "pca") | (good.layer == "input"), 5.0)
    assert not passes(PAPER, "c14", digits=good.assign(fewest=hidden.transpose(*good.fewest.dims)))
    assert verdict(PAPER, "c14", digits=good.assign(accuracy=good.accuracy - 0.02))["verdict"] == "not evaluated"


def _edges(local, pca, accuracy=1.0):
    table = xr.DataArray([[pca] * 3, [local] * 3], dims=("ablated", "layer"))
    return xr.Dataset({"edges": table, "accuracy": accuracy}, {"ablated": ["pca", "local"], "layer": ["a", "b", "c"]})


def test_c9_and_c11(passes, verdict, blank):
    good = [_edges(80.0 + i, 100.0) for i in range(4)]
    assert passes(PAPER, "c9", addition=good)
    assert not passes(PAPER, "c9", addition=[_edges(98.0 + 3 * (-1.0) ** i, 100.0) for i in range(4)])
    assert verdict(PAPER, "c9", addition=[*good, _edges(80.0, 100.0, 0.5)])["verdict"] == "not evaluated"
    assert not passes(PAPER, "c9", addition=blank(good))
    assert passes(PAPER, "c11", language=[_edges(100.0, 101.0, 0.4)])
    assert not passes(PAPER, "c11", language=[_edges(70.0, 101.0, 0.4)])
    assert not passes(PAPER, "c11", language=blank([_edges(100.0, 101.0, 0.4)]))


@pytest.fixture
def trained(load):
    return load(f"{PAPER}/train_addition")(
        modulus=5,
        seeds=2,
        training_share=0.8,
        epochs=30,
        learning_rate=0.01,
        weight_decay=1.0,
        device="cpu",
        root_seed=0,
    )


def test_an_interrupted_analysis_of_addition_goes_on_to_the_same_counts(load, trained, stopping):
    analyse = load(f"{PAPER}/analyse_addition")
    options = {"seed": 1, "edge_drop": 0.04, "batch": 10, "device": "cpu"}
    whole = analyse(trained, **options)
    assert whole.edges.shape == (2, 3)
    assert (whole.edges > 0).all()
    checkpoint = stopping(4)
    with pytest.raises(KeyboardInterrupt):
        analyse(trained, checkpoint=checkpoint, **options)
    xr.testing.assert_identical(analyse(trained, checkpoint=checkpoint, **options), whole)
    checkpoint.remove()


def test_language_models_are_analysed_by_block(load, tmp_path):
    torch = pytest.importorskip("torch")
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(vocab_size=9, n_positions=6, n_embd=8, n_layer=2, n_head=2)).save_pretrained(
        tmp_path / "m"
    )
    np.save(tmp_path / "t.npy", np.random.default_rng(0).integers(0, 9, 60))
    store = load(f"{PAPER}/analyse_language")(
        tmp_path / "m", tmp_path / "t.npy", layers=2, tokens=48, length=6, batch=4, edge_drop=0.1, ablated_tokens=24,
        device="cpu", rng=np.random.default_rng(0),
    )  # fmt: skip
    assert store.edges.shape == (2, 2)
    assert 0 <= float(store.accuracy) <= 1


def test_images_are_analysed_like_digits(load, monkeypatch):
    rng = np.random.default_rng(0)
    images = {part: (rng.random((n, 3, 2, 2)), np.arange(n) % 10) for part, n in (("train", 60), ("test", 12))}
    monkeypatch.setattr("lib.clustering.images.load_images", lambda name, folder, split: images[split])
    store = load(f"{PAPER}/analyse_images")(
        None, hidden=[6], seeds=2, rate=1e-3, batch=8, epochs=1, drop=0.01, edge_drop=0.2, samples=20, device="cpu",
        root_seed=0,
    )  # fmt: skip
    assert store.fewest.shape == (5, 2, 2)
    assert set(store.layer.values) == {"input", "hidden 1"}
