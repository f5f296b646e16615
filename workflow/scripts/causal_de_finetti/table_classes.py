"""Table: graphs, Markov classes of independent samples, and classes of two exchangeable samples."""

import pandas as pd


def table(enumeration) -> pd.DataFrame:
    """Return one row for each number of nodes; "oracle" where the last column rests on the algorithm alone."""
    models = enumeration.exchangeable_classes.values
    frame = pd.DataFrame(
        {
            "nodes": enumeration.nodes.values,
            "graphs": enumeration.graphs.values,
            "Markov classes, independent samples": enumeration.iid_classes.values,
            "classes, two exchangeable samples": [str(m) if m >= 0 else "not listed" for m in models],
        }
    )
    for variant in enumeration.variant.values:
        frame[f"found by the oracle algorithm, {variant}"] = enumeration.recovered.sel(variant=variant).values
    return frame


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
