"""Decision processes with finitely many layers, states and actions: values, best policies, occupancies, trajectories.

Rewards and policies are arrays (..., H, S, A) and transitions (..., H, S, A, S) whose leading axes broadcast, so that a
batch of processes, of policies or of rewards is one call. What a function says of rewards holds of losses with the
opposite sign.
"""

from typing import NamedTuple

import numpy as np


class Process(NamedTuple):
    """Dynamics with H layers, S states and A actions.

    Args:
        transition: P_h(x' | x, a), (..., H, S, A, S); the last layer's leads out of the horizon.
        initial: distribution of the first state, (..., S).
        features: phi(x, a), (..., S, A, d), the same in all layers; None where the process is not linear.
    """

    transition: np.ndarray
    initial: np.ndarray
    features: np.ndarray | None = None


class Values(NamedTuple):
    """Values of a policy.

    Args:
        state: V_h(x), (..., H + 1, S); 0 in layer H.
        action: Q_h(x, a), (..., H, S, A).
    """

    state: np.ndarray
    action: np.ndarray


class Trajectories(NamedTuple):
    """Sampled trajectories.

    Args:
        states: (..., H + 1), integers; the last is the state behind the horizon.
        actions: (..., H), integers.
    """

    states: np.ndarray
    actions: np.ndarray


def _check_distributions(name: str, values: np.ndarray) -> None:
    if not (np.all(values >= 0) and np.allclose(values.sum(axis=-1), 1, rtol=0, atol=1e-8)):
        raise ValueError(f"{name}: got entries that are no distributions, expected nonnegative ones of sum 1")


def make_process(transition, initial, features=None) -> Process:
    """Process from arrays, checked.

    Args:
        transition: (..., H, S, A, S).
        initial: (..., S).
        features: (..., S, A, d), or None.

    Raises:
        ValueError: shapes that do not fit, probabilities that are negative or do not sum to 1, features not finite.
    """
    transition, initial = np.asarray(transition, dtype=float), np.asarray(initial, dtype=float)
    if transition.ndim < 4 or transition.shape[-1] != transition.shape[-3]:
        raise ValueError(f"transition: got shape {transition.shape}, expected (..., H, S, A, S)")
    states, actions = transition.shape[-3:-1]
    if initial.shape[-1:] != (states,):
        raise ValueError(f"initial: got shape {initial.shape}, expected (..., {states})")
    _check_distributions("transition", transition)
    _check_distributions("initial", initial)
    if features is not None:
        features = np.asarray(features, dtype=float)
        if features.ndim < 3 or features.shape[-3:-1] != (states, actions):
            raise ValueError(f"features: got shape {features.shape}, expected (..., {states}, {actions}, d)")
        if not np.isfinite(features).all():
            raise ValueError("features: got values that are not finite")
    return Process(transition, initial, features)


def linear_process(
    states: int, actions: int, horizon: int, dim: int, rng: np.random.Generator, concentration: float = 0.3
) -> Process:
    """Random linear process: P_h(x' | x, a) = sum_i phi_i(x, a) mu_h,i(x'), with the first state fixed.

    Features are points of the simplex and each mu_h,i is a distribution, all from Dirichlet laws, so that losses
    <phi, theta> with theta in [0, 1]^d lie in [0, 1].

    Args:
        states, actions, horizon, dim: S, A, H, d.
        rng: random generator.
        concentration: of the Dirichlet laws; small is near the corners.

    Raises:
        ValueError: a size below one, or a concentration that is not positive.
    """
    if min(states, actions, horizon, dim) < 1 or not concentration > 0:
        raise ValueError(
            f"states, actions, horizon, dim, concentration: got {(states, actions, horizon, dim, concentration)}, "
            "expected sizes of at least 1 and a positive concentration"
        )
    features = rng.dirichlet(np.full(dim, concentration), size=(states, actions))
    corners = rng.dirichlet(np.full(states, concentration), size=(horizon, dim))
    initial = np.zeros(states)
    initial[0] = 1
    return Process(features @ corners[:, None], initial, features)


def stack_processes(processes: list[Process]) -> Process:
    """Several processes of equal shape as one, along a first axis."""
    transition, initial, features = zip(*processes, strict=True)
    return Process(
        np.stack(transition), np.stack(initial), None if any(f is None for f in features) else np.stack(features)
    )


def expect_next(transition, values) -> np.ndarray:
    """Expected value of the next state, (..., S, A), from P_h (..., S, A, S) and values (..., S)."""
    *lead, states, actions, following = transition.shape
    flat = transition.reshape(*lead, states * actions, following)
    expected = np.matmul(flat, values[..., None])[..., 0]
    return expected.reshape(*expected.shape[:-1], states, actions)


def evaluate_policy(process: Process, rewards, policy) -> Values:
    """Values of a policy by backward induction.

    Args:
        process: the dynamics.
        rewards: r_h(x, a), (..., H, S, A).
        policy: pi_h(a | x), (..., H, S, A).

    Returns:
        V and Q, over the leading axes of all three.
    """
    return _backward(process, rewards, lambda q, h: np.sum(policy[..., h, :, :] * q, axis=-1), policy.shape[:-3])


def optimal_values(process: Process, rewards) -> Values:
    """Values of the best policy by backward induction; `greedy_policy` of its Q is one that attains them.

    For losses, pass their negatives and negate what comes back.

    Args:
        process: the dynamics.
        rewards: (..., H, S, A).
    """
    return _backward(process, rewards, lambda q, h: q.max(axis=-1), ())


def _backward(process: Process, rewards, value_of, more: tuple[int, ...]) -> Values:
    rewards = np.asarray(rewards, dtype=float)
    horizon, states, actions, _ = process.transition.shape[-4:]
    if rewards.shape[-3:] != (horizon, states, actions):
        raise ValueError(f"rewards: got shape {rewards.shape}, expected (..., {horizon}, {states}, {actions})")
    lead = np.broadcast_shapes(rewards.shape[:-3], process.transition.shape[:-4], more)
    state, action = np.zeros((*lead, horizon + 1, states)), np.empty((*lead, horizon, states, actions))
    for h in reversed(range(horizon)):
        following = expect_next(process.transition[..., h, :, :, :], state[..., h + 1, :])
        action[..., h, :, :] = rewards[..., h, :, :] + following
        state[..., h, :] = value_of(action[..., h, :, :], h)
    return Values(state, action)


def start_value(process: Process, values: Values) -> np.ndarray:
    """Expected value of the first state, (...)."""
    return np.sum(process.initial * values.state[..., 0, :], axis=-1)


def greedy_policy(action_values) -> np.ndarray:
    """Deterministic policy (..., H, S, A) that takes the action of the largest Q; the first of several."""
    action_values = np.asarray(action_values)
    best = action_values.argmax(axis=-1)
    return (best[..., None] == np.arange(action_values.shape[-1])).astype(float)


def uniform_policy(process: Process) -> np.ndarray:
    """Policy (H, S, A) that takes all actions alike."""
    horizon, states, actions, _ = process.transition.shape[-4:]
    return np.full((horizon, states, actions), 1 / actions)


def occupancy(process: Process, policy) -> np.ndarray:
    """Probability of visiting (x, a) in layer h under a policy, (..., H, S, A); each layer sums to 1.

    Args:
        process: the dynamics.
        policy: (..., H, S, A).
    """
    horizon, states, actions, _ = process.transition.shape[-4:]
    lead = np.broadcast_shapes(policy.shape[:-3], process.transition.shape[:-4], process.initial.shape[:-1])
    visits = np.empty((*lead, horizon, states, actions))
    state = np.broadcast_to(process.initial, (*lead, states))
    for h in range(horizon):
        visits[..., h, :, :] = state[..., None] * policy[..., h, :, :]
        if h + 1 < horizon:
            flat = process.transition[..., h, :, :, :]
            flat = flat.reshape(*flat.shape[:-3], states * actions, states)
            state = np.matmul(visits[..., h, :, :].reshape(*lead, 1, states * actions), flat)[..., 0, :]
    return visits


def draw_categories(cumulative, uniform) -> np.ndarray:
    """Indices drawn by inversion.

    Args:
        cumulative: running sums of distributions, (..., n), whose last entry may miss 1 by rounding.
        uniform: numbers in [0, 1), (...).

    Returns:
        (...), integers in [0, n).
    """
    return np.sum(uniform[..., None] >= cumulative[..., :-1], axis=-1)


def simulate(process: Process, policy, rng: np.random.Generator, count: int | None = None) -> Trajectories:
    """Trajectories of policies, all replicates at once on one generator.

    Args:
        process: the dynamics.
        policy: (..., H, S, A); one trajectory for each of its leading indices, broadcast against those of the process.
        rng: random generator, which gives 2 H + 1 numbers for each trajectory.
        count: trajectories of each; adds a first axis.
    """
    policy = np.asarray(policy, dtype=float)
    horizon, states, actions, _ = process.transition.shape[-4:]
    lead = np.broadcast_shapes(policy.shape[:-3], process.transition.shape[:-4], process.initial.shape[:-1])
    runs = int(np.prod(lead))
    shape = lead if count is None else (count, *lead)
    # which process and which policy a trajectory belongs to: nothing is copied along an axis that only broadcasts
    dynamics = _rows(process.transition.shape[:-4], lead)
    acting = _rows(policy.shape[:-3], lead)
    starting = _rows(process.initial.shape[:-1], lead)
    transition = process.transition.reshape(-1, horizon, states, actions, states)
    choice = policy.reshape(-1, horizon, states, actions)
    start = np.cumsum(process.initial, axis=-1).reshape(-1, states)
    draws = rng.random((1 if count is None else count, runs, 2 * horizon + 1))
    visited = np.empty((*draws.shape[:2], horizon + 1), dtype=np.intp)
    taken = np.empty((*draws.shape[:2], horizon), dtype=np.intp)
    visited[..., 0] = draw_categories(start[starting], draws[..., 0])
    for h in range(horizon):
        x = visited[..., h]
        taken[..., h] = a = draw_categories(np.cumsum(choice[acting, h, x], axis=-1), draws[..., 2 * h + 1])
        following = np.cumsum(transition[dynamics, h, x, a], axis=-1)
        visited[..., h + 1] = draw_categories(following, draws[..., 2 * h + 2])
    return Trajectories(visited.reshape(*shape, horizon + 1), taken.reshape(*shape, horizon))


def sample_occupancy(process: Process, policy, count: int, rng: np.random.Generator) -> np.ndarray:
    """Shares of visits (..., H, S, A) among `count` trajectories of each policy, without the trajectories.

    The law is that of counting what `simulate` gives; the cost does not grow with `count`.

    Args:
        process: the dynamics.
        policy: (..., H, S, A).
        count: number of trajectories.
        rng: random generator.
    """
    horizon, states, actions, _ = process.transition.shape[-4:]
    lead = np.broadcast_shapes(policy.shape[:-3], process.transition.shape[:-4], process.initial.shape[:-1])
    visits = np.empty((*lead, horizon, states, actions))
    state = rng.multinomial(np.full(lead, count), np.broadcast_to(process.initial, (*lead, states)))
    for h in range(horizon):
        pairs = rng.multinomial(state, np.broadcast_to(policy[..., h, :, :], (*lead, states, actions)))
        visits[..., h, :, :] = pairs / count
        if h + 1 < horizon:
            dynamics = np.broadcast_to(process.transition[..., h, :, :, :], (*lead, states, actions, states))
            state = rng.multinomial(pairs, dynamics).sum(axis=(-3, -2))
    return visits


def sample_transition(process: Process, count: int, rng: np.random.Generator) -> np.ndarray:
    """Shares of next states among `count` draws at each (x, a), (..., H, S, A, S)."""
    return rng.multinomial(count, process.transition) / count


def _rows(own: tuple[int, ...], lead: tuple[int, ...]) -> np.ndarray:
    """Index into an array of leading shape `own`, flattened, for each flat index of the shape that it broadcasts to."""
    return np.broadcast_to(np.arange(int(np.prod(own))).reshape(own), lead).ravel()
