"""Relighting of small lit clips with small models: methods, and one method from source videos to relit ones."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from diffusers import DDIMScheduler, EulerAncestralDiscreteScheduler

from lib.diffusion.attention import install_cla, restore_processors
from lib.diffusion.relighting import (
    IDENTITY,
    LIGHT_SIDES,
    Codec,
    frame_generators,
    light_gradient,
    progressive_light_fusion,
    relight,
    sdedit,
)
from lib.diffusion.small import (
    empty_prompt,
    guided,
    label_model,
    patch_of,
    patches,
    unpatches,
    video_patches,
    video_unpatches,
)
from lib.diffusion.steps import fusion_weights
from lib.rendering.fit import fit_light
from lib.rendering.spheres import Clips
from lib.video.temporal import smooth_brightness

STEP_RULES = ("ddim", "euler")
SCHEDULES = ("linear", "quadratic", "root", "constant", "always")
TARGETS = ("consistency", "relit", "fused")


class Sampling(NamedTuple):
    """How the small models are sampled.

    Attributes:
        relight_steps, relight_strength, eta, guidance: of the relighter (ancestral DDIM).
        steps, strength, threshold: of the fusion.
        clips_at_once: clips in a batch.
    """

    relight_steps: int
    relight_strength: float
    eta: float
    guidance: float
    steps: int
    strength: float
    threshold: float
    clips_at_once: int


class Method(NamedTuple):
    """A method of relighting a clip.

    Attributes:
        gamma: weight of the averaged attention stream.
        fuse: schedule of the fusion weights, one of `SCHEDULES`; None for no fusion.
        step: step rule of the video model, one of `STEP_RULES`.
        sdedit: strength at which the video model smooths the relit frames; None leaves them as they are.
        smooth: standard deviation, in frames, of the Gaussian that smooths brightness; None leaves it as it is.
        shared_noise: all frames of a clip draw the same noise.
        relighter: name of the relighter.
    """

    gamma: float = 0.0
    fuse: str | None = None
    step: str = "ddim"
    sdedit: float | None = None
    smooth: float | None = None
    shared_noise: bool = False
    relighter: str = "transformer"


_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def image_scheduler() -> DDIMScheduler:
    """Scheduler of the relighters: the clean estimate is clipped to [-1, 1]."""
    return DDIMScheduler(prediction_type="v_prediction", clip_sample=True, timestep_spacing="trailing", **_BETAS)


def video_scheduler(rule: str):
    """Scheduler of the video model: deterministic DDIM or Euler ancestral.

    Raises:
        ValueError: an unknown step rule.
    """
    if rule == "ddim":
        return DDIMScheduler(prediction_type="v_prediction", clip_sample=False, timestep_spacing="trailing", **_BETAS)
    if rule == "euler":
        return EulerAncestralDiscreteScheduler(prediction_type="v_prediction", timestep_spacing="trailing", **_BETAS)
    raise ValueError(f"step: got {rule!r}, expected one of {', '.join(STEP_RULES)}")


def weights_of(schedule: str, steps: int, threshold: float) -> np.ndarray:
    """Fusion weights (T,): 1 - (i / (T - 1))^k with k = 1, 2, 1/2 (linear, quadratic, root), or 1.

    `always` is 1 at every step; `constant` is 1 at the steps that the linear schedule fuses, and 0 at the others.

    Raises:
        ValueError: an unknown schedule.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"fuse: got {schedule!r}, expected one of {', '.join(SCHEDULES)}")
    if schedule == "always":
        return np.ones(steps)
    if schedule == "constant":
        return (fusion_weights(steps) > threshold).astype(float)
    return fusion_weights(steps, {"linear": 1.0, "quadratic": 2.0, "root": 0.5}[schedule])


def codec_of(network) -> Codec:
    """The codec between pixels and what a small network takes: patches of frames or videos for U-Nets."""
    if not hasattr(network, "conv_in"):
        return IDENTITY
    video = hasattr(network.config, "motion_max_seq_length")
    both = (video_patches, video_unpatches) if video else (patches, unpatches)
    return Codec(*(partial(function, patch=patch_of(network)) for function in both))


def frames_relighter(
    network, direction: np.ndarray, sampling: Sampling, seeds: Sequence[int], shared: bool, device: str
) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function that relights clips (B, F, C, S, S) frame by frame, each clip with the light of its direction.

    Every call continues the streams of noise.

    Args:
        network: a relighter of `lib.diffusion.small`.
        direction: (B,), index into `LIGHT_SIDES`.
        sampling: see `Sampling`.
        seeds: of the clips' noise.
        shared: the frames of a clip share their noise.
        device: torch device.
    """
    codec = codec_of(network)
    call, empty = label_model(network), empty_prompt(network)
    generators: list = []

    def run(video: torch.Tensor) -> torch.Tensor:
        frames = video.shape[1]
        if not generators:
            generators.extend(frame_generators(seeds, frames, shared))
        label = torch.from_numpy(np.repeat(direction, frames)).to(device)
        start = torch.cat([light_gradient(LIGHT_SIDES[k], *video.shape[-2:]) for k in direction])
        denoise = guided(call, label, empty, sampling.guidance)

        def predict(x, t, condition):
            # the guidance doubles the batch after the condition has joined the sample
            return denoise(torch.cat([x, condition], 1), t)

        relit = relight(
            predict,
            image_scheduler(),
            codec,
            video.flatten(0, 1),
            start.repeat_interleave(frames, 0).to(video),
            steps=sampling.relight_steps,
            strength=sampling.relight_strength,
            generators=generators,
            eta=sampling.eta,
        )
        return relit.unflatten(0, video.shape[:2])

    return run


def relight_clips(
    source: np.ndarray,
    direction: np.ndarray,
    method: Method,
    sampling: Sampling,
    relighters: dict,
    vdm,
    seeds: Sequence[int],
    device: str = "cpu",
) -> tuple[np.ndarray, xr.Dataset]:
    """Relight clips by one method.

    Args:
        source: (B, F, 3, S, S) in [0, 1].
        direction: (B,), index into `LIGHT_SIDES`.
        method: see `Method`.
        sampling: see `Sampling`.
        relighters: networks by name.
        vdm: a `motion_unet`; None where the method needs none.
        seeds: one for each clip; a clip's result does not depend on the others.
        device: torch device.

    Returns:
        Videos (B, F, 3, S, S) in [0, 1], float32, and the trace of the fusion (empty without it).

    Raises:
        ValueError: a method that needs a video model where there is none.
    """
    if vdm is None and (method.fuse is not None or method.sdedit is not None):
        raise ValueError("vdm: got None, expected a video model for a method that fuses or smooths")
    videos, traces = [], []
    for first in range(0, len(source), sampling.clips_at_once):
        part = slice(first, first + sampling.clips_at_once)
        video, trace = _relight_batch(
            source[part], direction[part], method, sampling, relighters[method.relighter], vdm, seeds[part], device
        )
        videos.append(video)
        traces.append(trace)
    traces = [trace for trace in traces if trace.sizes]
    trace = xr.concat(traces, "clip", data_vars="minimal") if traces else xr.Dataset()
    return np.concatenate(videos), trace


def _relight_batch(source, direction, method, sampling, network, vdm, seeds, device):
    clips = torch.from_numpy(np.asarray(2 * source - 1, np.float32)).to(device)
    run = frames_relighter(network, direction, sampling, seeds, method.shared_noise, device)
    halves = 1 if sampling.guidance == 1 else 2
    former = install_cla(network, method.gamma, halves * len(clips)) if method.gamma > 0 else {}
    noise = [torch.Generator().manual_seed(int(seed)) for seed in seeds]
    label = torch.from_numpy(np.asarray(direction)).to(device)
    trace = xr.Dataset()
    try:
        if method.fuse is not None:
            video, trace = progressive_light_fusion(
                guided(label_model(vdm), label, empty_prompt(vdm), 1.0),
                run,
                codec_of(vdm),
                clips,
                scheduler=video_scheduler(method.step),
                steps=sampling.steps,
                strength=sampling.strength,
                weights=weights_of(method.fuse, sampling.steps, sampling.threshold),
                threshold=sampling.threshold,
                generators=noise,
            )
        else:
            video = run(clips)
    finally:
        restore_processors(network, former)
    if method.sdedit is not None:
        video = smooth_by_video_model(video, direction, method.sdedit, method.step, vdm, noise)
    result = np.clip((video.cpu().numpy() + 1) / 2, 0, 1)
    if method.smooth is not None:
        result = smooth_brightness(result.astype(np.float64), method.smooth)
    return result.astype(np.float32), trace


def smooth_by_video_model(
    video: torch.Tensor, direction: np.ndarray, strength: float, rule: str, vdm, generators, steps: int | None = None
) -> torch.Tensor:
    """SDEdit of videos (B, F, 3, S, S) in [-1, 1] by the video model, prompted with the direction.

    Args:
        video: the videos to smooth.
        direction: (B,), index into `LIGHT_SIDES`.
        strength: share of the schedule.
        rule: one of `STEP_RULES`.
        vdm: a `motion_unet`.
        generators: one for each clip.
        steps: executed steps; by default max(2, 20 strength).
    """
    label = torch.from_numpy(np.asarray(direction)).to(video.device)
    return sdedit(
        guided(label_model(vdm), label, empty_prompt(vdm), 1.0),
        video_scheduler(rule),
        codec_of(vdm),
        video,
        steps=max(2, round(20 * strength)) if steps is None else steps,
        strength=strength,
        generators=generators,
    )


def target_lights(trace: xr.Dataset, clips: Clips, direction: np.ndarray) -> np.ndarray:
    """Direct intensity fitted to the targets of a fusion, mean over frames and channels.

    Args:
        trace: of `relight_clips`, with T steps.
        clips: scenes of the B clips.
        direction: (B,), index into `lib.rendering.spheres.DIRECTIONS`.

    Returns:
        (B, T, 3), for each of `TARGETS`; NaN at steps without fusion.
    """
    lights = np.full((len(direction), trace.sizes["step"], len(TARGETS)), np.nan)
    for i in np.flatnonzero(trace.fused_at.values):
        for k, target in enumerate(TARGETS):
            images = trace[target].isel(step=i).values.astype(float)
            lights[:, i, k] = fit_light(images, clips, direction).intensity.mean((1, 2))
    return lights
