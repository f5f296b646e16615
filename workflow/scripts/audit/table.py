"""The audit as a table: a row per claim."""

import pandas as pd

from lib.atlas.evidence.audit import COLUMNS, rows


def table(claims: dict) -> pd.DataFrame:
    """Return one row per claim, with measured value, pass rule, verdict and what it rests on."""
    return pd.DataFrame(rows(claims), columns=list(COLUMNS))


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
