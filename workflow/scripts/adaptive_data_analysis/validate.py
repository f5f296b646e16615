"""Checking many guesses with few alarms, and adaptive answers that cost samples only when they were overfitted."""

import numpy as np
import xarray as xr

from lib.atlas.progress import progress
from lib.atlas.seeds import generator
from lib.privacy.analysts import SignAttack, random_bits
from lib.privacy.queries import EffectiveRounds, Gaussian, Naive, SparseValidate

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
    """Return the fate of every wrong guess by holdout size, and errors of the sign attack on effective rounds.

    Args:
        sizes: holdout sizes.
        universe: number U of points, the distribution is Dirichlet(1) on them.
        guesses: number m of guessed answers to random subset queries.
        wrong: guesses off by 2 tau, and alarms allowed; the others are off by at most tau / 4.
        tau, epsilon: tolerance and privacy of the check.
        seeds: repetitions.
        round_sizes, round_queries: samples n and numbers m of queries of the sign attack.
        round_tau, round_epsilon, rounds: of the effective rounds.
        round_sigma: noise of the Gaussian mechanism beside it.
        root_seed: root of the random streams.
    """
    fate = np.zeros((len(sizes), 4, seeds), int)
    for i, n in enumerate(sizes):
        for seed in progress(range(seeds), f"streams of guesses, n = {n}"):
            fate[i, :, seed] = _stream(n, universe, guesses, wrong, tau, epsilon, root_seed, seed)
    error = np.full((len(round_sizes), len(ROUNDS), 2, len(round_queries), seeds), np.nan)
    alarms = np.zeros((len(round_sizes), len(round_queries), seeds), int)
    for i, n in enumerate(round_sizes):
        for seed in progress(range(seeds), f"effective rounds, n = {n}"):
            key = ("adaptive_data_analysis", "rounds", n, seed)
            check = {"tolerance": round_tau, "epsilon": round_epsilon, "rng": generator(root_seed, *key, "rounds")}
            oracles = {
                "naive": Naive(np.arange(n), n),
                "gaussian": Gaussian(np.arange(n), n, round_sigma, generator(root_seed, *key, "gaussian")),
                "effective_rounds": EffectiveRounds(np.arange(n), n, rounds=rounds, **check),
            }
            attack = SignAttack(n, oracles, generator(root_seed, *key))
            for j, m in enumerate(round_queries):
                attack.ask(m - 1 - attack.asked)
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


def _stream(n, universe, guesses, wrong, tau, epsilon, root_seed, seed, chunk=1024) -> list[int]:
    """Wrong guesses met, missed, false alarms, and guesses looked at before the alarms ran out."""
    key = ("adaptive_data_analysis", "validate", n, seed)
    rng = generator(root_seed, *key)
    p = rng.dirichlet(np.ones(universe))
    sample = rng.choice(universe, n, p=p)
    check = SparseValidate(
        sample, universe, tolerance=tau, alarms=wrong, epsilon=epsilon, rng=generator(root_seed, *key, "noise")
    )
    bad = np.zeros(guesses, bool)
    bad[rng.choice(guesses, wrong, replace=False)] = True
    alarm = np.zeros(guesses, bool)
    looked = 0
    for first in range(0, guesses, chunk):
        stop = min(first + chunk, guesses)
        subsets = random_bits(stop - first, universe, rng).astype(np.float32)
        off = np.where(bad[first:stop], 2 * tau, tau / 4 * rng.uniform(-1, 1, stop - first))
        side = np.where(bad[first:stop], rng.integers(0, 2, stop - first) * 2 - 1, 1)
        stated = subsets.astype(float) @ p + side * off
        start = 0
        while start < stop - first and not check.exhausted:
            at = check.first_alarm(subsets[start:], stated[start:])
            start = stop - first if at is None else start + at + 1
            if at is not None:
                alarm[first + start - 1] = True
        looked = first + start
        if check.exhausted:
            break
    met = bad[:looked]
    return [int(met.sum()), int((met & ~alarm[:looked]).sum()), int((alarm & ~bad).sum()), looked]


if "snakemake" in globals():
    from lib.atlas.stage import run

    run(validate, snakemake)
