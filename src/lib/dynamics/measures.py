"""How well a free run reproduces the geometry and power spectrum of a series (Brenner et al. 2024, authors' code)."""

from typing import NamedTuple

import numpy as np
from scipy.fft import rfft
from scipy.ndimage import gaussian_filter1d
from scipy.special import logsumexp

from lib.dynamics.almost_linear import AlmostLinearRNN, lifted, step


class Grid(NamedTuple):
    """Histogram of a true series: lower corner, cell widths (N,), cells for each dimension, smoothed probabilities."""

    low: np.ndarray
    cell: np.ndarray
    bins: int
    p: np.ndarray
    alpha: float


def _counts(x: np.ndarray, low: np.ndarray, cell: np.ndarray, bins: int) -> np.ndarray:
    index = np.floor((x - low) / cell)
    inside = np.all((index >= 0) & (index < bins), axis=1)
    flat = index[inside].astype(np.int64) @ bins ** np.arange(x.shape[1])
    return np.bincount(flat, minlength=bins ** x.shape[1])


def _smoothed(counts: np.ndarray, alpha: float) -> np.ndarray:
    return (counts + alpha) / (counts.sum() + alpha * counts.size)


def grid(true: np.ndarray, bins: int, alpha: float = 1e-5) -> Grid:
    """Histogram of a series `(time, N)` over its range, widened by a tenth of its standard deviation on each side.

    Raises:
        ValueError: fewer than two bins, more than ten million cells, or a coordinate that is constant or not finite.
    """
    if bins < 2 or bins ** true.shape[1] > 10**7:
        raise ValueError(f"bins: got {bins} in {true.shape[1]} dimensions, expected >= 2 and at most 10^7 cells")
    true = np.asarray(true, np.float64)
    varies = np.ptp(true, axis=0) > 0
    if not np.all(varies & np.isfinite(true).all(axis=0)):
        raise ValueError(f"true: got coordinates that vary {varies.tolist()}, expected finite ones that all vary")
    margin = 0.1 * true.std(axis=0)
    low = true.min(axis=0) - margin
    cell = (true.max(axis=0) + margin - low) / bins
    return Grid(low, cell, bins, _smoothed(_counts(true, low, cell, bins), alpha), alpha)


def divergence_on(cells: Grid, generated: np.ndarray) -> float:
    """Kullback-Leibler divergence of the true from the generated distribution over the cells.

    Points outside the grid do not count; NaN when none is inside.
    """
    counts = _counts(np.asarray(generated, np.float64), cells.low, cells.cell, cells.bins)
    if counts.sum() == 0:
        return float("nan")
    return float(np.sum(cells.p * np.log(cells.p / _smoothed(counts, cells.alpha))))


def state_space_divergence(generated: np.ndarray, true: np.ndarray, bins: int, alpha: float = 1e-5) -> float:
    """D_stsp on a grid of `bins` cells for each dimension, from series `(time, N)`; in nats."""
    return divergence_on(grid(true, bins, alpha), generated)


def state_space_divergence_gmm(
    generated: np.ndarray,
    true: np.ndarray,
    variance: float,
    rng: np.random.Generator,
    samples: int = 1000,
    most: int = 10_000,
) -> float:
    """D_stsp from mixtures of one Gaussian at every point, by Monte Carlo; for many dimensions.

    Args:
        generated, true: `(time, N)`; at most the first `most` points are used.
        variance: of each Gaussian.
        rng: draws from the true mixture.
        samples: number of draws.

    Returns:
        The divergence in nats; NaN for a run without points.
    """
    true, generated = (np.asarray(v[:most], np.float64) for v in (true, generated))
    if len(generated) == 0:
        return float("nan")
    draws = true[rng.integers(len(true), size=samples)] + np.sqrt(variance) * rng.standard_normal(
        (samples, true.shape[1])
    )

    def log_likelihood(centres):
        square = (draws**2).sum(1)[:, None] - 2 * draws @ centres.T + (centres**2).sum(1)
        return logsumexp(-square / (2 * variance), axis=1) - np.log(len(centres))

    return float(np.mean(log_likelihood(true) - log_likelihood(generated)))


def smoothed_spectrum(x: np.ndarray, smoothing: float) -> np.ndarray:
    """Power spectrum of every coordinate of a series `(time, N)`, smoothed over frequencies, with sum 1."""
    x = np.asarray(x, np.float64)
    sd = x.std(axis=0)
    power = np.abs(rfft((x - x.mean(axis=0)) / np.where(sd > 0, sd, 1), axis=0)) ** 2
    power = gaussian_filter1d(power, smoothing, axis=0)
    total = power.sum(axis=0)
    return power / np.where(total > 0, total, 1)


def power_spectrum_error(generated: np.ndarray, true: np.ndarray, smoothing: float) -> float:
    """D_H: mean over coordinates of the Hellinger distance of smoothed spectra; 1 for a run that diverged.

    Args:
        generated, true: `(time, N)`, both cut to the length of the shorter.
        smoothing: standard deviation of the Gaussian, in frequency bins.
    """
    n = min(len(generated), len(true))
    if n < 2 or not np.isfinite(generated[:n]).all():
        return 1.0
    return hellinger(smoothed_spectrum(generated[:n], smoothing), smoothed_spectrum(true[:n], smoothing))


def hellinger(p: np.ndarray, q: np.ndarray) -> float:
    """Mean over columns of the Hellinger distance of distributions along the first axis."""
    return float(np.mean(np.sqrt(np.maximum(0, 1 - np.sum(np.sqrt(p * q), axis=0)))))


class Scorer:
    """D_stsp and D_H of free runs against one true series, whose histogram and spectrum are made once.

    Args:
        true: `(time, N)`.
        bins: cells for each dimension, where `variance` is 0.
        smoothing: of the spectra.
        variance: of the Gaussians of the mixture form, for many dimensions; 0 for the histogram.
        steps: longest stretch whose spectra are compared.
        seed: of the Monte Carlo draws of the mixture form.
    """

    def __init__(
        self, true: np.ndarray, bins: int, smoothing: float, variance: float = 0.0, steps: int = 10_000, seed: int = 0
    ):
        self.true, self.smoothing, self.variance, self.seed = np.asarray(true), smoothing, variance, seed
        self.steps = min(steps, len(self.true))
        self.spectrum = smoothed_spectrum(self.true[: self.steps], smoothing)
        self.cells = None if variance > 0 else grid(self.true, bins)

    def distance(self, generated: np.ndarray) -> float:
        """D_stsp of a series `(time, N)`; NaN for one that is too short because it diverged."""
        if len(generated) < self.steps:
            return float("nan")
        if self.cells is None:
            rng = np.random.default_rng(self.seed)
            return state_space_divergence_gmm(generated, self.true, self.variance, rng)
        return divergence_on(self.cells, generated)

    def __call__(self, generated: np.ndarray) -> tuple[float, float]:
        """D_stsp and D_H of a series `(time, N)`; NaN and 1 for one that is too short because it diverged."""
        if len(generated) < self.steps:
            return float("nan"), 1.0
        spectrum = smoothed_spectrum(generated[: self.steps], self.smoothing)
        return self.distance(generated), hellinger(spectrum, self.spectrum)


def n_step_error(model: AlmostLinearRNN, x: np.ndarray, steps: int = 20) -> float:
    """Mean squared error of the model's predictions `steps` ahead, from every point of a series `(time, N)`."""
    z = lifted(model, x[: len(x) - steps])
    for _ in range(steps):
        z = step(model, z)
    return float(np.mean((z[:, : x.shape[1]] - x[steps:]) ** 2))
