"""Random lit scenes as training batches of diffusion models, in [-1, 1]."""

import numpy as np

from lib.rendering.spheres import DIRECTIONS, Clips, draw_light, lit_clip, shade, source_video

SOURCE_LABEL = len(DIRECTIONS)


def _one_frame(clips: Clips, frame: np.ndarray) -> Clips:
    """Clips of one frame each, `frame` (B,)."""
    index = np.arange(len(frame))
    return Clips(*(array[index, frame][:, None] for array in clips[:3]), clips.flow)


def relighting_pairs(
    rng: np.random.Generator, images: int, frames: int, size: int, source_share: float = 0.4
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames to relight, and the same frames under the light that is asked for.

    A frame to relight is under the source light alone with probability `source_share`, else under a mixture of it and
    another random light, which is what progressive fusion feeds to a relighter.

    Args:
        rng: source of randomness.
        images: number N.
        frames: length of the clips that the frames are taken from.
        size: pixels along each side.
        source_share: probability of the source light alone.

    Returns:
        Relit frames and frames to relight, (N, 3, S, S) each, in [-1, 1], and directions (N,).
    """
    clips = _one_frame(lit_clip(rng, images, frames, size), rng.integers(frames, size=images))
    target = draw_light(rng, images)
    weight = np.where(rng.random(images) < source_share, 1.0, rng.random(images))[:, None, None, None, None]
    source = weight * source_video(clips) + (1 - weight) * shade(clips, draw_light(rng, images))
    relit = shade(clips, target)
    return 2 * relit[:, 0] - 1, 2 * source[:, 0] - 1, target.direction


def steadily_lit_clips(
    rng: np.random.Generator, clips: int, frames: int, size: int, source_share: float = 0.3
) -> tuple[np.ndarray, np.ndarray]:
    """Clips under a light that does not change from frame to frame.

    Args:
        rng: source of randomness.
        clips: number B.
        frames: frames F of each.
        size: pixels along each side.
        source_share: probability of the source light.

    Returns:
        Videos (B, F, 3, S, S) in [-1, 1], and labels (B,): a direction, or `SOURCE_LABEL` for the source light.
    """
    scenes, light = lit_clip(rng, clips, frames, size), draw_light(rng, clips)
    source = rng.random(clips) < source_share
    video = np.where(source[:, None, None, None, None], source_video(scenes), shade(scenes, light))
    return 2 * video - 1, np.where(source, SOURCE_LABEL, light.direction)
