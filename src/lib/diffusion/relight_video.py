r"""Relight a video of your own with IC-Light and a video diffusion model from local folders (Light-A-Video).

python -m lib.diffusion.relight_video clip.mp4 relit.mp4 --prompt "a cat, neon light" --light left \
        --sd15 models/realistic-vision --ic-light models/iclight_sd15_fc.safetensors \
        --model animatediff --motion-adapter models/animatediff-motion-adapter-v1-5-3
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr

from lib.diffusion.attention import install_cla, restore_processors
from lib.diffusion.checkpoints import (
    RELIGHT_NEGATIVE,
    VIDEO_MODELS,
    Relighter,
    VideoModel,
    frames_that_fit,
    load_ic_light,
    load_video_model,
)
from lib.diffusion.relighting import (
    LIGHT_SIDES,
    frame_generators,
    light_gradient,
    progressive_light_fusion,
    relight,
    sdedit,
)
from lib.diffusion.steps import fusion_weights


class Settings(NamedTuple):
    """What the authors' code sets for a video model.

    Attributes:
        gamma: of consistent light attention.
        steps: executed steps T of the video model.
        strength: share of the schedule that is executed.
        power: of the fusion weights 1 - (i / (T - 1))^power; the detail term's weights are linear.
        threshold: fusion stops where the weight is not above it.
        size: height and width in pixels.
        frames: length of the clip.
        guidance: of the video model.
    """

    gamma: float
    steps: int
    strength: float
    power: float
    threshold: float
    size: tuple[int, int]
    frames: int
    guidance: float


SETTINGS = {
    "animatediff": Settings(0.5, 25, 0.5, 1.0, 0.15, (512, 512), 16, 2.0),
    "cogvideox": Settings(0.7, 25, 0.5, 2.0, 0.2, (480, 720), 49, 6.0),
    "wan": Settings(0.7, 20, 0.4, 1.0, 0.2, (480, 832), 49, 5.0),
}
RELIGHT_STEPS, RELIGHT_STRENGTH, RELIGHT_GUIDANCE = 15, 0.9, 2.0


def frames_relighter(
    relighter: Relighter, side: str, *, seed: int, steps: int = RELIGHT_STEPS, strength: float = RELIGHT_STRENGTH
) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function that relights the frames of one clip, (1, F, C, H, W) in [-1, 1], all in one batch.

    Args:
        relighter: the image model.
        side: where the light comes from, one of `LIGHT_SIDES`, or `none`.
        seed: of the frames' noise; every call draws on.
        steps, strength: of the image model.
    """
    generators: list = []

    def call(video):
        frames = video.flatten(0, 1)
        if not generators:
            generators.extend(frame_generators([seed], len(frames)))
        start = None if side == "none" else light_gradient(side, *frames.shape[-2:]).to(frames)
        relit = relight(
            relighter.denoise, relighter.scheduler, relighter.codec, frames, start,
            steps=steps, strength=strength, generators=generators,
        )  # fmt: skip
        return relit.to(video).unflatten(0, video.shape[:2])

    return call


def relight_video(
    video: torch.Tensor,
    relighter: Relighter,
    model: VideoModel | None,
    settings: Settings,
    *,
    method: str,
    side: str,
    seed: int,
    relight_steps: int = RELIGHT_STEPS,
    relight_strength: float = RELIGHT_STRENGTH,
    report: Callable[[Sequence], Sequence] = lambda items: items,
) -> tuple[torch.Tensor, xr.Dataset]:
    """Relight one clip.

    Args:
        video: (F, C, H, W) in [-1, 1].
        relighter: the image model.
        model: the video model; None for methods that need none.
        settings: of the video model.
        method: `full`, `fusion` (no consistent light attention), `attention` (no fusion), `per_frame`, `sdedit_0.2` or
            `sdedit_0.6` (per frame, then smoothed by the video model at that strength).
        side: where the light comes from, or `none`.
        seed: of all noise.
        relight_steps, relight_strength: of the image model.
        report: wraps the steps of the video model.

    Returns:
        (F, C, H, W) in [-1, 1], and the trace of the fusion (empty without it).

    Raises:
        ValueError: an unknown method, or one that needs a video model where there is none.
    """
    known = ("full", "fusion", "attention", "per_frame", "sdedit_0.2", "sdedit_0.6")
    if method not in known:
        raise ValueError(f"method: got {method!r}, expected one of {', '.join(known)}")
    if model is None and method not in ("attention", "per_frame"):
        raise ValueError(f"model: got none, expected a video model for the method {method!r}")
    clip = video[None]
    relit = frames_relighter(relighter, side, seed=seed, steps=relight_steps, strength=relight_strength)
    former = install_cla(relighter.network, settings.gamma) if method in ("full", "attention") else {}
    noise = [torch.Generator().manual_seed(seed)]
    trace = xr.Dataset()
    try:
        if method in ("full", "fusion"):
            result, trace = progressive_light_fusion(
                model.denoise, relit, model.codec, clip, scheduler=model.scheduler, steps=settings.steps,
                strength=settings.strength, weights=fusion_weights(settings.steps, settings.power),
                detail_weights=fusion_weights(settings.steps), threshold=settings.threshold, generators=noise,
                keep_frames=False, report=report,
            )  # fmt: skip
        else:
            result = relit(clip)
            if method.startswith("sdedit"):
                strength = float(method.split("_")[1])
                result = sdedit(
                    model.denoise, model.scheduler, model.codec, result,
                    steps=max(2, round(20 * strength)), strength=strength, generators=noise,
                )  # fmt: skip
    finally:
        restore_processors(relighter.network, former)
    return result[0].float().clamp(-1, 1), trace


def _size(text: str) -> tuple[int, int]:
    try:
        height, width = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text}, expected HEIGHTxWIDTH") from None
    return height, width


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        prog="python -m lib.diffusion.relight_video",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("input", type=Path, help="video file, or folder of images sorted by name")
    command.add_argument("output", type=Path, help=".mp4 file, or folder of images (no suffix)")
    command.add_argument("--prompt", required=True, help="what the relit scene shows, and its light")
    command.add_argument("--negative", default="", help="negative prompt of the video model")
    command.add_argument("--light", choices=(*LIGHT_SIDES, "none"), default="none", help="side the light comes from")
    models = command.add_argument_group("local checkpoints")
    models.add_argument("--sd15", type=Path, required=True, help="folder of a StableDiffusionPipeline (1.5)")
    models.add_argument("--ic-light", type=Path, required=True, help="iclight_sd15_fc.safetensors")
    models.add_argument("--model", choices=VIDEO_MODELS, default="animatediff", help="video model")
    models.add_argument("--motion-adapter", type=Path, help="folder of a MotionAdapter (animatediff)")
    models.add_argument("--checkpoint", type=Path, help="folder of the pipeline (cogvideox, wan)")
    how = command.add_argument_group("method; the authors' values for the video model unless told")
    how.add_argument(
        "--method", default="full", choices=("full", "fusion", "attention", "per_frame", "sdedit_0.2", "sdedit_0.6")
    )
    how.add_argument("--gamma", type=float, help="weight of the averaged stream of attention")
    how.add_argument("--steps", type=int, help="executed steps of the video model")
    how.add_argument("--strength", type=float, help="share of the video model's schedule that is executed")
    how.add_argument("--guidance", type=float, help="guidance of the video model")
    how.add_argument("--relight-steps", type=int, default=RELIGHT_STEPS)
    how.add_argument("--relight-guidance", type=float, default=RELIGHT_GUIDANCE)
    how.add_argument("--size", type=_size, help="HEIGHTxWIDTH in pixels")
    how.add_argument("--frames", type=int, help="frames to read")
    how.add_argument("--seed", type=int, default=0)
    how.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    how.add_argument("--dtype", choices=("float16", "bfloat16", "float32"), help="float16 on CUDA, else float32")
    return command


def main(arguments: list[str] | None = None) -> int:
    """Relight one video; return the exit status."""
    from lib.progress import progress
    from lib.video.files import read_video, write_video

    options = parser().parse_args(arguments)
    given = {key: getattr(options, key) for key in ("gamma", "steps", "strength", "guidance", "size", "frames")}
    settings = SETTINGS[options.model]._replace(**{key: value for key, value in given.items() if value is not None})
    dtype = getattr(torch, options.dtype or ("float16" if options.device.startswith("cuda") else "float32"))
    common = {"device": options.device, "dtype": dtype}
    try:
        frames = frames_that_fit(options.model, settings.frames)
        images, rate = read_video(options.input, settings.size, frames)
        relighter = load_ic_light(
            options.sd15, options.ic_light, prompt=options.prompt, negative=RELIGHT_NEGATIVE,
            guidance=options.relight_guidance, **common,
        )  # fmt: skip
        model = None
        if options.method not in ("attention", "per_frame"):
            missing = "motion_adapter" if options.model == "animatediff" else "checkpoint"
            if getattr(options, missing) is None:
                raise ValueError(f"--{missing.replace('_', '-')}: got nothing, expected a path for {options.model}")
            model = load_video_model(
                options.model, sd15=options.sd15, motion_adapter=options.motion_adapter, path=options.checkpoint,
                prompt=options.prompt, negative=options.negative, guidance=settings.guidance, **common,
            )  # fmt: skip
        video = torch.from_numpy(2 * images - 1).to(options.device)
        result, _ = relight_video(
            video, relighter, model, settings, method=options.method, side=options.light, seed=options.seed,
            relight_steps=options.relight_steps, report=lambda items: progress(items, "steps of the video model"),
        )  # fmt: skip
        write_video(options.output, ((result + 1) / 2).cpu().numpy().astype(np.float64), rate)
    except (ValueError, OSError) as error:
        print(f"relight_video: {error}", file=sys.stderr)
        return 1
    print(f"{len(result)} frames written to {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
