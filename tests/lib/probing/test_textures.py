"""Images: what classes share and what they do not, splits that share no pixel, corruptions of known size."""

import numpy as np
import pytest
from scipy import stats
from skimage import data

from lib.probing import textures


def test_a_texture_without_noise_has_its_two_frequencies():
    rng = np.random.default_rng(0)
    frequency = np.array([[8, 16]]) * 2 * np.pi / 64
    classes = textures.TextureClasses(frequency, np.array([[0.0, np.pi / 2]]), np.ones((1, 2)))
    images = textures.draw_textures(classes, np.zeros(40, int), 64, rng, noise=0.0)
    assert images.shape == (40, 1, 64, 64)
    assert images.dtype == np.float32
    spectrum = np.abs(np.fft.fft2(images[:, 0])).mean(0)
    spectrum[0, 0] = 0
    rows, columns = np.unravel_index(np.argsort(spectrum[:33, :33].ravel())[-2:], (33, 33))
    peaks = set(zip(rows.tolist(), columns.tolist()))
    assert min(abs(r) + abs(c - 8) for r, c in peaks) <= 1
    assert min(abs(r - 16) + abs(c) for r, c in peaks) <= 1


def test_noise_of_textures_has_its_deviation():
    rng = np.random.default_rng(0)
    classes = textures.TextureClasses(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((1, 2)))
    images = textures.draw_textures(classes, np.zeros(200, int), 24, rng, noise=0.4)[:, 0]
    assert images.std((1, 2)).mean() == pytest.approx(0.4, abs=0.01)
    assert images.mean((1, 2)).std() == pytest.approx(0.5, abs=0.1)


def test_labels_are_balanced():
    labels = textures.balanced_labels(7, 25, np.random.default_rng(0))
    assert sorted(np.bincount(labels)) == [3, 3, 3, 4, 4, 4, 4]


def test_patches_come_from_their_half_of_their_photograph(monkeypatch):
    seen = {}
    monkeypatch.setattr(textures, "normalise", lambda patches: seen.setdefault(len(seen), patches))
    textures.photograph_patches(3, 4, 24, np.random.default_rng(0))
    for split, number in ((0, 3), (1, 4)):
        for i, name in enumerate(textures.PHOTOGRAPHS):
            photograph = getattr(data, name)() / 255.0
            windows = np.lib.stride_tricks.sliding_window_view(photograph, (24, 24))
            for patch in seen[split][number * i : number * (i + 1)]:
                places = np.argwhere((windows[..., 0, 0] == patch[0, 0]) & (windows[..., -1, -1] == patch[-1, -1]))
                columns = [c for r, c in places if (windows[r, c] == patch).all()]
                middle = photograph.shape[1] // 2
                assert any(c + 24 <= middle if split == 0 else c >= middle for c in columns)


def test_digits_are_split_without_overlap():
    train, test = textures.digits(600, 24, np.random.default_rng(0))
    assert train[0].shape == (600, 1, 24, 24)
    assert len(test[0]) == 1797 - 600
    both = np.concatenate([train[1], test[1]])
    assert np.bincount(both).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert abs(train[0].mean()) < 1e-5


def test_corruptions_have_the_size_of_their_severity():
    rng = np.random.default_rng(0)
    images = rng.normal(3, 2, (50, 1, 24, 24)).astype(np.float32)
    for severity, noise, contrast in zip(range(1, 6), textures.NOISE, textures.CONTRAST):
        noisy = textures.corrupt(images, "noise", severity, rng)
        assert (noisy - images).std() == pytest.approx(2 * noise, rel=0.03)
        flat = textures.corrupt(images, "contrast", severity, rng)
        np.testing.assert_allclose(flat.std((1, 2, 3)), contrast * images.std((1, 2, 3)), rtol=1e-4)
        np.testing.assert_allclose(flat.mean((1, 2, 3)), images.mean((1, 2, 3)), rtol=1e-4)
    blurred = [textures.corrupt(images, "blur", severity, rng).std() for severity in range(1, 6)]
    assert all(np.diff([images.std(), *blurred]) < 0)
    for corruption, severity in (("rain", 1), ("blur", 0), ("blur", 6)):
        with pytest.raises(ValueError, match="expected"):
            textures.corrupt(images, corruption, severity, rng)


def test_gaussian_tokens_differ_in_covariance_alone():
    (tokens, labels), _ = textures.gaussian_token_set(3, 36, 8, [600, 10], np.random.default_rng(0))
    words = tokens[:, 1:]
    assert np.abs(words.mean(1)).max() < 1e-5
    covariance = [np.cov(words[labels == k].reshape(-1, 8), rowvar=False) for k in range(3)]
    assert min(np.abs(covariance[i] - covariance[j]).max() for i, j in ((0, 1), (0, 2), (1, 2))) > 0.3


def test_skewed_tokens_differ_in_no_moment_below_the_third():
    (tokens, labels), _ = textures.skewed_token_set(64, 6, [4000, 10], np.random.default_rng(0))
    words = tokens[:, 1:]
    first, second = (words[labels == k].reshape(-1, 6) for k in (0, 1))
    np.testing.assert_allclose(np.cov(first, rowvar=False), np.cov(second, rowvar=False), atol=0.06)
    third = [np.einsum("ni,nj,nk->ijk", x[:50000], x[:50000], x[:50000]) / 50000 for x in (first, second)]
    np.testing.assert_allclose(third[0], -third[1], atol=0.3)
    assert np.abs(third[0]).max() > 0.5
    assert stats.pearsonr(tokens[:, 0, 0], labels).pvalue > 1e-3
