"""Relative error of the regularised inverse of a sampled covariance, against the lemma's bound."""

import math

import numpy as np
import xarray as xr

from lib.mdp.covariance import regularised_inverse, relative_deviation

LAWS = ("dirichlet", "sphere", "one-hot")
FEATURES = 200  # of the first two laws, all alike probable


def finite_law(law: str, dim: int, gamma: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, d) and their probabilities (n,)."""
    if law == "one-hot":  # one direction is as rare as gamma
        rest = (1 - gamma) / (dim - 1)
        return np.eye(dim), np.array([gamma, *[rest] * (dim - 1)])
    if law == "dirichlet":
        features = rng.dirichlet(np.full(dim, 0.3), size=FEATURES)
    else:
        features = rng.standard_normal((FEATURES, dim))
        features /= np.linalg.norm(features, axis=1, keepdims=True)
    return features, np.full(FEATURES, 1 / FEATURES)


def _deviations(features, probability, gamma: float, samples: int, draws: int, rng) -> np.ndarray:
    shares = rng.multinomial(samples, probability, size=draws) / samples
    sigma = features.T @ (probability[:, None] * features)
    return relative_deviation(regularised_inverse(features, gamma, shares), sigma, gamma)


def bound_relative(
    *,
    gammas: list[float],
    draws: list[int],
    needed_gammas: list[float],
    needed_draws: int,
    factors: list[float],
    delta: float,
    dim: int,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Return deviations at the lemma's number of samples and at shares of it, and the number that is needed.

    `deviation (law, gamma, draw)` at W = ceil(4 d log(d / delta) / gamma^2); `typical (law, gamma, factor)`, its
    quantile of 1 - delta at a share of W; `needed (law, needed_gamma)`, the smallest number on a geometric grid at
    which a share of 1 - delta of the draws deviates by at most 2 sqrt(gamma).

    Args:
        gammas: regularisations of the bound.
        draws: draws at each of them.
        needed_gammas, needed_draws: of the number that is needed.
        factors: shares of W.
        delta: probability of failure.
        dim: d.
        rng: random generator.
    """
    deviation = np.full((len(LAWS), len(gammas), max(draws)), np.nan)
    typical = np.zeros((len(LAWS), len(gammas), len(factors)))
    needed = np.full((len(LAWS), len(needed_gammas)), np.nan)

    def samples_of(gamma: float) -> int:
        return math.ceil(4 * dim * math.log(dim / delta) / gamma**2)

    for i, law in enumerate(LAWS):
        for g, (gamma, count) in enumerate(zip(gammas, draws, strict=True)):
            features, probability = finite_law(law, dim, gamma, rng)
            deviation[i, g, :count] = _deviations(features, probability, gamma, samples_of(gamma), count, rng)
            for f, factor in enumerate(factors):
                fewer = max(1, round(factor * samples_of(gamma)))
                few = _deviations(features, probability, gamma, fewer, count, rng)
                typical[i, g, f] = np.quantile(few, 1 - delta)
        for g, gamma in enumerate(needed_gammas):
            features, probability = finite_law(law, dim, gamma, rng)
            grid = np.unique(np.geomspace(4, samples_of(gamma), 120).astype(int))
            for samples in grid:
                inside = _deviations(features, probability, gamma, samples, needed_draws, rng) <= 2 * math.sqrt(gamma)
                if inside.mean() >= 1 - delta:
                    needed[i, g] = samples
                    break
    return xr.Dataset(
        {
            "deviation": (
                ("law", "gamma", "draw"),
                deviation,
                {"long_name": "largest deviation of an eigenvalue from 1"},
            ),
            "typical": (("law", "gamma", "factor"), typical, {"long_name": "its quantile"}),
            "needed": (("law", "needed_gamma"), needed, {"long_name": "samples that are needed"}),
            "samples": ("gamma", [samples_of(gamma) for gamma in gammas], {"long_name": "samples of the lemma"}),
            "draws": ("gamma", draws, {"long_name": "draws"}),
        },
        coords={"law": list(LAWS), "gamma": gammas, "factor": factors, "needed_gamma": needed_gammas},
        attrs={"delta": delta, "dim": dim},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(bound_relative, snakemake)
