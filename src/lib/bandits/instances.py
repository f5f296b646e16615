"""Random linear bandits with a sparse parameter and rewards that are off by up to eps."""

import numpy as np

MODES = ("random", "sign", "adversarial", "null")


def sphere_actions(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Actions (n, d), independent and uniform on the unit sphere."""
    actions = rng.standard_normal((n, d))
    return actions / np.linalg.norm(actions, axis=1, keepdims=True)


def sparse_parameter(d: int, s: int, rng: np.random.Generator) -> np.ndarray:
    """Parameter (d,) of norm 1 on a random support of size s."""
    theta = np.zeros(d)
    theta[rng.choice(d, size=s, replace=False)] = sphere_actions(1, s, rng)[0]
    return theta


def misspecified_rewards(actions, theta, eps: float, mode: str, rng: np.random.Generator) -> np.ndarray:
    """Rewards within eps of a linear model.

    Args:
        actions: (N, d).
        theta: (d,).
        eps: largest error.
        mode: how the errors are chosen: `random`, uniform on (-eps, eps); `sign`, +-eps by fair coins; `adversarial`,
            -eps on the 2 % of the actions with the largest <a, theta>, eps elsewhere; `null`: all rewards are 0,
            which is within eps of theta = 0, whatever `theta` says.
        rng: random generator.

    Raises:
        ValueError: an unknown mode.
    """
    values = np.asarray(actions, dtype=float) @ theta
    if mode == "random":
        return values + rng.uniform(-eps, eps, values.shape)
    if mode == "sign":
        return values + eps * rng.choice([-1.0, 1.0], values.shape)
    if mode == "adversarial":
        top = np.argsort(-values, kind="stable")[: int(np.ceil(0.02 * len(values)))]
        errors = np.full(values.shape, eps)
        errors[top] = -eps
        return values + errors
    if mode == "null":
        return np.zeros(values.shape)
    raise ValueError(f"mode: got {mode!r}, expected one of {', '.join(MODES)}")
