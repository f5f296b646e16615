"""Measures over time against closed forms, and files that come back."""

import numpy as np
import pytest
from PIL import Image
from scipy.linalg import sqrtm

from lib.video.files import list_videos, read_video, write_video
from lib.video.temporal import (
    block_means,
    end_point_error,
    estimated_flow,
    flow_epe,
    frechet_distance,
    smooth_brightness,
    temporal_consistency,
    warp,
    warp_error,
)


def waves(frames: int, shift: float, size: int = 32) -> np.ndarray:
    """A smooth pattern that moves `shift` pixels to the right in each frame."""
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    images = [
        0.5 + 0.2 * np.sin((x - shift * f) / 3) * np.cos(y / 4) + 0.1 * np.sin((x - shift * f + y) / 5)
        for f in range(frames)
    ]
    return np.stack(images)[None, :, None].repeat(3, 2)


def test_warping_by_whole_pixels_is_a_shift():
    image = np.random.default_rng(0).random((1, 2, 6, 7))
    flow = np.zeros((1, 2, 6, 7))
    flow[:, 0], flow[:, 1] = 2, 1
    np.testing.assert_allclose(warp(image, flow)[..., :5, :5], image[..., 1:, 2:])


def test_warp_error_is_zero_for_true_motion_and_the_square_of_a_step_in_brightness():
    video = waves(4, 1.0)
    flow = np.zeros((1, 3, 2, 32, 32))
    flow[:, :, 0] = 1
    visible = np.ones((1, 3, 32, 32), bool)
    visible[..., -1] = False
    np.testing.assert_allclose(warp_error(video, flow, visible), 0, atol=1e-20)
    brighter = video + 0.1 * np.arange(4)[None, :, None, None, None]
    np.testing.assert_allclose(warp_error(brighter, flow, visible), 0.01)
    with pytest.raises(ValueError, match="flow"):
        warp_error(video, flow[:, :2], visible)


def test_the_flow_of_a_moving_pattern_is_estimated():
    video = waves(3, 0.6)
    flow = np.zeros((1, 2, 2, 32, 32))
    flow[:, :, 0] = 0.6
    inner = np.zeros((1, 2, 32, 32), bool)
    inner[..., 6:-6, 6:-6] = True
    assert flow_epe(video, flow, inner)[0] < 0.1
    np.testing.assert_allclose(end_point_error(0 * flow, flow, inner), 0.6)
    np.testing.assert_allclose(end_point_error(flow, flow, 0 * inner), 0)
    assert flow_epe(video, 0 * flow, inner)[0] == pytest.approx(0.6, abs=0.1)
    assert estimated_flow(video)[0, 0, 0, 16, 16] == pytest.approx(0.6, abs=0.1)


def test_similarity_of_features():
    assert temporal_consistency(np.array([[1.0, 0], [2, 0], [0, 3]])) == pytest.approx(0.5)


def test_frechet_distance_of_known_gaussians():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((50, 4)), rng.standard_normal((60, 4)) @ rng.standard_normal((4, 4)) + 1
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca + cb - 2 * np.real(sqrtm(ca @ cb)))
    assert frechet_distance(a, b) == pytest.approx(expected)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="at least two"):
        frechet_distance(a[:1], b)


def test_smoothing_brightness_removes_a_flicker_of_brightness():
    video = waves(16, 0.0) * (1 + 0.2 * (-1.0) ** np.arange(16))[None, :, None, None, None]
    smooth = smooth_brightness(video, 2.0)
    assert smooth.mean((-1, -2)).std(1).max() < 0.1 * video.mean((-1, -2)).std(1).min()
    np.testing.assert_allclose(smooth_brightness(waves(4, 0.0), 2.0), waves(4, 0.0))


@pytest.mark.parametrize("name", ["clip", "clip.mp4"])
def test_a_video_comes_back(tmp_path, name):
    video = waves(5, 1.0)[0].astype(np.float32)
    write_video(tmp_path / name, video, 10)
    again, rate = read_video(tmp_path / name)
    assert again.shape == video.shape
    np.testing.assert_allclose(again, video, atol=0.003 if name == "clip" else 0.05)
    assert rate == (8 if name == "clip" else 10)
    assert read_video(tmp_path / name, (16, 20), 3)[0].shape == (3, 3, 16, 20)
    assert list_videos(tmp_path) == [tmp_path / name]


def test_files_are_checked(tmp_path):
    with pytest.raises(ValueError, match="expected a video file or a folder"):
        read_video(tmp_path / "none.mp4")
    with pytest.raises(ValueError, match="at least one"):
        read_video(tmp_path)
    for index, size in enumerate((4, 6)):
        Image.new("RGB", (size, 4)).save(tmp_path / f"{index}.png")
    with pytest.raises(ValueError, match="different sizes"):
        read_video(tmp_path)
    with pytest.raises(ValueError, match="expected 3"):
        read_video(tmp_path, frames=3)
    with pytest.raises(ValueError, match="even"):
        write_video(tmp_path / "a.mp4", np.zeros((2, 3, 5, 4)))
    with pytest.raises(ValueError, match="mp4"):
        write_video(tmp_path / "a.avi", np.zeros((2, 3, 4, 4)))


def test_block_means_of_a_checkerboard_of_blocks():
    image = np.kron(np.array([[0.0, 1.0], [2.0, 3.0]]), np.ones((4, 4)))
    video = np.stack([image, 10 + image])[None, None]
    np.testing.assert_array_equal(block_means(video, 4), [[[0, 1, 2, 3, 10, 11, 12, 13]]])
    with pytest.raises(ValueError, match="divisor"):
        block_means(video, 3)
