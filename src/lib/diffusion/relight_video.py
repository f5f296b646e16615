"""Light-A-Video with published checkpoints: IC-Light and a video diffusion model relight a video.

`python -m lib.commands.relight_video --help` is the command line.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import xarray as xr

from lib.diffusion.attention import install_cla, restore_processors
from lib.diffusion.checkpoints import Relighter, VideoModel
from lib.diffusion.relighting import (
    frame_generators,
    inpaint,
    light_gradient,
    progressive_light_fusion,
    relight,
    sdedit,
)
from lib.diffusion.steps import fusion_weights

METHODS = ("full", "fusion", "attention", "per_frame", "sdedit_0.2", "sdedit_0.6")


class Settings(NamedTuple):
    """Settings of a video model; `SETTINGS` has those of the authors' code.

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
        seed: of the frames' noise; every call continues the streams.
        steps, strength: of the image model.
    """
    generators: list = []

    def call(video):
        frames = video.flatten(0, 1)
        if not generators:
            generators.extend(frame_generators([seed], len(frames)))
        start = None if side == "none" else light_gradient(side, *frames.shape[-2:]).to(frames)
        relit = relight(
            relighter.denoise,
            relighter.scheduler,
            relighter.codec,
            frames,
            start,
            steps=steps,
            strength=strength,
            generators=generators,
        )
        return relit.to(video).unflatten(0, video.shape[:2])

    return call


def foreground_of_code(foreground: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
    """A mask of frames (F, 1, H, W) as a binary mask of their code (1, c, F, h, w): (1, 1, F, h, w).

    Raises:
        ValueError: a code that has not a frame for each frame.
    """
    if code.ndim != 5 or code.shape[2] != len(foreground):
        shape = f"a code of shape {tuple(code.shape)} for {len(foreground)} frames"
        raise ValueError(f"foreground: got {shape}, expected a video model that codes frames one by one (animatediff)")
    mask = torch.nn.functional.interpolate(foreground.transpose(0, 1)[None], code.shape[2:], mode="area")
    return (mask > 0.5).to(code.dtype)


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
    foreground: torch.Tensor | None = None,
    report: Callable[[Sequence], Sequence] = lambda items: items,
) -> tuple[torch.Tensor, xr.Dataset]:
    """Relight one clip, without training anything.

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
        foreground: mask (F, 1, H, W) in [0, 1] of what remains of the video; the video model makes up the rest, before
            the fusion. For methods that fuse, and a video model that codes frames one by one.
        report: wraps the steps of the video model.

    Returns:
        (F, C, H, W) in [-1, 1], and the trace of the fusion (empty without it).

    Raises:
        ValueError: an unknown method, one that needs a video model where there is none, or a foreground for a method
            that does not fuse or a video model that codes several frames together.
    """
    if foreground is not None and method not in ("full", "fusion"):
        raise ValueError(f"foreground: got one for the method {method!r}, expected full or fusion")
    if method not in METHODS:
        raise ValueError(f"method: got {method!r}, expected one of {', '.join(METHODS)}")
    if model is None and method not in ("attention", "per_frame"):
        raise ValueError(f"model: got none, expected a video model for the method {method!r}")
    clip = video[None]
    relit = frames_relighter(relighter, side, seed=seed, steps=relight_steps, strength=relight_strength)
    former = install_cla(relighter.network, settings.gamma) if method in ("full", "attention") else {}
    noise = [torch.Generator().manual_seed(seed)]
    trace = xr.Dataset()
    try:
        if method in ("full", "fusion"):
            background = {}
            if foreground is not None:
                where = foreground_of_code(foreground, model.codec.encode(clip))
                schedule = {"steps": settings.steps, "strength": settings.strength, "generators": noise}
                start = inpaint(model.denoise, model.scheduler, model.codec, clip, where, **schedule)
                background = {"foreground": foreground[None], "start": start}
            result, trace = progressive_light_fusion(
                model.denoise,
                relit,
                model.codec,
                clip,
                scheduler=model.scheduler,
                steps=settings.steps,
                strength=settings.strength,
                weights=fusion_weights(settings.steps, settings.power),
                detail_weights=fusion_weights(settings.steps),
                threshold=settings.threshold,
                generators=noise,
                keep_frames=False,
                report=report,
                **background,
            )
        else:
            result = relit(clip)
            if method.startswith("sdedit"):
                strength = float(method.split("_")[1])
                result = sdedit(
                    model.denoise,
                    model.scheduler,
                    model.codec,
                    result,
                    steps=max(2, round(20 * strength)),
                    strength=strength,
                    generators=noise,
                )
    finally:
        restore_processors(relighter.network, former)
    return result[0].float().clamp(-1, 1), trace
