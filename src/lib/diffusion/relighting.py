"""Training-free video relighting: an image relighter, a video model, and their fusion step by step (Light-A-Video).

Videos are (B, F, C, H, W) in [-1, 1], images (N, C, H, W). Every model comes as a function of the scaled sample and
the timestep, guidance included; every scheduler is one of diffusers'; a codec is a pair of functions between pixels and
what the model sees. Noise comes from one generator for each item of a batch, so an item's result does not depend on
the others in its batch.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr

from lib.diffusion.steps import (
    clean_estimate,
    executed_timesteps,
    fused_step,
    fusion_weights,
    noised,
    scaled,
    standard_normal,
    step,
)

LIGHT_SIDES = ("left", "right", "top", "bottom")


class Codec(NamedTuple):
    """Functions between pixels in [-1, 1] and a model's samples."""

    encode: Callable[[torch.Tensor], torch.Tensor]
    decode: Callable[[torch.Tensor], torch.Tensor]


IDENTITY = Codec(lambda x: x, lambda x: x)


def light_gradient(side: str, height: int, width: int) -> torch.Tensor:
    """A linear gradient, 1 at the bright side and -1 at the other: (1, 3, height, width).

    Raises:
        ValueError: an unknown side.
    """
    if side not in LIGHT_SIDES:
        raise ValueError(f"side: got {side!r}, expected one of {', '.join(LIGHT_SIDES)}")
    along = width if side in ("left", "right") else height
    ramp = torch.linspace(1, -1, along)
    if side in ("right", "bottom"):
        ramp = ramp.flip(0)
    ramp = ramp[None, :] if side in ("left", "right") else ramp[:, None]
    return ramp.expand(height, width).expand(1, 3, height, width).contiguous()


def frame_generators(seeds: Sequence[int], frames: int, shared: bool = False) -> list[torch.Generator]:
    """A generator for each frame of each clip.

    Args:
        seeds: one for each clip.
        frames: frames of a clip.
        shared: every frame of a clip draws the same noise.
    """
    return [
        torch.Generator().manual_seed(int(seed) * 1009 + (0 if shared else frame + 1))
        for seed in seeds
        for frame in range(frames)
    ]


@torch.no_grad()
def relight(
    denoise: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor],
    scheduler,
    codec: Codec,
    frames: torch.Tensor,
    start: torch.Tensor | None,
    *,
    steps: int,
    strength: float,
    generators,
    eta: float | None = None,
) -> torch.Tensor:
    """Relight images, each an independent sample of an image model that sees the image (IC-Light).

    Args:
        denoise: model output from (sample, timestep, code of the images).
        scheduler: of the image model.
        codec: of images.
        frames: (N, C, H, W) in [-1, 1].
        start: image to start from, (N or 1, C, H, W); a Gaussian code where it is None.
        steps: executed steps.
        strength: share of the schedule that is executed, in (0, 1].
        generators: one for each image.
        eta: of DDIM.

    Returns:
        (N, C, H, W) in [-1, 1].
    """
    condition = codec.encode(frames)
    timesteps = executed_timesteps(scheduler, steps, strength)
    code = standard_normal(condition, generators) if start is None else codec.encode(start).expand_as(condition)
    x = noised(scheduler, code, standard_normal(condition, generators), timesteps[0])
    for t in timesteps:
        output = denoise(scaled(scheduler, x, t), t, condition)
        x = step(scheduler, output, t, x, generators, eta)
    return codec.decode(x).clamp(-1, 1)


@torch.no_grad()
def sdedit(vdm, scheduler, codec: Codec, video: torch.Tensor, *, steps: int, strength: float, generators):
    """Noise a video to an intermediate level and denoise it with a video model.

    Args:
        vdm: model output from (sample, timestep).
        scheduler: of the video model.
        codec: of videos.
        video: (B, F, C, H, W) in [-1, 1].
        steps, strength: see `relight`.
        generators: one for each clip.

    Returns:
        (B, F, C, H, W).

    Raises:
        ValueError: a strength outside (0, 1].
    """
    timesteps = executed_timesteps(scheduler, steps, strength)
    z = codec.encode(video)
    x = noised(scheduler, z, standard_normal(z, generators), timesteps[0])
    for t in timesteps:
        x = step(scheduler, vdm(scaled(scheduler, x, t), t), t, x, generators)
    return codec.decode(x)


@torch.no_grad()
def inpaint(
    vdm, scheduler, codec: Codec, video: torch.Tensor, where: torch.Tensor, *, steps: int, strength: float, generators
) -> torch.Tensor:
    """Make up the background of a video from noise, down to the level at which a fusion of `steps` steps starts.

    After each step of the video model the foreground is replaced by that of the video at the same noise level (Zhou et
    al. 2025, section 5.3).

    Args:
        vdm: model output from (sample, timestep).
        scheduler: of the video model.
        codec: of videos.
        video: (B, F, C, H, W) in [-1, 1].
        where: 1 in the foreground, 0 in the background, broadcast against the video's code.
        steps, strength: of the fusion; the `round(steps / strength)` - `steps` steps before it are executed here.
        generators: one for each clip.

    Returns:
        The sample that the fusion starts from.

    Raises:
        ValueError: a strength outside (0, 1].
    """
    executed_timesteps(scheduler, steps, strength)
    every = round(steps / strength)
    timesteps = executed_timesteps(scheduler, every, 1.0)[: every - steps + 1]
    z = codec.encode(video) * where
    noise = standard_normal(z, generators)
    x = noised(scheduler, z, noise, timesteps[0])
    for t, following in pairwise(timesteps):
        x = step(scheduler, vdm(scaled(scheduler, x, t), t), t, x, generators)
        x = where * noised(scheduler, z, noise, following) + (1 - where) * x
    return x


@torch.no_grad()
def progressive_light_fusion(
    vdm: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    relighter: Callable[[torch.Tensor], torch.Tensor],
    codec: Codec,
    video: torch.Tensor,
    *,
    scheduler,
    steps: int,
    strength: float,
    generators,
    weights: np.ndarray | None = None,
    detail_weights: np.ndarray | None = None,
    threshold: float = 0.15,
    foreground: torch.Tensor | None = None,
    start: torch.Tensor | None = None,
    keep_frames: bool = True,
    report: Callable[[Sequence], Sequence] = lambda items: items,
) -> tuple[torch.Tensor, xr.Dataset]:
    """Denoise a video while its clean estimate is blended in pixels with its relit version (Light-A-Video).

    At step i the decoded clean estimate Vc is compensated with the detail lost at step 0, relit to Vr, and replaced
    by (1 - lambda_i) Vc + lambda_i Vr, as long as lambda_i is above the threshold.

    Args:
        vdm: model output of the video model from (sample, timestep).
        relighter: relit frames from frames, (B, F, C, H, W) to the same.
        codec: of videos.
        video: (F, C, H, W) or (B, F, C, H, W) in [-1, 1].
        scheduler: DDIM, Euler ancestral or flow-matching Euler.
        steps: executed steps T.
        strength: share of the schedule that is executed, in (0, 1].
        generators: of the video model's noise, one for each clip.
        weights: lambda_i, (T,); by default linear from 1 to 0.
        detail_weights: weights of the detail difference, (T,); by default `weights`.
        threshold: fusion stops where lambda_i is not above it.
        foreground: mask (B or 1, F or 1, 1, H, W) in [0, 1] outside of which nothing is compensated and the video is
            grey before it is noised, so that the model makes it up.
        start: sample at the first executed timestep, as `inpaint` returns it; by default the noised code of the video.
        keep_frames: whether the trace has the consistency, relit and fused targets of all steps.
        report: wraps the steps, for a progress display.

    Returns:
        The video, of the shape of `video`, and the trace: `weight` (step), `fused_at` (step), `jump` (step, clip), the
        RMSE in [0, 1] from the previous fused target, and with `keep_frames` `consistency`, `relit`, `fused` (step,
        clip, frame, channel, y, x) in [0, 1].

    Raises:
        ValueError: shapes that do not fit, or a strength outside (0, 1].
    """
    if video.ndim not in (4, 5):
        raise ValueError(f"video: got shape {tuple(video.shape)}, expected (F, C, H, W) or (B, F, C, H, W)")
    clips = video if video.ndim == 5 else video[None]
    weights = fusion_weights(steps) if weights is None else np.asarray(weights, float)
    detail_weights = weights if detail_weights is None else np.asarray(detail_weights, float)
    for name, value in (("weights", weights), ("detail_weights", detail_weights)):
        if value.shape != (steps,):
            raise ValueError(f"{name}: got shape {value.shape}, expected ({steps},)")
    timesteps = executed_timesteps(scheduler, steps, strength)
    z = codec.encode(clips)
    noise = standard_normal(z, generators)
    if foreground is not None:
        z = codec.encode(clips * foreground)
    x = noised(scheduler, z, noise, timesteps[0]) if start is None else start
    fused_at = weights > threshold
    jumps = np.full((steps, len(clips)), np.nan)
    targets: dict[str, list] = {"consistency": [], "relit": [], "fused": []}
    detail = previous = None
    for i, t in enumerate(report(timesteps)):
        output = vdm(scaled(scheduler, x, t), t)
        if not fused_at[i]:
            x = fused_step(scheduler, output, t, x, None, generators)
            continue
        consistency = codec.decode(clean_estimate(scheduler, output, t, x))
        if detail is None:
            detail = clips - consistency if foreground is None else (clips - consistency) * foreground
        consistency = consistency + float(detail_weights[i]) * detail
        relit = relighter(consistency)
        fused = (1 - float(weights[i])) * consistency + float(weights[i]) * relit
        x = fused_step(scheduler, output, t, x, codec.encode(fused), generators)
        if previous is not None:
            jumps[i] = ((fused - previous) / 2).float().square().mean((1, 2, 3, 4)).sqrt().cpu().numpy()
        previous = fused
        if keep_frames:
            for name, value in (("consistency", consistency), ("relit", relit), ("fused", fused)):
                targets[name].append(((value + 1) / 2).float().cpu().numpy())
    trace = xr.Dataset(
        {
            "weight": ("step", weights),
            "fused_at": ("step", fused_at),
            "jump": (("step", "clip"), jumps, {"long_name": "RMSE from the previous fused target", "units": "1"}),
        }
    )
    if keep_frames and fused_at.any():
        full = np.full((steps, *targets["fused"][0].shape), np.nan, np.float32)
        for name, values in targets.items():
            array = full.copy()
            array[fused_at] = np.stack(values)
            trace[name] = (("step", "clip", "frame", "channel", "y", "x"), array)
    result = codec.decode(x)
    return (result if video.ndim == 5 else result[0]), trace
