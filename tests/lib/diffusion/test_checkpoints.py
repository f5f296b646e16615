"""The published pipelines' own classes, tiny and random, saved to folders and run through the command line."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lib.diffusion.checkpoints import (
    add_offsets,
    frames_that_fit,
    framewise,
    image_codec,
    load_ic_light,
    load_video_model,
)
from lib.diffusion.relight_video import SETTINGS, main, relight_video
from lib.diffusion.small import widen_input
from lib.video.files import read_video, write_video

TEXT = {"prompt": "light from the left", "negative": "dark", "guidance": 2.0, "device": "cpu", "dtype": torch.float32}


def clip_text(folder):
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    words = ["<|startoftext|>", "<|endoftext|>", "l", "i", "g", "h", "t</w>", "a</w>", "e", "f", "o", "m</w>", "r"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=8)
    config = CLIPTextConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=8, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    return CLIPTextModel(config), tokenizer


def t5_text():
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {word: i for i, word in enumerate(["<pad>", "</s>", "<unk>", "light", "left", "dark"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=8
    )


@pytest.fixture(scope="module")
def stable_diffusion(tmp_path_factory):
    """A folder of a StableDiffusionPipeline, IC-Light's offsets, and a MotionAdapter."""
    from diffusers import (
        AutoencoderKL,
        EulerAncestralDiscreteScheduler,
        MotionAdapter,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )

    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("models")
    text, tokenizer = clip_text(root)
    channels = (8, 8, 16, 16)
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=channels, norm_num_groups=4, cross_attention_dim=16, attention_head_dim=2,
        layers_per_block=1,
    )  # fmt: skip
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 8), latent_channels=4, norm_num_groups=4, sample_size=32,
    )  # fmt: skip
    pipe = StableDiffusionPipeline(
        vae,
        text,
        tokenizer,
        unet,
        EulerAncestralDiscreteScheduler(steps_offset=1),
        None,
        None,
        requires_safety_checker=False,
    )
    pipe.save_pretrained(root / "sd15")
    offsets = widen_input(UNet2DConditionModel.from_config(unet.config), 8).state_dict()
    save_file({k: 0.01 * torch.randn(v.shape) for k, v in offsets.items()}, root / "ic_light.safetensors")
    MotionAdapter(
        block_out_channels=channels, motion_layers_per_block=1, motion_num_attention_heads=2,
        motion_norm_num_groups=4, motion_max_seq_length=16,
    ).save_pretrained(root / "motion")  # fmt: skip
    return root


@pytest.fixture(scope="module")
def transformers_models(tmp_path_factory):
    """Folders of a CogVideoXPipeline and a WanPipeline."""
    from diffusers import (
        AutoencoderKLCogVideoX,
        AutoencoderKLWan,
        CogVideoXDDIMScheduler,
        CogVideoXPipeline,
        CogVideoXTransformer3DModel,
        FlowMatchEulerDiscreteScheduler,
        WanPipeline,
        WanTransformer3DModel,
    )
    from transformers import T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel

    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("transformers")
    small = {"vocab_size": 8, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    cog_transformer = CogVideoXTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=4, time_embed_dim=4,
        text_embed_dim=16, num_layers=1, sample_width=4, sample_height=4, sample_frames=9, patch_size=2,
        max_text_seq_length=8, use_rotary_positional_embeddings=True,
    )  # fmt: skip
    cog_vae = AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8), latent_channels=4, layers_per_block=1, norm_num_groups=2,
        temporal_compression_ratio=4,
    )  # fmt: skip
    CogVideoXPipeline(
        t5_text(), T5EncoderModel(T5Config(**small)), cog_vae, cog_transformer, CogVideoXDDIMScheduler()
    ).save_pretrained(root / "cog")
    wan_vae = AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    wan_transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16,
        text_dim=16, freq_dim=16, ffn_dim=16, num_layers=1, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
        rope_max_seq_len=32,
    )  # fmt: skip
    WanPipeline(
        tokenizer=t5_text(), text_encoder=UMT5EncoderModel(UMT5Config(**small)), vae=wan_vae,
        transformer=wan_transformer, scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    ).save_pretrained(root / "wan")  # fmt: skip
    return root


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
    found = {m: relight_video(video, relighter, model, settings, method=m, **options) for m in methods}
    for result, _ in found.values():
        assert result.shape == video.shape
        assert torch.isfinite(result).all()
        assert result.abs().max() <= 1
    trace = found["full"][1]
    assert trace.fused_at.values.tolist() == [True, True, False]
    again, _ = relight_video(video, relighter, model, settings, method="full", **options)
    torch.testing.assert_close(again, found["full"][0])
    if kind == "animatediff":
        assert (found["full"][0] - found["fusion"][0]).abs().max() > 1e-6  # attention acts, and is taken out again
        alone, _ = relight_video(video, relighter, None, settings, method="per_frame", **options)
        assert alone.shape == video.shape
        with pytest.raises(ValueError, match="expected a video model"):
            relight_video(video, relighter, None, settings, method="full", **options)
        with pytest.raises(ValueError, match="method"):
            relight_video(video, relighter, model, settings, method="best", **options)


@pytest.mark.parametrize(("suffix", "method"), [(".mp4", "full"), ("", "per_frame")])
def test_the_command_line_from_frames_to_frames(suffix, method, stable_diffusion, frames, tmp_path, capsys):
    write_video(tmp_path / f"in{suffix}", frames, 8)
    root = stable_diffusion
    status = main(
        [
            str(tmp_path / f"in{suffix}"), str(tmp_path / f"out{suffix}"), "--prompt", "a light", "--light", "left",
            "--sd15", str(root / "sd15"), "--ic-light", str(root / "ic_light.safetensors"),
            "--motion-adapter", str(root / "motion"), "--size", "32x32", "--frames", "4", "--steps", "2",
            "--relight-steps", "2", "--method", method, "--device", "cpu",
        ]
    )  # fmt: skip
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
