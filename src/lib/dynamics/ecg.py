"""Heart beats: a synthetic electrocardiogram, delay embedding, the symbols that follow each beat."""

from collections import Counter

import numpy as np
from numba import njit

from lib.stats import correlation

# angle, height and width of the waves P, Q, R, S, T (McSharry, Clifford, Tarassenko and Smith 2003, table 1)
ANGLE = np.array([-np.pi / 3, -np.pi / 12, 0.0, np.pi / 12, np.pi / 2])
HEIGHT = np.array([1.2, -5.0, 30.0, -7.5, 0.75])
WIDTH = np.array([0.25, 0.1, 0.1, 0.1, 0.4])


@njit(cache=True)
def _drift(x, y, z, speed, angle, height, width):
    pull = 1.0 - np.sqrt(x * x + y * y)
    theta = np.arctan2(y, x)
    dz = -z
    for i in range(angle.size):
        gap = (theta - angle[i] + np.pi) % (2 * np.pi) - np.pi
        dz -= height[i] * gap * np.exp(-0.5 * (gap / width[i]) ** 2)
    return pull * x - speed * y, pull * y + speed * x, dz


@njit(cache=True)
def _integrate(periods, substeps, h, steps, transient, angle, height, width):
    """Classical Runge-Kutta of order 4; a new period is taken whenever the angle passes -pi."""
    out = np.empty(steps)
    x, y, z, beat, samples, count = -1.0, -1e-9, 0.0, 0, 0, 0
    while samples < steps:
        speed = 2 * np.pi / periods[beat]
        a1, b1, c1 = _drift(x, y, z, speed, angle, height, width)
        a2, b2, c2 = _drift(x + h / 2 * a1, y + h / 2 * b1, z + h / 2 * c1, speed, angle, height, width)
        a3, b3, c3 = _drift(x + h / 2 * a2, y + h / 2 * b2, z + h / 2 * c2, speed, angle, height, width)
        a4, b4, c4 = _drift(x + h * a3, y + h * b3, z + h * c3, speed, angle, height, width)
        before = y
        x += h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
        y += h / 6 * (b1 + 2 * b2 + 2 * b3 + b4)
        z += h / 6 * (c1 + 2 * c2 + 2 * c3 + c4)
        if x < 0 and before >= 0 and y < 0:
            beat += 1
        if beat >= transient:
            if count % substeps == 0:
                out[samples] = z
                samples += 1
            count += 1
    return out


def synthetic_ecg(
    samples: int,
    rng: np.random.Generator,
    rate: float = 100.0,
    period: float = 1.0,
    variability: float = 0.03,
    transient: int = 20,
) -> np.ndarray:
    """Electrocardiogram of the three-dimensional model of McSharry et al. (2003), its third coordinate.

    Args:
        samples: number of samples.
        rng: draws the length of every beat.
        rate: samples per second; the integration step is 1 ms.
        period: mean length of a beat in seconds.
        variability: standard deviation of the length of a beat, over its mean.
        transient: beats to discard first.

    Returns:
        `(samples,)` float64.

    Raises:
        ValueError: a variability that drew a beat of less than a tenth of the period.
    """
    substeps = round(1000 / rate)
    beats = int(2 * samples / rate / period) + transient + 10
    periods = period * (1 + variability * rng.standard_normal(beats))
    if periods.min() <= 0.1 * period:
        raise ValueError(f"variability: got {variability}, which gave a beat of {periods.min():.3g} s")
    return _integrate(periods, substeps, 1e-3, samples, transient, ANGLE, HEIGHT, WIDTH)


def delay_embedding(x: np.ndarray, dim: int, delay: int) -> np.ndarray:
    """Rows (x_t, x_{t + delay}, ..., x_{t + (dim - 1) delay}), `(len(x) - (dim - 1) delay, dim)`.

    Raises:
        ValueError: a series too short for one row.
    """
    if len(x) <= (dim - 1) * delay:
        raise ValueError(f"x: got {len(x)} samples, expected more than {(dim - 1) * delay}")
    return np.stack([x[k * delay : len(x) - (dim - 1 - k) * delay] for k in range(dim)], axis=1)


def mutual_information(x: np.ndarray, lag: int, bins: int = 32) -> float:
    """Mutual information of x_t and x_{t + lag} in nats, from a histogram of `bins` by `bins` cells."""
    return float(correlation.mutual_information(np.histogram2d(x[: len(x) - lag], x[lag:], bins)[0]))


def first_minimum_delay(x: np.ndarray, longest: int = 50) -> int:
    """The lag of the first minimum of the mutual information (Fraser and Swinney 1986)."""
    values = [mutual_information(x, lag) for lag in range(1, longest + 1)]
    for lag in range(2, longest):
        if values[lag - 2] > values[lag - 1] <= values[lag]:
            return lag
    return longest


def r_peaks(x: np.ndarray) -> np.ndarray:
    """Times of R peaks: local maxima of more than two deviations above the mean, half a median distance apart or more.

    Of peaks that are closer the first one counts, unlike in `scipy.signal.find_peaks`, where the highest does.
    """
    level = x.mean() + 2 * x.std()
    maxima = np.flatnonzero((x[1:-1] > x[:-2]) & (x[1:-1] >= x[2:]) & (x[1:-1] > level)) + 1
    if len(maxima) < 2:
        return maxima
    distance, peaks = np.median(np.diff(maxima)) / 2, [maxima[0]]
    for maximum in maxima[1:]:
        if maximum - peaks[-1] >= distance:
            peaks.append(maximum)
    return np.array(peaks)


def beat_words(x: np.ndarray, code: np.ndarray, length: int = 3) -> list[tuple[int, ...]]:
    """The first `length` symbols of the run-length-compressed code from the R peak of every beat on.

    Args:
        x: `(time,)` the electrocardiogram.
        code: `(time,)` symbols.
        length: symbols of a word; a beat whose word is cut off by the end of the series is left out.

    Returns:
        One word for each beat.
    """
    words = []
    starts = np.flatnonzero(np.concatenate([[True], code[1:] != code[:-1]]))
    for peak in r_peaks(x):
        first = np.searchsorted(starts, peak, side="right") - 1
        if first + length <= len(starts):
            words.append(tuple(int(code[s]) for s in starts[first : first + length]))
    return words


def top_word_share(words: list[tuple[int, ...]]) -> float:
    """Share of the beats that have the most frequent word; NaN without beats."""
    return Counter(words).most_common(1)[0][1] / len(words) if words else float("nan")


def q_troughs(x: np.ndarray) -> np.ndarray:
    """Times of Q waves: the minimum in the last tenth of the median distance of R peaks before each of them.

    Args:
        x: `(time,)` the electrocardiogram; a peak whose tenth begins before the series is left out, and none is sought
            where there are fewer than two peaks.
    """
    peaks = r_peaks(x)
    if len(peaks) < 2:
        return np.zeros(0, int)
    reach = max(1, round(float(np.median(np.diff(peaks))) / 10))
    return np.array([p - reach + int(np.argmin(x[p - reach : p])) for p in peaks if p >= reach], int)


def share_of_commonest(symbols: np.ndarray) -> float:
    """Share that the most frequent of these symbols has; NaN without symbols."""
    return float(np.unique(symbols, return_counts=True)[1].max() / len(symbols)) if len(symbols) else float("nan")
