"""Measures of filters and singular vectors as images: frequency, orientation, localisation, displacement."""

from typing import NamedTuple

import numpy as np

HALF_ANGLE = np.pi / 6  # of the sector that counts as one orientation


class WaveletMeasures(NamedTuple):
    """Measures of vectors as images, (k,) each: see `wavelet_measures`."""

    centroid: np.ndarray
    bandwidth: np.ndarray
    participation: np.ndarray
    orientation: np.ndarray


def wavelet_measures(images) -> WaveletMeasures:
    """Frequency, bandwidth, localisation and orientation of images, of any scale.

    Args:
        images: (k, n, n), or (k, C, n, n) with power added up over channels.

    Returns:
        Spectral centroid and deviation about it (cycles per pixel), participation ratio 1 / (n^2 sum v^4) of |v|^2 =
        1 as
        a share of the image (1 / n^2 for one pixel, 1 for a constant), and the share of power, without frequency 0,
        within 30 degrees of the main orientation.

    Raises:
        ValueError: not square images, or one that is zero.
    """
    images = np.asarray(images, dtype=float)
    images = images[:, None] if images.ndim == 3 else images
    if images.ndim != 4 or images.shape[-1] != images.shape[-2]:
        raise ValueError(f"images: got shape {images.shape}, expected (k, n, n) or (k, C, n, n)")
    energy = np.square(images).sum(1)
    total = energy.sum((1, 2), keepdims=True)
    if not np.all(total > 0):
        raise ValueError("images: got one that is zero or not a number")
    n = images.shape[-1]
    power = np.square(np.abs(np.fft.fft2(images))).sum(1)
    y, x = np.meshgrid(np.fft.fftfreq(n), np.fft.fftfreq(n), indexing="ij")
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    weight = power / power.sum((1, 2), keepdims=True)
    centroid = (weight * radius).sum((1, 2))
    bandwidth = np.sqrt((weight * np.square(radius - centroid[:, None, None])).sum((1, 2)))
    participation = 1 / (n**2 * np.square(energy / total).sum((1, 2)))
    moving = power * (radius > 0)
    main = 0.5 * np.angle((moving * np.exp(2j * angle)).sum((1, 2)))
    distance = np.abs(np.angle(np.exp(2j * (angle - main[:, None, None])))) / 2
    inside = (moving * (distance <= HALF_ANGLE)).sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = inside / moving.sum((1, 2))
    return WaveletMeasures(centroid, bandwidth, participation, np.where(np.isfinite(share), share, 0.0))


def _gabor_parts(centre, frequency, angle, widths, n: int):
    """Envelope times cosine and sine, (2, n^2), of a Gabor function with axes turned by `angle`."""
    y, x = np.meshgrid(np.arange(n) - centre[0], np.arange(n) - centre[1], indexing="ij")
    along, across = np.cos(angle) * x + np.sin(angle) * y, -np.sin(angle) * x + np.cos(angle) * y
    envelope = np.exp(-0.5 * np.square(along / widths[0]) - 0.5 * np.square(across / widths[1]))
    phase = 2 * np.pi * (frequency[0] * y + frequency[1] * x)
    return np.stack([(envelope * np.cos(phase)).ravel(), (envelope * np.sin(phase)).ravel()])


def fit_gabor(image, evaluations: int = 40) -> tuple[float, float]:
    """Best Gabor function for an image by least squares.

    Args:
        image: (n, n).
        evaluations: calls of the model from each of three starts with widths 1.5, 3 and 6 pixels, at the centre of
            |image|^2 with the frequency of the peak of its power.

    Returns:
        R^2 (share of |image|^2 explained), and the smaller width of the envelope in pixels.

    The two amplitudes are solved for exactly at each call, so six parameters remain.
    """
    from scipy.optimize import least_squares

    image = np.asarray(image, dtype=float)
    n = len(image)
    values = image.ravel() / np.linalg.norm(image)
    energy = np.square(image) / np.square(image).sum()
    grid = np.arange(n)
    centre = [float((energy.sum(1) * grid).sum()), float((energy.sum(0) * grid).sum())]
    power = np.square(np.abs(np.fft.fft2(image, (2 * n, 2 * n))))
    peak = np.unravel_index(np.argmax(power), power.shape)
    frequency = [float(np.fft.fftfreq(2 * n)[i]) for i in peak]
    angle = float(np.arctan2(frequency[0], frequency[1]))

    def residual(p):
        parts = _gabor_parts(p[:2], p[2:4], angle if len(p) == 6 else p[6], np.exp(p[4:6]), n)
        gram = parts @ parts.T + 1e-12 * np.eye(2)
        return values - np.linalg.solve(gram, parts @ values) @ parts

    best = (-np.inf, np.nan)
    for width in (1.5, 3.0, 6.0):
        start = [*centre, *frequency, np.log(width), np.log(width)]
        fit = least_squares(residual, start, max_nfev=evaluations, method="trf", x_scale=[1, 1, 0.05, 0.05, 0.3, 0.3])
        score = 1 - 2 * fit.cost
        if score > best[0]:
            best = (float(score), float(np.exp(fit.x[4:6]).min()))
    return best


def surrogate_vectors(rows, positions, shape: tuple[int, int], phases: int, count: int) -> np.ndarray:
    """Leading right singular vectors of the shift-invariant operator with the same mean row filters.

    Each row filter is moved to the origin; the mean of each output phase becomes a circular convolution. Its singular
    vectors are plane waves: the leading pairs of cosine and sine.

    Args:
        rows: (p, C, n, n) rows of F.
        positions: (p, 2) input pixel (row, column) above which each output pixel lies, rounded.
        shape: (n, n).
        phases: index of the output phase of each row, (p,).
        count: number of vectors.

    Returns:
        (count, C, n, n), by decreasing singular value.
    """
    rows, n = np.asarray(rows, dtype=float), shape[0]
    moved = np.stack([np.roll(row, (-int(y), -int(x)), (1, 2)) for row, (y, x) in zip(rows, positions)])
    means = np.stack([moved[phases == phase].mean(0) for phase in np.unique(phases)])
    transfer = np.fft.fft2(means)  # (phases, C, n, n): singular values of the block at each frequency
    _, values, right = np.linalg.svd(transfer.transpose(2, 3, 0, 1), full_matrices=False)
    y, x = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    vectors, strengths = [], []
    for i, j in np.ndindex(n, n):
        mirror = (-i) % n, (-j) % n
        if (i, j) > mirror:
            continue
        wave = np.exp(2j * np.pi * (i * y + j * x) / n)
        for value, direction in zip(values[i, j], right[i, j]):
            whole = (
                direction[:, None, None] * wave
            )  # the transform is that of the flipped filter: both conjugations cancel
            parts = sorted((whole.real, whole.imag), key=np.linalg.norm)[1 if (i, j) == mirror else 0 :]
            vectors += [part / np.linalg.norm(part) for part in parts]
            strengths += [value] * len(parts)
    order = np.argsort(strengths, kind="stable")[::-1][:count]
    return np.stack([vectors[k] for k in order])


def band_noise(waves, count: int, rng: np.random.Generator) -> np.ndarray:
    """Random orthonormal combinations of given vectors: noise in the same band, (count, C, n, n)."""
    flat = np.reshape(waves, (len(waves), -1))
    mixing = np.linalg.qr(rng.standard_normal((len(waves), count)))[0]
    return (mixing.T @ flat).reshape(count, *np.shape(waves)[1:])


def centroids(rows) -> np.ndarray:
    """Centre of |row|^2 over pixels, added up over channels: (p, C, n, n) to (p, 2), row and column."""
    energy = np.square(np.asarray(rows, dtype=float)).sum(1)
    energy = energy / energy.sum((1, 2), keepdims=True)
    grid = np.arange(energy.shape[1]), np.arange(energy.shape[2])
    return np.stack([(energy.sum(2) * grid[0]).sum(1), (energy.sum(1) * grid[1]).sum(1)], axis=1)


def shape_tensors(rows) -> tuple[np.ndarray, np.ndarray]:
    """Anisotropy and main axis of row filters after their peak is removed.

    Args:
        rows: (p, n, n).

    Returns:
        Ratio of the larger to the smaller second moment of |row|^2 about its centre, and the angle of the main axis
        (radians from the columns' axis, modulo pi), (p,) each.
    """
    energy = np.square(np.asarray(rows, dtype=float))
    flat = energy.reshape(len(energy), -1).copy()
    flat[np.arange(len(flat)), flat.argmax(1)] = 0.0
    energy = flat.reshape(energy.shape)
    energy = energy / energy.sum((1, 2), keepdims=True)
    y, x = np.meshgrid(np.arange(energy.shape[1]), np.arange(energy.shape[2]), indexing="ij")
    cy, cx = (energy * y).sum((1, 2)), (energy * x).sum((1, 2))
    yy = (energy * np.square(y - cy[:, None, None])).sum((1, 2))
    xx = (energy * np.square(x - cx[:, None, None])).sum((1, 2))
    xy = (energy * (x - cx[:, None, None]) * (y - cy[:, None, None])).sum((1, 2))
    spread = np.hypot(xx - yy, 2 * xy)
    return (xx + yy + spread) / np.maximum(xx + yy - spread, 1e-12), 0.5 * np.arctan2(2 * xy, xx - yy) % np.pi


def edge_tangents(image, sigma: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Gradient energy and direction of the local edge of an image, by the structure tensor.

    Args:
        image: (h, w).
        sigma: deviation of the averaging window, pixels.

    Returns:
        Energy (h, w), and the edge's angle (radians from the columns' axis, modulo pi).
    """
    from scipy.ndimage import gaussian_filter, sobel

    dy, dx = sobel(np.asarray(image, dtype=float), 0), sobel(np.asarray(image, dtype=float), 1)
    xx, yy, xy = (gaussian_filter(part, sigma) for part in (dx * dx, dy * dy, dx * dy))
    return xx + yy, (0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2) % np.pi


def angle_between(first, second) -> np.ndarray:
    """Smallest angle between two undirected axes, degrees from 0 to 90."""
    difference = np.abs(np.asarray(first) - np.asarray(second)) % np.pi
    return np.degrees(np.minimum(difference, np.pi - difference))
