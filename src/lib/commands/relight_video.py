r"""Relight a video of your own with IC-Light and a video diffusion model from local folders (Light-A-Video).

python -m lib.commands.relight_video clip.mp4 relit.mp4 --prompt "a cat, neon light" --light left \
        --sd15 models/realistic-vision --ic-light models/iclight_sd15_fc.safetensors \
        --model animatediff --motion-adapter models/animatediff-motion-adapter-v1-5-3
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from lib.diffusion.checkpoints import (
    RELIGHT_NEGATIVE,
    VIDEO_MODELS,
    frames_that_fit,
    load_ic_light,
    load_video_model,
)
from lib.diffusion.relight_video import METHODS, RELIGHT_GUIDANCE, RELIGHT_STEPS, SETTINGS, relight_video
from lib.diffusion.relighting import LIGHT_SIDES
from lib.progress import progress
from lib.video.files import read_video, write_video


def _size(text: str) -> tuple[int, int]:
    try:
        height, width = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text}, expected HEIGHTxWIDTH") from None
    return height, width


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    command = argparse.ArgumentParser(
        prog="python -m lib.commands.relight_video",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("input", type=Path, help="video file, or folder of images sorted by name")
    command.add_argument("output", type=Path, help=".mp4 file, or folder of images (no suffix)")
    command.add_argument("--prompt", required=True, help="what the relit scene shows, and its light")
    command.add_argument("--negative", default="", help="negative prompt of the video model")
    command.add_argument("--light", choices=(*LIGHT_SIDES, "none"), default="none", help="side the light comes from")
    command.add_argument(
        "--foreground",
        type=Path,
        help="masks, white on what remains of the input; the rest is made up (animatediff, full or fusion)",
    )
    models = command.add_argument_group("local checkpoints")
    models.add_argument("--sd15", type=Path, required=True, help="folder of a StableDiffusionPipeline (1.5)")
    models.add_argument("--ic-light", type=Path, required=True, help="iclight_sd15_fc.safetensors")
    models.add_argument("--model", choices=VIDEO_MODELS, default="animatediff", help="video model")
    models.add_argument("--motion-adapter", type=Path, help="folder of a MotionAdapter (animatediff)")
    models.add_argument("--checkpoint", type=Path, help="folder of the pipeline (cogvideox, wan)")
    how = command.add_argument_group("method, by default with the authors' values for the video model")
    how.add_argument("--method", default="full", choices=METHODS)
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
    options = parser().parse_args(arguments)
    changes = {key: getattr(options, key) for key in ("gamma", "steps", "strength", "guidance", "size", "frames")}
    settings = SETTINGS[options.model]._replace(**{key: value for key, value in changes.items() if value is not None})
    dtype = getattr(torch, options.dtype or ("float16" if options.device.startswith("cuda") else "float32"))
    common = {"device": options.device, "dtype": dtype}
    try:
        frames = frames_that_fit(options.model, settings.frames)
        images, rate = read_video(options.input, settings.size, frames)
        foreground = None
        if options.foreground is not None:
            masks, _ = read_video(options.foreground, settings.size, frames)
            foreground = torch.from_numpy(masks.mean(1, keepdims=True) > 0.5).float().to(options.device)
        relighter = load_ic_light(
            options.sd15,
            options.ic_light,
            prompt=options.prompt,
            negative=RELIGHT_NEGATIVE,
            guidance=options.relight_guidance,
            **common,
        )
        model = None
        if options.method not in ("attention", "per_frame"):
            needs = "motion_adapter" if options.model == "animatediff" else "checkpoint"
            if getattr(options, needs) is None:
                raise ValueError(f"--{needs.replace('_', '-')}: got nothing, expected a path for {options.model}")
            model = load_video_model(
                options.model,
                sd15=options.sd15,
                motion_adapter=options.motion_adapter,
                path=options.checkpoint,
                prompt=options.prompt,
                negative=options.negative,
                guidance=settings.guidance,
                **common,
            )
        video = torch.from_numpy(2 * images - 1).to(options.device)
        result, _ = relight_video(
            video,
            relighter,
            model,
            settings,
            method=options.method,
            side=options.light,
            seed=options.seed,
            relight_steps=options.relight_steps,
            foreground=foreground,
            report=lambda items: progress(items, "steps of the video model"),
        )
        write_video(options.output, ((result + 1) / 2).cpu().numpy().astype(np.float64), rate)
    except (ValueError, OSError) as error:
        print(f"relight_video: {error}", file=sys.stderr)
        return 1
    print(f"{len(result)} frames written to {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
