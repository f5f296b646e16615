"""A lower bound with constants on private sparse regression without interaction, and the checks of its steps.

Family: v ranges over the N signed k-sparse vectors of {0, +-1}^d; x is uniform on {+-1}^d, y in {+-1} with
P_v(y = 1 | x) = (1 + delta <v, x>) / 2, so that theta_v = delta v. One message of an epsilon-private channel carries
I(V; Z) <= (e^epsilon - 1)^2 / 4 sup_g mean_v phi_v(g)^2 with phi_v(g) = delta <v, E g y x> and |g| <= 1. The functions
y x_j are orthonormal and mean_v v v^T = k / d, so the supremum is delta^2 k / d. Fano's inequality for the distance of
two members gives the bound.

Source: our derivation, by the route of Duchi, Jordan, Wainwright 2018 (contraction of information) and Fano.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
from scipy import special

from lib.privacy.mechanisms import check_positive


class LowerBound(NamedTuple):
    """A bound on the l2 error, with the squared radius of Fano's inequality and the signal delta that reach it."""

    bound: float
    radius: float
    delta: float


def _log_family(dim: int, sparsity: int) -> float:
    return (
        special.gammaln(dim + 1)
        - special.gammaln(sparsity + 1)
        - special.gammaln(dim - sparsity + 1)
        + (sparsity * math.log(2))
    )


def distances(dim: int, sparsity: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared distances from one member of the family, ascending, and how many members are at each (floats)."""
    counts: dict[int, float] = {}
    for overlap in range(max(0, 2 * sparsity - dim), sparsity + 1):
        apart = sparsity - overlap
        places = math.comb(sparsity, overlap) * math.comb(dim - sparsity, apart) * 2**apart
        for flipped in range(overlap + 1):
            square = 2 * apart + 4 * flipped
            counts[square] = counts.get(square, 0) + places * math.comb(overlap, flipped)
    squares = sorted(counts)
    return np.array(squares, float), np.array([float(counts[square]) for square in squares])


def nldp_sparse_lower_bound(users: float, dim: int, sparsity: int, epsilon: float) -> LowerBound:
    """Expected l2 error that every non-interactive epsilon-private estimator exceeds on some member of the family.

    Args:
        users: number n.
        dim: number d of features.
        sparsity: k, at most d.
        epsilon: of each user, pure.

    Returns:
        The best bound over all radii, 0 where no radius gives one.

    Raises:
        ValueError: parameters out of range.
    """
    check_positive(users=users, sparsity=sparsity, epsilon=epsilon)
    if sparsity > dim:
        raise ValueError(f"sparsity: got {sparsity}, expected at most the dimension {dim}")
    squares, counts = distances(dim, sparsity)
    within = np.log(np.cumsum(counts))
    information = users * math.expm1(epsilon) ** 2 * sparsity / (4 * dim)
    best = LowerBound(0.0, math.nan, math.nan)
    for square, following, inside in zip(squares[:-1], squares[1:], within[:-1]):
        room = _log_family(dim, sparsity) - inside
        if room <= math.log(2):
            continue
        share = 1 - math.log(2) / room
        signal = min(1 / sparsity**2, share * room / (3 * information))
        bound = math.sqrt(signal * following) / 2 * (share - information * signal / room)
        if bound > best.bound:
            best = LowerBound(bound, float(square), math.sqrt(signal))
    return best


def family(dim: int, sparsity: int) -> np.ndarray:
    """All signed k-sparse vectors (N, d) with entries 0 and +-1."""
    members = []
    for support in itertools.combinations(range(dim), sparsity):
        for signs in itertools.product((-1.0, 1.0), repeat=sparsity):
            member = np.zeros(dim)
            member[list(support)] = signs
            members.append(member)
    return np.array(members)


def cells(dim: int) -> tuple[np.ndarray, np.ndarray]:
    """All x (2^(d+1), d) and y (2^(d+1),) of the family."""
    both = np.array(list(itertools.product((-1.0, 1.0), repeat=dim + 1)))
    return both[:, :-1], both[:, -1]


def laws(dim: int, sparsity: int, signal: float) -> np.ndarray:
    """Probabilities (N, 2^(d+1)) of the cells under each member.

    Raises:
        ValueError: a signal above 1 / sparsity, for which they are no probabilities.
    """
    if not 0 < signal <= 1 / sparsity:
        raise ValueError(f"signal: got {signal}, expected above 0 and at most 1 / {sparsity}")
    x, y = cells(dim)
    return (1 + signal * (family(dim, sparsity) @ x.T) * y) / len(y)


def supremum(dim: int, sparsity: int) -> float:
    """Sup over g in {-1, 1}^cells of mean_v <v, E g y x>^2, by trying all: k / d by the proof.

    Raises:
        ValueError: more than 3 dimensions, whose 2^32 functions are too many.
    """
    if dim > 3:
        raise ValueError(f"dim: got {dim}, expected at most 3")
    x, y = cells(dim)
    functions = np.array(list(itertools.product((-1.0, 1.0), repeat=len(y))))
    moments = functions @ (x * y[:, None]) / len(y)
    values = family(dim, sparsity) @ moments.T
    return float(np.max(np.mean(values**2, axis=0)))


def information(channels: np.ndarray, cell_laws: np.ndarray) -> np.ndarray:
    """Mutual information (C,), in nats, of a member drawn at random and one message of each channel.

    Args:
        channels: (C, cells, messages) probabilities of the messages.
        cell_laws: (N, cells), of `laws`.
    """
    messages = np.einsum("nc,hcm->hnm", cell_laws, channels)
    mean = messages.mean(axis=1, keepdims=True)
    return special.rel_entr(messages, np.broadcast_to(mean, messages.shape)).sum(axis=2).mean(axis=1)


def channel_epsilon(channels: np.ndarray) -> np.ndarray:
    """Privacy level (C,) of each channel: the largest log ratio of a message's probabilities under two records."""
    logs = np.log(channels)
    return (logs.max(axis=1) - logs.min(axis=1)).max(axis=1)


def random_channels(count: int, records: int, messages: int, epsilon: float, rng: np.random.Generator) -> np.ndarray:
    """Random channels (count, records, messages), each private at a level of `epsilon` at most.

    Weights of 1 or e^(epsilon / 2) by fair coins over random weights of the messages; normalising adds epsilon / 2.
    """
    base = rng.dirichlet(np.ones(messages), size=count)[:, None]
    weights = np.where(rng.random((count, records, messages)) < 0.5, 1.0, math.exp(epsilon / 2)) * base
    return weights / weights.sum(axis=2, keepdims=True)


def randomised_response(dim: int, epsilon: float) -> np.ndarray:
    """The channel (1, cells, 2) that sends y x_1, turned round with probability 1 / (1 + e^epsilon)."""
    x, y = cells(dim)
    truth = special.expit(epsilon)
    positive = np.where(x[:, 0] * y > 0, truth, 1 - truth)
    return np.stack([positive, 1 - positive], axis=1)[None]
