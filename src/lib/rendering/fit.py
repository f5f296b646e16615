"""The light of an image whose albedo and geometry are known, by least squares."""

from typing import NamedTuple

import numpy as np

from lib.rendering.spheres import AMBIENT, DIRECTIONS, ELEVATION, Clips, Light, shade, shading


class LightFit(NamedTuple):
    """Fitted lights of B clips with F frames.

    Attributes:
        intensity: (B, F, 3), of each frame, at the clip's elevation.
        elevation: (B,), rad, of the best fit of a clip whose frames may each have another intensity.
        frame_error: (B, F), RMSE of a frame from the nearest image under any light of the direction.
        clip_error: (B,), RMSE of a clip from the nearest one under a single light of the direction.
    """

    intensity: np.ndarray
    elevation: np.ndarray
    frame_error: np.ndarray
    clip_error: np.ndarray


def fit_light(
    video: np.ndarray, clips: Clips, direction: np.ndarray, where: np.ndarray | None = None, elevations: int = 26
) -> LightFit:
    """Fit y - ambient rho = I rho s in each channel by least squares, the elevation on a grid.

    Args:
        video: (B, F, 3, S, S), linear radiance.
        clips: scenes of the videos.
        direction: (B,), index into `DIRECTIONS`.
        where: (B, F, S, S), pixels that count; by default all.
        elevations: points of the grid over the range of the scenes.

    Raises:
        ValueError: a video of another shape than the scenes.
    """
    if video.shape != clips.albedo.shape:
        raise ValueError(f"video: got shape {video.shape}, expected that of the scenes, {clips.albedo.shape}")
    count = np.ones(clips.mask.shape) if where is None else where.astype(float)
    residual = video - AMBIENT * clips.albedo
    pixels = 3 * np.maximum(count.sum((-1, -2)), 1)
    energy = np.einsum("bfcyx,bfyx->bf", residual**2, count)
    grid = np.linspace(*ELEVATION, elevations)
    products, norms = [], []
    for elevation in grid:
        s = shading(clips, direction, np.full(len(video), elevation))
        basis = clips.albedo * s[:, :, None]
        products.append(np.einsum("bfcyx,bfcyx,bfyx->bfc", residual, basis, count))
        norms.append(np.einsum("bfcyx,bfyx->bfc", basis**2, count))
    product, norm = np.stack(products), np.maximum(np.stack(norms), 1e-12)
    own = np.maximum(energy - (product**2 / norm).sum(-1), 0)
    single = np.maximum(energy.sum(1) - (product.sum(2) ** 2 / norm.sum(2)).sum(-1), 0)
    best = own.sum(-1).argmin(0)
    clip = np.arange(len(video))
    return LightFit(
        product[best, clip] / norm[best, clip],
        grid[best],
        np.sqrt(own.min(0) / pixels),
        np.sqrt(single.min(0) / pixels.sum(1)),
    )


def nearest_steady_clip(video: np.ndarray, clips: Clips, direction: np.ndarray, elevations: int = 26) -> np.ndarray:
    """The renders closest to videos, (B, F, 3, S, S), among those under one light of a direction for a whole clip.

    Args:
        video: (B, F, 3, S, S), linear radiance.
        clips: scenes of the videos.
        direction: (B,), index into `DIRECTIONS`.
        elevations: points of the grid over the range of the scenes.
    """
    residual = video - AMBIENT * clips.albedo
    renders = []
    for elevation in np.linspace(*ELEVATION, elevations):
        angles = np.full(len(video), elevation)
        basis = clips.albedo * shading(clips, direction, angles)[:, :, None]
        norm = np.maximum((basis**2).sum((1, 3, 4)), 1e-12)
        renders.append(shade(clips, Light(direction, angles, (residual * basis).sum((1, 3, 4)) / norm)))
    errors = [((render - video) ** 2).sum((1, 2, 3, 4)) for render in renders]
    return np.stack(renders)[np.argmin(errors, axis=0), np.arange(len(video))]


def fitted_direction(video: np.ndarray, clips: Clips) -> np.ndarray:
    """Direction (B, F), index into `DIRECTIONS`, under which each frame is closest to a render."""
    errors = [fit_light(video, clips, np.full(len(video), k)).frame_error for k in range(len(DIRECTIONS))]
    return np.argmin(errors, axis=0)


def light_flicker(intensity: np.ndarray) -> np.ndarray:
    """Standard deviation over time of fitted intensities (B, F, 3), averaged over channels: (B,)."""
    return intensity.std(axis=1).mean(-1)
