"""Regret of the older and of the newer learner, each with the learning rate that suits it best."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.mdp.environments import make_game
from lib.mdp.play import run_learner
from lib.mdp.policy_optimization import LEARNERS, rates_of

LEARNER_NAMES = ("luo", "mr")


def worst_noisy(regret, kinds: list[str]) -> np.ndarray:
    """Largest mean regret over the noisy kinds; `regret` has kinds first, runs behind."""
    noisy = [i for i, kind in enumerate(kinds) if kind.startswith("noisy")]
    return np.max([regret[i].mean() for i in noisy])


def run_tuned(
    *,
    kinds: list[str],
    episodes: list[int],
    tuning_episodes: int,
    grid: list[float],
    environments: int,
    repetitions: int,
    sizes: dict,
    constants: list[float],
    root_seed: int,
) -> xr.Dataset:
    """Return `regret (learner, judged, episodes, kind, env, rep)` and the constant `chosen (learner, judged)`.

    The constant of eta is the one of least regret in other environments: the largest over the noisy adversaries, or
    the regret on `gap`.

    Args:
        kinds: `gap` and noisy adversaries.
        episodes: numbers of episodes K.
        tuning_episodes: of the runs on which constants are chosen.
        grid: constants of eta.
        environments, repetitions: environments, and runs in each.
        sizes: `states`, `actions`, `horizon`, `dim`.
        constants: of gamma and beta.
        root_seed: root of the random streams.
    """

    def play(name: str, c: float, count: int, purpose: str) -> np.ndarray:
        environment = [generator(root_seed, "adversarial_mdp", purpose, e) for e in range(environments)]
        game = make_game(kinds, count, environment, repetitions, **sizes)
        rates = rates_of(LEARNERS[name], (c, *constants), count)
        rng = generator(root_seed, "adversarial_mdp", purpose, "runs", count)
        record = run_learner(game, LEARNERS[name], rates, count, rng, checkpoints=1)
        return record.regret.reshape(len(kinds), environments, repetitions)

    judged = ("noisy", "gap")
    chosen = np.zeros((len(LEARNER_NAMES), len(judged)))
    regret = np.zeros((*chosen.shape, len(episodes), len(kinds), environments, repetitions))
    for i, name in enumerate(LEARNER_NAMES):
        tried = [play(name, c, tuning_episodes, "tuning") for c in grid]
        scores = [[worst_noisy(one, kinds) for one in tried], [one[kinds.index("gap")].mean() for one in tried]]
        chosen[i] = [grid[int(np.argmin(score))] for score in scores]
        for n, count in enumerate(episodes):
            runs = {c: play(name, c, count, "tuned") for c in set(chosen[i])}
            regret[i, :, n] = [runs[c] for c in chosen[i]]
    return xr.Dataset(
        {
            "regret": (("learner", "judged", "episodes", "kind", "env", "rep"), regret, {"long_name": "regret"}),
            "chosen": (("learner", "judged"), chosen, {"long_name": "constant of eta"}),
        },
        coords={"learner": list(LEARNER_NAMES), "judged": list(judged), "episodes": episodes, "kind": kinds},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(run_tuned, snakemake)
