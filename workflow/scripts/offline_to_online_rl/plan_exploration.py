"""Which policy a user's own offline data favour, and how many online episodes make it sure."""

import numpy as np
import xarray as xr

from lib.mdp.offline_data import plan_online, read_offline_data


def plan_exploration(rows, table, *, eps: float, delta: float, candidates: int) -> xr.Dataset:
    """Return the policy, the number of online episodes, and whom to play.

    Args:
        rows: CSV of transitions.
        table: CSV of features.
        eps: accuracy.
        delta: chance of failure.
        candidates: random policies to compare.
    """
    data = read_offline_data(rows, table)
    plan = plan_online(data, eps, delta, candidates=candidates)
    names = np.array(data.actions)
    return xr.Dataset(
        {
            "policy": (("step", "state"), names[plan.policy], {"long_name": "action of the best policy"}),
            "value": ((), plan.value, {"long_name": "its estimated value"}),
            "width": ((), plan.width, {"long_name": "standard deviation of that value, at most"}),
            "episodes": ((), plan.episodes, {"long_name": "online episodes needed"}),
            "played": (("explorer", "step", "state"), names[plan.policies], {"long_name": "actions to explore with"}),
            "play": ("explorer", plan.play, {"long_name": "episodes of each"}),
            "rivals": ((), plan.rivals, {"long_name": "other policies within eps by their estimates"}),
        },
        coords={"step": np.arange(1, len(plan.policy) + 1), "state": data.states},
        attrs={"eps": eps, "delta": delta, "candidates": plan.candidates},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(plan_exploration, snakemake)
