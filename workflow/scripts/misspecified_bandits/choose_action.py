"""Which action of a user's own table to try next, or which to keep."""

import xarray as xr

from lib.bandits.advice import advise, read_table


def choose_action(rows, *, sparsity: int, eps: float) -> xr.Dataset:
    """Return the advice on a table: `action`, whether it is final, and the actions it rests on.

    Args:
        rows: CSV of actions with a column `reward`, empty where an action was not tried.
        sparsity: number of features that matter.
        eps: largest difference from a linear reward.
    """
    actions, rewards, names = read_table(rows)
    advice = advise(actions, rewards, sparsity, eps)
    return xr.Dataset(
        {
            "action": ((), advice.action, {"long_name": "row to try next, or to keep"}),
            "final": ((), advice.final, {"long_name": "whether it is to be kept: within 4 eps of the best"}),
            "consistent": ((), advice.consistent, {"long_name": "whether a sparse model explains the known rewards"}),
            "used": ("query", advice.used, {"long_name": "rows that the advice rests on, in order"}),
            "features": (("row", "feature"), actions),
            "reward": ("row", rewards),
        },
        coords={"feature": names},
        attrs={"sparsity": sparsity, "eps": eps},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(choose_action, snakemake)
