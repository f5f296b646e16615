"""The inequalities behind the two algorithms, on random instances, beside controls that must break them."""

import numpy as np
import xarray as xr

from lib.bandits.ftrl import entropy_gain, log_barrier_gain, regret_and_bound
from lib.mdp.covariance import regularised_inverse
from lib.mdp.policy_optimization import negative_means, reduce_magnitude

HORIZON = 2


def one_step(draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Gain of a step over its bound, of the log-barrier, of the entropy, and of the log-barrier with p^2 for p."""
    actions = rng.integers(2, 9, draws)
    eta = 10 ** rng.uniform(-3, 1, draws)
    size = 10 ** rng.uniform(-2, 4, draws)
    ratios = {name: np.zeros(draws) for name in ("log_barrier", "entropy", "squared")}
    for a in range(2, 9):
        rows = np.flatnonzero(actions == a)
        p = np.maximum(rng.dirichlet(np.full(a, 0.5), size=len(rows)), 1e-9)
        p /= p.sum(axis=1, keepdims=True)
        losses = size[rows, None] * rng.uniform(-1, 1, (len(rows), a))
        negative = rows % 2 == 0
        losses[negative] = -np.abs(losses[negative])
        bound = eta[rows] * np.sum(p * losses**2, axis=1)
        gain = log_barrier_gain(p, losses, eta[rows])
        ratios["log_barrier"][rows] = gain / bound
        ratios["entropy"][rows] = entropy_gain(p, losses, eta[rows]) / bound
        ratios["squared"][rows] = gain / (eta[rows] * np.sum(p**2 * losses**2, axis=1))
    return ratios


def _random_losses(count: int, length: int, actions: int, rng) -> np.ndarray:
    """Sequences (T, N, A): signed, all negative, or rarely and very negative; zeros behind their ends."""
    size = 10 ** rng.uniform(-1, 4, (1, count, 1))
    losses = size * rng.uniform(-1, 1, (length, count, actions))
    kind = np.arange(count) % 3
    losses[:, kind == 1] = -np.abs(losses[:, kind == 1])
    rare = rng.random(losses.shape) < 0.1
    losses = np.where(
        (kind == 2)[:, None] & ~rare, np.abs(losses) / size, np.where((kind == 2)[:, None], -np.abs(losses), losses)
    )
    ends = rng.integers(1, length + 1, count)
    return losses * (np.arange(length)[:, None, None] < ends[:, None])


def sequences(count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Regret over the bound of the lemma on whole sequences, for both regularisers."""
    ratios = {"log_barrier": [], "entropy": []}
    for a, share in zip(range(2, 9), np.array_split(np.arange(count), 7), strict=True):
        losses = _random_losses(len(share), 59, a, rng)
        eta = 10 ** rng.uniform(-3, 1, len(share))
        comparator = 0.98 * rng.dirichlet(np.ones(a), size=len(share)) + 0.02 / a
        for name, values in ratios.items():
            result = regret_and_bound(losses, eta, comparator, name)
            values.append(result.regret / result.bound)
    return {name: np.concatenate(values) for name, values in ratios.items()}


def two_steps() -> dict[str, float]:
    """The sequence (5, 0), (-40, 0) at eta = 1 against y = (0.99, 0.01)."""
    losses = np.array([[[5.0, 0.0]], [[-40.0, 0.0]]])
    results = {
        name: regret_and_bound(losses, [1.0], np.array([[0.99, 0.01]]), name) for name in ("log_barrier", "entropy")
    }
    return {name: float(result.regret[0] / result.bound[0]) for name, result in results.items()}


def degenerate(instances: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Smallest estimates, means and second moments over all visited pairs and losses to go in {0, H}.

    12 unit vectors in R^4; 3 carry the weight, the others about gamma together, gamma from 1e-5 to 0.1.
    """
    names = ("plain", "reduced", "mean_difference", "moment")
    out = {name: np.zeros(instances) for name in names}
    for i in range(instances):
        gamma = 10 ** rng.uniform(-5, -1)
        features = rng.standard_normal((12, 4))
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        rare = gamma * rng.uniform(0.2, 2)
        weights = np.concatenate([(1 - rare) * rng.dirichlet(np.ones(3)), rare * rng.dirichlet(np.ones(9))])
        inverse = regularised_inverse(features, gamma, weights)
        products = features @ inverse @ features.T  # (x, visited)
        negative = negative_means(features, inverse, weights)[:, None]
        high = rng.random(12)  # probability that the loss to go is H, by visited pair
        law = np.stack([weights * (1 - high), weights * high])  # of (loss, visited)
        plain = np.stack([products * loss for loss in (0, HORIZON)])
        reduced = np.stack([reduce_magnitude(products, loss, negative, HORIZON) for loss in (0, HORIZON)])
        bound = HORIZON / np.sqrt(gamma)
        out["plain"][i], out["reduced"][i] = plain.min() / bound, reduced.min() / bound
        mean = np.einsum("lxv,lv->x", reduced, law) - np.einsum("lxv,lv->x", plain, law)
        out["mean_difference"][i] = np.abs(mean).max() / np.abs(plain).max()
        second = np.einsum("lxv,lv->x", reduced**2, law) / (HORIZON**2 * products**2 @ weights)
        out["moment"][i] = second.max()
    return out


def finite_laws(count: int, rng: np.random.Generator) -> np.ndarray:
    """E Zhat^2 / E Z^2 of Zhat = Z - min(Z, 0) + E min(Z, 0), for random laws on up to ten values with heavy tails."""
    law = rng.dirichlet(np.full(10, 0.3), size=count)
    z = rng.standard_t(1.0, size=(count, 10)) + rng.normal(size=(count, 1))
    negative = np.minimum(z, 0)
    reduced = z - negative + np.sum(law * negative, axis=1, keepdims=True)
    return np.sum(law * reduced**2, axis=1) / np.sum(law * z**2, axis=1)


def check_lemmas(*, draws: int, sequence_count: int, instances: int, laws: int, rng: np.random.Generator) -> xr.Dataset:
    """Return ratios of each quantity to its bound.

    Args:
        draws: random points, losses and learning rates of a single step.
        sequence_count: random sequences of losses.
        instances: nearly degenerate occupancies.
        laws: random laws on finitely many values.
        rng: random generator.
    """
    steps, whole, estimates, pair = (
        one_step(draws, rng),
        sequences(sequence_count, rng),
        degenerate(instances, rng),
        two_steps(),
    )
    return xr.Dataset(
        {
            **{f"step_{name}": ("draw", ratio) for name, ratio in steps.items()},
            **{f"sequence_{name}": ("sequence", ratio) for name, ratio in whole.items()},
            **{f"pair_{name}": ((), ratio) for name, ratio in pair.items()},
            **{f"estimate_{name}": ("instance", value) for name, value in estimates.items()},
            "second_moment": ("law", finite_laws(laws, rng)),
        }
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_lemmas, snakemake)
