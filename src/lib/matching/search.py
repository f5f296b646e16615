"""Masses of nested families at which a policy that never idles is worst."""

import numpy as np

from lib.matching.classes import nested_classes, nested_matching, nested_value, stochastic_configuration_lp

BENCHMARKS = ("matching", "configuration")


def nested_ratio(sizes, masses, benchmark: str) -> float:
    """Exact value of Stochastic Balance on nested classes over a benchmark's optimum, in the limit.

    Args:
        sizes: numbers of offline vertices of the neighbourhoods, decreasing.
        masses: of the classes, positive.
        benchmark: `matching` or `configuration` (stochastic).

    Raises:
        ValueError: an unknown benchmark, or sizes and masses that do not fit.
    """
    if benchmark not in BENCHMARKS:
        raise ValueError(f"benchmark: got {benchmark!r}, expected one of {', '.join(BENCHMARKS)}")
    if benchmark == "matching":
        return nested_value(sizes, masses) / nested_matching(sizes, masses)
    return nested_value(sizes, masses) / stochastic_configuration_lp(nested_classes(sizes, masses), 1e-8).upper


def worst_masses(sizes, start, benchmark: str, evaluations: int) -> tuple[float, np.ndarray]:
    """Least ratio that the method of Nelder and Mead reaches over the logarithms of the masses, and the masses.

    Masses stay between 1e-4 and 1e4.

    Args:
        sizes, benchmark: as of `nested_ratio`.
        start: masses, positive.
        evaluations: most evaluations of the ratio.
    """
    from scipy.optimize import minimize

    bounds = [(np.log(1e-4), np.log(1e4))] * len(start)
    result = minimize(
        lambda logs: nested_ratio(sizes, np.exp(logs), benchmark),
        np.log(start),
        method="Nelder-Mead",
        bounds=bounds,
        options={"maxfev": evaluations, "xatol": 1e-7, "fatol": 1e-10, "initial_simplex": _simplex(np.log(start))},
    )
    return float(result.fun), np.exp(result.x)


def _simplex(start) -> np.ndarray:
    """The start and, for each coordinate, the point a quarter further in it."""
    return np.vstack([start, start + 0.25 * np.eye(len(start))])
