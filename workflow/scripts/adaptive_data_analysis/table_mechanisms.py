"""Table: mechanisms, the queries that each supported, the arithmetic of one query, and the orders of the theory."""

import numpy as np
import pandas as pd

from lib.privacy.capacity import tolerated_at_best_noise

BOUNDS = {
    "naive": ("n tau^2", "n"),
    "split": ("n tau^2 / log m", "n / m"),
    "laplace": ("n^2 tau^4 to n^2 tau^5, logarithms left out", "n"),
    "gaussian": ("n^2 tau^4, logarithms left out", "n"),
}


def table(counts: list, small, audit) -> pd.DataFrame:
    """Return one row for each mechanism; times are counts of additions, so that two runs give the same table."""
    n, tolerated = tolerated_at_best_noise(counts)
    analyst = f"sign attack, tau = {counts[0].tau:g}"
    rows = []
    for name, (bound, cost) in BOUNDS.items():
        best = tolerated[name]
        rows.append([name, analyst, int(n[0]), int(best[0]), int(n[-1]), int(best[-1]), cost, bound])
    largest = int(small["queries"].max())
    worst = float(small.worst.sel(mechanism="pmw").max())
    rows.append(
        [
            "pmw",
            f"reconstruction, error {worst:.3f}",
            small.n,
            f"> {largest}",
            "",
            "",
            f"U = {small.universe}",
            "exponential in n",
        ]
    )
    frame = pd.DataFrame(
        rows,
        columns=[
            "mechanism",
            "analyst",
            "n",
            "queries",
            "larger n",
            "queries there",
            "additions a query",
            "theory (orders)",
        ],
    )
    audited = {"laplace": "laplace", "pmw": "pmw, one update"}
    for column in ("accounted", "audited"):
        values = dict(zip(audit.mechanism.values.tolist(), audit[column].values))
        frame[f"{column} epsilon of one release"] = [
            f"{values[audited[name]]:.2f}" if name in audited else "" for name in frame["mechanism"]
        ]
    return frame.replace({np.nan: ""})


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
