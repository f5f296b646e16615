"""Verifying an arm that offline data know: pulls of a verifier and of the design, and learners that do not verify."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.bandits.verification import verification_bandit, verification_bound, verify_by_elimination
from lib.mdp.exploration import fewest_episodes
from lib.mdp.pedel import practical_beta
from lib.progress import progress

BANDITS = ("base", "nu_2")
LIMITS = ("rounds", "looks")


def verify_arms(
    *, arms: list[int], arms_eps: float, eps: list[float], eps_arms: int, runs: int, delta: float, root_seed: int
) -> xr.Dataset:
    """Return `pulls` and `gap (limit, bandit, case, run)` of verifiers, and what stands beside them by case.

    Offline data are 2 beta / eps^2 pulls of arm 1 with the practical beta. Pessimism returns the arm with the best
    lower limit, which is arm 1 as no other was pulled.

    Args:
        arms: numbers of arms at `arms_eps`.
        arms_eps: accuracy of these.
        eps: accuracies at `eps_arms` arms.
        eps_arms: number of arms of these.
        runs: of each verifier.
        delta: chance of failure.
        root_seed: root of the random streams.
    """
    cases = list(dict.fromkeys([*((number, arms_eps) for number in arms), *((eps_arms, one) for one in eps)]))
    shape = len(LIMITS), len(BANDITS), len(cases), runs
    pulls, gap = np.zeros(shape), np.zeros(shape)
    bound, designed = np.zeros(len(cases)), np.zeros(len(cases))
    pessimism = np.zeros((2, len(cases), max(number for number, _ in cases))) * np.nan
    for c, (number, accuracy) in enumerate(progress(cases, "case")):
        beta = practical_beta(number, delta)
        offline = int(np.ceil(2 * beta / accuracy**2))
        bound[c] = verification_bound(number, accuracy, delta)
        for b, better in enumerate((None, 1)):
            means = verification_bandit(number, accuracy, better)
            for k, limit in enumerate(LIMITS):
                rng = generator(root_seed, "offline_to_online_rl", "verify", number, accuracy, BANDITS[b], limit)
                outcome = verify_by_elimination(means, offline, accuracy, delta, runs, rng, union=limit)
                pulls[k, b, c], gap[k, b, c] = outcome.pulls, means.max() - means[outcome.arm]
        axes = np.eye(number)[:, None, :]
        offset = 1.0 + offline * (np.arange(number) == 0)
        gaps = np.maximum(0.5 - verification_bandit(number, accuracy), accuracy)
        designed[c] = fewest_episodes(axes, axes, offset[None], gaps**2 / beta, one_hot=True).value
        pessimism[0, c, 0] = 0.5 - verification_bandit(number, accuracy)[0]
        for j in range(1, number):
            means = verification_bandit(number, accuracy, j)
            pessimism[1, c, j] = means.max() - means[0]
    dims = ("limit", "bandit", "case", "run")
    return xr.Dataset(
        {
            "pulls": (dims, pulls, {"long_name": "online pulls"}),
            "gap": (dims, gap, {"long_name": "value lost by the arm that was returned"}),
            "bound": ("case", bound, {"long_name": "lower bound on expected pulls"}),
            "designed": ("case", designed, {"long_name": "pulls of the design"}),
            "pessimism": (("alternative", "case", "arm"), pessimism, {"long_name": "value that pessimism loses"}),
            "arms": ("case", [number for number, _ in cases]),
            "eps": ("case", [accuracy for _, accuracy in cases]),
        },
        coords={
            "limit": list(LIMITS),
            "bandit": list(BANDITS),
            "case": [f"A = {number}, eps = {accuracy:g}" for number, accuracy in cases],
            "alternative": ["base", "nu_j"],
        },
        attrs={"delta": delta, "arms_eps": arms_eps, "eps_arms": eps_arms},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(verify_arms, snakemake)
