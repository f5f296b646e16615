"""A bandit with finitely many actions: what a query costs and returns."""

import numpy as np


class Rewards:
    """Rewards of N actions, which counts the distinct actions that were queried.

    In the noiseless model a repeated query is free, since its answer is known. With `noise`, a query is the mean of
    `repetitions` draws of r(a) + noise, it is remembered too, and costs `repetitions`.

    Args:
        values: r(a) of each action, (N,).
        noise: standard deviation of normal noise.
        repetitions: draws of a query.
        rng: random generator; needed where there is noise.

    Attributes:
        order: distinct queried actions, in the order of their first queries.
        cost: number of draws so far.

    Raises:
        ValueError: values that are not finite, negative noise, no repetition, or noise without a generator.
    """

    def __init__(self, values, *, noise: float = 0.0, repetitions: int = 1, rng: np.random.Generator | None = None):
        self._values = np.asarray(values, dtype=float)
        if self._values.ndim != 1 or not np.all(np.isfinite(self._values)):
            raise ValueError(f"values: got shape {self._values.shape}, expected one finite reward for each action")
        if noise < 0 or repetitions < 1 or (noise > 0 and rng is None):
            raise ValueError(
                f"noise, repetitions, rng: got {noise}, {repetitions} and {rng}, expected noise of at least 0, a "
                "repetition, and a generator where there is noise"
            )
        self._noise, self._repetitions, self._rng = noise, repetitions, rng
        self._answers: dict[int, float] = {}

    def __call__(self, action: int) -> float:
        """Reward of an action as the learner sees it.

        Raises:
            IndexError: there is no such action.
        """
        action = int(action)
        if not 0 <= action < len(self._values):
            raise IndexError(f"action: got {action}, expected 0 to {len(self._values) - 1}")
        if action not in self._answers:
            noise = self._rng.normal(0, self._noise, self._repetitions).mean() if self._noise else 0.0
            self._answers[action] = float(self._values[action] + noise)
        return self._answers[action]

    @property
    def order(self) -> list[int]:
        """Distinct queried actions, in the order of their first queries."""
        return list(self._answers)

    @property
    def cost(self) -> int:
        """Number of draws so far."""
        return len(self._answers) * self._repetitions

    def best(self) -> int:
        """The queried action of the largest answer; the first of equals.

        Raises:
            ValueError: nothing was queried.
        """
        return max(self._answers, key=self._answers.get)

    def gap(self, action: int) -> float:
        """Sub-optimality max r - r(a) of an action, by the true rewards."""
        return float(self._values.max() - self._values[action])


def repetitions_for(actions: int, eps: float, failure: float = 0.05) -> int:
    """Draws of a query after which, with 1-subgaussian noise, all actions are known to eps at once.

    Args:
        actions: number N of actions.
        eps: wanted accuracy.
        failure: chance that one of the N means is off by more than eps.

    Returns:
        ceil(2 log(2 N / failure) / eps^2).
    """
    return int(np.ceil(2 * np.log(2 * actions / failure) / eps**2))
