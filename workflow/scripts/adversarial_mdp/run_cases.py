"""Regret of learners as one size of the process, or what they know of it, changes."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.mdp.environments import make_game
from lib.mdp.play import run_learner
from lib.mdp.policy_optimization import LEARNERS, rates_of
from lib.progress import progress


def run_cases(
    *, cases: list[dict], kinds: list[str], episodes: int, environments: int, repetitions: int, root_seed: int
) -> xr.Dataset:
    """Return `regret (case, kind, env, rep)`.

    Cases with equal sizes meet the same environments and losses.

    Args:
        cases: `name`, `learner`, `constants` of eta, gamma and beta, `states`, `actions`, `horizon`, `dim`, and where
            they differ from the plain case `copies`, `one_hot` and `trajectories` of the simulator.
        kinds: of adversaries.
        episodes: number of episodes K.
        environments, repetitions: environments, and runs in each.
        root_seed: root of the random streams.
    """
    regret = np.zeros((len(cases), len(kinds), environments, repetitions))
    for i, case in enumerate(progress(cases, "cases")):
        sizes = {key: case[key] for key in ("states", "actions", "horizon", "dim")}
        options = {key: case.get(key, False) for key in ("copies", "one_hot")}
        environment = [generator(root_seed, "adversarial_mdp", "environment", e) for e in range(environments)]
        game = make_game(kinds, episodes, environment, repetitions, **sizes, **options)
        form = LEARNERS[case["learner"]]
        rates = rates_of(form, case["constants"], episodes)
        rng = generator(root_seed, "adversarial_mdp", "cases", episodes)
        record = run_learner(game, form, rates, episodes, rng, case.get("trajectories", 0), checkpoints=1)
        regret[i] = record.regret.reshape(regret.shape[1:])
    keys = ("learner", "states", "actions", "dim")
    return xr.Dataset(
        {
            "regret": (("case", "kind", "env", "rep"), regret, {"long_name": "regret against the best fixed policy"}),
            **{key: ("case", [case[key] for case in cases]) for key in keys},
            **{
                key: ("case", [int(case.get(key, 0)) for case in cases])
                for key in ("one_hot", "trajectories", "copies")
            },
        },
        coords={"case": [case["name"] for case in cases], "kind": kinds},
        attrs={"episodes": episodes},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(run_cases, snakemake)
