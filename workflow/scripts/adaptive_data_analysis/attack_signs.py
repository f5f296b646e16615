"""The sign attack against plain and perturbed answers: the error of the last query after m adaptive ones."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.privacy.analysts import SignAttack, sign_attack_bias
from lib.privacy.queries import Gaussian, Naive
from lib.progress import progress


def attack_signs(
    *,
    sizes: list[int],
    ratios: list[float],
    sigmas: list[float],
    seeds: int,
    control_size: int,
    control_runs: int,
    tradeoff_size: int,
    tradeoff_ratio: float,
    tradeoff_sigmas: list[float],
    root_seed: int,
) -> xr.Dataset:
    """Return errors of the last query, of a control without adaptivity, and of a sweep over the noise.

    Args:
        sizes: numbers n of samples.
        ratios: numbers of queries over n.
        sigmas: standard deviations of Gaussian noise on the answers; 0 is the plain mechanism.
        seeds: repetitions.
        control_size, control_runs: n = m and runs of an analyst who signs by an independent sample.
        tradeoff_size, tradeoff_ratio, tradeoff_sigmas: n, m / n and noises of the sweep.
        root_seed: root of the random streams.
    """
    error = np.zeros((len(sizes), len(ratios), len(sigmas), seeds))
    for i, n in enumerate(sizes):
        for seed in progress(range(seeds), f"seeds, n = {n}"):
            attack = _attack(n, sigmas, root_seed, "signs", n, seed)
            for j, ratio in enumerate(ratios):
                attack.ask(round(n * ratio) - 1 - attack.queries)
                error[i, j, :, seed] = [answer - attack.truth for answer in attack.last_answers().values()]
    bias = [[[sign_attack_bias(r * n, n, s) for s in sigmas] for r in ratios] for n in sizes]

    control = np.zeros(control_runs)
    for run in range(control_runs):
        attack = _attack(control_size, [0.0], root_seed, "control", run, control=True)
        attack.ask(control_size - 1)
        (control[run],) = attack.largest_errors().values()

    sweep = np.zeros((2, len(tradeoff_sigmas), seeds))
    for seed in range(seeds):
        attack = _attack(tradeoff_size, tradeoff_sigmas, root_seed, "tradeoff", seed)
        attack.ask(round(tradeoff_size * tradeoff_ratio) - 1)
        sweep[0, :, seed] = list(attack.worst.values())
        sweep[1, :, seed] = list(attack.last_errors().values())
    return xr.Dataset(
        {
            "error": (("n", "ratio", "sigma", "seed"), error, {"long_name": "last answer minus truth"}),
            "bias": (("n", "ratio", "sigma"), np.array(bias), {"long_name": "normal approximation of the error"}),
            "control": ("run", control, {"long_name": "largest error of all answers, analyst not adaptive"}),
            "tradeoff": (("query", "tradeoff_sigma", "seed"), sweep, {"long_name": "absolute error"}),
        },
        coords={
            "n": sizes,
            "ratio": ("ratio", np.array(ratios), {"long_name": "queries over samples, m / n"}),
            "sigma": sigmas,
            "query": ["largest before the last", "last"],
            "tradeoff_sigma": tradeoff_sigmas,
        },
        attrs={"control_size": control_size, "tradeoff_size": tradeoff_size, "tradeoff_ratio": tradeoff_ratio},
    )


def _attack(n: int, sigmas: list[float], root_seed: int, *key, control: bool = False) -> SignAttack:
    """An attack on the same n samples with each noise; the data and each mechanism have their own random stream."""
    oracles = {
        sigma: Gaussian(np.arange(n), n, sigma, generator(root_seed, "adaptive_data_analysis", *key, sigma))
        if sigma
        else Naive(np.arange(n), n)
        for sigma in sigmas
    }
    return SignAttack(n, oracles, generator(root_seed, "adaptive_data_analysis", *key), control=control)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(attack_signs, snakemake)
