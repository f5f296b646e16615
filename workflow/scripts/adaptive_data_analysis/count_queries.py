"""How many adaptive queries a mechanism answers to accuracy tau before the sign attack breaks it, for one n."""

import numpy as np
import xarray as xr

from lib.atlas.progress import progress
from lib.atlas.seeds import generator
from lib.privacy.analysts import SignAttack
from lib.privacy.queries import Gaussian, Laplace, Naive, SampleSplit

PATIENCE = 5


def count_queries(
    *,
    size: int,
    tau: float,
    noises: list[float],
    laplace_noises: list[float],
    growth: float,
    success: float,
    repetitions: int,
    largest_ratio: float,
    root_seed: int,
) -> xr.Dataset:
    """Return `tolerated (mechanism, noise)`, by bisection of the share of successful runs on a geometric grid of m.

    A run succeeds at m when its first m - 1 answers and the last query are all within tau. One attack serves all m:
    the first m - 1 queries are the same, and the last is put to a copy of the mechanism. Sample splitting must know
    m, so each m has runs of its own. A mechanism that fails too often at `PATIENCE` grid points in a row is taken to
    fail at all larger m.

    Args:
        size: number n of samples.
        tau: accuracy.
        noises, laplace_noises: standard deviations of Gaussian and Laplace noise over tau.
        growth: ratio of the grid of m.
        success: share of runs that must succeed.
        repetitions: runs.
        largest_ratio: m / n at which the search ends (reported as censored).
        root_seed: root of the random streams.
    """
    key = ("adaptive_data_analysis", "count_queries", size)
    grid = [4]
    while grid[-1] < largest_ratio * size:
        grid.append(max(grid[-1] + 1, round(grid[-1] * growth)))
    samples = np.arange(size)
    names = [("naive", 0.0), *(("gaussian", c) for c in noises), *(("laplace", c) for c in laplace_noises)]

    def oracle(name: str, noise: float, run: int):
        rng = generator(root_seed, *key, name, noise, run)
        if name == "gaussian":
            return Gaussian(samples, size, noise * tau, rng)
        if name == "laplace":
            return Laplace(samples, size, noise * tau / np.sqrt(2), rng)
        return Naive(samples, size)

    attacks = [
        SignAttack(size, {pair: oracle(*pair, run) for pair in names}, generator(root_seed, *key, run))
        for run in range(repetitions)
    ]
    enough = success * repetitions
    passed: dict[tuple, list[bool]] = {pair: [] for pair in names}
    standing = set(names)
    for m in progress(grid, f"numbers of queries, n = {size}"):
        good = dict.fromkeys(standing, 0)
        for attack in attacks:
            attack.ask(m - 1 - attack.asked)
            for pair, answer in attack.last_answers().items():
                good[pair] += max(attack.worst[pair], abs(answer - attack.truth)) <= tau
        for pair in list(standing):
            passed[pair].append(good[pair] >= enough)
            if not any(passed[pair][-PATIENCE:]) and len(passed[pair]) >= PATIENCE:
                standing.discard(pair)
                for attack in attacks:
                    attack.drop(pair)
        if not standing:
            break
    tolerated = {pair: last_passed(grid, passed[pair]) for pair in names}
    split = _count_split(size, tau, grid, success, repetitions, root_seed, key)
    rows = [*names, ("split", 0.0)]
    return xr.Dataset(
        {
            "tolerated": ("row", np.array([*(tolerated[p] for p in names), split]), {"long_name": "queries tolerated"}),
            "censored": ("row", np.array([*(p in standing for p in names), False])),
        },
        coords={
            "mechanism": ("row", [name for name, _ in rows]),
            "noise": ("row", [noise for _, noise in rows], {"long_name": "standard deviation over tau"}),
        },
        attrs={"n": size, "tau": tau, "repetitions": repetitions},
    )


def last_passed(grid: list[int], passed: list[bool]) -> int:
    """The grid point below a crossing from pass to fail, found by bisection; 0 when the first point fails.

    Args:
        grid: increasing values.
        passed: outcomes at the first of them; those behind count as failed.
    """
    low, high = -1, len(passed)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if passed[middle] else (low, middle)
    return grid[low] if low >= 0 else 0


def _count_split(size, tau, grid, success, repetitions, root_seed, key) -> int:
    passed: list[bool] = []
    for m in grid:
        if m > size or (len(passed) >= PATIENCE and not any(passed[-PATIENCE:])):
            break
        good = 0
        for run in range(repetitions):
            rng = generator(root_seed, *key, "split", m, run)
            attack = SignAttack(size, {"split": SampleSplit(np.arange(size), size, m)}, rng)
            attack.ask(m - 1)
            answer = attack.last("split")[0]
            good += max(attack.worst["split"], abs(answer - attack.truth)) <= tau
        passed.append(good >= success * repetitions)
    return last_passed(grid, passed)


if "snakemake" in globals():
    from lib.atlas.stage import run

    run(count_queries, snakemake)
