"""Fixed points, cycles and Lyapunov exponents of a piecewise linear map, from its linear pieces."""

from typing import NamedTuple

import numpy as np
from numba import njit

from lib.dynamics.almost_linear import AlmostLinearRNN, codes, jacobian, step


class FixedPoint(NamedTuple):
    """Fixed point of one linear region: symbol, point (M,), whether it lies there, eigenvalues (M,), largest first."""

    code: int
    point: np.ndarray
    real: bool
    eigenvalues: np.ndarray


def fixed_points(model: AlmostLinearRNN, symbols) -> list[FixedPoint]:
    """z* = (I - J)^{-1} h of each region in `symbols`: real when it lies in its region, virtual otherwise.

    The point is NaN where I - J is singular.
    """
    points = []
    for symbol in symbols:
        j = jacobian(model, int(symbol)).astype(np.float64)
        values = np.linalg.eigvals(j)
        values = values[np.lexsort((values.imag, -np.abs(values)))]
        try:
            point = np.linalg.solve(np.eye(model.units) - j, model.h.astype(np.float64))
        except np.linalg.LinAlgError:
            point = np.full(model.units, np.nan)
        real = bool(np.isfinite(point).all() and codes(model, point) == symbol)
        points.append(FixedPoint(int(symbol), point, real, values))
    return points


class Cycle(NamedTuple):
    """Cycle of a word: points (k, M), whether it is real, eigenvalues (M,) of the product of Jacobians."""

    points: np.ndarray
    real: bool
    eigenvalues: np.ndarray


@njit(cache=True)
def _compose(jacobians, index, h):
    """Product J_k ... J_1 (M, M) and shift sum_j J_k ... J_{j+1} h (M,) of a word of linear pieces."""
    units = h.size
    product, moved, shift = np.eye(units), np.empty((units, units)), np.zeros(units)
    for t in range(index.size):
        j = jacobians[index[t]]
        np.dot(j, product, moved)
        product, moved = moved, product
        shift = np.dot(j, shift) + h
    return product, shift


@njit(cache=True)
def _follow(jacobians, index, h, start):
    """Images (k, M) of a point under the linear pieces of a word, the point first and the last image left out."""
    points = np.empty((index.size, start.size))
    points[0] = start
    for t in range(1, index.size):
        points[t] = np.dot(jacobians[index[t - 1]], points[t - 1]) + h
    return points


def _solve_word(model: AlmostLinearRNN, word) -> tuple[np.ndarray, np.ndarray]:
    """Points (k, M) that the linear regions of a word map onto each other in turn, and the product of Jacobians."""
    symbols, index = np.unique(np.asarray(word), return_inverse=True)
    jacobians = np.stack([jacobian(model, symbol) for symbol in symbols.tolist()]).astype(np.float64)
    h = np.ascontiguousarray(model.h, np.float64)
    product, shift = _compose(jacobians, index, h)
    try:
        start = np.linalg.solve(np.eye(model.units) - product, shift)
    except np.linalg.LinAlgError:
        start = np.full(model.units, np.nan)
    return _follow(jacobians, index, h, start), product


def cycle_of_word(model: AlmostLinearRNN, word) -> Cycle:
    """The only candidate for a cycle that visits the linear regions of a word in this order.

    z* = (I - J_k ... J_1)^{-1} sum_j J_k ... J_{j+1} h; real when every iterate lies in its region.
    """
    points, product = _solve_word(model, word)
    real = bool(np.isfinite(points).all() and np.array_equal(codes(model, points), np.asarray(word)))
    return Cycle(points, real, np.linalg.eigvals(product))


def admissible_necklaces(adjacency: np.ndarray, length: int) -> list[tuple[int, ...]]:
    """Cyclic words of a graph up to rotation and without inner period, by vertex number.

    Args:
        adjacency: 0/1 matrix (k, k).
        length: number of symbols.

    Returns:
        The lexicographically smallest rotation of each word, in order.
    """
    successors = [np.flatnonzero(row).tolist() for row in np.asarray(adjacency)]
    necklaces = []

    def extend(word):
        if len(word) == length:
            rotations = [tuple(word[i:] + word[:i]) for i in range(1, length)]
            if adjacency[word[-1], word[0]] and all(tuple(word) < rotation for rotation in rotations):
                necklaces.append(tuple(word))
            return
        for symbol in successors[word[-1]]:
            if symbol >= word[0]:  # the first symbol of a smallest rotation is its smallest
                extend([*word, symbol])

    for first in range(len(successors)):
        extend([first])
    return necklaces


def real_cycles(
    model: AlmostLinearRNN, longest: int, graph: tuple[np.ndarray, np.ndarray] | None = None
) -> list[Cycle]:
    """All real cycles of up to `longest` steps, one for each word of linear regions that has one, shortest first.

    Args:
        model: the network.
        longest: steps of the longest cycle.
        graph: symbols and 0/1 adjacency of the transitions that are allowed; by default all regions and transitions.
    """
    symbols, adjacency = graph or (np.arange(2**model.rectified), np.ones((2**model.rectified,) * 2))
    words = [symbols[list(word)] for n in range(1, longest + 1) for word in admissible_necklaces(adjacency, n)]
    return [cycle for cycle in (cycle_of_word(model, word) for word in words) if cycle.real]


def distance_to_cycle(model: AlmostLinearRNN, z: np.ndarray) -> float:
    """Largest coordinate distance of one turn `(period, M)` of a simulated cycle from the cycle of its own word.

    Infinite when the word has no real cycle.
    """
    cycle = cycle_of_word(model, codes(model, z))
    return float(np.abs(cycle.points - z).max()) if cycle.real else float("inf")


def return_error(model: AlmostLinearRNN, cycle: Cycle) -> float:
    """Largest coordinate distance of a simulated turn, in float64, from the points of the cycle that it starts on."""
    model = model.astype(np.float64)
    points = np.vstack([cycle.points, cycle.points[:1]])
    z, worst = points[0], 0.0
    for target in points[1:]:
        z = step(model, z)
        worst = max(worst, float(np.abs(z - target).max()))
    return worst


@njit(cache=True)
def _exponents(jacobians, index, frame, every, transient):
    """Mean logarithmic stretch along each row of a frame (number, M), by modified Gram-Schmidt every few steps."""
    number, units = frame.shape
    moved, total, counted = np.empty_like(frame), np.zeros(number), 0
    for t in range(len(index)):
        j = jacobians[index[t]]
        for k in range(number):
            for row in range(units):
                value = 0.0
                for column in range(units):
                    value += j[row, column] * frame[k, column]
                moved[k, row] = value
        frame, moved = moved, frame
        if (t + 1) % every != 0:
            continue
        for k in range(number):
            for earlier in range(k):
                overlap = np.sum(frame[k] * frame[earlier])
                frame[k] -= overlap * frame[earlier]
            length = np.sqrt(np.sum(frame[k] * frame[k]))
            frame[k] /= length
            if t + 1 > transient:
                total[k] += np.log(length)
        if t + 1 > transient:
            counted += every
    return total / counted


def lyapunov_spectrum(
    model: AlmostLinearRNN, code: np.ndarray, number: int, every: int = 5, transient: int = 500
) -> np.ndarray:
    """Largest Lyapunov exponents per step along an orbit, by orthonormalising a frame (M, number).

    Args:
        model: the model.
        code: symbols of the orbit `(time,)`.
        number: how many exponents.
        every: steps between two orthonormalisations.
        transient: steps that only align the frame.

    Returns:
        `(number,)`, largest first.

    Raises:
        ValueError: an orbit that is not longer than the transient and one stretch after it.
    """
    if len(code) < transient + every:
        raise ValueError(f"code: got {len(code)} steps, expected at least {transient + every}, {every} of them counted")
    symbols, index = np.unique(code, return_inverse=True)
    jacobians = np.stack([jacobian(model, symbol) for symbol in symbols.tolist()]).astype(np.float64)
    frame = np.linalg.qr(np.random.default_rng(0).standard_normal((model.units, number)))[0]
    return _exponents(jacobians, index, np.ascontiguousarray(frame.T), every, transient)
