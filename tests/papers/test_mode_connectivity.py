"""Stages of mode_connectivity, called as functions at small size, and claims where they hold and fail."""

import numpy as np
import pytest
import torch
import xarray as xr

PAPER = "mode_connectivity"
FORKS = [0, 20, 80, 300, 1000]
GROUPS = [*(f"k = {k}" for k in FORKS), "independent", "matched", "plain, k = 0", "plain, independent"]
SEEDS = 6


@pytest.fixture(scope="module")
def spread():
    """Noise over seeds, the same for every store."""
    return 1 + 0.05 * np.random.default_rng(0).standard_normal((len(GROUPS), SEEDS))


@pytest.fixture
def lines(spread):
    """A store of `measure_lines` on which every claim holds."""
    height = np.array([0.4, 0.38, 0.3, 0.15, 0.02, 1.8, 0.6, 0.0001, 0.9])[:, None] * spread
    alpha = np.linspace(0, 1, 11)
    curve = 0.01 + np.stack([height, 0.3 * height, height, height])[..., None] * 4 * alpha * (1 - alpha)
    curve[3, :, :, [0, -1]] = 0.03  # test errors of the ends
    measures = ["train_loss", "train_error", "test_loss", "test_error"]
    return xr.Dataset(
        {
            "valid": (("pair", "seed"), np.ones((len(GROUPS), SEEDS), dtype=bool)),
            "curve": (("measure", "pair", "seed", "alpha"), curve),
            "barrier": (("measure", "pair", "seed"), np.stack([height, 0.3 * height, height, height])),
            "independent_start": ("seed", np.full(SEEDS, 2.3)),
            "sweeps": ("seed", np.full(SEEDS, 6)),
        },
        coords={"measure": measures, "pair": GROUPS, "seed": range(SEEDS), "alpha": alpha},
    )


@pytest.fixture
def descent(spread):
    """A store of `follow_descent`: the midpoint is below the ends after 50 and 200 steps, and a ridge at the end."""
    after = [0, 10, 50, 200, 600, 1200, 2000]
    ends = np.array([2.0, 1.9, 1.4, 0.9, 0.6, 0.2, 0.01])
    middle = np.array([2.0, 1.89, 1.3, 0.85, 0.55, 0.4, 0.35])
    noise = spread[:5, None]  # forks, after, seeds
    rows = [np.broadcast_to(v[None, :, None] * noise, (5, 7, SEEDS)) for v in (ends, ends, middle, ends, ends)]
    bend = np.broadcast_to(np.linspace(-1, 1, 9)[:, None, None, None] ** 2 - 0.5, (9, 5, 7, SEEDS))
    by_step = ("fork", "after", "seed")
    return xr.Dataset(
        {"line": (("share", *by_step), np.stack(rows)), "bend": (("tenth", *by_step), bend.copy())},
        coords={
            "share": [0.0, 0.25, 0.5, 0.75, 1.0], "fork": FORKS, "after": after, "seed": range(SEEDS),
            "tenth": np.arange(1, 10) / 10,
        },
    )  # fmt: skip


@pytest.fixture
def curvature(lines):
    """A store of `measure_curvature` whose predictions follow the barriers, and whose distances do not."""
    rng = np.random.default_rng(1)
    pairs = GROUPS[:6]
    height = lines.barrier.sel(measure="train_loss", pair=pairs).values
    noise = np.exp(0.3 * rng.standard_normal(height.shape))
    predicted = np.stack([height / 2, 1000 * height * noise, 500 * height * noise, height * noise, height * noise])
    depth = np.array([1.0, 0.6, 0.3, 0.1])[:, None, None]
    layers, sets = ["0", "2", "4", "6"], [f"single {i}" for i in (0, 2, 4, 6)]
    sets += [f"{family} {j}" for family in ("first", "last") for j in range(1, 5)]
    excess = depth * height * np.exp(0.1 * rng.standard_normal((4, *height.shape)))
    whole = np.concatenate([excess, np.broadcast_to(height, (8, *height.shape))])
    hybrid = np.zeros((12, 2, *height.shape))
    hybrid[[sets.index("first 3")]] = 0.7 * height
    return xr.Dataset(
        {
            "predicted": (("predictor", "pair", "seed"), predicted),
            "excess": (("set", "pair", "seed"), whole),
            "expected": (("set", "pair", "seed"), whole / 4),
            "distance": (("layer", "pair", "seed"), excess * np.exp(0.4 * rng.standard_normal(excess.shape))),
            "hybrid": (("set", "way", "pair", "seed"), hybrid),
            "hybrid_end": (("set", "way", "pair", "seed"), hybrid + 1),
        },
        coords={
            "predictor": ["endpoint", "distance", "distance_largest", "distance_trace", "fork"], "pair": pairs,
            "seed": range(SEEDS), "set": sets, "layer": layers,
        },
    )  # fmt: skip


@pytest.fixture
def identity():
    names = ["gelu", "tanh", "relu, seed 0", "relu, seed 1"]
    rise = np.array([0.13, 0.4, 0.5, 0.4])
    return xr.Dataset(
        {
            "rise": ("network", rise),
            "second_order": ("network", rise * [1.001, 0.999, -0.5, -0.4]),
            "first_order": ("network", rise * [1, 1, 1.001, 0.999]),
            "end_loss": (("network", "end"), np.full((4, 2), 0.02)),
        },
        coords={"network": names, "smooth": names[:2]},
    )


@pytest.fixture
def toys(load):
    return load(f"{PAPER}/run_toys")(
        starts=30, step=0.05, steps=3000, least_sum=0.05, heights=[-0.8, -0.4, 0.1, 0.3, 0.6, 1.0], pairs=200, kept=2,
        root_seed=0,
    )  # fmt: skip


def _scaled(store, name, factor, **where):
    """The store with a variable multiplied where coordinates are as named."""
    chosen = xr.ones_like(store[name], dtype=bool)
    for key, values in where.items():
        chosen = chosen & store[key].isin(values)
    return store.assign({name: store[name].where(~chosen, store[name] * factor)})


def test_c1(passes, lines, blank):
    assert passes(PAPER, "c1", lines=lines)
    assert not passes(PAPER, "c1", lines=_scaled(lines, "barrier", 0.5, pair=["k = 0"]))
    assert not passes(PAPER, "c1", lines=_scaled(lines, "barrier", 3, pair=["k = 1000"]))
    assert not passes(PAPER, "c1", lines=_scaled(lines, "barrier", 10, measure=["train_error"], pair=["k = 1000"]))
    assert not passes(PAPER, "c1", lines=blank(lines))


def test_pairs_that_did_not_train_close_the_gate(verdict, lines):
    dead = lines.assign(valid=lines.valid.where(lines.seed > 0, False))
    entry = verdict(PAPER, "c1", lines=dead)
    assert entry["verdict"] == "not evaluated"
    one = lines.valid.copy()
    one.loc[{"pair": "k = 80", "seed": 2}] = False
    entry = verdict(PAPER, "c1", lines=lines.assign(valid=one))
    assert entry["verdict"] == "reproduced"
    assert entry["quantities"]["barrier"]["n"] == SEEDS - 1


def test_c2(passes, lines, blank):
    assert passes(PAPER, "c2", lines=lines)
    assert not passes(PAPER, "c2", lines=_scaled(lines, "barrier", 0.4, pair=["independent"]))
    assert not passes(PAPER, "c2", lines=_scaled(lines, "barrier", 0.1, measure=["train_error"]))
    assert not passes(PAPER, "c2", lines=blank(lines))


def test_c3(passes, descent, lines, blank):
    assert passes(PAPER, "c3", descent=descent, lines=lines)
    assert not passes(PAPER, "c3", descent=_scaled(descent, "line", 0.1, share=[0.5], after=[2000]), lines=lines)
    assert not passes(PAPER, "c3", descent=_scaled(descent, "line", 2, share=[0.5], after=[2000]), lines=lines)
    assert not passes(PAPER, "c3", descent=blank(descent), lines=lines)


def test_c4(passes, descent, lines, blank):
    assert passes(PAPER, "c4", descent=descent, lines=lines)
    for steps in (10, 50, 200):
        assert not passes(PAPER, "c4", descent=_scaled(descent, "line", 1.3, share=[0.5], after=[steps]), lines=lines)
    assert not passes(PAPER, "c4", descent=blank(descent), lines=lines)


def test_c5(passes, descent, lines, blank):
    assert passes(PAPER, "c5", descent=descent, lines=lines)
    assert not passes(PAPER, "c5", descent=_scaled(descent, "line", 4, share=[0.5], after=[2000]), lines=lines)
    assert not passes(PAPER, "c5", descent=descent, lines=_scaled(lines, "curve", 0.5, pair=["independent"]))
    assert not passes(PAPER, "c5", descent=blank(descent), lines=lines)
    assert not passes(PAPER, "c5", descent=descent, lines=blank(lines))


def test_c6_and_c6b(passes, identity, blank):
    assert passes(PAPER, "c6", identity=identity)
    assert passes(PAPER, "c6b", identity=identity)
    assert not passes(PAPER, "c6", identity=_scaled(identity, "second_order", 0.9, network=["tanh"]))
    assert not passes(PAPER, "c6b", identity=_scaled(identity, "first_order", 0.9, network=["relu, seed 1"]))
    smooth = identity.assign(second_order=identity.rise)
    assert not passes(PAPER, "c6b", identity=smooth)
    for name in ("c6", "c6b"):
        assert not passes(PAPER, name, identity=blank(identity))


def test_c7(passes, curvature, lines, blank):
    assert passes(PAPER, "c7", curvature=curvature, lines=lines)
    swapped = curvature.assign(predicted=curvature.predicted.copy(data=curvature.predicted.values[[1, 0, 2, 3, 4]]))
    assert not passes(PAPER, "c7", curvature=swapped, lines=lines)
    low = _scaled(curvature, "predicted", 0.2, predictor=["endpoint"])
    assert not passes(PAPER, "c7", curvature=low, lines=lines)
    seeds = np.random.default_rng(3).permutation(SEEDS)
    shuffled = curvature.assign(predicted=curvature.predicted.copy(data=curvature.predicted.values[..., seeds]))
    assert not passes(PAPER, "c7", curvature=shuffled, lines=lines)
    assert not passes(PAPER, "c7", curvature=blank(curvature), lines=lines)
    assert not passes(PAPER, "c7", curvature=curvature, lines=blank(lines))


def test_c8(passes, curvature, lines, blank):
    assert passes(PAPER, "c8", curvature=curvature, lines=lines)
    single = curvature["set"].values[:4]
    mean = curvature.expected.mean("seed").broadcast_like(curvature.expected)
    by_depth = curvature.assign(expected=mean.transpose(*curvature.expected.dims))
    assert not passes(PAPER, "c8", curvature=by_depth, lines=lines)  # ranks layers, and knows no pair
    turned = curvature.expected.copy()
    turned.loc[{"set": single}] = curvature.expected.sel(set=single).values[::-1]
    assert not passes(PAPER, "c8", curvature=curvature.assign(expected=turned), lines=lines)
    same = curvature.distance.copy(data=curvature.expected.sel(set=single).values)
    assert not passes(PAPER, "c8", curvature=curvature.assign(distance=same), lines=lines)
    assert not passes(PAPER, "c8", curvature=blank(curvature), lines=lines)


def test_c9(passes, curvature, lines, blank):
    assert passes(PAPER, "c9", curvature=curvature, lines=lines)
    assert not passes(PAPER, "c9", curvature=_scaled(curvature, "hybrid", 0.1), lines=lines)
    rough = curvature.hybrid + 0.05
    assert not passes(PAPER, "c9", curvature=curvature.assign(hybrid=rough), lines=lines)
    assert not passes(PAPER, "c9", curvature=blank(curvature), lines=lines)


def test_c10(passes, toys, blank):
    assert passes(PAPER, "c10", toys=toys)
    assert not passes(PAPER, "c10", toys=toys.assign(parted=toys.parted.copy(data=toys.parted.values[::-1])))
    assert not passes(PAPER, "c10", toys=_scaled(toys, "barrier", 1.00001))
    assert not passes(PAPER, "c10", toys=_scaled(toys, "wall", 1.00001))
    assert not passes(PAPER, "c10", toys=blank(toys))


def test_c11(passes, lines, blank):
    assert passes(PAPER, "c11", lines=lines)
    assert not passes(PAPER, "c11", lines=_scaled(lines, "barrier", 1000, pair=["plain, k = 0"]))
    assert not passes(PAPER, "c11", lines=_scaled(lines, "barrier", 0.1, pair=["plain, independent"]))
    assert not passes(PAPER, "c11", lines=_scaled(lines, "curve", 10, measure=["test_error"]))
    assert not passes(PAPER, "c11", lines=lines.assign(valid=lines.valid & (lines.pair != "plain, k = 0")))
    assert not passes(PAPER, "c11", lines=blank(lines))


def test_c12(passes, lines, blank):
    assert passes(PAPER, "c12", lines=lines)
    assert not passes(PAPER, "c12", lines=_scaled(lines, "barrier", 3, pair=["matched"]))
    assert not passes(PAPER, "c12", lines=_scaled(lines, "barrier", 0.6, pair=["matched"]))
    assert not passes(PAPER, "c12", lines=blank(lines))


@pytest.fixture
def convolutional(lines):
    """Stores of `train_convolutional` whose endpoint estimates follow the barriers."""
    rng = np.random.default_rng(2)
    stores = []
    for name in ("resnet20", "vgg11"):
        for fork, height in ((0, 2.0), (500, 1.0), (1000, 0.2), ("independent", 5.0)):
            for seed in range(4):
                own = height * np.exp(0.2 * rng.standard_normal())
                predicted = [own / 2, 100 * height * np.exp(0.2 * rng.standard_normal()), 1.0]
                stores.append(
                    xr.Dataset(
                        {"barrier": ((), own), "predicted": ("predictor", predicted)},
                        coords={"predictor": ["endpoint", "distance", "fork"]},
                        attrs={"architecture": name, "fork": fork, "seed": seed},
                    )
                )
    return stores


def test_c13(verdict, convolutional, blank):
    def passes(stores, predictor="endpoint"):
        return verdict(PAPER, "c13", convolutional=stores, predictor=predictor)["verdict"] == "reproduced"

    assert passes(convolutional)
    assert not passes(convolutional, "distance")
    assert not passes(blank(convolutional))


def test_pairs_of_convolutional_networks_survive_an_interruption(load, tmp_path, stopping, monkeypatch):
    import lib.clustering.images as images

    rng = np.random.default_rng(0)
    pictures, classes = rng.random((40, 3, 8, 8), dtype=np.float32), rng.integers(0, 3, 40)
    monkeypatch.setattr(images, "load_images", lambda name, root, split: (pictures, classes))
    monkeypatch.setattr("lib.landscape.convolutional.ARCHITECTURES", {"resnet20": small})
    stage = load(f"{PAPER}/train_convolutional")
    monkeypatch.setitem(stage.__globals__, "STRIDE", 2)

    def run(fork=3, checkpoint=None):
        return stage(
            images="nowhere", architecture="resnet20", seed=0, fork=fork, steps=8, rate=0.05, momentum=0.9, decay=1e-4,
            batch=10, alphas=3, device="cpu", root_seed=0, checkpoint=checkpoint,
        )  # fmt: skip

    whole = run()
    for ends in ((1,), (4,), (7,)):
        checkpoint = stopping(*ends)
        with pytest.raises(KeyboardInterrupt):
            run(checkpoint=checkpoint)
        xr.testing.assert_identical(run(checkpoint=checkpoint), whole)
        checkpoint.remove()
    curve = whole.curve.sel(measure="train_loss").values
    assert float(whole.barrier) == pytest.approx(max(0.0, curve[1] - curve[[0, 2]].mean()))
    apart = run("independent")
    assert np.isnan(apart.predicted.sel(predictor="fork"))
    assert float(apart.predicted.sel(predictor="distance")) > float(whole.predicted.sel(predictor="distance"))


def small(classes, channels):
    from lib.landscape.convolutional import Residual

    return torch.nn.Sequential(
        Residual(channels, 8, 2), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, classes)
    )


def test_the_table_names_pairs_that_are_not_valid(load, lines):
    valid = lines.valid.copy()
    valid.loc[{"pair": "k = 80", "seed": 2}] = False
    table = load(f"{PAPER}/table_pairs", "table")(lines.assign(valid=valid))
    assert len(table) == len(GROUPS) * SEEDS
    (bad,) = table[~table["valid"]].itertuples()
    assert (bad.pair, bad.seed) == ("k = 80", 2)
    assert float(table["loss of the first end"][0]) == pytest.approx(0.01)


def test_every_claim_is_judged_here(claim_ids):
    judged = {name[len("test_") :] for name in globals() if name.startswith("test_c")} | {"c6", "c6b"}
    assert set(claim_ids(PAPER)) <= judged


def test_children_of_a_fork_start_as_one_and_end_as_two(load):
    pairs = load(f"{PAPER}/train_pairs")(
        width=8, depth=2, batch=32, momentum=0.9, steps=60, seeds=2, forks=[0, 30], after=[0, 10, 40],
        noisy={"rate": 0.1, "noise": 0.2}, plain={"rate": 0.05, "noise": 0.0}, root_seed=0,
    )  # fmt: skip
    children = pairs.children
    assert (children.sel(after=0).isel(run=0) == children.sel(after=0).isel(run=1)).all()
    assert (children.isel(after=-1, run=0) != children.isel(after=-1, run=1)).any("parameter").all()
    assert np.isnan(children.sel(fork=30, after=40)).all()
    assert not np.isnan(children.sel(fork=0)).any()
    assert float((pairs.labels != pairs.plain_labels).mean()) == pytest.approx(0.18, abs=0.02)
    lines = load(f"{PAPER}/measure_lines")(
        pairs=pairs, alphas=3, sweeps=20, matchings=1, largest={"noisy": 0.1, "plain": 0.05}, root_seed=0
    )
    assert not lines.valid.any()  # sixty steps are not enough
    descent = load(f"{PAPER}/follow_descent")(pairs=pairs, planes=[30], grid=3)
    whole = lines.curve.sel(measure="train_loss", pair="k = 30").transpose("alpha", "seed")
    track = descent.line.sel(fork=30, share=[0.0, 0.5, 1.0]).isel(after=-1)
    np.testing.assert_allclose(track.values, whole.values, rtol=1e-5)
    curvature = load(f"{PAPER}/measure_curvature")(
        pairs=pairs, alphas=3, hybrids=[0], lanczos_steps=2, probes=1, root_seed=0
    )
    whole = curvature.interaction.sum(("layer", "other")) / 8
    np.testing.assert_allclose(whole, curvature.predicted.sel(predictor="endpoint"), rtol=1e-4)
    expected = curvature.expected.sel(set="first 3")
    np.testing.assert_allclose(expected, whole, rtol=1e-5)
