"""Capacity of a mechanism: how many adaptive queries it answers accurately before the sign attack breaks it."""

from collections.abc import Callable, Hashable, Iterable

import numpy as np
import xarray as xr

from lib.privacy.analysts import SignAttack

PATIENCE = 5


def geometric_grid(first: int, last: float, growth: float) -> list[int]:
    """Increasing integers from `first` to the first one at or above `last`, each about `growth` times the one before.

    Raises:
        ValueError: a first value below 1, or growth not above 1.
    """
    if first < 1 or not growth > 1:
        raise ValueError(f"first, growth: got {first} and {growth}, expected at least 1 and more than 1")
    grid = [first]
    while grid[-1] < last:
        grid.append(max(grid[-1] + 1, round(grid[-1] * growth)))
    return grid


def last_success(grid: list[int], success: list[bool]) -> int:
    """The grid point below a crossing from success to failure, by bisection; 0 when the first point fails.

    Args:
        grid: increasing values.
        success: outcomes at the first of them; later ones count as failures.
    """
    low, high = -1, len(success)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if success[middle] else (low, middle)
    return grid[low] if low >= 0 else 0


def tolerated_queries(
    attacks: list[SignAttack], grid: Iterable[int], accuracy: float, success: float, patience: int = PATIENCE
) -> tuple[dict[Hashable, int], dict[Hashable, bool]]:
    """Largest m at which enough attacks find all m answers of a mechanism accurate, by bisection on a grid of m.

    One attack serves all m: its first m - 1 queries are the same, and the last is put to a copy of the mechanism. A
    mechanism that fails at `patience` grid points in a row is taken to fail at all larger m.

    Args:
        attacks: repetitions, each on mechanisms of the same names; the search advances them.
        grid: increasing numbers m.
        accuracy: tau, largest error of a successful run.
        success: share of the runs that must succeed.
        patience: failures in a row after which a mechanism leaves the search.

    Returns:
        By name of the mechanism: queries tolerated, and whether the grid ended before the mechanism failed.
    """
    names = list(attacks[0].oracles)
    outcomes: dict[Hashable, list[bool]] = {name: [] for name in names}
    active, numbers = list(names), []
    for m in grid:
        numbers.append(m)
        successes = dict.fromkeys(active, 0)
        for attack in attacks:
            attack.ask(m - 1 - attack.queries)
            for name, error in attack.largest_errors().items():
                successes[name] += error <= accuracy
        for name in list(active):
            outcomes[name].append(successes[name] >= success * len(attacks))
            if _gave_up(outcomes[name], patience):
                active.remove(name)
                for attack in attacks:
                    attack.drop(name)
        if not active:
            break
    return {name: last_success(numbers, outcomes[name]) for name in names}, {name: name in active for name in names}


def tolerated_queries_known_in_advance(
    attack: Callable[[int, int], SignAttack],
    grid: list[int],
    accuracy: float,
    success: float,
    repetitions: int,
    patience: int = PATIENCE,
) -> int:
    """The same for a mechanism that has to know m, so that each m has attacks of its own.

    Args:
        attack: `attack(m, run)` returns an attack on one mechanism that is set up for m queries.
        grid: increasing numbers m, as many as the mechanism can be set up for.
        accuracy, success: see `tolerated_queries`.
        repetitions: runs for each m.
        patience: failures in a row at which the search ends.
    """
    outcomes: list[bool] = []
    for m in grid:
        if _gave_up(outcomes, patience):
            break
        successes = 0
        for run in range(repetitions):
            one = attack(m, run)
            one.ask(m - 1)
            (error,) = one.largest_errors().values()
            successes += error <= accuracy
        outcomes.append(successes >= success * repetitions)
    return last_success(grid, outcomes)


def tolerated_at_best_noise(runs: list[xr.Dataset]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Queries that each mechanism tolerates at its best noise, by number of samples.

    Args:
        runs: a data set for each number of samples, its attribute `n`, with `tolerated (row)` and `mechanism (row)`, a
            row for each noise.

    Returns:
        Numbers of samples in rising order, (N,), and tolerated queries (N,) by name of the mechanism.
    """
    runs = sorted(runs, key=lambda run: run.n)
    names = dict.fromkeys(runs[0].mechanism.values.tolist())
    best = {
        name: np.array([run.tolerated.values[run.mechanism.values == name].max() for run in runs]) for name in names
    }
    return np.array([run.n for run in runs]), best


def _gave_up(outcomes: list[bool], patience: int) -> bool:
    return len(outcomes) >= patience and not any(outcomes[-patience:])
