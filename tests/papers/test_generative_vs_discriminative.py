"""Stages of generative_vs_discriminative, called as functions at small size, and claims where they hold and fail."""

import numpy as np
import pytest
import xarray as xr

from lib.probing.mixtures import dilute_crossing
from lib.probing.sample_complexity import geometric_sizes

PAPER = "generative_vs_discriminative"
SEARCH = {
    "setting": "easy", "classes": 2, "dims": [20, 40], "matrices": [0], "estimators": ["nb", "lr", "lr_scaled", "ncm"],
    "largest_dim": {}, "m_grid_ratio": 1.15, "few": 2, "draws": 6, "margin": 0.01, "replications": 2, "single_dim": 20,
    "test_size": 2000, "C": 1.0, "epsilon": 1e-9, "root_seed": 0,
}  # fmt: skip


@pytest.fixture
def search(load):
    return lambda **changes: load(f"{PAPER}/search_crossings")(**{**SEARCH, **changes})


def curves(sizes: dict[str, dict[int, float]], *, classes=2, draws=20, matrices=1, noise=0.1, **attrs) -> xr.Dataset:
    """A store of curves error = .01 m* / m, with known crossings m* of each estimator and n at the target .01."""
    rng = np.random.default_rng(0)
    estimators, dims = list(sizes), list(next(iter(sizes.values())))
    grid = geometric_sizes(2 * classes, 20_000, 1.15)
    shape = (len(dims), matrices, len(estimators), draws, len(grid))
    error = np.full(shape, np.nan)
    for e, name in enumerate(estimators):
        for d, n in enumerate(dims):
            factor = np.exp(noise * rng.standard_normal(shape[1:2] + shape[3:]))
            error[d, :, e] = 0.01 * sizes[name][n] / grid * factor
    over = ("dim", "matrix", "estimator")
    return xr.Dataset(
        {
            "error": ((*over, "draw", "step"), error),
            "target": (over, np.full(shape[:3], 0.01)),
            "limit": (over, np.zeros(shape[:3])),
            "m": ("step", grid),
            "single": (("estimator", "search"), np.full((len(estimators), 3), 9.0)),
        },
        coords={"dim": dims, "matrix": range(matrices), "estimator": estimators},
        attrs={"classes": classes, "margin": 0.01, "strength": 2.0, "single_dim": dims[0], **attrs},
    )


def easy(**changes):
    """Both numbers of classes; `changes` replace the crossings of an estimator for two classes."""
    dims = (100, 200, 400, 800)
    sizes = {
        "nb": dict.fromkeys(dims, 6.0),
        "lr": {n: 1.2 * n for n in dims},
        "lr_exact": {n: 1.0 * n for n in dims},
        "lr_scaled": {n: 1.1 * n for n in dims},
        "ncm": dict.fromkeys(dims, 5000.0),
    } | changes
    three = {name: {n: 3 * m for n, m in row.items()} for name, row in sizes.items()}
    return [curves(sizes), curves(three, classes=3)]


def probes(errors: dict[str, dict[str, list[float]]], *, seeds=8, noise=1e-3) -> xr.Dataset:
    """A joined store of errors by backbone, probe and m = 20, 30, 50, 100, 200, 400, 600."""
    rng = np.random.default_rng(0)
    m, names = [20, 30, 50, 100, 200, 400, 600], list(errors)
    kinds = list(next(iter(errors.values())))
    table = np.array([[errors[b][p] for p in kinds] for b in names])  # (backbone, probe, m)
    values = table.transpose(0, 2, 1)[:, None, None] + noise * rng.standard_normal(
        (len(names), seeds, 2, 7, len(kinds))
    )
    marks = {"few": [20, 30], "early": [20, 30, 50], "late": [200, 400, 600], "later": [50, 100, 200, 400, 600]}
    marks["largest"] = [600]
    return xr.Dataset(
        {"error": (("backbone", "seed", "subsample", "m", "probe"), values)}
        | {key: (("backbone", "m"), [[size in sizes for size in m]] * len(names)) for key, sizes in marks.items()}
        | {
            "supervised": ("backbone", [name == "supervised" for name in names]),
            "contrast": ("backbone", [name == "masked_ae" for name in names]),
        },
        coords={"backbone": names, "m": m, "probe": kinds},
    )


FAST = [0.2, 0.12, 0.06, 0.05, 0.05, 0.05, 0.05]  # within .02 of its end at m = 50
SLOW = [0.4, 0.3, 0.2, 0.1, 0.06, 0.03, 0.02]  # at m = 300
LOGISTIC = [f"lr {C:g}" for C in (0.01, 0.1, 1, 10, 100)] + ["lr cv"]
MARKS = ("few", "early", "late", "later", "largest", "supervised", "contrast")


def two_regimes(**changes):
    """Naive Bayes fast and logistic regression slow on the four backbones, but for the masked autoencoder."""
    one = dict.fromkeys(["nb 1e-09", "nb 0.001"], FAST) | dict.fromkeys(LOGISTIC, SLOW) | {"ncm": FAST}
    backbones = {name: dict(one) for name in ("raw", "supervised", "supervised_subset", "masked_ae")}
    for name, change in changes.items():
        backbones[name] = backbones[name] | change
    return probes(backbones)


def test_a_search_brackets_its_target(search):
    store = search()
    for estimator in ("nb", "lr", "lr_scaled"):
        for dim in (20, 40):
            one = store.sel(dim=dim, estimator=estimator).isel(matrix=0)
            means = one.error.mean("draw", skipna=False).dropna("step")
            assert means[-1] < one.target
            assert one.target == pytest.approx(0.01 + float(one.limit))
    assert store.error.sel(estimator="ncm").isnull().all()  # its own error is above the target
    assert float(store.limit.sel(estimator="ncm").min()) > 0.05
    single = store.single.sel(estimator="lr").values
    assert np.all((single - 4) % 3 == 0)  # steps of ceil(log 20)


def test_estimators_share_training_sets_and_draws_are_independent(search):
    one, two = (search(estimators=names, dims=[20], replications=0) for names in (["nb"], ["lr", "nb"]))
    xr.testing.assert_equal(one.error.sel(estimator="nb"), two.error.sel(estimator="nb"))
    values = one.error.values[np.isfinite(one.error.values)]
    assert len(np.unique(values)) == len(values)


def test_the_dilute_setting_is_near_its_closed_form(search):
    store = search(
        setting="dilute", dims=[20, 100], estimators=["ncm", "lr_scaled"], largest_dim={"lr_scaled": 20}, draws=12
    )
    means = store.error.sel(dim=100, estimator="ncm").isel(matrix=0).mean("draw", skipna=False)
    chosen = means.notnull().values
    m = store.m.values[chosen][np.argmax(means.values[chosen] < float(store.target.sel(dim=100, estimator="ncm")[0]))]
    assert m == pytest.approx(dilute_crossing(100, 2.0, 0.01), rel=0.3)
    assert store.error.sel(dim=100, estimator="lr_scaled").isnull().all()
    assert store.error.sel(dim=20, estimator="lr_scaled").notnull().any()


def test_the_hard_setting_has_a_higher_end_for_naive_bayes(search):
    store = search(setting="hard", matrices=[0, 1], estimators=["nb", "lr"], replications=0, draws=3)
    assert np.all(store.target.sel(estimator="lr") == 0.01)
    assert np.all(store.target.sel(estimator="nb") > 0.01)
    assert not np.allclose(store.limit.sel(estimator="nb", matrix=0), store.limit.sel(estimator="nb", matrix=1))


@pytest.fixture
def bound(load):
    return load(f"{PAPER}/check_bound")(
        K=[2, 3, 5, 10], draws=20_000, starts=20, shown=50, points=20_000, functions=20, steps=[0, 5],
        rng=np.random.default_rng(0),
    )  # fmt: skip


def test_fitted_means_agree_with_the_formula(load):
    store = load(f"{PAPER}/check_means")(
        dims=[20, 500], fitted_dims=[20], tolerance=0.3, probability=0.9, draws=500, rng=np.random.default_rng(0)
    )
    np.testing.assert_allclose(store.m.sel(way="law"), store.m.sel(way="formula"), rtol=0.1)
    assert float(store.m.sel(way="fit", dim=20)) == pytest.approx(float(store.m.sel(way="formula", dim=20)), rel=0.1)
    assert np.isnan(store.m.sel(way="fit", dim=500))


@pytest.fixture
def backbones(load):
    return load(f"{PAPER}/train_backbones")(
        split=[200, 150, 150], seeds=2, width=16, epochs={"supervised": 20, "supervised_subset": 2, "masked_ae": 2},
        root_seed=0,
    )  # fmt: skip


PROBES = {"m": [20, 60], "subsamples": 2, "strengths": [0.1, 1.0], "epsilons": [1e-9, 1e-3], "gap_epsilon": 1e-3}


def test_probes_of_backbones_are_joined_with_marks(load, backbones):
    stores = [load(f"{PAPER}/probe_backbones")(backbones, seed=s, tol=1e-4, root_seed=0, **PROBES) for s in (0, 1)]
    role = {
        "ending": "", "few": [20], "early": [20], "late": [60], "later": [60], "largest": 60,
        "supervised": ["supervised"], "contrast": ["masked_ae"],
    }  # fmt: skip
    joined = load(f"{PAPER}/join_probes")(stores, roles=[role])
    assert joined.sizes["seed"] == 2
    for seed in (0, 1):
        xr.testing.assert_equal(
            joined.error.sel(seed=seed, drop=True),
            stores[seed].error.sel(seed=seed, drop=True).transpose(*joined.error.dims[:1], ...),
        )
    assert joined.few.sel(backbone="raw").values.tolist() == [True, False]
    assert joined.supervised.values.tolist() == [False, True, False, False]
    assert float(joined.error.sel(backbone="supervised", probe="nb 0.001", m=60).mean()) < 0.7
    with pytest.raises(ValueError, match="got 0 entries for the backbone"):
        load(f"{PAPER}/join_probes")(stores, roles=[role | {"ending": "cifar"}])
    parts = backbones.part.values
    assert [(parts[0] == code).sum() for code in (0, 1, 2)] == [200, 150, 150]
    assert not np.array_equal(parts[0], parts[1])


FILES = {
    "classes": {"tiny": 3}, "repeats": 3, "diagnose": {"tiny": 30}, "strengths": {"tiny": [1.0]}, "epsilons": [1e-3],
    "gap_epsilon": 1e-3, "tol": 1e-4, "root_seed": 0, "device": "cpu",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    place = tmp_path / "net/tiny"
    place.mkdir(parents=True)
    for part, rows in (("train", 90), ("val", 60)):
        labels = np.arange(rows) % 3
        np.save(place / f"{part}.npy", np.column_stack([rng.normal(size=(rows, 6)) + 3 * np.eye(3, 6)[labels], labels]))
    return tmp_path


def test_features_of_ones_own_are_probed_and_interrupted_runs_go_on(load, folder, stopping):
    stage = load(f"{PAPER}/probe_files")
    arguments = {"backbone": "net", "dataset": "tiny", "size": 30, **FILES}
    checkpoint = stopping(2)
    with pytest.raises(KeyboardInterrupt):
        stage(folder, **arguments, checkpoint=checkpoint)
    store = stage(folder, **arguments, checkpoint=checkpoint)
    xr.testing.assert_identical(store, stage(folder, **arguments, checkpoint=None))
    assert store.error.max() < 0.2
    assert store.gap.shape == (3, 1, 3)
    assert "gap" not in stage(folder, **{**arguments, "size": 12}, checkpoint=None)


def test_advice_on_ones_own_features(load, folder):
    stage = load(f"{PAPER}/choose_probe")
    path = folder / "net/tiny/train.npy"
    arguments = {"subsamples": 3, "test_share": 0.3, "strengths": [1.0, 10.0], "epsilon": 1e-3}
    store = stage(path, m=[], rng=np.random.default_rng(0), **arguments)
    assert store.m.values.tolist() == [6, 12, 24, 48]
    assert set(store.best.values) <= set(store.probe.values)
    assert np.all(store.low <= store.difference)
    with pytest.raises(ValueError, match="sizes"):
        stage(path, m=[80], rng=np.random.default_rng(0), **arguments)
    np.save(path, np.ones((4, 3)) / 2)
    with pytest.raises(ValueError, match="labels"):
        stage(path, m=[], rng=np.random.default_rng(0), **arguments)


def test_g1(passes, blank):
    dims = (100, 200, 400, 800)
    assert passes(PAPER, "g1", easy=easy())
    assert not passes(PAPER, "g1", easy=easy(lr=dict.fromkeys(dims, 300.0)))
    assert not passes(PAPER, "g1", easy=easy(lr={n: n**2 / 50 for n in dims}))
    assert not passes(PAPER, "g1", easy=easy(lr={100: 100, 200: 3000, 400: 300, 800: 1000}))
    assert not passes(PAPER, "g1", easy=blank(easy(), but=("m",)))


def test_g2(passes, blank):
    dims = (100, 200, 400, 800)
    assert passes(PAPER, "g2", easy=easy())
    assert not passes(PAPER, "g2", easy=easy(nb={n: n / 20 for n in dims}))
    assert not passes(PAPER, "g2", easy=easy(nb=dict.fromkeys(dims, 60.0)))
    assert not passes(PAPER, "g2", easy=blank(easy(), but=("m",)))


def test_g2b(passes, blank):
    assert passes(PAPER, "g2b", easy=easy())
    assert not passes(PAPER, "g2b", easy=easy(lr_scaled=dict.fromkeys((100, 200, 400, 800), 6.0)))
    assert not passes(PAPER, "g2b", easy=blank(easy(), but=("m",)))


def test_g3(passes, load, blank):
    means = load(f"{PAPER}/check_means")(
        dims=[100, 10_000], fitted_dims=[], tolerance=0.3, probability=0.9, draws=2000, rng=np.random.default_rng(0)
    )
    assert passes(PAPER, "g3", means=means)
    assert not passes(PAPER, "g3", means=means.assign(m=means.m * xr.where(means.way == "law", 1.1, 1.0)))
    flat = means.m.where(means.way != "law", 130.0)
    assert not passes(PAPER, "g3", means=means.assign(m=flat))
    fitted = means.assign(m=means.m.where(means.way != "fit", 200.0), fitted=("dim", [True, True]))
    assert not passes(PAPER, "g3", means=fitted)
    assert not passes(PAPER, "g3", means=blank(means))


def test_g4(passes, blank):
    dims = (50, 100, 200, 400, 800)

    def store(sizes):
        return curves({name: sizes for name in ("nb", "ncm", "lr_scaled")})

    good = store({n: 1.4 * n for n in dims})
    assert passes(PAPER, "g4", dilute=good)
    assert not passes(PAPER, "g4", dilute=store({n: 1.0 * n for n in dims}))
    assert not passes(PAPER, "g4", dilute=store(dict.fromkeys(dims, 1100.0)))
    assert not passes(PAPER, "g4", dilute=blank(good, but=("m",)))


def test_g5(passes, bound, blank):
    assert passes(PAPER, "g5", bound=bound)
    assert not passes(PAPER, "g5", bound=bound.assign(violations=bound.violations + 1))
    assert not passes(PAPER, "g5", bound=bound.assign(ratio=bound.ratio * 0.9))
    assert not passes(PAPER, "g5", bound=bound.assign(ratio=bound.ratio * 1.1))
    assert not passes(PAPER, "g5", bound=bound.assign(trained_zero_one=bound.trained_zero_one * 4))
    assert not passes(PAPER, "g5", bound=bound.assign(function_zero_one=bound.function_zero_one * 4))
    assert not passes(PAPER, "g5", bound=blank(bound))


def test_g6(passes, blank):
    assert passes(PAPER, "g6", features=two_regimes())
    assert passes(PAPER, "g6", features=two_regimes(raw=dict.fromkeys(LOGISTIC, FAST)))
    same = {name: dict.fromkeys(LOGISTIC, FAST) for name in ("raw", "masked_ae")}
    assert not passes(PAPER, "g6", features=two_regimes(**same))
    one = {name: {"lr cv": FAST} for name in ("raw", "masked_ae")}
    assert not passes(PAPER, "g6", features=two_regimes(**one))
    assert not passes(PAPER, "g6", features=blank(two_regimes(), but=MARKS))


def test_g7(passes, blank):
    assert passes(PAPER, "g7", features=two_regimes())
    assert not passes(PAPER, "g7", features=two_regimes(supervised={"lr 100": FAST}))
    assert not passes(PAPER, "g7", features=two_regimes(supervised={"nb 1e-09": SLOW}))
    assert not passes(PAPER, "g7", features=blank(two_regimes(), but=MARKS))


def test_g8(passes, blank):
    good = {"supervised": {name: [0.4, 0.3, 0.2, 0.1, 0.04, 0.03, 0.02] for name in LOGISTIC}}
    assert passes(PAPER, "g8", features=two_regimes(**good))
    late = {name: SLOW[:4] + [0.06, 0.03, 0.02] for name in LOGISTIC}
    assert not passes(PAPER, "g8", features=two_regimes(supervised=late))
    assert not passes(PAPER, "g8", features=two_regimes(supervised=good["supervised"] | {"lr cv": [0.1, *FAST[1:]]}))
    assert not passes(PAPER, "g8", features=blank(two_regimes(**good), but=MARKS))


def test_g9(passes, blank):
    good = {"lr 1": [0.3, 0.119, 0.05, 0.04, 0.03, 0.02, 0.02]}
    assert passes(PAPER, "g9", features=two_regimes(masked_ae=good))
    assert not passes(PAPER, "g9", features=two_regimes())
    assert not passes(PAPER, "g9", features=two_regimes(masked_ae={"lr 1": [0.3, 0.2, *good["lr 1"][2:]]}))
    assert not passes(PAPER, "g9", features=blank(two_regimes(masked_ae=good), but=MARKS))


def test_g10(passes, blank):
    assert passes(PAPER, "g10", features=two_regimes())
    assert not passes(PAPER, "g10", features=two_regimes(raw={"lr 1": [*SLOW[:6], 0.06]}))
    assert not passes(PAPER, "g10", features=blank(two_regimes(), but=MARKS))


def test_g11(passes, bound, blank):
    exact = bound.assign(special_logistic=bound.special_logistic * 0 + np.log(2), class_logistic=bound.class_logistic)
    exact = exact.assign(class_logistic=exact.class_logistic.where(exact.population != "xor", np.log(2)))
    assert passes(PAPER, "g11", bound=exact)
    assert not passes(PAPER, "g11", bound=exact.assign(special_zero_one=exact.special_zero_one - 0.1))
    assert not passes(PAPER, "g11", bound=exact.assign(special_logistic=exact.special_logistic + 0.01))
    assert not passes(PAPER, "g11", bound=blank(bound))


def test_g12(passes, blank):
    dims = (100, 200, 400)
    sizes = {"nb": {n: 2.0 * n for n in dims}, "lr": {n: 1.8 * n for n in dims}, "lr_exact": {n: 1.5 * n for n in dims}}
    sizes["lr_scaled"] = {n: 0.5 * n for n in dims}
    good = curves(sizes, matrices=5, draws=5)
    assert passes(PAPER, "g12", hard=good)
    assert not passes(PAPER, "g12", hard=curves(sizes | {"nb": dict.fromkeys(dims, 500.0)}, matrices=5, draws=5))
    assert not passes(PAPER, "g12", hard=curves(sizes | {"nb": {n: n / 2 for n in dims}}, matrices=5, draws=5))
    assert not passes(PAPER, "g12", hard=blank(good, but=("m",)))


def test_the_command_prints_a_line_for_each_size(folder, capsys):
    from lib.commands.choose_probe import main

    assert main([str(folder / "net/tiny/train.npy"), "--samples", "6", "30", "--repeats", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["6", "30"]
    assert main([str(folder / "net/tiny/train.npy"), "--samples", "1000"]) == 2
    assert "sizes: got [1000]" in capsys.readouterr().err
    assert main([str(folder / "missing.npy")]) == 2
