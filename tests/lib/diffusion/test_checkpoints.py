"""Loaders, every method and the command line on the published pipelines' own classes, tiny and random."""

import numpy as np
import pytest
import torch

from lib.commands.relight_video import main
from lib.diffusion.checkpoints import (
    add_offsets,
    frames_that_fit,
    framewise,
    image_codec,
    load_ic_light,
    load_video_model,
)
from lib.diffusion.relight_video import SETTINGS, relight_video
from lib.video.files import read_video, write_video
from tests.tiny_checkpoints import save_stable_diffusion, save_transformers

TEXT = {"prompt": "light from the left", "negative": "dark", "guidance": 2.0, "device": "cpu", "dtype": torch.float32}


@pytest.fixture(scope="module")
def stable_diffusion(tmp_path_factory):
    """Stable Diffusion, IC-Light's offsets and a motion adapter."""
    return save_stable_diffusion(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def transformers_models(tmp_path_factory):
    """CogVideoX and Wan."""
    return save_transformers(tmp_path_factory.mktemp("transformers"))


@pytest.fixture
def frames():
    return (np.random.default_rng(0).random((9, 3, 32, 32)) * 0.8 + 0.1).astype(np.float32)


def ic_light(root):
    return load_ic_light(root / "sd15", root / "ic_light.safetensors", **TEXT)


def test_ic_light_is_the_offset_unet_with_the_frame_beside_the_noise(stable_diffusion):
    from diffusers import UNet2DConditionModel
    from safetensors.torch import load_file

    relighter = ic_light(stable_diffusion)
    base = UNet2DConditionModel.from_pretrained(stable_diffusion / "sd15", subfolder="unet").state_dict()
    offsets = load_file(stable_diffusion / "ic_light.safetensors")
    merged = relighter.network.state_dict()
    for name, value in merged.items():
        start = base[name]
        if name == "conv_in.weight":
            start = torch.cat([start, torch.zeros_like(start)], 1)
        torch.testing.assert_close(value, start + offsets[name])
    assert relighter.network.config.in_channels == 8
    x, t = torch.randn(3, 4, 16, 16), torch.tensor(500)
    with torch.no_grad():
        one, other = (relighter.denoise(x, t, c * torch.ones_like(x)) for c in (0.0, 1.0))
    assert one.shape == x.shape
    assert (one - other).abs().max() > 1e-4
    assert relighter.scheduler.config.algorithm_type == "sde-dpmsolver++"


def test_offsets_that_do_not_fit_are_refused(stable_diffusion):
    network = torch.nn.Linear(2, 2)
    with pytest.raises(ValueError, match="other weights"):
        add_offsets(network, {"weight": torch.zeros(2, 2)})
    with pytest.raises(ValueError, match="shape"):
        add_offsets(network, {"weight": torch.zeros(2, 3), "bias": torch.zeros(2)})
    with pytest.raises(ValueError, match="sd15: got"):
        load_ic_light(stable_diffusion / "none", stable_diffusion / "ic_light.safetensors", **TEXT)
    with pytest.raises(ValueError, match="kind"):
        load_video_model("sora", **TEXT)


def test_a_video_is_coded_frame_by_frame(stable_diffusion):
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(stable_diffusion / "sd15", subfolder="vae")
    codec, video = image_codec(vae), torch.rand(1, 3, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        codes = framewise(codec).encode(video)
        assert codes.shape == (1, 4, 3, 16, 16)
        torch.testing.assert_close(codes[0, :, 1], codec.encode(video[0])[1], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(framewise(codec).decode(codes)[0], codec.decode(codes[0].transpose(0, 1)))


@pytest.mark.parametrize("kind", ["animatediff", "cogvideox", "wan"])
def test_every_video_model_runs_every_method(kind, stable_diffusion, transformers_models, frames):
    root = transformers_models
    paths = {
        "animatediff": {"sd15": stable_diffusion / "sd15", "motion_adapter": stable_diffusion / "motion"},
        "cogvideox": {"path": root / "cog"},
        "wan": {"path": root / "wan"},
    }[kind]
    model = load_video_model(kind, **paths, **TEXT)
    relighter = ic_light(stable_diffusion)
    settings = SETTINGS[kind]._replace(steps=3, size=(32, 32), frames=9)
    video = torch.from_numpy(2 * frames - 1)
    options = {"side": "left", "seed": 0, "relight_steps": 2}
    methods = ("full", "fusion", "sdedit_0.2") if kind == "animatediff" else ("full",)
    results = {m: relight_video(video, relighter, model, settings, method=m, **options) for m in methods}
    for result, _ in results.values():
        assert result.shape == video.shape
        assert torch.isfinite(result).all()
        assert result.abs().max() <= 1
    trace = results["full"][1]
    assert trace.fused_at.values.tolist() == [True, True, False]
    again, _ = relight_video(video, relighter, model, settings, method="full", **options)
    torch.testing.assert_close(again, results["full"][0])
    if kind == "animatediff":
        assert (results["full"][0] - results["fusion"][0]).abs().max() > 1e-6  # attention acts, and is taken out again
        alone, _ = relight_video(video, relighter, None, settings, method="per_frame", **options)
        assert alone.shape == video.shape
        with pytest.raises(ValueError, match="expected a video model"):
            relight_video(video, relighter, None, settings, method="full", **options)
        with pytest.raises(ValueError, match="method"):
            relight_video(video, relighter, model, settings, method="best", **options)
        with pytest.raises(ValueError, match="expected full or fusion"):
            relight_video(video, relighter, model, settings, method="per_frame", foreground=video[:, :1], **options)
    else:
        with pytest.raises(ValueError, match="one by one"):
            relight_video(video, relighter, model, settings, method="full", foreground=video[:, :1], **options)


@pytest.mark.parametrize(
    ("suffix", "method", "masked"), [(".mp4", "full", False), ("", "per_frame", False), ("", "fusion", True)]
)
def test_the_command_line_from_frames_to_frames(suffix, method, masked, stable_diffusion, frames, tmp_path, capsys):
    write_video(tmp_path / f"in{suffix}", frames, 8)
    write_video(tmp_path / "masks", np.broadcast_to(np.arange(32) > 15, (4, 3, 32, 32)).astype(float))
    root = stable_diffusion
    status = main(
        [
            str(tmp_path / f"in{suffix}"),
            str(tmp_path / f"out{suffix}"),
            "--prompt",
            "a light",
            "--light",
            "left",
            "--sd15",
            str(root / "sd15"),
            "--ic-light",
            str(root / "ic_light.safetensors"),
            "--motion-adapter",
            str(root / "motion"),
            "--size",
            "32x32",
            "--frames",
            "4",
            "--steps",
            "2",
            "--relight-steps",
            "2",
            "--method",
            method,
            "--device",
            "cpu",
            *(["--foreground", str(tmp_path / "masks")] if masked else []),
        ]
    )
    assert status == 0, capsys.readouterr().err
    result, _ = read_video(tmp_path / f"out{suffix}")
    assert result.shape == (4, 3, 32, 32)
    assert np.abs(result - frames[:4]).max() > 0.05


def test_the_command_line_says_what_is_missing(stable_diffusion, frames, tmp_path, capsys):
    write_video(tmp_path / "in", frames)
    root = stable_diffusion
    base = [str(tmp_path / "in"), str(tmp_path / "out"), "--prompt", "light", "--size", "32x32", "--device", "cpu"]
    models = ["--sd15", str(root / "sd15"), "--ic-light", str(root / "ic_light.safetensors")]
    assert main([*base, *models, "--frames", "4"]) == 1
    assert "--motion-adapter: got nothing" in capsys.readouterr().err
    assert main([*base, *models, "--frames", "40"]) == 1
    assert "expected 40" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "--ic-light" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*base[:4], *models, "--size", "big"])


def test_lengths_that_fit():
    assert frames_that_fit("animatediff", 16) == 16
    assert [frames_that_fit("wan", n) for n in (49, 50, 52, 53)] == [49, 49, 49, 53]
    assert [frames_that_fit("cogvideox", n) for n in (49, 53, 57)] == [49, 49, 57]
