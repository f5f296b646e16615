"""Small almost-linear maps with orbits of every kind, followed many at once, and the kind of an orbit."""

from typing import NamedTuple

import numpy as np

from lib.dynamics.almost_linear import AlmostLinearRNN, codes
from lib.dynamics.orbits import lyapunov_spectrum

FIXED, CYCLE, CHAOTIC, DIVERGED, UNRESOLVED = "fixed point", "cycle", "chaotic", "diverged", "unresolved"
DIVERGENCE = 1e6
LEAST_EXPONENT = 0.005


def random_maps(number: int, units: int, rectified: int, rng: np.random.Generator) -> list[AlmostLinearRNN]:
    """Maps with Gaussian W and h and uniform A; many are bounded, and most of these end in fixed points or cycles."""
    return [
        AlmostLinearRNN(
            rng.uniform(-0.5, 0.5, units),
            rng.normal(0, 1 / np.sqrt(units), (units, units)),
            rng.standard_normal(units),
            np.zeros((units - 1, 1)),
            rectified,
        )
        for _ in range(number)
    ]


def expanding_maps(number: int, units: int, rng: np.random.Generator) -> list[AlmostLinearRNN]:
    """Maps with one rectified unit that is a skew tent map with slopes above 1 in size, and linear units it drives.

    The tent z -> a z + h (z < 0), -b z + h (z > 0) with h > 0, b > 1 and 1 < a <= b / (b - 1) keeps [h (1 - b), h]; no
    cycle of it is stable, so that almost all its orbits are chaotic. The other units contract.
    """
    maps = []
    for _ in range(number):
        b = rng.uniform(1.2, 1.9)
        a = rng.uniform(1.05, min(2.0, b / (b - 1)))
        w = np.zeros((units, units))
        w[:-1] = rng.normal(0, 0.3 / np.sqrt(units), (units - 1, units))
        w[-1, -1] = -b - a
        diagonal = np.append(rng.uniform(-0.3, 0.3, units - 1), a)
        h = np.append(rng.standard_normal(units - 1), rng.uniform(0.5, 1.5))
        maps.append(AlmostLinearRNN(diagonal, w, h, np.zeros((units - 1, 1)), 1))
    return maps


def run_maps(maps: list[AlmostLinearRNN], start: np.ndarray, steps: int, states: int) -> np.ndarray:
    """The last states of runs of maps of equal size, all at once; not finite where a run diverged.

    Args:
        maps: equal M and P.
        start: `(maps, M)`.
        steps: steps before the first state that is returned.
        states: states to return.

    Returns:
        `(states, maps, M)`.
    """
    a, w, h = (np.stack([getattr(m, name) for m in maps]) for name in "awh")
    linear = maps[0].units - maps[0].rectified
    z, out = start.copy(), np.empty((states, *start.shape))
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps + states):
            if t >= steps:
                out[t - steps] = z
            phi = z.copy()
            np.maximum(phi[:, linear:], 0, out=phi[:, linear:])
            z = a * z + np.einsum("bij,bj->bi", w, phi) + h
    return out


def orbit_period(z: np.ndarray, longest: int, tolerance: float = 1e-9) -> int:
    """The smallest p <= `longest` with |z_{t+p} - z_t| <= tolerance for all t of an orbit `(time, M)`; 0 for none.

    The same must hold for the largest multiple of p up to half the orbit, so that a slow approach is no period.
    """
    for p in range(1, min(longest, len(z) // 2) + 1):
        far = len(z) // 2 // p * p
        if all(np.abs(z[lag:] - z[:-lag]).max() <= tolerance for lag in (p, far)):
            return p
    return 0


class Orbit(NamedTuple):
    """End of an orbit: its kind, its period (0 for none), and the largest Lyapunov exponent of one without (or NaN)."""

    kind: str
    period: int
    exponent: float


def classify_orbit(model: AlmostLinearRNN, z: np.ndarray, longest: int, tolerance: float = 1e-9) -> Orbit:
    """The kind of a settled orbit, from its states alone: a period, or none and the sign of the largest exponent.

    Args:
        model: the map.
        z: states `(time, M)`.
        longest: longest period to look for.
        tolerance: see `orbit_period`.

    Returns:
        Kind `diverged`, `fixed point`, `cycle`, `chaotic` (exponent above 0.005) or `unresolved`.
    """
    if not np.isfinite(z).all() or np.abs(z).max() > DIVERGENCE:
        return Orbit(DIVERGED, 0, np.nan)
    period = orbit_period(z, longest, tolerance)
    if period:
        return Orbit(FIXED if period == 1 else CYCLE, period, np.nan)
    exponent = lyapunov_spectrum(model, codes(model, z), 1, every=1, transient=100)[0]
    return Orbit(CHAOTIC if exponent > LEAST_EXPONENT else UNRESOLVED, 0, exponent)


def follow_maps(
    maps: list[AlmostLinearRNN], start: np.ndarray, steps: int, states: int, longest: int, patience: int = 0
) -> tuple[np.ndarray, list[Orbit]]:
    """Run maps and classify where each of them ends.

    Args:
        maps: equal M and P.
        start: `(maps, M)`.
        steps: steps before an orbit is classified.
        states: states to classify it by.
        longest: longest period to look for.
        patience: an orbit without a period is run for `patience * steps` more steps and classified again.

    Returns:
        The states `(states, maps, M)`, and the orbit of every map.
    """
    z = run_maps(maps, start, steps, states)
    orbits = [classify_orbit(m, z[:, i], longest) for i, m in enumerate(maps)]
    aperiodic = [i for i, orbit in enumerate(orbits) if orbit.kind in (UNRESOLVED, CHAOTIC)]
    if patience and aperiodic:
        z[:, aperiodic] = run_maps([maps[i] for i in aperiodic], z[-1, aperiodic], patience * steps, states)
        for i in aperiodic:
            orbits[i] = classify_orbit(maps[i], z[:, i], longest)
    return z, orbits
