"""From an offline data set of one's own: which policy, and how many online episodes until it is sure."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from lib.mdp.counts import Counts, expected_features, fit_counts, policy_covariances, predict
from lib.mdp.exploration import fewest_episodes, squared_norms
from lib.mdp.pedel import practical_beta
from lib.mdp.planning import certainty_equivalence, pessimistic_policy
from lib.mdp.requirements import tolerances

COLUMNS = ("step", "state", "action", "reward", "next_state")


class OfflineData(NamedTuple):
    """An offline data set, with states and actions numbered in the order of their names.

    Args:
        counts: of the data, (H, S, A, ...).
        features: (S, A, d); None where the feature table has no features, so that they are one-hot.
        valid: which actions a state has, (S, A).
        states, actions: names.
        start: number of the first state.
    """

    counts: Counts
    features: np.ndarray | None
    valid: np.ndarray
    states: list[str]
    actions: list[str]
    start: int


class OnlinePlan(NamedTuple):
    """What to do with an offline data set.

    Args:
        policy: action of the best policy by the estimates, (H, S).
        value: its estimated value.
        width: norms of its feature expectation times (H - h + 1) / 2, summed over steps: one standard deviation at
            most.
        episodes: online episodes until the policy is sure to be within eps; 0 where the offline data suffice.
        policies: to play online, (J, H, S).
        play: how many of the episodes each of them gets, (J,).
        rivals: candidates whose estimated value is within eps of the best.
        candidates: policies that were compared.
    """

    policy: np.ndarray
    value: float
    width: float
    episodes: int
    policies: np.ndarray
    play: np.ndarray
    rivals: int
    candidates: int


def _read_csv(path, required) -> pd.DataFrame:
    table = pd.read_csv(Path(path), dtype={"state": str, "action": str, "next_state": str})
    missing = [name for name in required if name not in table]
    if missing or not len(table):
        raise ValueError(f"{path}: got columns {', '.join(table.columns)}, expected {', '.join(required)} and a row")
    if table[list(required)].drop(columns="next_state", errors="ignore").isna().any(axis=None):
        raise ValueError(f"{path}: got an empty cell, expected none but next_state of the last step")
    return table


def read_offline_data(data, features) -> OfflineData:
    """Read transitions and features from CSV files.

    Args:
        data: rows step (1, 2, ..., H), state, action, reward (in [0, 1]) and next_state (of the last step empty or not
            looked at).
        features: rows state, action, and any further columns as features, which hold at all steps; without any,
            features are one-hot. Its rows say which actions a state has.

    Raises:
        ValueError: columns or cells that are missing, states or actions that the feature table does not have, rewards
            outside [0, 1], steps that leave a gap, or several first states.
        FileNotFoundError: there is no such file.
    """
    rows, table = _read_csv(data, COLUMNS), _read_csv(features, ("state", "action"))
    if table.duplicated(["state", "action"]).any():
        raise ValueError(f"{features}: got two rows of one state and action, expected one")
    names = [name for name in table.columns if name not in ("state", "action")]
    for path, frame, columns in ((features, table, names), (data, rows, ["step", "reward"])):
        for name in columns:
            if frame[name].dtype.kind not in "biuf" or not np.isfinite(frame[name].to_numpy(float)).all():
                raise ValueError(f"{path}: column {name}: got a cell that is not a finite number")
    states, actions = sorted(set(table["state"])), sorted(set(table["action"]))
    place = {name: number for number, name in enumerate(states)}
    action_place = {name: number for number, name in enumerate(actions)}
    valid = np.zeros((len(states), len(actions)), dtype=bool)
    at = table["state"].map(place).to_numpy(), table["action"].map(action_place).to_numpy()
    valid[at] = True
    phi = None
    if names:
        phi = np.zeros((*valid.shape, len(names)))
        phi[at] = table[names].to_numpy(float)
    steps = rows["step"].to_numpy()
    layers = int(steps.max())
    if sorted(set(steps.tolist())) != list(range(1, layers + 1)):
        raise ValueError(f"{data}: column step: got {sorted(set(steps.tolist()))}, expected 1, 2, ... without a gap")
    rewards = rows["reward"].to_numpy(float)
    if not np.all((rewards >= 0) & (rewards <= 1)):
        raise ValueError(f"{data}: column reward: got {rewards.min():g} to {rewards.max():g}, expected [0, 1]: rescale")
    state, action = rows["state"].map(place), rows["action"].map(action_place)
    unknown = state.isna() | action.isna()
    if not unknown.any():
        unknown |= ~valid[state.astype(int), action.astype(int)]
    later = rows["next_state"].map(place)
    unknown |= later.isna() & (rows["step"] < layers)
    if unknown.any():
        row = int(np.flatnonzero(unknown)[0])
        raise ValueError(f"{data}: row {row + 2}: got a state or action that {features} does not have")
    first = rows.loc[rows["step"] == 1, "state"].unique()
    if len(first) != 1:
        raise ValueError(f"{data}: got {len(first)} states at step 1, expected one first state")
    where = steps.astype(int) - 1, state.astype(int), action.astype(int)
    transitions = np.zeros((layers, *valid.shape, len(states)))
    np.add.at(transitions, (*where, later.fillna(0).astype(int)), 1)
    sums = np.zeros((layers, *valid.shape))
    np.add.at(sums, where, rewards)
    return OfflineData(Counts(transitions, sums), phi, valid, states, actions, place[first[0]])


def candidate_policies(data: OfflineData, number: int, delta: float, rng: np.random.Generator) -> np.ndarray:
    """Policies to compare: the best by the estimates, the pessimist's, and greedy ones of random linear values.

    Args:
        data: offline data.
        number: of random policies.
        delta: chance of failure, of the pessimist.
        rng: source of randomness.

    Returns:
        Actions (P, H, S).
    """
    layers, states = data.counts.rewards.shape[:2]
    phi = data.features if data.features is not None else np.eye(data.valid.size).reshape(*data.valid.shape, -1)
    valid = np.broadcast_to(data.valid, (layers, *data.valid.shape))
    scores = np.einsum("phd,sad->phsa", rng.normal(size=(number, layers, phi.shape[-1])), phi, optimize=True)
    planned = [
        certainty_equivalence(data.counts, valid=valid).actions,
        pessimistic_policy(data.counts, delta, max(number, 1), valid=valid).actions,
    ]
    random = np.where(data.valid, scores, -np.inf).argmax(axis=-1)
    return np.concatenate([np.array(planned).reshape(-1, layers, states), random])


def plan_online(
    data: OfflineData, eps: float, delta: float = 0.05, *, candidates: int = 200, lam: float = 1.0, seed: int = 0
) -> OnlinePlan:
    """Which policy the offline data favour, and how many online episodes make it sure to be within eps.

    The design is that of the offline-to-online concentrability with the estimated dynamics and gaps, and with the
    practical beta. What the data never reached is not in the estimates: after the episodes add them to the data and ask
    again, until none is needed. Sureness is among the candidates that were compared.

    Args:
        data: of `read_offline_data`.
        eps: accuracy, on the scale of the sum of rewards.
        delta: chance of failure.
        candidates: random policies beside the planned ones.
        lam: regulariser.
        seed: of the random policies.

    Raises:
        ValueError: an eps that is not positive, or a delta outside (0, 1).
    """
    if not (eps > 0 and 0 < delta < 1):
        raise ValueError(f"eps, delta: got {eps} and {delta}, expected a positive number and one in (0, 1)")
    actions = candidate_policies(data, candidates, delta, np.random.default_rng(seed))
    rules = np.eye(data.valid.shape[1])[actions]
    fit = fit_counts(data.counts, data.features, lam)
    guess = predict(
        fit.kernel, fit.theta, expected_features(rules, data.features), np.eye(len(data.states))[data.start]
    )
    _, different = np.unique(guess.features.reshape(len(rules), -1).round(9), axis=0, return_index=True)
    different = np.sort(different)  # the planned policies come first
    actions, rules = actions[different], rules[different]
    features, occupancy, values = (one[different] for one in guess)
    one_hot = data.features is None
    limits = tolerances(values, eps, practical_beta(len(rules), delta))
    design = fewest_episodes(
        features, policy_covariances(occupancy, rules, data.features), fit.covariance, limits, one_hot=one_hot
    )
    best = int(values.argmax())
    play = np.ceil(np.where(design.episodes > 1e-4 * design.value, design.episodes, 0)).astype(int)
    layers = len(data.counts.rewards)
    norms = np.sqrt(squared_norms(features[[best]], fit.covariance, one_hot=one_hot)[0])
    return OnlinePlan(
        actions[best],
        float(values[best]),
        float(norms @ (layers - np.arange(layers)) / 2),
        int(play.sum()),
        actions[play > 0],
        play[play > 0],
        int(np.sum(values >= values[best] - eps)) - 1,
        len(rules),
    )
