"""Measures of filters on images with known answers, and tasks with known displacements."""

import numpy as np
import pytest
import torch

from lib.interpreters.filters import (
    angle_between,
    band_noise,
    centroids,
    edge_tangents,
    fit_gabor,
    shape_tensors,
    surrogate_vectors,
    wavelet_measures,
)
from lib.interpreters.networks import Translator, Upscaler
from lib.interpreters.tasks import (
    PERIOD,
    SHIFT,
    TEST_PHOTOGRAPHS,
    TRAINING_PHOTOGRAPHS,
    calibrate_norms,
    crops,
    draw_scenes,
    load_digits,
    shrink,
)

N = 16


def wave(fy, fx, n=N):
    y, x = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    return np.cos(2 * np.pi * (fy * y + fx * x))


def gabor(n=32, centre=(14, 18), frequency=0.15, angle=0.7, widths=(2.5, 4.0), phase=0.4):
    y, x = np.meshgrid(np.arange(n) - centre[0], np.arange(n) - centre[1], indexing="ij")
    along, across = np.cos(angle) * x + np.sin(angle) * y, -np.sin(angle) * x + np.cos(angle) * y
    return np.exp(-0.5 * (along / widths[0]) ** 2 - 0.5 * (across / widths[1]) ** 2) * np.cos(
        2 * np.pi * frequency * along + phase
    )


def test_a_plane_wave_has_one_frequency_and_participation_two_thirds():
    measures = wavelet_measures(wave(0, 4 / N)[None])
    np.testing.assert_allclose(
        [measures.centroid[0], measures.bandwidth[0], measures.orientation[0]], [0.25, 0, 1], atol=1e-7
    )
    generic = wavelet_measures(wave(2 / N, 3 / N)[None])
    np.testing.assert_allclose(generic.participation, 2 / 3)
    np.testing.assert_allclose(generic.centroid, np.hypot(2, 3) / N)


def test_an_impulse_is_white_and_local_and_scale_does_not_matter():
    impulse = np.zeros((2, N, N))
    impulse[:, 3, 5] = 1, -7
    measures = wavelet_measures(impulse)
    np.testing.assert_allclose(measures.participation, 1 / N**2)
    frequency = np.fft.fftfreq(N)
    radius = np.hypot(frequency[:, None], frequency)
    np.testing.assert_allclose(measures.centroid, radius.mean())
    np.testing.assert_allclose(measures.bandwidth, radius.std())


def test_channels_add_up_in_power_and_zero_images_are_refused():
    image = np.random.default_rng(0).standard_normal((1, N, N))
    three = np.stack([image[0], 2 * image[0], -image[0]])[None]
    for one, other in zip(wavelet_measures(image), wavelet_measures(three)):
        np.testing.assert_allclose(one, other)
    with pytest.raises(ValueError, match="zero"):
        wavelet_measures(np.zeros((1, N, N)))
    with pytest.raises(ValueError, match="shape"):
        wavelet_measures(np.zeros((N, N)))


def test_a_gabor_function_is_fitted_and_noise_is_not():
    score, width = fit_gabor(gabor())
    assert score > 0.999
    np.testing.assert_allclose(width, 2.5, rtol=0.02)
    assert fit_gabor(np.random.default_rng(0).standard_normal((32, 32)))[0] < 0.2


def test_surrogates_are_singular_vectors_of_the_convolution():
    rng, n, phases = np.random.default_rng(0), 6, 3
    filters = rng.standard_normal((phases, 2, n, n))
    positions = [(y, x) for y in range(n) for x in range(n)]
    rows = np.stack([np.roll(filters[p], (y, x), (1, 2)) for p in range(phases) for y, x in positions])
    waves = surrogate_vectors(rows, positions * phases, (n, n), np.repeat(np.arange(phases), n * n), 2 * n * n)
    flat = waves.reshape(len(waves), -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(len(flat)), atol=1e-9)
    matrix = rows.reshape(len(rows), -1)
    values = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(matrix @ flat.T, axis=0), values, atol=1e-9)
    noise = band_noise(waves[:10], 4, rng).reshape(4, -1)
    np.testing.assert_allclose(noise @ noise.T, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(noise @ flat[10:].T, 0, atol=1e-9)


def test_axes_of_rows_and_edges_agree():
    y, x = np.meshgrid(np.arange(N), np.arange(N), indexing="ij")
    for angle in (0.0, 0.4, np.pi / 2, 2.5):
        across = -(x - 8) * np.sin(angle) + (y - 8) * np.cos(angle)
        along = (x - 8) * np.cos(angle) + (y - 8) * np.sin(angle)
        row = np.exp(-(across**2) / 2 - along**2 / 18)
        ratio, axis = shape_tensors(row[None])
        assert ratio[0] > 3
        assert angle_between(axis[0], angle) < 3
        energy, tangent = edge_tangents(np.tanh(across))
        assert angle_between(tangent[8, 8], angle) < 3
        assert energy[8, 8] > 10 * energy[np.unravel_index(np.argmax(np.abs(across)), across.shape)]
    expected = [90, np.degrees(0.2), np.degrees(np.pi - 3.1)]
    np.testing.assert_allclose(angle_between([0, 0.1, 3.1], [np.pi / 2, np.pi - 0.1, 0]), expected)


def test_centres_of_rows():
    rows = np.zeros((2, 3, N, N))
    rows[0, 1, 4, 7] = -2
    rows[1, 0, 2, 3], rows[1, 2, 4, 9] = 1, 1
    np.testing.assert_allclose(centroids(rows), [[4, 7], [3, 6]])


def test_scenes_hold_what_their_tasks_plant():
    rng = np.random.default_rng(0)
    move = draw_scenes("move", 4, rng)
    for source, target, image, made in zip(move.source, move.object, move.inputs, move.targets):
        assert torch.equal(torch.roll(source, SHIFT, -1), target)
        assert torch.equal(torch.roll(image, SHIFT, -1)[:, target], made[:, target])
        assert torch.equal(image[:, ~source & ~target], made[:, ~source & ~target])
    recolor = draw_scenes("recolor", 2, rng)
    torch.testing.assert_close(recolor.targets[:, 1], -recolor.inputs[:, 0])
    template = draw_scenes("template", 3, rng)
    assert (template.inputs[0][:, template.object[0]] == 0.5).all()
    inside = template.targets[0, 0] * template.object[0]
    both = template.object[0][:, PERIOD:] & template.object[0][:, :-PERIOD]
    torch.testing.assert_close(inside[:, PERIOD:][both], inside[:, :-PERIOD][both], atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match="task"):
        draw_scenes("other", 1, rng)


def test_no_photograph_is_both_trained_and_tested_on():
    assert not set(TRAINING_PHOTOGRAPHS) & set(TEST_PHOTOGRAPHS)
    chosen = crops(16, 5)
    assert [name for name, _ in chosen] == [*TEST_PHOTOGRAPHS, TEST_PHOTOGRAPHS[0]]
    assert all(
        crop.shape == (16, 16) and crop.std() > 0.05 and 0 <= crop.min() <= crop.max() <= 1 for _, crop in chosen
    )


def test_digits_are_split_once_and_standardised_by_the_training_part():
    unit, standardised = load_digits("unit"), load_digits("standardised")
    assert len(unit.train) == 1300
    assert len(unit.test) == 497
    assert abs(float(standardised.train.mean())) < 1e-5
    assert torch.equal(unit.test_labels, standardised.test_labels)
    with pytest.raises(ValueError, match="inputs"):
        load_digits("raw")


def test_calibrated_norms_have_the_statistics_of_the_data():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 1), torch.nn.BatchNorm2d(3))
    images = torch.rand(200, 1, 4, 4)
    calibrate_norms(model, images)
    assert not model.training
    torch.testing.assert_close(model[1].running_mean, model[0](images).mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    assert model[1].momentum == 0.1


def test_networks_keep_their_shapes():
    assert Upscaler(3, 4, 1)(torch.rand(2, 1, 7, 8)).shape == (2, 1, 21, 24)
    assert Translator(4, 1)(torch.rand(1, 3, 12, 8)).shape == (1, 3, 12, 8)
    assert shrink(torch.rand(1, 1, 12, 12), 2).shape == (1, 1, 6, 6)
