"""Relight one of the user's videos with published checkpoints by every method, and measure the results."""

from pathlib import Path

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import seed_sequence
from lib.diffusion.checkpoints import RELIGHT_NEGATIVE, load_ic_light, load_video_model
from lib.diffusion.relight_video import RELIGHT_GUIDANCE, SETTINGS, relight_video
from lib.progress import progress
from lib.video.features import clip_features
from lib.video.files import list_videos, read_video
from lib.video.temporal import estimated_flow, flow_epe, temporal_consistency


def relight_photographs(
    *,
    videos: Path,
    sd15: Path,
    ic_light: Path,
    clip: Path,
    kind: str,
    n: int,
    methods: list[str],
    prompt: str,
    side: str,
    relight_steps: int,
    radius: int,
    root_seed: int,
    device: str,
    motion_adapter: Path | None = None,
    checkpoint: Path | None = None,
    settings: dict | None = None,
) -> xr.Dataset:
    """Return relit videos `(method, frame, channel, y, x)` as bytes, CLIP features and measures `(method,)`.

    Args:
        videos: folder of videos.
        sd15, ic_light, clip, motion_adapter, checkpoint: local checkpoints, see `lib.diffusion.checkpoints`.
        kind: video model.
        n: which video of the folder, sorted by name.
        methods: of `lib.diffusion.relight_video.relight_video`.
        prompt, side: the light that is asked for.
        relight_steps: executed steps of the relighter.
        radius: window of the flow estimator, pixels.
        root_seed: root of the random streams.
        device: torch device.
        settings: changes to the authors' settings of the video model.

    Raises:
        ValueError: fewer videos than n + 1.
    """
    files = list_videos(videos)
    if n >= len(files):
        raise ValueError(f"data.videos: got {len(files)} videos in {videos}, expected at least {n + 1}")
    model_settings = SETTINGS[kind]._replace(**(settings or {}))
    frames, _ = read_video(files[n], model_settings.size, model_settings.frames)
    common = {"prompt": prompt, "device": device, "dtype": torch.float16 if device == "cuda" else torch.float32}
    relighter = load_ic_light(sd15, ic_light, negative=RELIGHT_NEGATIVE, guidance=RELIGHT_GUIDANCE, **common)
    model = load_video_model(
        kind,
        sd15=sd15,
        motion_adapter=motion_adapter,
        path=checkpoint,
        negative="",
        guidance=model_settings.guidance,
        **common,
    )
    source = torch.from_numpy(2 * frames - 1).to(device)
    seed = int(seed_sequence(root_seed, "light_a_video", "photographs", n).generate_state(1)[0])
    flow = estimated_flow(frames[None].astype(float), radius)
    everywhere = np.ones((1, len(frames) - 1, *frames.shape[-2:]), bool)
    relit, features, similarity, motion = [], [], [], []
    for method in progress(methods, "methods"):
        video, _ = relight_video(
            source,
            relighter,
            model,
            model_settings,
            method=method,
            side=side,
            seed=seed,
            relight_steps=relight_steps,
        )
        images = ((video + 1) / 2).cpu().numpy()
        features.append(clip_features(images, clip, device))
        similarity.append(temporal_consistency(features[-1]))
        motion.append(flow_epe(images[None].astype(float), flow, everywhere, radius)[0])
        relit.append(np.round(images * 255).astype(np.uint8))
    return xr.Dataset(
        {
            "video": (("method", "frame", "channel", "y", "x"), np.stack(relit)),
            "features": (("method", "frame", "feature"), np.stack(features), {"long_name": "CLIP image embedding"}),
            "similarity": ("method", similarity, {"long_name": "mean cosine of consecutive frames' features"}),
            "motion": ("method", motion, {"long_name": "distance of the estimated flow from the source's, pixels"}),
        },
        coords={"method": methods},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(relight_photographs, snakemake)
