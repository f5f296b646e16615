"""Table: every pair of networks, with the losses of both ends, its barriers, and whether it is valid."""

import pandas as pd

ENDS = {"first end": 0, "second end": -1}


def table(lines) -> pd.DataFrame:
    """Return one row for each group of pairs and seed."""
    rows = []
    for group in lines.pair.values:
        for seed in lines.seed.values:
            one = lines.sel(pair=group, seed=seed)
            curve, barrier = (one[name].sel(measure="train_loss") for name in ("curve", "barrier"))
            row = {"pair": group, "seed": int(seed)}
            row |= {f"loss of the {name}": f"{float(curve.isel(alpha=place)):.5f}" for name, place in ENDS.items()}
            row["barrier of the loss"] = f"{float(barrier):.4f}"
            row["barrier of the error"] = f"{float(one.barrier.sel(measure='train_error')):.4f}"
            rows.append(row | {"valid": bool(one.valid)})
    return pd.DataFrame(rows)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
