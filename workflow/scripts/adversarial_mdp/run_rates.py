"""Regret of one learner, or of the uniform policy, against several adversaries as the number of episodes grows."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.mdp.environments import make_game
from lib.mdp.play import run_learner, run_uniform
from lib.mdp.policy_optimization import LEARNERS, rates_of

CHECKPOINTS = 16


def run_rates(
    learner: str,
    *,
    kinds: list[str],
    episodes: list[int],
    environments: int,
    repetitions: int,
    sizes: dict,
    constants: dict,
    root_seed: int,
    checkpoint,
) -> xr.Dataset:
    """Return `regret (kind, episodes, env, rep)`, its curve, the smallest eta Qhat, and the entropy of policies.

    Learners meet the same environments, losses and streams.

    Args:
        learner: name in `lib.mdp.policy_optimization.LEARNERS`, one of those with `0` behind it (no bonus), or
            `uniform`.
        kinds: of adversaries.
        episodes: numbers of episodes K, ascending, each a run of its own.
        environments, repetitions: environments, and runs in each.
        sizes: `states`, `actions`, `horizon`, `dim`.
        constants: c of eta, gamma and beta, by learner.
        root_seed: root of the random streams.
        checkpoint: keeps the state of the longest run.
    """
    shape = len(kinds), environments, repetitions
    regret, smallest = np.zeros((2, len(episodes), *shape))
    curve, entropy = np.zeros((2, len(episodes), CHECKPOINTS, *shape))
    for i, count in enumerate(episodes):
        environment = [generator(root_seed, "adversarial_mdp", "environment", e) for e in range(environments)]
        game = make_game(kinds, count, environment, repetitions, **sizes)
        rng = generator(root_seed, "adversarial_mdp", "rates", count)
        if learner == "uniform":
            record = run_uniform(game, count, rng, CHECKPOINTS)
        else:
            form = LEARNERS[learner.removesuffix("0")]
            rates = rates_of(form, constants[learner], count)
            last = checkpoint if i == len(episodes) - 1 else None
            record = run_learner(game, form, rates, count, rng, checkpoints=CHECKPOINTS, checkpoint=last)
        regret[i], smallest[i] = record.regret.reshape(shape), record.smallest.reshape(shape)
        curve[i], entropy[i] = record.curve.reshape(-1, *shape), record.entropy.reshape(-1, *shape)
    dims = ("episodes", "kind", "env", "rep")
    along = ("episodes", "checkpoint", "kind", "env", "rep")
    return xr.Dataset(
        {
            "regret": (dims, regret, {"long_name": "regret against the best fixed policy"}),
            "min_eta_q": (dims, smallest, {"long_name": "smallest eta Qhat of a run"}),
            "curve": (along, curve, {"long_name": "regret so far, against the best policy of the whole run"}),
            "policy_entropy": (along, entropy, {"long_name": "mean entropy of the policy", "units": "nat"}),
        },
        coords={"episodes": episodes, "kind": kinds, "checkpoint": np.arange(1, CHECKPOINTS + 1) / CHECKPOINTS},
        attrs={"learner": learner, **sizes},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(run_rates, snakemake)
