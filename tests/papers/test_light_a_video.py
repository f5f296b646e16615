"""Stages of light_a_video, called as functions at tiny size."""

from itertools import pairwise

import numpy as np
import pytest
import torch

RNG = lambda seed: np.random.Generator(np.random.PCG64(seed))  # noqa: E731
SAMPLING = {
    "clips_limit": 2,
    "relight_steps": 2,
    "relight_strength": 0.9,
    "eta": 1.0,
    "guidance": 1.5,
    "steps": 3,
    "strength": 0.5,
    "threshold": 0.15,
    "clips_at_once": 2,
    "root_seed": 0,
    "device": "cpu",
}
TRAIN = {"size": 8, "frames": 3, "heads": 2, "batch": 2, "steps": 3, "learning_rate": 1e-3, "label_drop": 0.1}
VDM = {"channels": [8], "patch": 4, "attention_everywhere": False, "highest_level": 650}


@pytest.fixture(scope="module")
def stage():
    """`stage(script, function)` without a fixture for each test."""
    import importlib.util
    from pathlib import Path

    def one(script: str, function: str | None = None):
        path = Path(__file__).resolve().parents[2] / "workflow/scripts/light_a_video" / f"{script}.py"
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, function or path.stem)

    return one


@pytest.fixture(scope="module")
def stores(stage):
    """Scenes, networks and runs."""
    train = stage("train_relighter")
    options = {"layers": 1, "head_dim": 8, "channels": [8], "device": "cpu", **TRAIN}
    stores = {
        "scenes": stage("render_scenes")(clips=2, frames=3, size=8, rng=RNG(0)),
        "relighter": train(architecture="transformer", rng=RNG(1), **options),
        "unet": train(architecture="unet", rng=RNG(1), **options),
        "vdm": stage("train_vdm")(rng=RNG(2), device="cpu", **VDM, **TRAIN),
    }
    relight = stage("relight_clips", "relight")
    methods = {"per_frame": {}, "cla_50": {"gamma": 0.5}}
    stores["frames"] = relight(
        stores["scenes"], stores["relighter"], sets=[{"clips": 2, "seeds": [0, 1], "methods": methods}], **SAMPLING
    )
    methods = {"plf": {"fuse": "linear"}, "full": {"fuse": "linear", "gamma": 0.5}, "sdedit": {"sdedit": 0.2}}
    stores["fused"] = relight(
        stores["scenes"],
        stores["relighter"],
        vdm=stores["vdm"],
        sets=[{"clips": 9, "seeds": [0], "methods": methods}],
        **SAMPLING,
    )
    return stores


def test_training_is_reproducible(stage, stores):
    again = stage("train_vdm")(rng=RNG(2), device="cpu", **VDM, **TRAIN)
    assert again.identical(stores["vdm"])
    assert np.isfinite(again.training_loss).all()
    with pytest.raises(ValueError, match="architecture"):
        stage("train_relighter")(
            architecture="mlp", layers=1, head_dim=8, channels=[8], device="cpu", rng=RNG(0), **TRAIN
        )


def test_runs_have_a_row_for_each_video_and_do_not_change_the_weights(stores):
    run = stores["frames"]
    labels = list(zip(run.method.values, run.seed.values, run["clip"].values))
    assert len(labels) == len(set(labels)) == 8
    assert run.weights_before.item() == run.weights_after.item()
    assert int(run.optimisers) == 0
    assert "target_light" not in run
    fused = stores["fused"]
    assert fused.sizes["row"] == 6
    assert fused.traced.values.tolist() == ["plf", "full"]
    np.testing.assert_allclose(fused.weight[0], [1, 0.5, 0])
    assert np.isfinite(fused.target_light.values[:4, :2]).all()
    assert np.isnan(fused.target_light.values[4:]).all()


def test_the_first_consistency_target_is_the_source(stores):
    first = stores["fused"].target_frames.sel(traced="plf", target="consistency").isel(step=0)
    np.testing.assert_allclose(first, stores["scenes"].source[0], atol=1e-5)


def test_methods_are_paired_by_their_noise(stage, stores):
    again = stage("relight_clips", "relight")(
        stores["scenes"],
        stores["relighter"],
        sets=[{"clips": 1, "seeds": [1], "methods": {"per_frame": {}}}],
        **SAMPLING,
    )
    run = stores["frames"]
    row = np.flatnonzero((run.method == "per_frame") & (run.seed == 1) & (run["clip"] == 0))[0]
    np.testing.assert_allclose(again.video[0], run.video[row], atol=1e-4)


def test_measures_know_the_truth(stage, stores):
    measures = stage("measure_videos")(stores["scenes"], [stores["frames"], stores["fused"]], radius=1)
    assert measures.sizes["row"] == 2 * 2 + 8 + 6
    truth = measures.isel(row=np.flatnonzero(measures.method.values == "truth"))
    np.testing.assert_allclose(truth.warp, 0, atol=1e-12)
    assert (truth.flicker < 0.02).all()  # the elevation is on a grid
    assert (truth.clip_error < 0.01).all()
    rows = measures.isel(row=np.flatnonzero(measures.method.values == "source"))
    assert (rows.clip_error > truth.clip_error).all()


def test_the_gate_of_a_model_that_knows_nothing_is_closed(stage, stores):
    gate = stage("measure_gate")(
        stores["scenes"], stores["vdm"], clips=2, steps=3, strength=0.5, root_seed=0, device="cpu"
    )
    assert gate.rmse.shape == (2, 2)
    np.testing.assert_allclose(
        gate.rmse[0],
        np.sqrt(((gate.returned[0] - stores["scenes"].truth) ** 2).mean(("frame", "channel", "y", "x"))),
        rtol=1e-4,
    )
    assert (gate.rmse > 0.06).all()


def test_transport_is_exact_in_linear_radiance_alone(stage):
    transport = stage("measure_transport")(scenes=20, frames=1, size=16, weights=[0.25, 0.5], rng=RNG(0))
    assert float(transport.linear.max()) < 1e-12
    assert float(transport.encoded.max()) > 0.01


def test_the_table_has_the_gate_first(stage, stores):
    measures = stage("measure_videos")(stores["scenes"], [stores["frames"]], radius=1)
    gate = stage("measure_gate")(
        stores["scenes"], stores["vdm"], clips=1, steps=2, strength=0.5, root_seed=0, device="cpu"
    )
    table = stage("table_table", "table")(measures, gate, resamples=50, root_seed=0)
    assert table.method.tolist() == ["gate_ddim", "gate_euler", "source", "truth", "per_frame", "cla_50"]
    row = table[table.method == "per_frame"].iloc[0]
    mean = measures.flicker.values[measures.method.values == "per_frame"].mean()
    assert row.flicker == pytest.approx(mean, rel=1e-3)
    assert row.flicker_low <= row.flicker <= row.flicker_high


def test_claims_on_real_videos_come_from_their_features(stage):
    import xarray as xr

    methods = ["per_frame", "full", "sdedit_0.2", "sdedit_0.6"]
    rng = np.random.default_rng(0)
    videos = []
    for _ in range(3):
        base = rng.standard_normal((1, 1, 4))
        features = base + np.array([1.0, 0.01, 0.5, 0.3])[:, None, None] * rng.standard_normal((4, 6, 4))
        similarity = [
            np.mean([a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairwise(f)]) for f in features
        ]
        videos.append(
            xr.Dataset(
                {
                    "features": (("method", "frame", "feature"), features),
                    "similarity": ("method", similarity),
                    "motion": ("method", np.ones(4)),
                },
                coords={"method": methods},
            )
        )
    quantities = stage("claims", "photographs_claim")(videos)["quantities"]
    assert quantities["similarity_margin"]["value"] > 0
    assert quantities["videos"]["value"] == 3
    assert quantities["frechet_ratio"]["value"] > 0


def test_the_noise_of_a_clip_is_its_own(stage):
    seed = stage("relight_clips", "clip_seed")
    assert len({seed(0, s, c) for s in range(3) for c in range(12)}) == 36
    assert seed(0, 1, 2) == seed(0, 1, 2) != seed(1, 1, 2)
    assert torch.Generator().manual_seed(seed(0, 0, 0)).initial_seed() == seed(0, 0, 0)


def test_real_videos_are_relit_and_measured_by_every_method(stage, tmp_path):
    from lib.video.files import write_video
    from tests.tiny_checkpoints import save_clip, save_stable_diffusion

    save_clip(save_stable_diffusion(tmp_path))
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        write_video(tmp_path / "videos" / name, rng.random((4, 3, 32, 32)))
    methods = ["per_frame", "full", "fusion", "attention", "sdedit_0.2", "sdedit_0.6"]
    options = {
        "videos": tmp_path / "videos",
        "sd15": tmp_path / "sd15",
        "ic_light": tmp_path / "ic_light.safetensors",
        "clip": tmp_path / "clip",
        "motion_adapter": tmp_path / "motion",
        "kind": "animatediff",
        "methods": methods,
        "prompt": "light",
        "side": "left",
        "relight_steps": 2,
        "radius": 3,
        "root_seed": 0,
        "device": "cpu",
        "settings": {"steps": 2, "size": (32, 32), "frames": 4},
    }
    run = stage("relight_photographs")
    photographs = [run(n=n, **options) for n in (0, 1)]
    assert photographs[0].video.shape == (6, 4, 3, 32, 32)
    assert np.isfinite(photographs[0].similarity).all()
    assert np.isfinite(photographs[0].motion).all()
    assert len({photographs[0].video[k].values.tobytes() for k in range(6)}) == 6
    quantities = stage("claims", "photographs_claim")(photographs)["quantities"]
    assert quantities["similarity"]["labels"] == methods
    assert np.isfinite(quantities["frechet_ratio"]["value"])
    with pytest.raises(ValueError, match="at least 3"):
        run(n=2, **options)
