"""Measures of a video's consistency over time."""

from itertools import pairwise

import numpy as np


def warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Values of images at pixels moved by a flow, bilinear, edges repeated.

    Args:
        image: (N, C, H, W).
        flow: (N, 2, H, W), (dx, dy) in pixels, x to the right, y down.

    Returns:
        (N, C, H, W): `image` at (x + dx, y + dy).
    """
    import torch  # a second to import, which those who only compare features need not wait for

    height, width = image.shape[-2:]
    x = np.arange(width) + flow[:, 0]
    y = np.arange(height)[:, None] + flow[:, 1]
    unit = np.stack([2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1], axis=-1)
    sampled = torch.nn.functional.grid_sample(
        torch.from_numpy(np.ascontiguousarray(image, np.float64)),
        torch.from_numpy(unit.astype(np.float64)),
        padding_mode="border",
        align_corners=True,
    )
    return sampled.numpy()


def _check(video: np.ndarray, flow: np.ndarray) -> None:
    b, f, _, h, w = video.shape
    if flow.shape != (b, f - 1, 2, h, w):
        raise ValueError(f"flow: got shape {flow.shape}, expected {(b, f - 1, 2, h, w)} for a video {video.shape}")


def warp_error(video: np.ndarray, flow: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Mean squared difference of each frame and the next one warped back onto it.

    Args:
        video: (B, F, C, H, W) in [0, 1].
        flow: (B, F - 1, 2, H, W), (dx, dy) in pixels from frame f to f + 1.
        visible: (B, F - 1, H, W), pixels of frame f whose surface frame f + 1 shows too.

    Returns:
        (B,), means over visible pixels and channels.

    Raises:
        ValueError: shapes that do not fit.
    """
    _check(video, flow)
    b, f, c, h, w = video.shape
    moved = warp(video[:, 1:].reshape(-1, c, h, w), flow.reshape(-1, 2, h, w)).reshape(b, f - 1, c, h, w)
    square = ((video[:, :-1] - moved) ** 2).mean(2)
    return (square * visible).sum((1, 2, 3)) / np.maximum(visible.sum((1, 2, 3)), 1)


def estimated_flow(video: np.ndarray, radius: int = 3) -> np.ndarray:
    """Optical flow of a video by iterative Lucas-Kanade on its channel mean.

    Args:
        video: (B, F, C, H, W).
        radius: of the window, pixels.

    Returns:
        (B, F - 1, 2, H, W), (dx, dy) in pixels from frame f to f + 1.
    """
    from skimage.registration import optical_flow_ilk

    grey = video.mean(2)
    flow = [[optical_flow_ilk(a, b, radius=radius)[::-1] for a, b in pairwise(clip)] for clip in grey]
    return np.asarray(flow)


def end_point_error(estimate: np.ndarray, flow: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean end-point error |estimate - flow| of optical flows, in pixels.

    Args:
        estimate, flow: (B, F - 1, 2, H, W), (dx, dy) in pixels.
        mask: (B, F - 1, H, W), pixels that count.

    Returns:
        (B,).
    """
    distance = np.linalg.norm(estimate - flow, axis=2)
    return (distance * mask).sum((1, 2, 3)) / np.maximum(mask.sum((1, 2, 3)), 1)


def flow_epe(video: np.ndarray, flow: np.ndarray, mask: np.ndarray, radius: int = 3) -> np.ndarray:
    """Mean end-point error of the flow that is estimated from a video, in pixels.

    Args:
        video: (B, F, C, H, W).
        flow: true flow (B, F - 1, 2, H, W), (dx, dy) in pixels.
        mask: (B, F - 1, H, W), pixels that count.
        radius: of the estimator's window, pixels.

    Returns:
        (B,).

    Raises:
        ValueError: shapes that do not fit.
    """
    _check(video, flow)
    return end_point_error(estimated_flow(video, radius), flow, mask)


def temporal_consistency(features: np.ndarray) -> float:
    """Mean cosine similarity of consecutive frames' features (F, d)."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    return float(np.mean(np.sum(unit[1:] * unit[:-1], axis=1)))


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance |mean a - mean b|^2 + tr(A + B - 2 sqrt(AB)) of features (n, d), (m, d) taken as Gaussian.

    NaN where a feature is not finite.

    Raises:
        ValueError: fewer than two features in a set, or sets of different widths.
    """
    if min(len(a), len(b)) < 2 or a.shape[1:] != b.shape[1:]:
        raise ValueError(f"a, b: got shapes {a.shape}, {b.shape}, expected at least two features, of equal length")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("nan")
    mean, cov_a, cov_b = a.mean(0) - b.mean(0), np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(np.atleast_2d(cov_a))
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ np.atleast_2d(cov_b) @ root), 0, None)).sum()
    return float(mean @ mean + np.trace(np.atleast_2d(cov_a)) + np.trace(np.atleast_2d(cov_b)) - 2 * cross)


def block_means(video: np.ndarray, block: int) -> np.ndarray:
    """Frames as few numbers: means over square blocks, (..., C, H, W) to (..., C H W / block^2).

    Args:
        video: images.
        block: pixels along each side of a block.

    Raises:
        ValueError: a height or width that is no multiple of the block.
    """
    *lead, channels, height, width = video.shape
    if height % block or width % block:
        raise ValueError(f"block: got {block}, expected a divisor of the height and width, {height} and {width}")
    split = video.reshape(*lead, channels, height // block, block, width // block, block)
    return split.mean((-3, -1)).reshape(*lead, -1)


def smooth_brightness(video: np.ndarray, sigma: float) -> np.ndarray:
    """Scale each frame and channel so that its mean follows the Gaussian-smoothed mean over time, clipped to [0, 1].

    Args:
        video: (B, F, C, H, W) in [0, 1].
        sigma: of the Gaussian, in frames; ends are reflected.

    Returns:
        (B, F, C, H, W).
    """
    from scipy.ndimage import gaussian_filter1d

    mean = video.mean((-1, -2))
    smooth = gaussian_filter1d(mean, sigma, axis=1, mode="reflect")
    return np.clip(video * (smooth / np.maximum(mean, 1e-6))[..., None, None], 0, 1)
