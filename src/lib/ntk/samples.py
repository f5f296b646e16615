"""Ensembles drawn from the Gaussian limit: all inputs jointly, and how many networks it takes to be right."""

import itertools

import numpy as np

from lib.ntk.bits import bit_limits, models_for_accuracy, threshold_of
from lib.ntk.kernels import trained_limit


def binary_inputs(size: int, *, least: int = 1) -> np.ndarray:
    """All binary vectors with that many ones at least, by number of ones: (inputs, size), int8."""
    rows = ((np.arange(1, 2**size)[:, None] >> np.arange(size)) & 1).astype(np.int8)
    ones = rows.sum(axis=1)
    return rows[np.argsort(ones, kind="stable")][np.sort(ones) >= least]


def pairs(size: int) -> np.ndarray:
    """All binary vectors with two ones: (size (size - 1) / 2, size), int8."""
    places = np.array(list(itertools.combinations(range(size), 2)))
    rows = np.zeros((len(places), size), np.int8)
    np.put_along_axis(rows, places, 1, axis=1)
    return rows


def unit(inputs: np.ndarray) -> np.ndarray:
    """Rows over their Euclidean norm, float64."""
    return inputs / np.sqrt(inputs.sum(axis=1, keepdims=True, dtype=float))


def right_inputs(outputs: np.ndarray, inputs: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Inputs all of whose bits are rounded rightly: (...,  inputs), for outputs (..., inputs, size)."""
    return ((outputs > thresholds[:, None]) == inputs.astype(bool)).all(axis=-1)


def input_thresholds(kernel: str, inputs: np.ndarray, threshold: str) -> np.ndarray:
    """Threshold for each input, which depends on its number of ones: (inputs,)."""
    return threshold_of(bit_limits(kernel, inputs.shape[1], inputs.sum(axis=1)), threshold)


def exact_ensembles(
    kernel: str, size: int, models, ensembles: int, rng: np.random.Generator, *, threshold: str = "zero"
) -> np.ndarray:
    """Ensembles of infinitely wide networks that are right on all inputs with two ones and more.

    The same Gaussian vectors serve all numbers of networks, over their square root.

    Args:
        kernel, size: as for `lib.ntk.bits.bit_limits`.
        models: (N,) numbers of networks in an ensemble.
        ensembles: number of ensembles.
        rng: source of randomness.
        threshold: "zero" or "midpoint".

    Returns:
        How many of the ensembles are right, (N,), int64.
    """
    inputs = binary_inputs(size, least=2)
    limit = trained_limit(kernel, np.eye(size), np.eye(size), unit(inputs))
    values, vectors = np.linalg.eigh(limit.covariance)
    root = (vectors * np.sqrt(np.clip(values, 0, None))).astype(np.float32)
    cut = input_thresholds(kernel, inputs, threshold)
    # how far below its sign each output lies, in units of the noise's standard deviation over sqrt(N)
    sign = np.where(inputs > 0, 1.0, -1.0)
    margin = (sign * (limit.mean - cut[:, None])).astype(np.float32)
    count = np.zeros(len(models), np.int64)
    block = max(1, 2**24 // margin.size)
    for start in range(0, ensembles, block):
        draws = min(block, ensembles - start)
        noise = rng.standard_normal((root.shape[1], draws * size), dtype=np.float32)
        noise = (root @ noise).reshape(len(inputs), draws, size)
        # right for N networks while sqrt(N) margin + sign noise > 0 everywhere
        needed = np.max(-sign[:, None].astype(np.float32) * noise / margin[:, None], axis=(0, 2))
        count += (np.sqrt(np.asarray(models, float))[:, None] > needed).sum(axis=1)
    return count


def pair_roots(kernel: str, size: int) -> tuple[float, float, float]:
    """Square roots of the eigenvalues of the covariance over all inputs with two ones.

    It depends on how many ones two inputs share, so that its eigenspaces are those of the Johnson scheme: constants,
    sums of one value for each place (without constants), and the rest.
    """
    some = np.zeros((3, size))
    some[0, :2] = some[1, [0, 2]] = some[2, 2:4] = 1
    covariance = trained_limit(kernel, np.eye(size), np.eye(size), unit(some)).covariance
    same, touching, apart = covariance[0]
    rest = size - 2
    values = (
        same + 2 * rest * touching + rest * (rest - 1) / 2 * apart,
        same + (size - 4) * touching - (size - 3) * apart,
        same - 2 * touching + apart,
    )
    return tuple(float(np.sqrt(max(value, 0.0))) for value in values)


def sample_pairs(kernel: str, size: int, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Deviations of outputs from their mean at inputs with two ones: (*shape, inputs), float32; four bits at least."""
    incidence = pairs(size).T.astype(np.float32)
    constant, places, rest = pair_roots(kernel, size)
    noise = rng.standard_normal((*shape, incidence.shape[1]), dtype=np.float32)
    sums = noise @ incidence.T
    total = noise.mean(axis=-1, keepdims=True)
    # projection on sums over places: incidence^T (incidence incidence^T)^-1, whose matrix is (k - 2) I + 1 1^T
    weights = (sums - sums.sum(axis=-1, keepdims=True) / (2 * size - 2)) / (size - 2)
    projected = weights @ incidence
    result = np.float32(rest) * noise
    result += np.float32(places - rest) * projected
    result += np.float32(constant - places) * total
    return result


def first_hits(kernel: str, size: int, level: float, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers of infinitely wide networks at which the share of right inputs with two ones first reaches a level.

    Networks join one at a time. With eight bits and more, those up to a quarter of the number at which the expected
    share reaches the level are drawn at once: no ensemble of that size comes near it.

    Args:
        kernel, size: as for `lib.ntk.bits.bit_limits`; four bits at least.
        level: share of inputs that must be right.
        draws: number of ensembles that grow.
        rng: source of randomness.

    Returns:
        (draws,), int64.
    """
    inputs = pairs(size)
    limits = bit_limits(kernel, size, 2)
    mean = np.where(inputs.T > 0, limits.inside, limits.outside).astype(np.float32)  # (size, inputs)
    target = inputs.T > 0
    start = max(1, models_for_accuracy(kernel, size, 2, level) // 4) if size >= 8 else 1
    hits = np.zeros(draws, np.int64)
    active = np.arange(draws)
    total = np.float32(np.sqrt(start)) * sample_pairs(kernel, size, (draws, size), rng)
    models = start
    while True:
        right = ((total + models * mean > 0) == target).all(axis=1).mean(axis=1)
        done = right >= level - 1e-9
        hits[active[done]] = models
        active, total = active[~done], total[~done]
        if not len(active):
            return hits
        total += sample_pairs(kernel, size, (len(active), size), rng)
        models += 1
