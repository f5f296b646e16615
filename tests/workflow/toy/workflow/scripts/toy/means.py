"""Table: mean of every seed."""

import pandas as pd


def means(means) -> pd.DataFrame:
    """Return a row per seed."""
    return pd.DataFrame({"seed": range(means.sizes["seed"]), "mean": means["mean"].values.round(6)})


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(means, snakemake)
