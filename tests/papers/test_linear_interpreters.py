"""Stages of linear_interpreters, called as functions at small size, and claims where they hold and fail."""

import numpy as np
import pytest
import xarray as xr

PAPER = "linear_interpreters"
STANDARD = ["vgg, unit", "resnet, unit", "vgg, standardised", "resnet, standardised"]
SOURCES = ["network", "surrogate", "band noise", "bicubic", "white noise"]
RNG = np.random.default_rng(0)


def _near(value, *shape):
    """Values with a spread of one percent of their size."""
    return np.asarray(value) * (1 + 0.01 * np.random.default_rng(0).standard_normal(shape))


@pytest.fixture(scope="module")
def identity():
    """As `check_identity` writes it."""
    names = ["vgg", "vgg-free", "functional", "translator", "hf-mobilenet"]
    piecewise = np.array([True, True, True, False, True])
    small = np.full((5, 3), 1e-14)
    return xr.Dataset(
        {
            "identity": (("model", "input"), np.full((5, 20), 1e-14)),
            "same": (("model", "input"), np.ones((5, 20), bool)),
            "adjoint": (("model", "draw"), small),
            "jacobian": (("model", "draw"), np.where(piecewise[:, None], small, 0.8)),
            "bias": (("model", "draw"), np.where(np.arange(5)[:, None] < 3, small, np.nan)),
            "residual": (("model", "draw"), np.where(np.arange(5)[:, None] == 1, 0.0, np.ones((5, 3)))),
            "piecewise": ("model", piecewise),
            "refused": ("unit", np.ones(4, bool)),
        },
        coords={"model": names, "unit": list("abcd")},
    )


@pytest.fixture(scope="module")
def classifiers():
    """As `measure_classifiers` writes it."""
    names = [*STANDARD, "vgg, unit, untrained"]
    dims = ("network", "seed")
    drop = _near(np.array([[9.0, 7.0, 2.0], [8.0, 6.0, 2.5]]), 10, 2, 3)
    return xr.Dataset(
        {
            "share": (dims, _near(0.45, 5, 10)),
            "accuracy": (dims, _near(0.97, 5, 10)),
            "accuracy_linear": (dims, _near(0.8, 5, 10)),
            "accuracy_residual": (dims, _near(0.5, 5, 10)),
            "drop": (("deletion_seed", "baseline", "ranking"), drop),
        },
        coords={"network": names, "baseline": ["black", "mean"], "ranking": ["vote", "distance", "random"]},
    )


@pytest.fixture(scope="module")
def upscalers():
    """As `measure_upscaler` writes them, of eight trainings."""
    values = {
        "centroid": [0.64, 0.6, 0.6, 0.2, 0.38], "bandwidth": [0.03, 0.0, 0.02, 0.1, 0.14],
        "participation": [0.2, 0.68, 0.34, 0.5, 0.33], "orientation": [0.5, 0.6, 0.5, 0.5, 0.35],
        "gabor": [0.85, 1.0, 0.24, 0.9, 0.03], "width": [3.0, 50.0, 9.0, 9.0, 1.0],
    }  # fmt: skip
    stores = []
    for seed in range(8):
        factor = 1 + 0.01 * np.sin(seed)
        stores.append(
            xr.Dataset(
                {
                    **{name: (("image", "source"), np.array([row] * 2) * factor) for name, row in values.items()},
                    "edge": ("image", [3.0 * factor] * 2),
                    "flat": ("image", [2.0] * 2),
                    "angle": ("image", [15.0 * factor] * 2),
                    "psnr": ((), 31.0 + 0.5 * factor),
                    "psnr_bicubic": ((), 31.0),
                },
                coords={"source": SOURCES},
            )
        )
    return stores


@pytest.fixture(scope="module")
def translators():
    """As `measure_translators` writes it."""
    sources = ["network", "surrogate", "band noise", "white noise"]
    displacement = np.zeros((3, 2, 5, 2))
    displacement[1, :, :, 1] = -5.8
    displacement += 0.05 * np.random.default_rng(1).standard_normal(displacement.shape)
    painted = _near(np.array([0.9, 0.98, 0.8, 0.4])[:, None, None], 4, 2, 5)
    rows = {
        "centroid": [0.3, 0.3, 0.3, 0.38],
        "bandwidth": [0.05, 0, 0.02, 0.14],
        "participation": [0.1, 0.6, 0.3, 0.33],
    }
    return xr.Dataset(
        {
            "displacement": (("task", "norm_mean", "seed", "axis"), displacement),
            "painted": (("statistic", "norm_mean", "seed"), painted),
            "error": (("task", "seed"), _near(0.06, 3, 5)),
            **{name: (("seed", "source"), _near(np.array(row), 5, 4)) for name, row in rows.items()},
            "orientation": (("seed", "source"), _near(0.5, 5, 4)),
        },
        coords={
            "task": ["recolor", "move", "template"], "norm_mean": ["frozen", "linear"], "axis": ["down", "right"],
            "statistic": ["share", "output", "residual", "linear"], "source": sources,
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def cost():
    """As `measure_cost` writes it."""
    depth = [4, 8, 16, 32]
    peak = np.array([[2.0, 4.0, 1 + d] for d in depth])
    return xr.Dataset(
        {
            "forward": (("depth", "repeat"), _near(2.3, 4, 20)),
            "tangent": (("depth", "repeat"), _near(2.5, 4, 20)),
            "rows": ("row_repeat", _near(1.1, 6)),
            "rows_error": ((), 0.0),
            "peak": (("depth", "way"), peak),
            "lines": ((), 350),
            "lines_of_units": ((), 150),
        },
        coords={"depth": depth, "way": ["plain", "scope", "autograd"]},
    )


def _broken(store, **changes):
    """The same store with some variables changed."""
    return store.assign({name: change(store[name]) for name, change in changes.items()})


def _all(stores, **changes):
    return [_broken(store, **changes) for store in stores]


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        ("c1", [{"identity": lambda e: e + 1e-9}, {"same": lambda s: s & (s.input > 0)}]),
        (
            "c1b",
            [
                {"identity": lambda e: e + 1e-9},
                {"jacobian": lambda e: e + 1e-9},
                {"refused": lambda r: r & (r.unit != "a")},
            ],
        ),
        ("c2", [{"adjoint": lambda e: e + 1e-9}, {"jacobian": lambda e: e + 1e-9}, {"jacobian": lambda e: e * 1e-4}]),
        ("c3", [{"bias": lambda e: e + 1e-9}, {"residual": lambda r: r + 1e-11}]),
    ],
)
def test_identities(passes, blank, identity, claim, changes):
    assert passes(PAPER, claim, identity=identity)
    for change in changes:
        assert not passes(PAPER, claim, identity=_broken(identity, **change))
    assert not passes(PAPER, claim, identity=blank(identity, but=("piecewise",)))


def test_c4(passes, blank, classifiers):
    assert passes(PAPER, "c4", classifiers=classifiers)
    for change in (
        {"share": lambda s: s / 2},
        {"accuracy_residual": lambda a: a / 2},
        {"accuracy_linear": lambda a: a + 0.16},
    ):
        assert not passes(PAPER, "c4", classifiers=_broken(classifiers, **change))
    assert not passes(PAPER, "c4", classifiers=blank(classifiers))
    for name in STANDARD:
        gap = classifiers.share.where(~((classifiers.network == name) & (classifiers.seed == 3)))
        assert not passes(PAPER, "c4", classifiers=classifiers.assign(share=gap))


def test_c5(passes, blank, classifiers):
    assert passes(PAPER, "c5", classifiers=classifiers)
    drop = classifiers["drop"]
    swapped = drop.assign_coords(ranking=["distance", "vote", "random"])
    assert not passes(PAPER, "c5", classifiers=classifiers.drop_vars(["ranking", "drop"]).assign(drop=swapped))
    worse = drop - 3.0 * ((drop.baseline == "mean") & (drop.ranking == "vote"))
    assert not passes(PAPER, "c5", classifiers=classifiers.assign(drop=worse))
    assert not passes(PAPER, "c5", classifiers=blank(classifiers))


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        (
            "c6",
            [
                {"psnr": lambda p: p - 0.4},
                {"centroid": lambda c: c.where(c.source != "bicubic", 0.6)},
                {"bandwidth": lambda b: b.where(b.source != "network", 0.1)},
                {"participation": lambda p: p.where(p.source != "network", 0.34)},
                {"participation": lambda p: p.where(p.source != "surrogate", 0.1)},
            ],
        ),
        (
            "c6c",
            [
                {"psnr": lambda p: p - 0.4},
                {"gabor": lambda g: g.where(g.source != "network", 0.2)},
                {"width": lambda w: w * 4},
            ],
        ),
        ("c7", [{"psnr": lambda p: p - 0.4}, {"edge": lambda e: e - 1}, {"angle": lambda a: a + 20}]),
    ],
)
def test_super_resolution(passes, blank, upscalers, claim, changes):
    assert passes(PAPER, claim, upscalers=upscalers)
    for change in changes:
        assert not passes(PAPER, claim, upscalers=_all(upscalers, **change))
    assert not passes(PAPER, claim, upscalers=blank(upscalers))
    assert not passes(PAPER, claim, upscalers=[*upscalers[:-1], blank(upscalers[-1])])


def test_c6b(passes, blank, translators):
    assert passes(PAPER, "c6b", translators=translators)
    for change in (
        {"error": lambda e: e + 0.05},
        {"bandwidth": lambda b: b.where(b.source != "network", 0.1)},
        {"participation": lambda p: p.where(p.source != "network", 0.31)},
    ):
        assert not passes(PAPER, "c6b", translators=_broken(translators, **change))
    assert not passes(PAPER, "c6b", translators=blank(translators))


def test_c8(passes, blank, translators):
    assert passes(PAPER, "c8", translators=translators)
    for change in (
        {"displacement": lambda d: d * 0},
        {"displacement": lambda d: -d},
        {"displacement": lambda d: d + 1.5 * (d.task == "recolor")},
        {"painted": lambda p: p - 0.2 * (p.statistic == "output")},
        {"painted": lambda p: p - 0.4 * (p.statistic == "residual")},
    ):
        changed = _broken(translators, **change)
        changed = changed.transpose("task", "norm_mean", "seed", "axis", "statistic", "source")
        assert not passes(PAPER, "c8", translators=changed)
    assert not passes(PAPER, "c8", translators=blank(translators))


def test_c9(passes, blank, cost):
    assert passes(PAPER, "c9", cost=cost)
    for change in (
        {"forward": lambda f: f + (f.depth == 32)},
        {"rows": lambda r: r + 0.2},
        {"peak": lambda p: p + 0.2 * p.depth * (p.way == "scope")},
        {"peak": lambda p: p / 2},
        {"lines": lambda n: n + 100},
    ):
        assert not passes(PAPER, "c9", cost=_broken(cost, **change).transpose("depth", "repeat", "row_repeat", "way"))
    assert not passes(PAPER, "c9", cost=blank(cost))


def test_random_networks_pass_the_identities(load, passes):
    store = load(f"{PAPER}/check_identity")(
        models=["vgg", "functional", "vgg-free", "translator", "unet, mask"], inputs=20, draws=1, root_seed=0
    )
    for claim in ("c1", "c1b", "c2", "c3"):
        assert passes(PAPER, claim, identity=store)


def test_classifiers_and_votes(load):
    network = {"kind": "vgg", "inputs": "unit", "seeds": 2, "trained": True}
    arguments = {"epochs": 4, "deleted": 6, "tested": 40, "judged": 40, "examples": 2, "root_seed": 0}
    store = load(f"{PAPER}/measure_classifiers")(networks=[network, {**network, "trained": False}], **arguments)
    assert (store.accuracy.sel(network="vgg, unit") > 0.8).all()
    assert (store.accuracy.sel(network="vgg, unit, untrained") < 0.4).all()
    assert (store["drop"].sel(ranking="vote") > store["drop"].sel(ranking="random")).all()
    total = store.votes.sum(("y", "x")) + store.residual_logits
    np.testing.assert_allclose(total.values, store.logits.values, atol=1e-10)


def test_upscalers_and_translators_run_at_small_size(load):
    weights = load(f"{PAPER}/train_upscaler")(seed="0", scale=2, width=4, blocks=1, steps=2, root_seed=0)
    arguments = {"side": 12, "vectors": 3, "images": 1, "pixels": 5, "tolerance": 1e-6, "root_seed": 0}
    store = load(f"{PAPER}/measure_upscaler")(weights, seed="0", **arguments)
    assert np.isfinite(store.gabor).all()
    np.testing.assert_allclose(np.square(store.right.sel(source="network")).sum(("y", "x")), 1)
    trained = {
        task: load(f"{PAPER}/train_translators")(task=task, width=4, blocks=1, steps=2, seeds=2, scenes=2, root_seed=0)
        for task in ("recolor", "move", "template")
    }
    arguments = {"vectors": 3, "images": 1, "pixels": 3, "wavelet_images": 1, "tolerance": 1e-6, "root_seed": 0}
    store = load(f"{PAPER}/measure_translators")(**trained, **arguments)
    np.testing.assert_allclose(store.part + store.rest, store.made, atol=1e-10)


@pytest.mark.parametrize("ends", [(2,), (3, 5)])
def test_interrupted_trainings_go_on_as_if_nothing_had_happened(load, stopping, ends):
    arguments = {"task": "move", "width": 2, "blocks": 1, "steps": 3, "seeds": 2, "scenes": 2, "root_seed": 0}
    train = load(f"{PAPER}/train_translators")
    checkpoint = stopping(*ends)
    for _ in ends:
        with pytest.raises(KeyboardInterrupt):
            train(**arguments, checkpoint=checkpoint)
    xr.testing.assert_identical(train(**arguments, checkpoint=checkpoint), train(**arguments))
    arguments = {"seed": "0", "scale": 2, "width": 2, "blocks": 1, "steps": 6, "root_seed": 0}
    train = load(f"{PAPER}/train_upscaler")
    checkpoint = stopping(*ends)
    checkpoint.path.unlink(missing_ok=True)
    for _ in ends:
        with pytest.raises(KeyboardInterrupt):
            train(**arguments, checkpoint=checkpoint)
    xr.testing.assert_identical(train(**arguments, checkpoint=checkpoint), train(**arguments))


def test_photographs_of_ones_own(load, tmp_path):
    import transformers
    from PIL import Image

    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], num_labels=5)
    transformers.ResNetForImageClassification(config).save_pretrained(tmp_path / "model")
    (tmp_path / "images").mkdir()
    Image.fromarray(RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(tmp_path / "images" / "a.png")
    explain = load(f"{PAPER}/explain_photographs")
    store = explain(tmp_path / "model", tmp_path / "images", classes=2, side=32, gate="secant", norm_mean="frozen")
    np.testing.assert_allclose(store.votes.sum(("y", "x")) + store.residual, store.logit, atol=1e-4)
    assert store.agreement.values[0, 0] > 0.9
    (tmp_path / "images" / "a.png").unlink()
    with pytest.raises(ValueError, match="no image"):
        explain(tmp_path / "model", tmp_path / "images", classes=2, side=32, gate="secant", norm_mean="frozen")
