"""Stages of manifold_clustering, called as functions at tiny size, and claims where they hold and fail."""

import numpy as np
import pytest
import xarray as xr

PAPER = "manifold_clustering"
FEATURES = {"epochs": 1, "batch": 60, "rate": 1e-3, "decay": 1e-4, "eps2": 0.2, "invariance": 20.0}
MEMBER = {**FEATURES, "rate": 5e-4, "invariance": 2.0}
SEEDS = np.arange(11)
SCORES = ["accuracy", "nmi", "ari"]


def _spread(size: float = 0.004) -> np.ndarray:
    """Small known deviations of the seeds."""
    return size * np.cos(np.arange(len(SEEDS)) * 2.0)


def _members(full=(0.9, 0.95), others=(0.85, 0.9), rate=(26.0, 25.5), whole=28.0, ranks=(7.0, 5.0)) -> xr.Dataset:
    """Scores and rates by hand: values before and after stage 2."""
    names = ["full", "no_copy", "no_ds", "no_ds_kmeans"]
    score = np.zeros((len(names), len(SEEDS), 2, 3))
    for v, name in enumerate(names):
        for m in range(2):
            score[v, :, m] = ((full if name == "full" else others)[m] + _spread() * (1 + v))[:, None]
    line = np.stack([rate[0] + _spread(), rate[1] + _spread()], 1)
    digits = np.broadcast_to(np.array(ranks)[None, :, None], (len(SEEDS), 2, 10)) + _spread()[:, None, None] * [
        [0],
        [1],
    ]
    return xr.Dataset(
        {
            "score": (("variant", "seed", "moment", "score_name"), score),
            "rate": (("seed", "epoch"), line),
            "compressed": (("seed", "epoch"), line * [0.6, 0.4]),
            "whole_rank": (("seed", "epoch"), np.full((len(SEEDS), 2), whole)),
            "class_rank": (("seed", "epoch", "digit"), digits),
        },
        coords={"variant": names, "seed": SEEDS, "moment": ["start", "end"], "score_name": SCORES},
        attrs={"dim": 32, "label_eta": 0.08},
    )


def _features(start=0.9, between=(0.085, 0.065), directions=5, probe=0.98) -> xr.Dataset:
    spectrum = np.zeros((2, len(SEEDS), 10, 32))
    spectrum[..., :directions] = 1.0
    score = np.broadcast_to((start + _spread())[None, :, None, None], (2, len(SEEDS), 2, 3))
    cosines = np.stack([between[0] + _spread(0.001), between[1] - _spread(0.001)])
    return xr.Dataset(
        {
            "score": (("features", "seed", "estimator", "score_name"), score),
            "between": (("features", "seed"), cosines),
            "within": (("features", "seed"), cosines * 6),
            "spectrum": (("features", "seed", "digit", "order"), spectrum),
            "probe": (("features", "seed"), np.stack([probe + _spread()] * 2)),
            "pixel_between": ((), 0.19),
            "pixel_probe": ((), 0.97),
        },
        coords={"features": ["stage 1", "stage 2"], "seed": SEEDS, "estimator": ["k-means", "spectral kNN"],
                "score_name": SCORES},
        attrs={"dim": 32},
    )  # fmt: skip


def _pixels(best=0.84, start=0.8, end=0.9) -> xr.Dataset:
    score = np.zeros((2, 8, 2, 3))
    for f, value in enumerate((start, end)):
        score[f] = value + _spread()[1:9, None, None] * (1 + f)
    score[:, :, 1] -= 0.2
    return xr.Dataset(
        {
            "pixel_score": (("baseline", "score_name"), np.array([[best] * 3, [0.7] * 3, [0.99] * 3])),
            "subspace_score": (("features", "subspace_seed", "fit", "score_name"), score),
        },
        coords={"baseline": ["Ward", "k-means", "t-SNE + k-means"], "score_name": SCORES,
                "features": ["stage 1", "stage 2"], "fit": [5.0, 50.0], "subspace_seed": np.arange(1, 9)},
    )  # fmt: skip


def _subsets(few=(0.93, 0.7), imbalanced=(0.92, 0.7), sd=(0.01, 0.05)) -> xr.Dataset:
    """Accuracies of MLC and of its rivals in each case (0.95 and 0.85 on all images), and spreads of repeats."""
    accuracy = np.zeros((3, 8, 5))
    for case, (ours, rivals) in enumerate(((0.95, 0.85), few, imbalanced)):
        accuracy[case] = rivals
        accuracy[case, :, 0] = ours
    accuracy += _spread()[None, 1:9, None] * np.arange(1, 6)
    noise = np.random.default_rng(0).standard_normal((2, 15))
    return xr.Dataset(
        {
            "accuracy": (("case", "seed", "estimator"), accuracy),
            "repeated": (("head", "repeat"), 0.9 + np.array(sd)[:, None] * noise),
        },
        coords={"case": ["all", "few", "imbalanced"], "seed": np.arange(1, 9), "head": ["full", "no_copy"],
                "estimator": ["MLC", "no_ds", "no_ds_kmeans", "stage 1 + k-means", "spectral kNN on pixels"]},
        attrs={"few": 450, "images": 1797},
    )  # fmt: skip


def _theory(identity=1e-14, reduction=0.1, marginal=(0.02, 0.1, 1e-9), gap=1e-6, energy=(1.0, 0.1), inner=1e-14):
    identities = np.full((5, 4), identity)
    identities[:, 3] = reduction
    shares = np.zeros((2, 3, 10))
    shares[:, :, 0] = np.array(energy)[:, None]
    return xr.Dataset(
        {
            "identity": (("draw", "property"), identities),
            "marginal": (("seed", "batch", "measure"), np.broadcast_to(marginal, (3, 2, 3)).copy()),
            "solver_gap": ("problem", [gap, gap / 2]),
            "energy": (("objective", "start", "order"), shares),
            "inner_gap": ("start", np.full(3, inner)),
        },
        coords={"property": ["uniform", "block", "identity", "reduction"], "seed": [0, 1, 2],
                "measure": ["few, mean", "few, largest", "many, largest"],
                "objective": ["self-expression", "coding rate"]},
        attrs={"dim": 10},
    )  # fmt: skip


def _toys(circles=0.99, spirals=0.97, ensc=0.55) -> xr.Dataset:
    accuracy = np.full((2, 5, 4), ensc)
    accuracy[0, :, 0], accuracy[1, :, 0] = circles + _spread()[:5], spirals + _spread()[:5]
    return xr.Dataset(
        {"accuracy": (("shape", "seed", "estimator"), accuracy)},
        coords={"shape": ["circles", "spirals"], "seed": range(1, 6),
                "estimator": ["MLC", "EnSC", "k-means", "spectral kNN"]},
    )  # fmt: skip


def _times(ours=(10, 20, 40), peer=(10, 40, 160)) -> xr.Dataset:
    values = np.array([ours, peer], float)[:, :, None] * [1.0, 1.05, 1.1]
    return xr.Dataset(
        {"time": (("estimator", "n", "repeat"), values)},
        coords={"estimator": ["MLC", "EnSC"], "n": [1000, 2000, 4000]},
    )


def test_stages_go_from_images_to_figures(load):
    starts = load(f"{PAPER}/train_starts")(seeds=[0, 1, 2], images=120, dim=8, features=FEATURES, root_seed=0)
    assert np.allclose(np.linalg.norm(starts.feature, axis=-1), 1, atol=1e-5)
    variants = {"full": [0, 1, 2], "no_copy": [1], "no_ds": [1], "no_ds_kmeans": [1], "oracle": [1]}
    members = load(f"{PAPER}/train_members")(
        starts, variants=variants, member=MEMBER, label_eta=0.08, probe=60, softness=[0.1, 1.0], root_seed=0
    )
    trained = np.isfinite(members.score.sel(moment="end", score_name="accuracy"))
    assert trained.sel(variant="no_copy").values.tolist() == [False, True, False]
    assert trained.sel(variant="full").all()
    assert members.sizes["epoch"] == 2
    features = load(f"{PAPER}/measure_features")(
        starts, members, neighbours=[5], etas=[0.08, 0.2], eta_seeds=1, inverse_penalties=[0.1]
    )
    pixels = load(f"{PAPER}/cluster_pixels")(
        starts, members, neighbours=[5], fits=[20.0], pixel_fits=[20.0], subspace_seeds=[1], tsne=False
    )
    assert (pixels.pixel_score >= -0.1).all()
    assert features.mass_at.max() <= 1 + 1e-9
    table = load(f"{PAPER}/table_accuracy", "table")(members, features, pixels)
    assert len(table) == len(pixels.baseline) + 6 + 1 + len(variants)
    assert (table.runs > 0).all()
    for name, inputs in (
        ("gram", (starts, members)), ("clusters", (starts, members)), ("rates", (members,)), ("spectrum", (features,)),
        ("eta", (features, members)), ("init", (members, _subsets())), ("subsets", (_subsets(),)),
        ("trivial", (_theory(),)), ("scale", (_times(),)),
    ):  # fmt: skip
        assert load(f"{PAPER}/figure_{name}", "figure")(*inputs).axes


def test_imbalance_halves_the_odd_digits(load):
    order = load(f"{PAPER}/retrain_subsets", "_order_within")(np.repeat([0, 1], [10, 7]), np.random.default_rng(0))
    assert (order[:10] < 0.5).sum() == 5
    assert (order[10:] < 0.5).sum() == 3


def test_the_convex_solver_knows_two_samples(load):
    solution = load(f"{PAPER}/check_theory", "_solve")(np.array([[1.0, 0.2], [0.2, 1.0]]), 0.3)
    assert solution[0, 0] == pytest.approx(1 / (1 + np.exp(-0.8 / 0.3)), abs=1e-6)


def test_images_of_ones_own(load, tmp_path):
    rng = np.random.default_rng(0)
    images = np.zeros((60, 8, 8))
    images[:30, :4], images[30:, :, :4] = 0.9, 0.9  # bars of two directions
    np.savez(tmp_path / "own.npz", images=np.clip(images + 0.05 * rng.standard_normal(images.shape), 0, 1))
    result = load(f"{PAPER}/cluster_own")(
        tmp_path / "own.npz", clusters=2, seeds=[1, 2], side=8, dim=4, features={**FEATURES, "epochs": 6},
        member=MEMBER, label_eta=0.08, root_seed=0,
    )  # fmt: skip
    assert result.label.shape == (2, 60)
    assert result.attrs["stability"] == pytest.approx(float(result.agreement[0, 1]))


def test_c1(passes, blank):
    assert passes(PAPER, "c1", theory=_theory())
    assert not passes(PAPER, "c1", theory=_theory(identity=1e-8))
    assert not passes(PAPER, "c1", theory=_theory(reduction=-1e-6))
    assert not passes(PAPER, "c1", theory=blank(_theory()))


def test_c2(passes, blank):
    assert passes(PAPER, "c2", theory=_theory())
    assert not passes(PAPER, "c2", theory=_theory(marginal=(0.06, 0.1, 1e-9)))
    assert not passes(PAPER, "c2", theory=_theory(marginal=(0.02, 0.1, 1e-5)))
    assert not passes(PAPER, "c2", theory=_theory(gap=1e-3))
    assert not passes(PAPER, "c2", theory=blank(_theory()))


def test_c3(passes, blank):
    stores = {"members": _members(), "features": _features(), "pixels": _pixels()}
    assert passes(PAPER, "c3", **stores)
    assert not passes(PAPER, "c3", **{**stores, "pixels": _pixels(best=0.92)})
    assert not passes(PAPER, "c3", **{**stores, "features": _features(start=0.96)})
    assert not passes(PAPER, "c3", **{name: blank(store) for name, store in stores.items()})


def test_c4(passes, blank):
    assert passes(PAPER, "c4", members=_members())
    assert not passes(PAPER, "c4", members=_members(others=(0.88, 0.9)))
    assert not passes(PAPER, "c4", members=_members(others=(0.8, 0.96)))
    assert not passes(PAPER, "c4", members=blank(_members()))


def test_c4b(passes, blank):
    assert passes(PAPER, "c4b", subsets=_subsets())
    assert not passes(PAPER, "c4b", subsets=_subsets(sd=(0.05, 0.05)))
    assert not passes(PAPER, "c4b", subsets=_subsets(sd=(0.0, 0.0)))
    assert not passes(PAPER, "c4b", subsets=blank(_subsets()))


def test_c5(passes, blank):
    assert passes(PAPER, "c5", features=_features())
    assert not passes(PAPER, "c5", features=_features(between=(0.12, 0.1)))
    assert not passes(PAPER, "c5", features=_features(between=(0.06, 0.065)))
    assert not passes(PAPER, "c5", features=_features(directions=20))
    assert not passes(PAPER, "c5", features=_features(probe=0.9))
    assert not passes(PAPER, "c5", features=blank(_features()))


def test_c6(passes, blank):
    assert passes(PAPER, "c6", members=_members())
    better = _members()
    better.score.loc[{"variant": "no_ds_kmeans", "moment": "end"}] = 0.97
    assert not passes(PAPER, "c6", members=better)
    assert not passes(PAPER, "c6", members=blank(_members()))


def test_c7(passes, blank):
    assert passes(PAPER, "c7", times=_times())
    assert not passes(PAPER, "c7", times=_times(peer=(10, 20, 40)))
    assert not passes(PAPER, "c7", times=blank(_times()))


def test_c8(passes, blank):
    assert passes(PAPER, "c8", toys=_toys())
    assert not passes(PAPER, "c8", toys=_toys(spirals=0.57))
    assert not passes(PAPER, "c8", toys=_toys(ensc=0.9))
    assert not passes(PAPER, "c8", toys=blank(_toys()))


def test_c9(passes, blank):
    assert passes(PAPER, "c9", theory=_theory())
    assert not passes(PAPER, "c9", theory=_theory(energy=(0.9, 0.1)))
    assert not passes(PAPER, "c9", theory=_theory(energy=(1.0, 0.2)))
    assert not passes(PAPER, "c9", theory=_theory(inner=1e-6))
    assert not passes(PAPER, "c9", theory=blank(_theory()))


def test_c10(passes, blank):
    assert passes(PAPER, "c10", subsets=_subsets())
    assert not passes(PAPER, "c10", subsets=_subsets(few=(0.6, 0.7)))
    assert not passes(PAPER, "c10", subsets=_subsets(few=(0.8, 0.75)))
    assert not passes(PAPER, "c10", subsets=blank(_subsets()))


def test_c11(passes, load):
    def run(dataset, accuracy, start):
        score = np.repeat([[accuracy], [start]], 3, 1)
        coords = {"estimator": ["MLC", "stage 1 + k-means"], "score_name": SCORES}
        return xr.Dataset({"score": (("estimator", "score_name"), score)}, coords, {"dataset": dataset})

    paper = {"cifar10": 0.863, "cifar20": 0.522, "cifar100": 0.494, "tinyimagenet": 0.335}
    runs = [run(name, value + shift, 0.3) for name, value in paper.items() for shift in (-0.01, 0.0, 0.01)]
    assert passes(PAPER, "c11", images=runs)
    assert not passes(PAPER, "c11", images=[run(name, value - 0.05, 0.3) for name, value in paper.items()])
    assert not passes(PAPER, "c11", images=[run(name, value, 0.9) for name, value in paper.items()])
    assert not passes(PAPER, "c11", images=[run(name, np.nan, np.nan) for name in paper])
    assert load(f"{PAPER}/claims", "c11")([]) is None


def test_c12(passes, blank):
    stores = {"members": _members(), "pixels": _pixels()}
    assert passes(PAPER, "c12", **stores)
    assert not passes(PAPER, "c12", **{**stores, "pixels": _pixels(end=0.79)})
    assert not passes(PAPER, "c12", **{**stores, "pixels": _pixels(start=0.96, end=0.98)})
    assert not passes(PAPER, "c12", **{name: blank(store) for name, store in stores.items()})


def test_c13(passes, blank):
    assert passes(PAPER, "c13", subsets=_subsets())
    assert not passes(PAPER, "c13", subsets=_subsets(imbalanced=(0.82, 0.6)))
    assert not passes(PAPER, "c13", subsets=_subsets(imbalanced=(0.92, 0.84)))
    assert not passes(PAPER, "c13", subsets=blank(_subsets()))


def test_c14(passes, blank):
    assert passes(PAPER, "c14", members=_members())
    assert not passes(PAPER, "c14", members=_members(rate=(26.0, 20.0)))
    assert not passes(PAPER, "c14", members=_members(whole=20.0))
    assert not passes(PAPER, "c14", members=_members(ranks=(5.0, 7.0)))
    assert not passes(PAPER, "c14", members=blank(_members()))
