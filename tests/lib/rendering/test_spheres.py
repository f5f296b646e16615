"""Lit scenes: linearity of light, fits that recover known lights, motion that matches the masks."""

import numpy as np
import pytest

from lib.rendering.batches import SOURCE_LABEL, relighting_pairs, steadily_lit_clips
from lib.rendering.fit import fit_light, fitted_direction, light_flicker, nearest_steady_clip
from lib.rendering.measures import measure_videos
from lib.rendering.scenes import from_dataset, motion_of, to_dataset
from lib.rendering.spheres import (
    AMBIENT,
    Light,
    draw_light,
    flow_field,
    grid,
    lit_clip,
    shade,
    shading,
    source_video,
    srgb,
)
from lib.rendering.transport import blend_error
from lib.video.temporal import warp_error


@pytest.fixture
def scene():
    rng = np.random.default_rng(0)
    return lit_clip(rng, 6, 5, 16), draw_light(rng, 6)


def test_normals_are_unit_and_albedo_is_in_range(scene):
    clips, _ = scene
    np.testing.assert_allclose((clips.normal**2).sum(2), 1)
    assert clips.albedo.min() >= 0.05
    assert clips.albedo.max() <= 1
    assert clips.mask.any((1, 2, 3)).all()


def test_shading_is_the_formula_pixel_by_pixel(scene):
    clips, light = scene
    s = shading(clips, light.direction, light.elevation)
    x, y = grid(16)
    towards = {0: (-1, 0), 1: (1, 0), 2: (0, -1), 3: (0, 1)}
    rng = np.random.default_rng(1)
    for _ in range(200):
        b, f, r, c = (rng.integers(n) for n in s.shape)
        e = light.elevation[b]
        lx, ly = (np.cos(e) * d for d in towards[int(light.direction[b])])
        n = clips.normal[b, f, :, r, c]
        expected = max(0, n @ [lx, ly, np.sin(e)]) if clips.mask[b, f, r, c] else 0
        if not clips.mask[b, f, r, c]:
            expected = 0.8 * np.clip(0.5 + 0.5 * (lx * x[r, c] + ly * y[r, c]), 0, 1)
        assert s[b, f, r, c] == pytest.approx(expected)


def test_images_are_linear_in_the_light(scene):
    clips, light = scene
    other = draw_light(np.random.default_rng(3), 6)
    for w in (0.25, 0.5, 0.75):
        both = shade(clips, light._replace(intensity=(1 - w) * light.intensity))
        both = both + shade(clips, other._replace(intensity=w * other.intensity), ambient=0.0)
        np.testing.assert_allclose((1 - w) * shade(clips, light) + w * shade(clips, other), both, atol=1e-12)


def test_srgb_curve_has_its_known_values():
    np.testing.assert_allclose(srgb(np.array([0, 0.0031308, 0.5, 1, 2])), [0, 0.04045, 0.735357, 1, 1], atol=2e-5)


def test_the_fit_recovers_a_known_light(scene):
    clips, light = scene
    light = light._replace(elevation=np.linspace(0.35, 0.85, 6))  # on the grid
    fit = fit_light(shade(clips, light), clips, light.direction)
    np.testing.assert_allclose(fit.elevation, light.elevation)
    np.testing.assert_allclose(fit.intensity, np.repeat(light.intensity[:, None], 5, 1), atol=1e-9)
    np.testing.assert_allclose(fit.clip_error, 0, atol=1e-7)
    np.testing.assert_array_equal(
        fitted_direction(shade(clips, light), clips), np.repeat(light.direction[:, None], 5, 1)
    )


def test_flicker_of_a_known_flicker_and_its_error(scene):
    clips, light = scene
    light = light._replace(elevation=np.full(6, 0.35))
    jitter = np.random.default_rng(2).uniform(0.5, 1.5, (6, 5, 3))
    video = shade(clips, Light(light.direction, light.elevation, light.intensity[:, None] * jitter))
    fit = fit_light(video, clips, light.direction)
    expected = (light.intensity[:, None] * jitter).std(1).mean(-1)
    np.testing.assert_allclose(light_flicker(fit.intensity), expected, rtol=1e-6)
    np.testing.assert_allclose(fit.frame_error, 0, atol=1e-7)
    assert (fit.clip_error > 0.01).all()
    wall = fit_light(video, clips, light.direction, ~clips.mask)
    np.testing.assert_allclose(light_flicker(wall.intensity), expected, rtol=1e-6)


def test_the_fit_is_least_squares(scene):
    clips, light = scene
    video = shade(clips, light) + 0.05 * np.random.default_rng(4).standard_normal(clips.albedo.shape)
    fit = fit_light(video, clips, light.direction, elevations=1)
    basis = (clips.albedo * shading(clips, light.direction, np.full(6, 0.35))[:, :, None])[2, 3, 1].ravel()
    target = (video - AMBIENT * clips.albedo)[2, 3, 1].ravel()
    assert fit.intensity[2, 3, 1] == pytest.approx(np.linalg.lstsq(basis[:, None], target, rcond=None)[0][0])


def test_the_flow_carries_the_sphere():
    clips = lit_clip(np.random.default_rng(5), 4, 3, 48)
    flow, visible, on_sphere = flow_field(clips)
    light = draw_light(np.random.default_rng(6), 4)
    video = shade(clips, light)
    moved, still = warp_error(video, flow, visible), warp_error(video, np.zeros_like(flow), visible)
    assert (moved < 0.2 * still).all()  # interpolation error only
    assert on_sphere.sum() > 0
    assert not on_sphere[~np.broadcast_to(clips.mask[:, :-1], on_sphere.shape)].any()


def test_scenes_come_back_from_their_dataset(scene):
    clips, light = scene
    scenes = to_dataset(clips, light)
    again, same = from_dataset(scenes)
    for a, b in zip((*clips, *light, *flow_field(clips)), (*again, *same, *motion_of(scenes))):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(clips.subset([4, 1]), clips):
        np.testing.assert_array_equal(a[1], b[1])


def test_a_blend_is_the_render_under_both_dimmed_lights_in_linear_radiance_alone(scene):
    clips, light = scene
    other = draw_light(np.random.default_rng(3), 6)
    for weight in (0.25, 0.5):
        error = blend_error(clips, light, other, weight)
        assert error.linear.max() < 1e-12
        assert error.encoded.max() > 0.01
        assert (error.encoded_mean < error.encoded).all()
    for weight in (0, 1):  # one light alone is its own render
        np.testing.assert_allclose(blend_error(clips, light, other, weight).encoded, 0, atol=1e-12)


def test_measures_of_the_truth_and_of_a_known_flicker(scene):
    clips, light = scene
    light = light._replace(elevation=np.full(6, 0.35))  # on the grid of the fit
    motion = flow_field(clips)
    truth = measure_videos(shade(clips, light), clips, light.direction, motion, radius=1)
    for name in ("flicker", "wall_flicker", "clip_error", "frame_error"):
        np.testing.assert_allclose(truth[name], 0, atol=1e-7)
    np.testing.assert_allclose(truth.direction, 1)
    np.testing.assert_allclose(truth.intensity, light.intensity.mean(1), rtol=1e-9)
    jitter = np.array([0.5, 1.0, 1.5, 1.0, 1.0])[None, :, None]
    flickering = Light(light.direction, light.elevation, light.intensity[:, None] * jitter)
    measures = measure_videos(shade(clips, flickering), clips, light.direction, motion, radius=1)
    np.testing.assert_allclose(measures.flicker, jitter.std() * light.intensity.mean(1), rtol=1e-6)
    np.testing.assert_allclose(measures.wall_flicker, measures.flicker, rtol=1e-6)
    assert (measures.warp > truth.warp).all()
    assert (measures.clip_error > 0.01).all()


def test_training_batches_show_what_they_say():
    rng = np.random.default_rng(7)
    relit, source, direction = relighting_pairs(rng, 64, 4, 8, source_share=1.0)
    assert relit.shape == source.shape == (64, 3, 8, 8)
    left, right = relit[direction == 0].mean(0), relit[direction == 1].mean(0)
    assert left[:, :, 0].mean() > left[:, :, -1].mean()  # light from the left: bright at the left
    assert right[:, :, 0].mean() < right[:, :, -1].mean()
    video, label = steadily_lit_clips(rng, 40, 4, 8, source_share=0.5)
    assert set(label) == {0, 1, 2, 3, SOURCE_LABEL}
    assert video.shape == (40, 4, 3, 8, 8)


def test_the_source_has_the_light_in_front():
    clips = lit_clip(np.random.default_rng(8), 1, 2, 8)
    np.testing.assert_allclose(source_video(clips), clips.albedo * (0.35 + 0.45 * clips.normal[:, :, 2:]))


def test_sizes_are_checked(scene):
    with pytest.raises(ValueError, match="clips: got 0"):
        lit_clip(np.random.default_rng(0), 0, 1, 8)
    with pytest.raises(ValueError, match="video"):
        fit_light(np.zeros((1, 2, 3, 4, 4)), scene[0], scene[1].direction)


def test_the_nearest_steady_clip_is_the_fit_of_one_light(scene):
    clips, light = scene
    flickering = Light(light.direction, light.elevation, light.intensity[:, None] * [[1.0], [1.2], [0.7], [1.0], [0.9]])
    video = shade(clips, flickering) + np.random.default_rng(1).normal(0, 0.02, clips.albedo.shape)
    nearest = nearest_steady_clip(video, clips, light.direction)
    error = np.sqrt(((video - nearest) ** 2).mean((1, 2, 3, 4)))
    np.testing.assert_allclose(error, fit_light(video, clips, light.direction).clip_error, rtol=1e-9)
    np.testing.assert_allclose(light_flicker(fit_light(nearest, clips, light.direction).intensity), 0, atol=1e-12)
