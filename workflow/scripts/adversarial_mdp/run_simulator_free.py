"""Regret without a simulator: the regularised inverse against matrix geometric resampling, and a simple control."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.mdp.environments import make_game
from lib.mdp.play import run_uniform
from lib.mdp.simulator_free import METHODS, run_epochs, run_explore_then_commit
from lib.progress import progress


def run_simulator_free(
    *,
    kinds: list[str],
    episodes: list[int],
    environments: int,
    repetitions: int,
    sizes: dict,
    eta: float,
    beta: float,
    root_seed: int,
) -> xr.Dataset:
    """Return `regret (algorithm, episodes, kind, env, rep)` of `inv`, `mgr`, `commit` and `uniform`.

    Args:
        kinds: of adversaries.
        episodes: numbers of episodes K.
        environments, repetitions: environments, and runs in each.
        sizes: `states`, `actions`, `horizon`, `dim`.
        eta, beta: constants over the root of the number of epochs.
        root_seed: root of the random streams.
    """
    names = (*METHODS, "commit", "uniform")
    regret = np.zeros((len(names), len(episodes), len(kinds), environments, repetitions))
    for n, count in enumerate(progress(episodes, "episodes")):
        environment = [generator(root_seed, "adversarial_mdp", "environment", e) for e in range(environments)]
        game = make_game(kinds, count, environment, repetitions, **sizes)

        def rng(count=count) -> np.random.Generator:
            """The same stream for every method."""
            return generator(root_seed, "adversarial_mdp", "simulator_free", count)

        for i, method in enumerate(METHODS):
            regret[i, n] = run_epochs(game, count, method, eta, beta, rng()).reshape(regret.shape[2:])
        regret[-2, n] = run_explore_then_commit(game, count, rng()).reshape(regret.shape[2:])
        regret[-1, n] = run_uniform(game, count, rng(), 1).regret.reshape(regret.shape[2:])
    return xr.Dataset(
        {"regret": (("algorithm", "episodes", "kind", "env", "rep"), regret, {"long_name": "regret"})},
        coords={"algorithm": list(names), "episodes": episodes, "kind": kinds},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(run_simulator_free, snakemake)
