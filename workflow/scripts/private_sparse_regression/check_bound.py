"""Steps of the lower bound without interaction, and errors on its hard family."""

import math

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.privacy import minimax
from lib.privacy.moments import mean_noise, moment_noise
from lib.regression.designs import binary_label_sums
from lib.regression.private import solve_private, theory_level
from lib.regression.sparse import best_threshold_error


def check_bound(
    *, suprema: list[list[int]], epsilons: list[float], channels: int, messages: int, signal: float,
    hard_dims: list[int], hard_sparsity: int, hard_users: float, hard_epsilon: float, delta: float,
    seeds: int, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return errors of the supremum, information of channels over its bound, and errors on the hard family.

    Args:
        suprema: pairs (d, k) for which all functions are tried.
        epsilons: levels of the channels.
        channels: random channels at each level, in two dimensions at sparsity 1.
        messages: that each may send.
        signal: delta of the members.
        hard_dims, hard_sparsity, hard_users, hard_epsilon: of the hard family, at the signal of the bound.
        delta: of Gaussian releases.
        seeds: independent runs on the hard family.
        root_seed: root of the random streams.
    """
    rng = generator(root_seed, "private_sparse_regression", "channels")
    laws = minimax.laws(2, 1, signal)
    ratios, levels, response = (np.zeros((len(epsilons), size)) for size in (channels, channels, 1))
    for i, epsilon in enumerate(epsilons):
        drawn = minimax.random_channels(channels, len(laws[0]), messages, epsilon, rng)
        levels[i] = minimax.channel_epsilon(drawn)
        ratios[i] = minimax.information(drawn, laws) / _information_bound(levels[i], signal)
        response[i] = minimax.information(minimax.randomised_response(2, epsilon), laws) / _information_bound(
            epsilon, signal
        )
    methods = ("pure", "tight", "classical")
    errors = np.zeros((2, len(methods), len(hard_dims), seeds))
    bounds = [minimax.nldp_sparse_lower_bound(hard_users, dim, hard_sparsity, hard_epsilon) for dim in hard_dims]
    for j, (dim, bound) in enumerate(zip(hard_dims, bounds)):
        theta = np.zeros(dim)
        theta[:hard_sparsity] = bound.delta
        for m, method in enumerate(methods):
            stream = generator(root_seed, "private_sparse_regression", "hard family", dim, method)
            errors[:, m, j] = _errors(method, theta, hard_users, hard_epsilon, delta, seeds, stream)
    return xr.Dataset(
        {
            "supremum_error": ("pair", [abs(minimax.supremum(d, k) - k / d) for d, k in suprema]),
            "information": (("epsilon", "channel"), ratios, {"long_name": "information over its bound"}),
            "channel_level": (("epsilon", "channel"), levels, {"long_name": "epsilon of the channel"}),
            "response": ("epsilon", response[:, 0], {"long_name": "the same of randomised response"}),
            "total": (("estimator", "dim", "seed"), errors[0], {"long_name": "l2 error at the level of the theory"}),
            "oracle": (("estimator", "dim", "seed"), errors[1], {"long_name": "l2 error at the best level"}),
            "bound": ("dim", [one.bound for one in bounds], {"long_name": "lower bound"}),
        },
        coords={"pair": [f"d = {d}, k = {k}" for d, k in suprema], "epsilon": epsilons, "estimator": list(methods),
                "dim": hard_dims},
    )  # fmt: skip


def _information_bound(epsilon, signal):
    """Bound for two dimensions and sparsity 1."""
    return np.expm1(epsilon) ** 2 / 4 * signal**2 / 2


def _errors(method, theta, users, epsilon, delta, seeds, rng) -> np.ndarray:
    dim = len(theta)
    sums = [binary_label_sums(users, theta, rng) for _ in range(seeds)]
    noise = moment_noise(method, dim, 1.0, 1.0, epsilon, delta)
    square, cross = mean_noise(noise, dim, users, (seeds,), rng)
    square, cross = (added + np.stack([one[i] for one in sums]) for i, added in enumerate((square, cross)))
    length = math.sqrt(theta @ theta)
    variance = max(noise.diagonal, noise.off_diagonal) ** 2 / users
    level = theory_level(dim, variance, noise.cross**2 / users, 1 / users, length=length)
    result = solve_private(square, cross, level, floor=0.1)
    total = np.linalg.norm(result.theta - theta, axis=1)
    return np.where(result.valid, [total, best_threshold_error(result.unpenalised, theta)], np.nan)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_bound, snakemake)
