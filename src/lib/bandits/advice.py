"""Which action to try next, or which to keep, from a table of actions and the rewards that are known so far."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from lib.bandits.elimination import eliminate_on_net
from lib.bandits.net import rank_net, sparse_net
from lib.bandits.rewards import Rewards


class Advice(NamedTuple):
    """What elimination says of a table of actions.

    Args:
        action: the action to try next, or, once no more is needed, the one to keep.
        final: whether it is the one to keep.
        consistent: False where no sparse linear model explains the known rewards to eps; nothing is guaranteed then.
        used: known actions that the decision rests on, in the order in which they were asked for.
    """

    action: int
    final: bool
    consistent: bool
    used: list[int]


class _Unknown(Exception):
    """An action whose reward is asked for and not known."""


class _Known(Rewards):
    """Answers queries from the known rewards."""

    def __init__(self, rewards):
        super().__init__(np.nan_to_num(rewards))
        self._known = ~np.isnan(rewards)

    def __call__(self, action: int) -> float:
        if not self._known[action]:
            raise _Unknown(action)
        return super().__call__(action)


def advise(actions, rewards, sparsity: int, eps: float) -> Advice:
    """Run optimistic elimination on what is known: the next action to try, or the action to keep.

    If some parameter of norm at most 1 with `sparsity` nonzero entries explains every reward to eps, the action to keep
    is within 4 eps of the best of all actions, tried or not.

    Args:
        actions: (N, d), of norm at most 1.
        rewards: (N,), NaN where an action was not tried.
        sparsity: number of nonzero entries s.
        eps: largest difference between a reward and the linear model.

    Raises:
        ValueError: shapes or sizes that do not fit, or actions that are too long or not finite.
    """
    actions, rewards = np.asarray(actions, dtype=float), np.asarray(rewards, dtype=float)
    if actions.ndim != 2 or rewards.shape != actions.shape[:1]:
        raise ValueError(f"actions, rewards: got shapes {actions.shape} and {rewards.shape}, expected (N, d) and (N,)")
    norms = np.linalg.norm(actions, axis=1)
    if not np.all(norms <= 1 + 1e-9):
        worst = int(np.argmax(np.where(np.isnan(norms), np.inf, norms)))
        raise ValueError(
            f"actions: got norm {norms[worst]:.4g} in row {worst}, expected at most 1: divide all by the largest"
        )
    query = _Known(rewards)
    try:
        choice = eliminate_on_net(actions, rank_net(actions, sparse_net(actions.shape[1], sparsity, eps)), query, eps)
    except _Unknown as unknown:
        return Advice(int(unknown.args[0]), False, True, query.order)
    return Advice(choice.action, True, choice.consistent, query.order)


def read_table(path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Actions, rewards and names of features of a CSV whose column `reward` is empty where an action was not tried.

    Args:
        path: of the CSV; every other column is a feature.

    Raises:
        ValueError: no such column, no feature, or a cell that is not a number.
        FileNotFoundError: there is no such file.
    """
    table = pd.read_csv(Path(path))
    if "reward" not in table or table.shape[1] < 2:
        raise ValueError(f"{path}: got columns {', '.join(table.columns)}, expected features and a column reward")
    names = [name for name in table.columns if name != "reward"]
    for name in table.columns:
        if table[name].dtype.kind not in "biuf" or (name != "reward" and table[name].isna().any()):
            raise ValueError(f"{path}: column {name}: got a cell that is not a number")
    return table[names].to_numpy(float), table["reward"].to_numpy(float), names
