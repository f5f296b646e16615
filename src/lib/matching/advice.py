"""Which policy to use on a graph of one's own: an edge list with success probabilities."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from lib.matching.benchmarks import check_probabilities
from lib.matching.classes import classes_of, stochastic_configuration_lp
from lib.matching.policies import simulate, thresholds_and_ranks
from lib.matching.programs import solve_unequal
from lib.stats.intervals import estimate_mean

CANDIDATES = ("balance", "ranking", "greedy", "nonadaptive")
COLUMNS = ("offline", "online", "probability")


class Graph(NamedTuple):
    """Probabilities (offline, online), 0 where there is no edge, and names of both sides; online in arrival order."""

    probabilities: np.ndarray
    offline: list[str]
    online: list[str]


class Advice(NamedTuple):
    """Expected successes of each policy, and whether one is ahead.

    Args:
        policies: names, as of `lib.matching.policies`.
        value, low, high: expected successes and ends of their 95 % intervals.
        ahead_low: lower end of the interval of the lead of the best policy over each, with the same thresholds; 0 for
            itself. The intervals hold for all policies at once (Bonferroni).
        bound: optimum of the stochastic configuration program; no policy has more expected successes.
    """

    policies: list[str]
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    ahead_low: np.ndarray
    bound: float

    @property
    def best(self) -> str:
        """Policy of the largest mean."""
        return self.policies[int(np.argmax(self.value))]

    @property
    def rivals(self) -> list[str]:
        """Policies that may be as good as the best."""
        return [name for name, low in zip(self.policies, self.ahead_low) if name != self.best and low <= 0]


def advise(probabilities, replicates: int, rng: np.random.Generator) -> Advice:
    """Compare all policies on a graph by simulation with common thresholds, beside an upper bound on every policy.

    Args:
        probabilities: (offline, online), in [0, 1], online vertices in the order of arrival.
        replicates: runs of each policy, at least 2.
        rng: source of thresholds and ranks.

    Raises:
        ValueError: probabilities outside [0, 1], or too few replicates.
    """
    check_probabilities(probabilities)
    if replicates < 2:
        raise ValueError(f"replicates: got {replicates}, expected at least 2")
    p = np.asarray(probabilities, dtype=float)
    split = solve_unequal("C")
    theta, rank = thresholds_and_ranks(replicates, len(p), rng)
    seed = int(rng.integers(2**32))
    runs = np.column_stack(
        [
            simulate(p, np.arange(p.shape[1]), name, theta, rank, discount=split.f, step=split.load[1], seed=seed)
            for name in CANDIDATES
        ]
    ).astype(float)
    value, _, low, high, _ = estimate_mean(runs)
    best = int(np.argmax(value))
    lead = estimate_mean(runs[:, [best]] - runs, level=1 - 0.05 / (len(CANDIDATES) - 1))
    vertices = classes_of(p, np.ones(p.shape[1]), eps=1.0)
    return Advice(list(CANDIDATES), value, low, high, lead.low, stochastic_configuration_lp(vertices).upper)


def read_edges(path) -> Graph:
    """A graph from a CSV with columns `offline`, `online` and `probability`.

    Online vertices arrive in the order in which the file first names them.

    Args:
        path: of the CSV.

    Raises:
        ValueError: other columns, no edge, an empty name, an edge named twice, or a probability outside [0, 1].
        FileNotFoundError: there is no such file.
    """
    table = pd.read_csv(Path(path), dtype={"offline": str, "online": str}, keep_default_na=False)
    if sorted(table.columns) != sorted(COLUMNS):
        raise ValueError(f"{path}: got columns {', '.join(table.columns)}, expected {', '.join(COLUMNS)}")
    if not len(table):
        raise ValueError(f"{path}: got no edge, expected at least one")
    probability = pd.to_numeric(table.probability, errors="coerce")
    problems = {
        "a probability that is no number in [0, 1]": ~probability.between(0, 1),
        "an empty name": (table.offline == "") | (table.online == ""),
        "an edge a second time": table.duplicated(["offline", "online"]),
    }
    for problem, rows in problems.items():
        if rows.any():
            raise ValueError(f"{path}: line {int(np.argmax(rows)) + 2}: got {problem}")
    offline, online = list(dict.fromkeys(table.offline)), list(dict.fromkeys(table.online))
    probabilities = np.zeros((len(offline), len(online)))
    rows = table.offline.map({name: i for i, name in enumerate(offline)})
    columns = table.online.map({name: i for i, name in enumerate(online)})
    probabilities[rows, columns] = probability
    return Graph(probabilities, offline, online)
