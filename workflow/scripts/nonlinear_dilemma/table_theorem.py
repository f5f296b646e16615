"""Table: every intervention of finitely many inputs, by algorithm, network, layer and codes."""

import pandas as pd

from lib.abstraction.causal import ALGORITHMS


def table(lookup) -> pd.DataFrame:
    """Return one row for each table."""
    rows = []
    for i in range(lookup.sizes["case"]):
        one = lookup.isel(case=i)
        rows.append(
            [
                ALGORITHMS[str(one.algorithm.values)].words,
                str(one.network.values),
                int(one.place),
                int(one.inputs),
                "of the proof" if bool(one.per_coordinate) else "by value",
                int(one.entries),
                int(one.interventions),
                f"{float(one.right / one.interventions):.4g}",
                f"{float(one.shuffled / one.interventions):.3f}",
                f"{float(one.held_out_right) / lookup.attrs['held_out']:.3f}",
            ]
        )
    return pd.DataFrame(
        rows,
        columns=[
            "algorithm", "network", "layer", "inputs", "codes", "entries", "interventions", "accuracy",
            "accuracy, states shuffled", "accuracy, other inputs",
        ],
    )  # fmt: skip


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
