"""Which subsets of covariates have one head in all environments of a table."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import optimize

from lib.invariance.gradients import subset_moments
from lib.invariance.search import candidate_subsets


class Invariant(NamedTuple):
    """Subsets with an invariant head, best prediction first; `heads` is 0 off the subset, d covariates.

    `chosen`, `heads` (S, d); `violation`, `noise`, `explained` (S,).
    """

    chosen: np.ndarray
    heads: np.ndarray
    violation: np.ndarray
    noise: np.ndarray
    explained: np.ndarray


def read_environments(file, target: str, environment: str) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Second moments (E, d + 1, d + 1) about each mean, the target last, names of covariates, and numbers of rows (E,).

    Columns are scaled by their pooled deviation.

    Raises:
        ValueError: a column that is missing or constant, an entry that is not a finite number, fewer than two
            environments, or one with fewer rows than columns.
    """
    import pandas as pd

    table = pd.read_csv(Path(file).expanduser())
    for name in (target, environment):
        if name not in table:
            raise ValueError(f"{file}: got columns {', '.join(map(str, table.columns[:6]))}, expected one named {name}")
    names = [str(name) for name in table.columns if name not in (target, environment)]
    values = table[[*names, target]].apply(pd.to_numeric, errors="coerce")
    wrong = np.argwhere(~np.isfinite(values.to_numpy(float)))
    if len(wrong):
        row, column = wrong[0]
        name = values.columns[column]
        raise ValueError(f"{file}: {name}, row {row + 1}: got {table[name].iat[row]!r}, expected a number")
    groups = [
        values[table[environment] == label].to_numpy(float) for label in sorted(table[environment].unique(), key=str)
    ]
    sizes = np.array([len(group) for group in groups])
    if len(groups) < 2 or sizes.min() <= len(names) + 1:
        raise ValueError(
            f"{file}: got environments of {sizes.tolist()[:6]} rows, expected two with more rows than columns"
        )
    centred = [group - group.mean(axis=0) for group in groups]
    deviation = np.sqrt(np.mean(np.concatenate(centred) ** 2, axis=0))
    if not (deviation > 0).all():
        raise ValueError(
            f"{file}: {[*names, target][int(np.argmin(deviation))]}: got a constant, expected a column that varies"
        )
    return np.stack([(one / deviation).T @ (one / deviation) / len(one) for one in centred]), names, sizes


def invariant_subsets(moments, rows, tolerance: float, largest: int = 3) -> Invariant:
    """Subsets of covariates that have a head whose gradient is within a tolerance in every environment.

    The head is that with the smallest largest gradient, by a linear programme.

    Args:
        moments: (E, d + 1, d + 1) second moments, the target last.
        rows: (E,) of each environment.
        tolerance: eps.
        largest: largest size of a subset.
    """
    moments = np.asarray(moments, float)
    dim = moments.shape[-1] - 1
    subsets = candidate_subsets(range(dim), (), np.random.default_rng(0), largest=largest)
    found = []
    for subset in (one for one in subsets if len(one)):
        square, cross = subset_moments(moments, subset, dim)
        head, violation = _smallest_violation(square, cross)
        if violation > tolerance:
            continue
        risk = moments[:, dim, dim] + np.einsum("eij,i,j->e", square, head, head) - 2 * cross @ head
        # a gradient is a mean of x_i times the residual, for Gaussian data with this variance
        spread = np.sqrt(np.einsum("eii->ei", square) * risk[:, None] + (square @ head - cross) ** 2)
        entry = np.zeros(dim)
        entry[subset] = head
        explained = 1 - np.max(risk / moments[:, dim, dim])
        found.append((subset, entry, violation, np.max(spread / np.sqrt(np.asarray(rows)[:, None])), explained))
    found.sort(key=lambda one: -one[4])
    chosen = np.array([[i in one[0] for i in range(dim)] for one in found], bool).reshape(-1, dim)
    heads = np.array([one[1] for one in found]).reshape(-1, dim)
    return Invariant(chosen, heads, *(np.array([one[i] for one in found]) for i in (2, 3, 4)))


def _smallest_violation(square, cross) -> tuple[np.ndarray, float]:
    """Head with the smallest largest gradient over environments."""
    k = cross.shape[1]
    rows, right = square.reshape(-1, k), cross.ravel()
    ones = np.ones((len(rows), 1))
    result = optimize.linprog(
        np.r_[np.zeros(k), 1.0], A_ub=np.block([[rows, -ones], [-rows, -ones]]), b_ub=np.r_[right, -right],
        bounds=[(None, None)] * k + [(0, None)], method="highs",
    )  # fmt: skip
    return result.x[:k], float(result.x[k])
