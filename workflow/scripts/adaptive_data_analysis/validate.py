"""Many guesses checked with few alarms, and adaptive answers that cost samples only when they were overfitted."""

from functools import partial

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.privacy.analysts import SignAttack
from lib.privacy.guesses import GuessOutcome, check_guesses
from lib.privacy.queries import EffectiveRounds, Gaussian, Naive, SparseVectorCheck
from lib.progress import progress

ROUNDS = ("naive", "gaussian", "effective_rounds")


def validate(
    *,
    sizes: list[int],
    universe: int,
    guesses: int,
    wrong: int,
    tau: float,
    epsilon: float,
    seeds: int,
    round_sizes: list[int],
    round_queries: list[int],
    round_tau: float,
    round_epsilon: float,
    round_sigma: float,
    rounds: int,
    root_seed: int,
) -> xr.Dataset:
    """Return the outcome of streams of guesses by holdout size, and errors of the sign attack on effective rounds.

    Args:
        sizes: holdout sizes.
        universe: number U of points; the distribution is Dirichlet(1) on them.
        guesses: number m of guessed answers to random subset queries.
        wrong: guesses that are off by 2 tau, and alarms allowed; the others are off by at most tau / 4.
        tau, epsilon: tolerance and privacy of the check.
        seeds: repetitions.
        round_sizes, round_queries: samples n and numbers m of queries of the sign attack.
        round_tau, round_epsilon, rounds: tolerance, privacy and number of the effective rounds.
        round_sigma: noise of the Gaussian mechanism for comparison.
        root_seed: root of the random streams.
    """
    fate = np.zeros((len(sizes), 4, seeds), int)
    for i, n in enumerate(sizes):
        for seed in progress(range(seeds), f"streams of guesses, n = {n}"):
            stream = partial(generator, root_seed, "adaptive_data_analysis", "validate", n, seed)
            fate[i, :, seed] = _stream(n, universe, guesses, wrong, tau, epsilon, stream)
    error = np.full((len(round_sizes), len(ROUNDS), 2, len(round_queries), seeds), np.nan)
    alarms = np.zeros((len(round_sizes), len(round_queries), seeds), int)
    for i, n in enumerate(round_sizes):
        for seed in progress(range(seeds), f"effective rounds, n = {n}"):
            stream = partial(generator, root_seed, "adaptive_data_analysis", "rounds", n, seed)
            check = {"tolerance": round_tau, "epsilon": round_epsilon, "rng": stream("rounds")}
            oracles = {
                "naive": Naive(np.arange(n), n),
                "gaussian": Gaussian(np.arange(n), n, round_sigma, stream("gaussian")),
                "effective_rounds": EffectiveRounds(np.arange(n), n, rounds=rounds, **check),
            }
            attack = SignAttack(n, oracles, stream())
            for j, m in enumerate(round_queries):
                attack.ask(m - 1 - attack.queries)
                for name in attack.oracles:
                    answer, after = attack.last(name)
                    error[i, ROUNDS.index(name), :, j, seed] = attack.worst[name], abs(answer - attack.truth)
                    if name == "effective_rounds":
                        alarms[i, j, seed] = after.alarms
    return xr.Dataset(
        {
            "fate": (("size", "what", "seed"), fate),
            "error": (
                ("n", "mechanism", "query", "queries", "seed"),
                error,
                {"long_name": "absolute error"},
            ),
            "alarms": (("n", "queries", "seed"), alarms, {"long_name": "alarms raised, last query included"}),
        },
        coords={
            "size": ("size", sizes, {"long_name": "holdout size"}),
            "what": ["wrong guesses met", "of these missed", "false alarms", "guesses looked at"],
            "n": round_sizes,
            "mechanism": list(ROUNDS),
            "query": ["largest before the last", "last"],
            "queries": ("queries", round_queries, {"long_name": "queries m"}),
        },
        attrs={"guesses": guesses, "wrong": wrong, "tau": tau, "epsilon": epsilon, "round_tau": round_tau},
    )


def _stream(size, universe, guesses, wrong, tau, epsilon, stream) -> GuessOutcome:
    """Outcome of one stream of guesses on a random distribution and a sample from it."""
    rng = stream()
    distribution = rng.dirichlet(np.ones(universe))
    sample = rng.choice(universe, size, p=distribution)
    check = SparseVectorCheck(sample, universe, tolerance=tau, alarms=wrong, epsilon=epsilon, rng=stream("noise"))
    return check_guesses(check, distribution, guesses=guesses, wrong=wrong, tolerance=tau, rng=rng)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(validate, snakemake)
