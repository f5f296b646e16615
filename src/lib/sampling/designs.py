"""Random designs for weighted least squares: independent, volume-rescaled and repeated determinantal points."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from lib.sampling.basis import OrthonormalBasis
from lib.sampling.dpp import sample_projection_dpp
from lib.sampling.measures import Measure, christoffel_measure, damped_measure, reference_measure


def sample_iid(basis: OrthonormalBasis, n: int, measure: Measure, rng: np.random.Generator, size: int = 1):
    """Independent points of a measure: (size, n, dim)."""
    if n < 1:
        raise ValueError(f"n: got {n}, expected at least 1")
    return measure.draw(size * n, rng).reshape(size, n, basis.dim)


def sample_volume(basis: OrthonormalBasis, n: int, measure: Measure, rng: np.random.Generator, size: int = 1):
    """Generalised volume sampling: density proportional to det(Phi^T W Phi) with respect to nu^n, w = dmu/dnu.

    m points of the projection DPP and n - m independent points of nu, in random order (Derezinski, Warmuth and Hsu
    2018; for general nu, Nouy and Michel 2023).

    Args:
        basis: orthonormal basis of m functions.
        n: number of points, at least m.
        measure: nu; its weight belongs to all n points, those of the DPP included.
        rng: generator.
        size: number of independent designs.

    Returns:
        Points (size, n, dim).

    Raises:
        ValueError: n < m.
    """
    if n < basis.size:
        raise ValueError(f"n: got {n}, expected at least the number of functions, {basis.size}")
    repelled = sample_projection_dpp(basis, rng, size)
    free = measure.draw(size * (n - basis.size), rng).reshape(size, n - basis.size, basis.dim)
    order = np.argsort(rng.random((size, n)), axis=1)
    return np.take_along_axis(np.concatenate([repelled, free], axis=1), order[..., None], axis=1)


def sample_repeated_dpp(basis: OrthonormalBasis, n: int, rng: np.random.Generator, size: int = 1) -> np.ndarray:
    """The first n points of independent copies of a projection DPP, one after the other: points (size, n, dim).

    The points of a copy are exchangeable, so each point of an incomplete one has the Christoffel density too.

    Raises:
        ValueError: n < 1.
    """
    if n < 1:
        raise ValueError(f"n: got {n}, expected at least 1")
    copies = -(-n // basis.size)
    x = sample_projection_dpp(basis, rng, size * copies)
    return x.reshape(size, copies * basis.size, basis.dim)[:, :n]


def sample_repeated_volume(
    basis: OrthonormalBasis, copies: int, n: int, measure: Measure, rng: np.random.Generator, size: int = 1
) -> np.ndarray:
    """Independent copies of volume sampling of n points each: points (size, copies * n, dim).

    Raises:
        ValueError: copies < 1, or n below the number of functions.
    """
    if copies < 1:
        raise ValueError(f"copies: got {copies}, expected at least 1")
    return sample_volume(basis, n, measure, rng, size * copies).reshape(size, copies * n, basis.dim)


def blocks(size: int, values: int, at_once: int = 4_000_000) -> Iterator[slice]:
    """Cut `size` designs into slices so that none holds more than `at_once` numbers, `values` for each design."""
    step = max(1, at_once // max(1, values))
    for start in range(0, size, step):
        yield slice(start, min(start + step, size))


class ConditioningFailed(RuntimeError):
    """Rejection found no design with lambda_min(G) >= 1 - delta within the allowed tries."""


class Design(NamedTuple):
    """Designs, and what least squares needs of them.

    Points `x` (size, n, dim), weights `w` (size, n), values `phi` (size, n, m), ascending eigenvalues of the Gram
    matrix `eigenvalues` (size, m), number of draws `tries` (size,), and whether the last one was `accepted` (size,).
    """

    x: np.ndarray
    w: np.ndarray
    phi: np.ndarray
    eigenvalues: np.ndarray
    tries: np.ndarray
    accepted: np.ndarray


def gram(phi: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Empirical Gram matrices sum_i w_i phi(x_i) phi(x_i)^T / n: (..., m, m) from phi (..., n, m) and w (..., n)."""
    root = np.sqrt(w)[..., None] * phi
    return root.swapaxes(-1, -2) @ root / phi.shape[-2]


def _weighed(basis: OrthonormalBasis, measure: Measure, x: np.ndarray) -> Design:
    phi = basis.evaluate(x)
    w = measure.weight(x, phi)
    ones = np.ones(len(x), dtype=int)
    return Design(x, w, phi, np.linalg.eigvalsh(gram(phi, w)), ones, ones.astype(bool))


def condition(
    draw: Callable[[int, np.random.Generator], np.ndarray],
    basis: OrthonormalBasis,
    measure: Measure,
    delta: float,
    rng: np.random.Generator,
    size: int = 1,
    max_tries: int = 1000,
    on_failure: str = "raise",
) -> Design:
    """Designs conditioned on lambda_min(G) >= 1 - delta: whole designs are drawn again until they satisfy it.

    Args:
        draw: `draw(size, rng)` gives points (size, n, dim).
        basis: orthonormal basis of m functions.
        measure: nu, for the weights.
        delta: in (0, 1).
        rng: generator.
        size: number of designs.
        max_tries: at most so many draws for each design.
        on_failure: `raise`, or `keep`, which leaves the last draw with `accepted` False.

    Raises:
        ValueError: delta outside (0, 1), or max_tries < 1.
        ConditioningFailed: a design failed in every try and `on_failure` is `raise`.
    """
    if not 0 < delta < 1:
        raise ValueError(f"delta: got {delta}, expected a number between 0 and 1")
    if max_tries < 1:
        raise ValueError(f"max_tries: got {max_tries}, expected at least 1")
    if on_failure not in ("raise", "keep"):
        raise ValueError(f"on_failure: got {on_failure!r}, expected raise or keep")
    design = _weighed(basis, measure, draw(size, rng))
    design.accepted[:] = design.eigenvalues[:, 0] >= 1 - delta
    waiting = np.flatnonzero(~design.accepted)
    while waiting.size and design.tries[waiting[0]] < max_tries:
        fresh = _weighed(basis, measure, draw(waiting.size, rng))
        for old, new in zip(design[:4], fresh[:4]):
            old[waiting] = new
        design.tries[waiting] += 1
        design.accepted[waiting] = fresh.eigenvalues[:, 0] >= 1 - delta
        waiting = waiting[~design.accepted[waiting]]
    if waiting.size and on_failure == "raise":
        raise ConditioningFailed(
            f"{waiting.size} of {size} designs did not reach lambda_min >= {1 - delta:g} in {max_tries} tries; "
            "take more points or a larger delta"
        )
    return design


# Name of a strategy: where its points come from, and the measure of its independent points and weights.
STRATEGIES = {
    "mc": ("iid", reference_measure),
    "iid": ("iid", christoffel_measure),
    "vol": ("volume", christoffel_measure),
    "rep": ("repeated", christoffel_measure),
    "rvol": ("repeated volume", christoffel_measure),
    "vol_mu": ("volume", reference_measure),
    "damped_iid": ("iid", damped_measure),
    "damped_vol": ("volume", damped_measure),
    "dpp": ("dpp", christoffel_measure),
}
LABELS = {
    "mc": "i.i.d. of μ",
    "iid": "i.i.d. optimal",
    "vol": "volume",
    "rep": "repeated DPP",
    "rvol": "repeated volume",
    "vol_mu": "volume of μ",
    "iid_cond": "i.i.d. optimal, conditioned",
    "rep_cond": "repeated DPP, conditioned",
    "vol_cond": "volume, conditioned",
}


def _points_of(strategy: str) -> tuple[str, Callable[[OrthonormalBasis], Measure]]:
    name = str(strategy).removesuffix("_cond")
    if name not in STRATEGIES:
        raise ValueError(f"strategy: got {strategy!r}, expected one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]


def strategy_measure(strategy: str, basis: OrthonormalBasis) -> Measure:
    """The measure nu whose weights belong to a strategy, conditioned (`_cond`) or not.

    Raises:
        ValueError: an unknown strategy.
    """
    return _points_of(strategy)[1](basis)


def points_multiple(strategy: str, m: int) -> int:
    """Number of points by which designs of a strategy grow: a whole copy, m for `rep` and 2m for `rvol`, else 1.

    Args:
        strategy: a key of `STRATEGIES`, conditioned (`_cond`) or not.
        m: number of functions.

    Raises:
        ValueError: an unknown strategy.
    """
    return {"dpp": m, "repeated": m, "repeated volume": 2 * m}.get(_points_of(strategy)[0], 1)


def _divisor(points: str, m: int) -> int:
    """Number that divides the numbers of points that a strategy can have."""
    return {"dpp": m, "repeated volume": 2 * m}.get(points, 1)


def has_designs(strategy: str, m: int, n: int) -> bool:
    """Whether a strategy, conditioned (`_cond`) or not, has designs of n points for m functions that determine a fit.

    Raises:
        ValueError: an unknown strategy.
    """
    points = _points_of(strategy)[0]
    return n >= m and n % _divisor(points, m) == 0 and (n == m or points != "dpp")


def draws(strategy: str, basis: OrthonormalBasis, n: int, measure: Measure | None = None):
    """Sampler and measure of a strategy.

    Args:
        strategy: a key of `STRATEGIES`: `mc` and `iid` (independent points of mu and of the Christoffel density), `dpp`
            (one projection DPP), `vol` and `vol_mu` (volume sampling), `rep` (repeated DPP, of whose last copy the
            first points stay where n is no multiple of m), `rvol` (repeated volume sampling of 2m points),
            `damped_iid` and `damped_vol`.
        basis: orthonormal basis of m functions.
        n: number of points.
        measure: another measure nu instead of the strategy's own.

    Returns:
        `draw(size, rng)` to points (size, n, dim), and the measure.

    Raises:
        ValueError: an unknown strategy, or a number of points that it cannot have.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy: got {strategy!r}, expected one of {', '.join(STRATEGIES)}")
    measure = strategy_measure(strategy, basis) if measure is None else measure
    points, m = STRATEGIES[strategy][0], basis.size
    divisor = _divisor(points, m)
    if n % divisor or n < 1 or (points == "dpp" and n != m):
        expected = f"{m}" if points == "dpp" else f"a positive multiple of {divisor}"
        raise ValueError(f"n: got {n} for {strategy}, expected {expected}")
    samplers = {
        "iid": lambda size, rng: sample_iid(basis, n, measure, rng, size),
        "dpp": lambda size, rng: sample_projection_dpp(basis, rng, size),
        "volume": lambda size, rng: sample_volume(basis, n, measure, rng, size),
        "repeated": lambda size, rng: sample_repeated_dpp(basis, n, rng, size),
        "repeated volume": lambda size, rng: sample_repeated_volume(basis, n // (2 * m), 2 * m, measure, rng, size),
    }
    return samplers[points], measure


def growing_gram(
    strategy: str, basis: OrthonormalBasis, sizes: Iterable[int], rng: np.random.Generator, size: int = 1
) -> Iterator[tuple[int, np.ndarray]]:
    """Gram matrices of designs that grow point by point: the first n points are a design of the strategy for every n.

    Volume samples grow by independent points, repeated ones by what remains of the last copy and by further copies.
    Cheaper than fresh designs for each n; the matrices of one design at different n are dependent.

    Args:
        strategy, basis: as for `draws`.
        sizes: ascending numbers of points.
        rng: generator.
        size: number of independent designs.

    Yields:
        n and the matrices (size, m, m), one n at a time.

    Raises:
        ValueError: sizes that do not ascend, or as `draws`.
    """
    repeats = STRATEGIES.get(strategy, ("",))[0].startswith("repeated")
    copy = points_multiple(strategy, basis.size) if strategy == "rep" else 1
    total, before, measure = np.zeros((size, basis.size, basis.size)), 0, None
    spare = np.empty((size, 0, basis.dim))  # points of the last copy beyond n
    for n in sizes:
        if n <= before:
            raise ValueError(f"sizes: got {n} after {before}, expected ascending numbers")
        fresh = -(-(n - before - spare.shape[1]) // copy) * copy  # whole copies
        remaining = np.empty((size, before + spare.shape[1] + fresh - n, basis.dim))
        if fresh:
            draw, measure = draws(strategy if repeats or not before else "iid", basis, fresh, measure)
        for block in blocks(size, (n - before) * basis.size):
            x = spare[block]
            if fresh:
                x = np.concatenate([x, draw(block.stop - block.start, rng)], axis=1)
            x, remaining[block] = x[:, : n - before], x[:, n - before :]
            phi = basis.evaluate(x)
            total[block] += (n - before) * gram(phi, measure.weight(x, phi))
        before, spare = n, remaining
        yield n, total / n


def sample_design(
    strategy: str,
    basis: OrthonormalBasis,
    n: int,
    rng: np.random.Generator,
    size: int = 1,
    delta: float = 0.5,
    max_tries: int = 1000,
    measure: Measure | None = None,
    on_failure: str = "raise",
) -> Design:
    """Designs of a strategy; `_cond` after its name conditions them on lambda_min(G) >= 1 - delta.

    Args:
        strategy, basis, n, measure: as for `draws`.
        rng: generator.
        size: number of independent designs.
        delta, max_tries, on_failure: as for `condition`.

    Raises:
        ValueError, ConditioningFailed: as `draws` and `condition`.
    """
    draw, measure = draws(strategy.removesuffix("_cond"), basis, n, measure)
    if strategy.endswith("_cond"):
        return condition(draw, basis, measure, delta, rng, size, max_tries, on_failure)
    return _weighed(basis, measure, draw(size, rng))


def sample_blocks(
    strategy: str,
    basis: OrthonormalBasis,
    n: int,
    rng: np.random.Generator,
    size: int,
    *,
    values: int | None = None,
    **conditions,
) -> Iterator[tuple[slice, Design]]:
    """`size` independent designs in blocks that fit into memory, each with its place among all.

    Args:
        strategy, basis, n: as for `sample_design`.
        rng: generator; draws depend on how the designs are cut into blocks, so on `values`.
        size: number of designs.
        values: largest array that one design takes part in, in numbers; n * m by default.
        conditions: further keyword arguments of `sample_design`.

    Raises:
        ValueError, ConditioningFailed: as `sample_design`.
    """
    for block in blocks(size, n * basis.size if values is None else values):
        yield block, sample_design(strategy, basis, n, rng, block.stop - block.start, **conditions)
