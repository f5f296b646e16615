"""Attacks on the randomiser and on broken versions of it: lower bounds on epsilon. Exact deltas of Gaussian noise."""

import math

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.privacy.audit import event_epsilon
from lib.privacy.local import UserLedger, gaussian_delta, l2_randomizer, randomizer_radius
from lib.privacy.moments import cross_noise, moment_noise

CONTROLS = ("one user in two rounds", "coin of twice epsilon", "radius of the user's own gradient")
RELEASES = ("second moments", "cross moments", "cross moments alone")
CHUNK = 100_000
LOWER, SPREAD = "lower bound on epsilon, confidence .999", "standard error of the log ratio"


def audit_mechanisms(
    *, epsilons: list[float], control_epsilon: float, dim: int, trials: int, delta: float, noise: float, root_seed: int
) -> xr.Dataset:
    """Return `audited (epsilon)`, `control (kind)`, exact deltas over nominal ones, and what the ledgers say.

    Args:
        epsilons: levels of the randomiser.
        control_epsilon: level of the broken mechanisms.
        dim: number of features.
        trials: of each mechanism on each of two records.
        delta: of the Gaussian releases.
        noise: size C of the errors of y.
        root_seed: root of the random streams.
    """

    def stream(*key):
        return generator(root_seed, "private_sparse_regression", "audit", *key)

    audited = [_bound(_forward_hits(dim, epsilon, trials, stream("honest", epsilon)), trials) for epsilon in epsilons]
    controls = [
        _bound(_hits_twice(dim, control_epsilon, trials, stream("twice")), trials),
        _bound(_forward_hits(dim, 2 * control_epsilon, trials, stream("coin")), trials),
        _bound(_own_radius_hits(dim, control_epsilon, trials, stream("radius")), trials),
    ]
    bound_y = 1 + noise
    halves = [epsilon for epsilon in epsilons if epsilon <= 2]  # the classical theorem holds for half of them
    noises = [moment_noise("classical", dim, 1.0, bound_y, epsilon, delta) for epsilon in halves]
    square = [gaussian_delta(e / 2, one.diagonal, 2 * dim) / (delta / 2) for e, one in zip(halves, noises)]
    cross = [
        gaussian_delta(e / 2, one.cross, 2 * math.sqrt(dim) * bound_y) / (delta / 2) for e, one in zip(halves, noises)
    ]
    alone = [
        gaussian_delta(e, cross_noise(dim, 1.0, bound_y, e, delta), 2 * math.sqrt(dim) * bound_y) / delta
        for e in epsilons
        if e <= 1
    ]
    deviation = moment_noise("classical", dim, 1.0, bound_y, control_epsilon, delta).diagonal
    # two orthogonal records of +-3 in place of +-1: a quarter of d^2 entries of the triangle that is sent differ by 18
    unclipped = gaussian_delta(control_epsilon / 2, deviation, 9 * dim) / (delta / 2)
    return xr.Dataset(
        {
            "audited": ("epsilon", [one[0] for one in audited], {"long_name": LOWER}),
            "audited_se": ("epsilon", [one[1] for one in audited], {"long_name": SPREAD}),
            "control": ("kind", [one[0] for one in controls], {"long_name": LOWER}),
            "control_se": ("kind", [one[1] for one in controls], {"long_name": SPREAD}),
            "delta_ratio": ("release", [max(square), max(cross), max(alone)], {"long_name": "exact delta / nominal"}),
            "unclipped_ratio": ((), unclipped, {"long_name": "the same for records three times out of bounds"}),
            "spent": ("which", _spent(control_epsilon, delta), {"long_name": "spent by a user over the budget"}),
            "refused": ((), _refuses(control_epsilon), {"long_name": "whether the ledger refuses a second round"}),
        },
        coords={
            "epsilon": epsilons, "kind": list(CONTROLS), "release": list(RELEASES), "which": ["epsilon", "delta"],
        },
        attrs={"trials": trials, "dim": dim, "control_epsilon": control_epsilon},
    )  # fmt: skip


def _hits(vector, radius, epsilon, trials, rng, event) -> int:
    hits = 0
    for first in range(0, trials, CHUNK):
        rows = np.tile(vector, (min(CHUNK, trials - first), 1))
        hits += int(event(l2_randomizer(rows, radius, epsilon, rng)).sum())
    return hits


def _first_axis(dim: int) -> np.ndarray:
    return np.eye(dim)[0]


def _forward(sent) -> np.ndarray:
    return sent[:, 0] > 0


def _bound(hits, trials) -> tuple[float, float]:
    """The lower bound, and the standard error of the log ratio by the delta method; no hit counts as half a one."""
    return event_epsilon(*hits, trials), math.sqrt(sum(1 / max(hit, 0.5) - 1 / trials for hit in hits))


def _forward_hits(dim, epsilon, trials, rng) -> list[int]:
    """The two farthest records, and the half-space that tells them apart best."""
    return [_hits(sign * _first_axis(dim), 1.0, epsilon, trials, rng, _forward) for sign in (1, -1)]


def _hits_twice(dim, epsilon, trials, rng) -> list[int]:
    """One user in two rounds: both messages lie in the half-space."""

    def both(vector):
        hits = 0
        for first in range(0, trials, CHUNK):
            rows = np.tile(vector, (min(CHUNK, trials - first), 1))
            messages = [_forward(l2_randomizer(rows, 1.0, epsilon, rng)) for _ in range(2)]
            hits += int((messages[0] & messages[1]).sum())
        return hits

    return [both(_first_axis(dim)), both(-_first_axis(dim))]


def _own_radius_hits(dim, epsilon, trials, rng) -> list[int]:
    """The radius is the length of the user's own gradient: the length of the message gives it away."""
    half = randomizer_radius(dim, 1.0, epsilon) / 2
    return [
        _hits(size * _first_axis(dim), size, epsilon, trials, rng, lambda sent: np.linalg.norm(sent, axis=1) > half)
        for size in (1.0, 0.1)
    ]


def _spent(epsilon, delta) -> list[float]:
    """Spending of a user of algorithm 1, two releases at half of the budget each, over the budget."""
    ledger = UserLedger(epsilon, delta)
    for _ in range(2):
        ledger.spend(0, 10**10, epsilon / 2, delta / 2)
    spent = ledger.spent(0, 10**10)
    return [spent[0] / epsilon, spent[1] / delta]


def _refuses(epsilon) -> bool:
    ledger = UserLedger(epsilon)
    ledger.spend(0, 1000, epsilon)
    try:
        ledger.spend(999, 2000, epsilon)
    except ValueError:
        return True
    return False


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(audit_mechanisms, snakemake)
