"""Table: for each n the number of trees and of classes that each invariant leaves."""

import pandas as pd


def table(types, separators, polynomials) -> pd.DataFrame:
    """Return a row for each number of vertices; an empty cell was not computed at this scale."""
    sizes = separators.vertices.values
    rows = []
    for n in sorted(set(sizes.tolist())):
        at = sizes == n
        full = f"h_{n}" in types
        rows.append(
            {
                "n": n,
                "trees": int(at.sum()),
                "by full self-function": len({tuple(r) for r in types[f"h_{n}"].values.tolist()}) if full else None,
                "by one-point value": len({tuple(r) for r in separators.residue.values[at].tolist()}),
                "by number of endomorphisms": len(set(separators.endomorphisms.values[at].tolist())),
                "by polynomial": int(polynomials.classes.sel(degree=n)) if n in polynomials.degree.values else None,
            }
        )
    return pd.DataFrame(rows).convert_dtypes()


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
