"""Small grey images for probes: procedural textures, patches of photographs that ship with scikit-image, digits."""

from typing import NamedTuple

import numpy as np

PHOTOGRAPHS = ("brick", "grass", "gravel", "camera", "coins", "moon", "page", "text", "clock")
LEAST_DEVIATION = 0.03  # added to the deviation of a patch before it is divided by it


class TextureClasses(NamedTuple):
    """Classes of textures, each the sum of two plane waves.

    `frequency` (K, 2) in radians a pixel, `angle` (K, 2) in radians, `amplitude` (K, 2).
    """

    frequency: np.ndarray
    angle: np.ndarray
    amplitude: np.ndarray


def draw_texture_classes(classes: int, rng: np.random.Generator) -> TextureClasses:
    """Classes with frequencies in [0.4, 2], any angle, and amplitudes in [0.5, 1], all uniform."""
    shape = (classes, 2)
    return TextureClasses(rng.uniform(0.4, 2, shape), rng.uniform(0, np.pi, shape), rng.uniform(0.5, 1, shape))


def draw_textures(
    classes: TextureClasses, labels: np.ndarray, size: int, rng: np.random.Generator, noise: float = 0.4
) -> np.ndarray:
    """Images `(n, 1, size, size)`, float32, of textures of the given classes.

    Each has phases of its own, its waves turned by up to 0.075 radians, gain in [0.5, 1.5], offset of deviation 0.5,
    and pixel noise.

    Args:
        classes: of the textures.
        labels: (n,) class of each image.
        size: rows and columns.
        rng: generator.
        noise: deviation of the pixel noise.
    """
    n = len(labels)
    angle = classes.angle[labels] + rng.uniform(-0.075, 0.075, (n, 1))
    phase = rng.uniform(0, 2 * np.pi, (n, 2))
    row, column = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    across = np.cos(angle)[..., None, None] * column + np.sin(angle)[..., None, None] * row
    waves = np.sin(classes.frequency[labels][..., None, None] * across + phase[..., None, None])
    images = (classes.amplitude[labels][..., None, None] * waves).sum(1)
    images = rng.uniform(0.5, 1.5, (n, 1, 1)) * images + rng.normal(0, 0.5, (n, 1, 1))
    return (images + rng.normal(0, noise, images.shape)).astype(np.float32)[:, None]


def balanced_labels(classes: int, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Labels `(samples,)` in random order, each class as often as the others, or once more."""
    return rng.permutation(np.arange(samples) % classes)


def photograph_patches(
    train: int, test: int, size: int, rng: np.random.Generator
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Patches of nine photographs that ship with scikit-image; the class is the photograph.

    Training patches lie in the left half of a photograph and test patches in the right, so that they share no pixel.
    Each is centred and divided by its deviation plus 0.03.

    Args:
        train, test: patches of each class.
        size: rows and columns.
        rng: generator.

    Returns:
        Images `(n, 1, size, size)`, float32, and labels, for training and test.
    """
    from skimage import data

    photographs = [getattr(data, name)() / 255.0 for name in PHOTOGRAPHS]
    splits = []
    for number, side in ((train, 0), (test, 1)):
        patches = []
        for photograph in photographs:
            middle = photograph.shape[1] // 2
            half = photograph[:, :middle] if side == 0 else photograph[:, middle:]
            rows = rng.integers(0, half.shape[0] - size + 1, number)
            columns = rng.integers(0, half.shape[1] - size + 1, number)
            patches += [half[r : r + size, c : c + size] for r, c in zip(rows, columns)]
        splits.append((normalise(np.stack(patches)), np.repeat(np.arange(len(PHOTOGRAPHS)), number)))
    return tuple(splits)


def normalise(images: np.ndarray) -> np.ndarray:
    """Images `(n, H, W)` centred and divided by their deviation plus 0.03, as `(n, 1, H, W)`, float32."""
    centred = images - images.mean((1, 2), keepdims=True)
    return (centred / (images.std((1, 2), keepdims=True) + LEAST_DEVIATION)).astype(np.float32)[:, None]


def digits(
    train: int, size: int, rng: np.random.Generator
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """The handwritten digits of scikit-learn, 1797 of 8 x 8 pixels, enlarged linearly and split at random.

    Args:
        train: images for training; the others are for testing.
        size: rows and columns.
        rng: generator.

    Returns:
        Images `(n, 1, size, size)`, float32, and labels, for training and test.
    """
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    bunch = load_digits()
    factor = size / bunch.images.shape[1]
    images = normalise(zoom(bunch.images / 16, (1, factor, factor), order=1, grid_mode=True, mode="nearest"))
    order = rng.permutation(len(images))
    first, second = order[:train], order[train:]
    return (images[first], bunch.target[first]), (images[second], bunch.target[second])


NOISE, BLUR, CONTRAST = (0.2, 0.4, 0.6, 0.8, 1.0), (0.4, 0.6, 0.8, 1.0, 1.3), (0.8, 0.6, 0.45, 0.3, 0.2)
CORRUPTIONS = ("noise", "blur", "contrast")


def corrupt(images: np.ndarray, corruption: str, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Corrupted images.

    Args:
        images: (n, 1, H, W).
        corruption: `noise`, Gaussian of .2 to 1 of the image's deviation; `blur`, Gaussian of .4 to 1.3 pixels;
            `contrast`, deviations from the mean times .8 to .2.
        severity: 1 to 5.
        rng: generator of the noise.

    Raises:
        ValueError: another corruption or severity.
    """
    from scipy.ndimage import gaussian_filter

    if corruption not in CORRUPTIONS or not 1 <= severity <= len(NOISE):
        raise ValueError(f"got {corruption!r}, {severity}, expected one of {', '.join(CORRUPTIONS)} and 1 to 5")
    if corruption == "blur":
        width = BLUR[severity - 1]
        return gaussian_filter(images, (0, 0, width, width), mode="reflect")
    if corruption == "noise":
        deviation = images.std((1, 2, 3), keepdims=True)
        return (images + NOISE[severity - 1] * deviation * rng.standard_normal(images.shape)).astype(np.float32)
    mean = images.mean((1, 2, 3), keepdims=True)
    return mean + CONTRAST[severity - 1] * (images - mean)


def gaussian_token_set(
    classes: int, tokens: int, width: int, samples: list[int], rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Sets of Gaussian tokens whose covariance alone tells the class, with a class token of noise.

    The tokens of each sample have mean exactly zero, so that no linear function of the mean or class token is better
    than chance.

    Args:
        classes: K.
        tokens: N word tokens of a sample.
        width: D.
        samples: of each split.
        rng: generator.

    Returns:
        Tokens `(n, 1 + N, D)`, float32, and labels, for each split.
    """
    factors = rng.normal(size=(classes, width, width)) / np.sqrt(width)
    splits = []
    for number in samples:
        labels = balanced_labels(classes, number, rng)
        words = np.matmul(rng.normal(size=(number, tokens, width)), factors[labels].transpose(0, 2, 1))
        splits.append((_with_noise_first(words, rng), labels))
    return splits


def skewed_token_set(
    tokens: int, width: int, samples: list[int], rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Two classes of tokens with equal mean and covariance and opposite skewness, with a class token of noise.

    Coordinates are centred exponentials times a sign of their own, turned by a fixed rotation; the second class has the
    opposite signs. The tokens of each sample have mean exactly zero.

    Args:
        tokens, width, samples, rng: as of `gaussian_token_set`.

    Returns:
        Tokens `(n, 1 + N, D)`, float32, and labels, for each split.
    """
    rotation = np.linalg.qr(rng.normal(size=(width, width)))[0]
    signs = rng.choice([-1.0, 1.0], width)
    splits = []
    for number in samples:
        labels = balanced_labels(2, number, rng)
        coordinates = (rng.exponential(size=(number, tokens, width)) - 1) * signs * (1 - 2 * labels[:, None, None])
        splits.append((_with_noise_first(coordinates @ rotation.T, rng), labels))
    return splits


def _with_noise_first(words: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    words = words - words.mean(1, keepdims=True)
    first = rng.normal(size=(len(words), 1, words.shape[-1]))
    return np.concatenate([first, words], 1).astype(np.float32)


SETS = ("textures", "photographs", "digits")
TARGET_CLASSES = {"textures": 30, "photographs": len(PHOTOGRAPHS), "digits": 10}


def image_set(
    name: str, train: int, test: int, size: int, rng: np.random.Generator
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """One of three sets of grey images: textures of new classes, patches of photographs, digits.

    Args:
        name: `textures`, `photographs` or `digits`.
        train, test: samples; of photographs as many from each as fit.
        size: rows and columns.
        rng: generator.

    Returns:
        Images `(n, 1, size, size)`, float32, and labels, for training and test.

    Raises:
        ValueError: another name.
    """
    if name == "textures":
        classes = draw_texture_classes(TARGET_CLASSES[name], rng)
        labels = [balanced_labels(TARGET_CLASSES[name], number, rng) for number in (train, test)]
        return tuple((draw_textures(classes, own, size, rng), own) for own in labels)
    if name == "photographs":
        return photograph_patches(train // len(PHOTOGRAPHS), test // len(PHOTOGRAPHS), size, rng)
    if name == "digits":
        first, (images, labels) = digits(train, size, rng)
        return first, (images[:test], labels[:test])
    raise ValueError(f"name: got {name!r}, expected one of {', '.join(SETS)}")
