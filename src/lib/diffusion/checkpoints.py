"""Published checkpoints from local folders: IC-Light on Stable Diffusion 1.5, AnimateDiff, CogVideoX, Wan.

Each loader returns functions that `lib.diffusion.relighting` takes. Nothing is downloaded.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from lib.diffusion.relighting import Codec
from lib.diffusion.small import widen_input

RELIGHT_SUFFIX = ", best quality"
RELIGHT_NEGATIVE = "lowres, bad anatomy, bad hands, cropped, worst quality"
VIDEO_MODELS = ("animatediff", "cogvideox", "wan")


class Relighter(NamedTuple):
    """An image relighter: model output from (sample, timestep, condition), scheduler, image codec, and the network."""

    denoise: Callable
    scheduler: object
    codec: Codec
    network: torch.nn.Module


class VideoModel(NamedTuple):
    """A video model: model output from (sample, timestep), scheduler, video codec, and the network."""

    denoise: Callable
    scheduler: object
    codec: Codec
    network: torch.nn.Module


def _folder(path: Path, name: str) -> Path:
    path = Path(path)
    if not path.exists():
        raise ValueError(f"{name}: got {path}, which does not exist, expected a local checkpoint")
    return path


def _guide(without: torch.Tensor, with_prompt: torch.Tensor, guidance: float) -> torch.Tensor:
    return without.float() + guidance * (with_prompt.float() - without.float())


def image_codec(vae) -> Codec:
    """Codes of images (N, C, H, W) by Stable Diffusion's autoencoder, the mode of its posterior."""
    scale = vae.config.scaling_factor

    def encode(images):
        return vae.encode(images.to(vae.dtype)).latent_dist.mode() * scale

    return Codec(encode, lambda codes: vae.decode(codes.to(vae.dtype) / scale).sample.float())


def framewise(codec: Codec) -> Codec:
    """An image codec applied to every frame: videos (B, F, C, H, W) to samples (B, c, F, h, w)."""

    def encode(video):
        return codec.encode(video.flatten(0, 1)).unflatten(0, video.shape[:2]).transpose(1, 2)

    def decode(sample):
        frames = sample.transpose(1, 2)
        return codec.decode(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])

    return Codec(encode, decode)


def add_offsets(network: torch.nn.Module, offsets: dict[str, torch.Tensor]) -> None:
    """Add IC-Light's offsets to the weights of a U-Net, in place.

    Raises:
        ValueError: offsets for other weights, or of other shapes.
    """
    state = network.state_dict()
    mismatches = sorted(set(state) ^ set(offsets))
    if mismatches:
        raise ValueError(f"ic_light: got other weights than the U-Net's, first {mismatches[0]!r}")
    for name, value in state.items():
        if value.shape != offsets[name].shape:
            shapes = f"{tuple(offsets[name].shape)} for {name}, expected {tuple(value.shape)}"
            raise ValueError(f"ic_light: got shape {shapes}")
        value.add_(offsets[name].to(value))


@torch.no_grad()
def load_ic_light(
    sd15: Path, ic_light: Path, *, prompt: str, negative: str, guidance: float, device: str, dtype: torch.dtype
) -> Relighter:
    """IC-Light: Stable Diffusion 1.5 with a first convolution of 8 channels and offsets on all weights.

    Args:
        sd15: folder of a `StableDiffusionPipeline`.
        ic_light: safetensors file of the offsets (`iclight_sd15_fc.safetensors`).
        prompt, negative: texts.
        guidance: classifier-free guidance.
        device, dtype: where and in what the networks run.

    Raises:
        ValueError: a path that does not exist, or offsets that do not fit the U-Net.
    """
    from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, UNet2DConditionModel
    from safetensors.torch import load_file
    from transformers import CLIPTextModel, CLIPTokenizer

    sd15, ic_light = _folder(sd15, "sd15"), _folder(ic_light, "ic_light")
    options = {"local_files_only": True}
    unet = UNet2DConditionModel.from_pretrained(sd15, subfolder="unet", **options)
    unet = widen_input(unet, 8)
    add_offsets(unet, load_file(ic_light))
    vae = AutoencoderKL.from_pretrained(sd15, subfolder="vae", **options).to(device, dtype)
    text = CLIPTextModel.from_pretrained(sd15, subfolder="text_encoder", **options).to(device, dtype)
    tokenizer = CLIPTokenizer.from_pretrained(sd15, subfolder="tokenizer", **options)
    unet = unet.to(device, dtype).eval()
    embeds = torch.cat([_clip_text(text, tokenizer, t) for t in (negative, prompt + RELIGHT_SUFFIX)]).to(dtype)

    def denoise(x, t, condition):
        both = torch.cat([torch.cat([x, condition.to(x)], 1)] * 2).to(dtype)
        repeated = embeds.repeat_interleave(len(x), 0)
        out = unet(both, t, encoder_hidden_states=repeated, return_dict=False)[0]
        return _guide(*out.chunk(2), guidance).to(x.dtype)

    # the authors do not set beta_schedule, whose default is linear
    scheduler = DPMSolverMultistepScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        algorithm_type="sde-dpmsolver++",
        use_karras_sigmas=True,
        steps_offset=1,
    )
    return Relighter(denoise, scheduler, image_codec(vae), unet)


def _clip_text(encoder, tokenizer, text: str) -> torch.Tensor:
    tokens = tokenizer(
        text, padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt"
    )
    return encoder(tokens.input_ids.to(encoder.device))[0]


@torch.no_grad()
def load_animatediff(
    sd15: Path, motion_adapter: Path, *, prompt: str, negative: str, guidance: float, device: str, dtype: torch.dtype
) -> VideoModel:
    """AnimateDiff on Stable Diffusion 1.5, with the Euler ancestral scheduler and linear betas.

    Args:
        sd15: folder of a `StableDiffusionPipeline`.
        motion_adapter: folder of a `MotionAdapter`.
        prompt, negative, guidance, device, dtype: see `load_ic_light`.

    Raises:
        ValueError: a path that does not exist.
    """
    from diffusers import AnimateDiffPipeline, EulerAncestralDiscreteScheduler, MotionAdapter

    sd15 = _folder(sd15, "sd15")
    adapter = MotionAdapter.from_pretrained(_folder(motion_adapter, "motion_adapter"), local_files_only=True)
    pipe = AnimateDiffPipeline.from_pretrained(sd15, motion_adapter=adapter, local_files_only=True)
    pipe = pipe.to(device, dtype)
    scheduler = EulerAncestralDiscreteScheduler.from_pretrained(
        sd15, subfolder="scheduler", beta_schedule="linear", local_files_only=True
    )
    with_prompt, without = pipe.encode_prompt(prompt, device, 1, True, negative)
    unet = pipe.unet.eval()

    def denoise(x, t):
        embeds = torch.cat([without.repeat_interleave(len(x), 0), with_prompt.repeat_interleave(len(x), 0)])
        embeds = embeds.repeat_interleave(x.shape[2], 0)
        out = unet(torch.cat([x, x]).to(dtype), t, encoder_hidden_states=embeds, return_dict=False)[0]
        return _guide(*out.chunk(2), guidance).to(x.dtype)

    return VideoModel(denoise, scheduler, framewise(image_codec(pipe.vae)), unet)


@torch.no_grad()
def load_cogvideox(
    path: Path, *, prompt: str, negative: str, guidance: float, device: str, dtype: torch.dtype
) -> VideoModel:
    """CogVideoX with its DDIM scheduler.

    Args:
        path: folder of a `CogVideoXPipeline`.
        prompt, negative, guidance, device, dtype: see `load_ic_light`.

    Raises:
        ValueError: a path that does not exist.
    """
    from diffusers import CogVideoXDDIMScheduler, CogVideoXPipeline

    path = _folder(path, "cogvideox")
    pipe = CogVideoXPipeline.from_pretrained(path, local_files_only=True, dtype=dtype).to(device)
    scheduler = CogVideoXDDIMScheduler.from_config(pipe.scheduler.config)
    limit = pipe.transformer.config.max_text_seq_length
    with_prompt, without = pipe.encode_prompt(prompt, negative, True, max_sequence_length=limit, device=device)
    transformer, vae = pipe.transformer.eval(), pipe.vae
    scale = vae.config.scaling_factor

    def encode(video):
        codes = vae.encode(video.transpose(1, 2).to(vae.dtype)).latent_dist.mode() * scale
        return codes.transpose(1, 2).float()

    def decode(sample):
        return vae.decode(sample.transpose(1, 2).to(vae.dtype) / scale).sample.transpose(1, 2).float()

    def denoise(x, t):
        embeds = torch.cat([without.repeat_interleave(len(x), 0), with_prompt.repeat_interleave(len(x), 0)])
        rotary = None
        if transformer.config.use_rotary_positional_embeddings:
            height, width = (n * pipe.vae_scale_factor_spatial for n in x.shape[-2:])
            rotary = pipe._prepare_rotary_positional_embeddings(height, width, x.shape[1], x.device)
        out = transformer(
            torch.cat([x, x]).to(dtype),
            encoder_hidden_states=embeds,
            timestep=t.expand(2 * len(x)),
            image_rotary_emb=rotary,
            return_dict=False,
        )[0]
        return _guide(*out.chunk(2), guidance).to(x.dtype)

    return VideoModel(denoise, scheduler, Codec(encode, decode), transformer)


@torch.no_grad()
def load_wan(path: Path, *, prompt: str, negative: str, guidance: float, device: str, dtype: torch.dtype) -> VideoModel:
    """Wan 2.1 with flow-matching Euler steps of shift 3.

    Args:
        path: folder of a `WanPipeline`.
        prompt, negative, guidance, device, dtype: see `load_ic_light`.

    Raises:
        ValueError: a path that does not exist.
    """
    from diffusers import FlowMatchEulerDiscreteScheduler, WanPipeline

    pipe = WanPipeline.from_pretrained(_folder(path, "wan"), local_files_only=True, dtype=dtype).to(device)
    with_prompt, without = pipe.encode_prompt(prompt, negative, True, device=device)
    transformer, vae = pipe.transformer.eval(), pipe.vae
    mean, deviation = (
        torch.tensor(values, device=device).view(1, -1, 1, 1, 1)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )

    def encode(video):
        codes = vae.encode(video.transpose(1, 2).to(vae.dtype)).latent_dist.mode().float()
        return (codes - mean) / deviation

    def decode(sample):
        return vae.decode((sample.float() * deviation + mean).to(vae.dtype)).sample.transpose(1, 2).float()

    def denoise(x, t):
        time = t.expand(len(x))
        out = [
            transformer(
                x.to(dtype), timestep=time, encoder_hidden_states=e.repeat_interleave(len(x), 0), return_dict=False
            )[0]
            for e in (without, with_prompt)
        ]
        return _guide(*out, guidance).to(x.dtype)

    return VideoModel(denoise, FlowMatchEulerDiscreteScheduler(shift=3.0), Codec(encode, decode), transformer)


def load_video_model(
    kind: str, *, sd15: Path | None = None, motion_adapter: Path | None = None, path: Path | None = None, **options
) -> VideoModel:
    """One of the video models by name.

    Raises:
        ValueError: an unknown name.
    """
    if kind == "animatediff":
        return load_animatediff(sd15, motion_adapter, **options)
    if kind == "cogvideox":
        return load_cogvideox(path, **options)
    if kind == "wan":
        return load_wan(path, **options)
    raise ValueError(f"kind: got {kind!r}, expected one of {', '.join(VIDEO_MODELS)}")


def frames_that_fit(kind: str, frames: int) -> int:
    """Largest number of frames, at most `frames`, that a video model takes: 8 k + 1 (CogVideoX), 4 k + 1 (Wan)."""
    block = {"animatediff": 1, "cogvideox": 8, "wan": 4}[kind]
    return frames if block == 1 else block * ((frames - 1) // block) + 1
