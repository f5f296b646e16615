"""Measures of relit videos of scenes whose geometry, albedo and motion are known."""

import numpy as np
import xarray as xr

from lib.rendering.fit import fit_light, fitted_direction, light_flicker
from lib.rendering.spheres import Clips, Motion
from lib.video.temporal import flow_epe, warp_error


def measure_videos(
    video: np.ndarray, clips: Clips, direction: np.ndarray, motion: Motion, radius: int = 3
) -> xr.Dataset:
    """Light, appearance and motion of videos of known scenes.

    Args:
        video: (B, F, 3, S, S), linear radiance.
        clips: the scenes.
        direction: (B,), the direction that the light should come from, index into `lib.rendering.spheres.DIRECTIONS`.
        motion: of the scenes.
        radius: window of the flow estimator, pixels.

    Returns:
        Measures along `clip`, and the fitted `light` (clip, frame, channel).

    Raises:
        ValueError: a video of another shape than the scenes.
    """
    fit = fit_light(video, clips, direction)
    wall = fit_light(video, clips, direction, ~clips.mask)
    aligned = fitted_direction(video, clips) == direction[:, None]
    measures = {
        "flicker": (light_flicker(fit.intensity), "light flicker: temporal deviation of the fitted intensity"),
        "wall_flicker": (light_flicker(wall.intensity), "light flicker fitted on wall pixels alone"),
        "warp": (warp_error(video, motion.flow, motion.visible), "warp error"),
        "clip_error": (fit.clip_error, "RMSE from the nearest clip under one light"),
        "frame_error": (fit.frame_error.mean(1), "RMSE of frames from their nearest relighting, mean over frames"),
        "intensity": (fit.intensity.mean((1, 2)), "fitted direct intensity"),
        "direction": (aligned.mean(1), "share of frames closest to a render from the direction asked for"),
        "motion": (
            flow_epe(video, motion.flow, motion.on_sphere, radius),
            "end-point error of the estimated flow on the sphere, pixels",
        ),
    }
    table = xr.Dataset({name: ("clip", values, {"long_name": text}) for name, (values, text) in measures.items()})
    return table.assign(light=(("clip", "frame", "channel"), fit.intensity, {"long_name": "fitted intensity"}))
